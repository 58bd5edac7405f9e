//! Giving and losing Google's consent.

use serde_json::{Value, json};

use crate::harness::TestApp;
use crate::harness::google::{Fault, REFRESH_TOKEN, SCOPE};

#[tokio::test]
async fn the_way_to_google_carries_state_and_challenge_and_no_secret() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = admin.add_source("ga4", "Web").await;
    let answer = admin.act(&format!("/api/sources/{id}/connect")).await.ok();
    let url = url::Url::parse(answer["authorize_url"].as_str().unwrap()).unwrap();
    assert!(url.as_str().starts_with(&app.google.at("/o/oauth2/v2/auth")), "{url}");
    let parameters: std::collections::BTreeMap<_, _> = url.query_pairs().collect();
    let get = |name: &str| parameters.get(name).map_or("", |value| value);
    let scope = format!("{SCOPE} openid email");
    assert_eq!((get("response_type"), get("client_id"), get("scope")), ("code", "portal.example", scope.as_str()));
    assert_eq!(get("redirect_uri"), "http://127.0.0.1:7071/api/oauth/callback");
    assert_eq!((get("code_challenge_method"), get("access_type"), get("prompt")), ("S256", "offline", "consent"));
    assert_eq!((get("state").len(), get("code_challenge").len()), (43, 43));
    let stored = app.value("select string_agg(t::text, '') from one_time_tokens t").await;
    assert!(!stored.as_str().unwrap().contains(get("state")), "only the state's hash is stored");
}

#[tokio::test]
async fn a_consent_with_one_property_chooses_it_and_starts_the_first_run() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = admin.add_source("ga4", "Web").await;
    let back = app.consent(&admin, &id).await;
    assert_eq!((back.status, back.header("location").to_owned()), (303, format!("/#/sources?source={id}")));
    let token = &app.google.seen("/token")[0];
    assert_eq!(token.form("code").as_deref(), Some("good-code"));
    assert_eq!(token.form("code_verifier").unwrap().len(), 43);
    assert_eq!(token.form("redirect_uri").as_deref(), Some("http://127.0.0.1:7071/api/oauth/callback"));
    let source = admin.source(&id).await;
    let property = json!({"id": "properties/1001", "name": "Tienda", "account": "Acme SL"});
    assert_eq!(
        (&source["status"], &source["property"], &source["properties"]),
        (&json!("connected"), &property, &json!([property]))
    );
    assert_eq!(app.queue.messages().len(), 1);
    let sync = admin.last_sync(&id).await;
    assert_eq!((&sync["trigger"], &sync["status"]), (&json!("connect"), &json!("queued")));
    let items = admin.get("/api/catalog").await.ok()["items"].as_array().unwrap().len();
    assert_eq!(items, 10);
    let viewed = app.viewer().await.source(&id).await;
    assert_eq!(viewed["properties"], json!([]), "the choice is the admin's");
}

#[tokio::test]
async fn a_state_that_is_not_this_sessions_own_exchanges_nothing() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = admin.add_source("ga4", "Web").await;
    let state = admin.begin_connect(&id).await;
    let same_person = app.acme().await;
    let globex = app.globex().await;
    let callback = |state: &str| format!("/api/oauth/callback?code=good-code&state={state}");
    for client in [&same_person, &globex] {
        client.get(&callback(&state)).await.problem(400, "bad_state");
    }
    for wrong in ["", "x", &state[1..], &format!("{state}x")] {
        admin.get(&callback(wrong)).await.problem(400, "bad_state");
    }
    admin.get("/api/oauth/callback?code=good-code").await.problem(400, "bad_state");
    admin.get("/api/oauth/callback").await.problem(400, "bad_state");
    app.stranger().get(&callback(&state)).await.problem(401, "unauthenticated");
    assert!(app.google.seen("/token").is_empty());
    // None of that used it up.
    assert_eq!(admin.get(&callback(&state)).await.status, 303);
    admin.get(&callback(&state)).await.problem(400, "bad_state");
    assert_eq!(app.google.seen("/token").len(), 1);
}

#[tokio::test]
async fn a_state_expires_after_ten_minutes() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = admin.add_source("ga4", "Web").await;
    let state = admin.begin_connect(&id).await;
    let minutes = app.value("select extract(epoch from expires_at - created_at) / 60 from one_time_tokens").await;
    assert_eq!(minutes.as_f64(), Some(10.0));
    app.sql("update one_time_tokens set expires_at = now() - interval '1 second'").await;
    admin.get(&format!("/api/oauth/callback?code=good-code&state={state}")).await.problem(400, "bad_state");
    assert!(app.google.seen("/token").is_empty());
}

#[tokio::test]
async fn a_person_who_says_no_comes_back_to_an_unconnected_source() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = admin.add_source("ga4", "Web").await;
    let state = admin.begin_connect(&id).await;
    let back = admin.get(&format!("/api/oauth/callback?error=access_denied&state={state}")).await;
    assert_eq!(
        (back.status, back.header("location").to_owned()),
        (303, format!("/#/sources?source={id}&error=access_denied"))
    );
    assert_eq!(admin.source(&id).await["status"], "not_connected");
    assert!(app.google.seen("/token").is_empty());
    admin.get(&format!("/api/oauth/callback?code=good-code&state={state}")).await.problem(400, "bad_state");
}

#[tokio::test]
async fn a_source_that_was_deleted_meanwhile_takes_no_consent() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = admin.add_source("ga4", "Web").await;
    let state = admin.begin_connect(&id).await;
    assert_eq!(admin.delete(&format!("/api/sources/{id}")).await.status, 204);
    admin.get(&format!("/api/oauth/callback?code=good-code&state={state}")).await.problem(404, "not_found");
    assert!(app.google.seen("/token").is_empty());
}

#[tokio::test]
async fn a_code_that_google_refuses_leaves_the_source_as_it_was() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = admin.add_source("ga4", "Web").await;
    app.google.fail(Fault::new(
        "/token",
        400,
        json!({"error": "invalid_grant", "error_description": "Malformed auth code."}),
    ));
    let back = app.consent(&admin, &id).await;
    assert_eq!(back.header("location"), format!("/#/sources?source={id}&error=oauth_code_refused"));
    let source = admin.source(&id).await;
    assert_eq!(source["status"], "not_connected");
    assert!(source["status_text"].as_str().unwrap().contains("ha caducado"), "{source}");
    app.google.heal();
    let scopeless =
        json!({"access_token": "a", "refresh_token": "r", "expires_in": 1, "scope": "openid", "token_type": "Bearer"});
    app.google.fail(Fault::new("/token", 200, scopeless));
    let back = app.consent(&admin, &id).await;
    assert_eq!(back.header("location"), format!("/#/sources?source={id}&error=oauth_scope_missing"));
    assert_eq!(app.value("select count(*) from credentials").await, 0);
}

#[tokio::test]
async fn with_several_properties_a_person_chooses() {
    let app = TestApp::start().await;
    app.google.show_properties(&[("properties/1001", "Tienda"), ("properties/1002", "Blog")]);
    let admin = app.acme().await;
    let id = admin.add_source("ga4", "Web").await;
    assert_eq!(app.consent(&admin, &id).await.status, 303);
    let source = admin.source(&id).await;
    assert_eq!((&source["status"], &source["property"]), (&json!("connected"), &Value::Null));
    assert_eq!(source["properties"].as_array().unwrap().len(), 2);
    assert!(app.queue.messages().is_empty());
    admin.act(&format!("/api/sources/{id}/sync")).await.problem(409, "no_property");

    let path = format!("/api/sources/{id}");
    for unknown in ["properties/9", "properties/1002/../1", ""] {
        let answer = admin.patch(&path, &json!({"property_id": unknown})).await;
        assert_eq!(answer.field(), ("property_id".into(), "unknown_property".into()));
    }
    let chosen = admin.patch(&path, &json!({"property_id": "properties/1002"})).await.ok();
    assert_eq!(chosen["property"]["name"], "Blog");
    assert_eq!(app.drain().await, 1);
    assert!(app.google.seen(":runReport").iter().all(|seen| seen.path.contains("/properties/1002:")));

    // Another property's figures never stay under this source.
    admin.patch(&path, &json!({"property_id": "properties/1001"})).await.ok();
    assert_eq!(app.value("select count(*) from datapoints").await, 0);
    assert_eq!(app.drain().await, 1);
    assert_eq!(admin.source(&id).await["status"], "connected");
}

#[tokio::test]
async fn a_reconnection_keeps_property_and_history() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    let before = app.rows("select * from datapoints order by external_id").await;
    app.sql("update data_sources set status = 'needs_reauth', status_code = 'oauth_revoked'").await;
    app.google.show_properties(&[("properties/7", "Otra"), ("properties/1001", "Tienda")]);
    let sealed = app.value("select secrets from credentials").await;
    assert_eq!(app.consent(&admin, &id).await.status, 303);
    assert_ne!(app.value("select secrets from credentials").await, sealed);
    let source = admin.source(&id).await;
    assert_eq!((&source["status"], &source["property"]["id"]), (&json!("connected"), &json!("properties/1001")));
    assert_eq!(app.drain().await, 1);
    assert_eq!(admin.last_sync(&id).await["rows_changed"], 0);
    assert_eq!(app.rows("select * from datapoints order by external_id").await, before);
}

#[tokio::test]
async fn no_secret_stands_in_any_column_or_answer() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = admin.add_source("ga4", "Web").await;
    admin.begin_connect(&id).await;
    app.synced(&admin).await;
    let tables = app.rows("select tablename::text as name from pg_tables where schemaname = 'public'").await;
    assert!(tables.len() > 10);
    for table in tables {
        let name = table["name"].as_str().unwrap();
        let found = app.value(&format!("select count(*) from {name} t where t::text like '%canary%'")).await;
        assert_eq!(found, 0, "a secret stands in {name}");
    }
    let sealed = app.value("select secrets->'refresh_token' from credentials").await;
    assert_eq!(sealed.as_object().unwrap().keys().collect::<Vec<_>>(), ["ct", "kid", "nonce"]);
    for path in ["/api/sources", &format!("/api/sources/{id}"), "/api/catalog"] {
        let text = admin.get(path).await.text();
        assert!(!text.contains("canary") && !text.contains("\"ct\""), "{path}");
    }
}

#[tokio::test]
async fn a_sealed_token_opens_in_no_other_row() {
    let app = TestApp::start().await;
    let (admin, globex) = (app.acme().await, app.globex().await);
    app.synced(&admin).await;
    let other = app.connect_ga4(&globex).await;
    let tokens = app.google.seen("/token").len();
    // An attacker with write access to the database copies acme's sealed token to globex.
    app.sql("update credentials d set secrets = (select secrets from credentials o where o.id <> d.id limit 1)").await;
    assert_eq!(app.drain().await, 1);
    assert_eq!(app.google.seen("/token").len(), tokens, "it was never sent to Google");
    assert_eq!(globex.source(&other).await["status"], "error");
}

#[tokio::test]
async fn a_rotated_refresh_token_is_kept_before_the_access_token_is_used() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = app.synced(&admin).await;
    app.forget_access_tokens().await;
    app.google.rotate_to("canary-rotated");
    app.google.fail(Fault::api(500, "INTERNAL", "broken"));
    admin.act(&format!("/api/sources/{id}/sync")).await.ok();
    app.drain().await;
    assert_eq!(app.google.seen("/token")[1].form("refresh_token").as_deref(), Some(REFRESH_TOKEN));
    app.google.heal();
    app.forget_access_tokens().await;
    app.let_time_pass().await;
    let last = app.google.seen("/token").pop().unwrap();
    assert_eq!(last.form("refresh_token").as_deref(), Some("canary-rotated"));
}

#[tokio::test]
async fn one_person_at_google_is_one_access_of_many_sources_and_another_person_another() {
    let app = TestApp::start().await;
    let (admin, globex) = (app.acme().await, app.globex().await);
    app.google.sign_in_as(Some(("1001", "ana@acme.example")));
    let (web, blog) = (app.connect_ga4(&admin).await, app.connect_ga4(&admin).await);
    app.google.sign_in_as(Some(("2002", "agencia@agency.example")));
    let shop = app.connect_ga4(&admin).await;
    // Their other tenant knows nothing of that.
    let other = app.connect_ga4(&globex).await;
    let access = async |id: &str| {
        let sql = format!(
            "select c.id, c.holder, c.label, c.tenant_id from data_sources d
               join credentials c on c.tenant_id = d.tenant_id and c.id = d.credential_id where d.id = '{id}'"
        );
        app.rows(&sql).await.remove(0)
    };
    let (first, third) = (access(&web).await, access(&shop).await);
    assert_eq!(first, access(&blog).await);
    assert_eq!((&first["holder"], &first["label"]), (&json!("1001"), &json!("ana@acme.example")));
    assert_eq!((&third["holder"], &third["label"]), (&json!("2002"), &json!("agencia@agency.example")));
    assert_ne!(third, access(&other).await);
    assert_eq!(app.value("select count(*) from credentials").await, 3);
}

#[tokio::test]
async fn another_person_takes_over_one_source_and_leaves_the_others_where_they_were() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    app.google.sign_in_as(Some(("1001", "ana@acme.example")));
    let (web, blog) = (app.connect_ga4(&admin).await, app.connect_ga4(&admin).await);
    app.google.sign_in_as(Some(("2002", "agencia@agency.example")));
    app.consent(&admin, &web).await;
    let label = async |id: &str| {
        app.value(&format!(
            "select c.label from data_sources d join credentials c on c.id = d.credential_id where d.id = '{id}'"
        ))
        .await
    };
    assert_eq!((label(&web).await, label(&blog).await), (json!("agencia@agency.example"), json!("ana@acme.example")));
    app.consent(&admin, &blog).await;
    assert_eq!(app.value("select count(*) from credentials").await, 1, "what nothing needs is not kept");
}

#[tokio::test]
async fn a_provider_that_does_not_say_who_it_was_gives_each_source_an_access_of_its_own() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let (web, _) = (app.connect_ga4(&admin).await, app.connect_ga4(&admin).await);
    assert_eq!(app.value("select count(*) from credentials where holder is null").await, 2);
    app.consent(&admin, &web).await;
    assert_eq!(app.value("select count(*) from credentials").await, 2, "connecting again replaces");
}

#[tokio::test]
async fn a_file_source_is_not_connected_with_an_account() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let id = admin.add_source("csv", "Ventas").await;
    admin.act(&format!("/api/sources/{id}/connect")).await.problem(409, "not_an_oauth_source");
    admin.act(&format!("/api/sources/{id}/sync")).await.problem(409, "file_source");
}
