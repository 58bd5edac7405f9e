//! Every operation of the OpenAPI document as everybody: who is let in, whose things are found, and what stays as it is.

use portal::functions;
use portal::http::access::Who;
use portal::http::extract::SignedIn;
use portal::services::RequestInfo;
use portal::services::auth::Person;
use serde_json::{Value, json};

use crate::harness::client::{Answer, Call, Client};
use crate::harness::walk::{EVERYBODY, Operation, dump, furnish, let_initech_enrol, operations, session, things};
use crate::harness::{TestApp, random_id, secret};

/// What a refusal leaves behind: an entry in the trail, a count of attempts, the session that was made for the call.
const TRACES: [&str; 5] = ["audit_log", "audit_heads", "platform_audit", "rate_counters", "sessions"];

/// Refusals because of who asks.
fn refusal(answer: &Answer) -> Option<String> {
    let code = || answer.json()["code"].as_str().unwrap().to_owned();
    let code = if matches!(answer.status, 401 | 403) { code() } else { return None };
    ["unauthenticated", "forbidden", "mfa_enrollment_required"].contains(&code.as_str()).then_some(code)
}

fn expected(operation: &Operation, who: Option<Who>) -> Option<String> {
    let may = operation.who();
    if may.contains(&Who::Anyone) || who.is_some_and(|who| may.contains(&who)) {
        return None;
    }
    let code = match who {
        None => "unauthenticated",
        Some(Who::Enrolling) => "mfa_enrollment_required",
        Some(_) => "forbidden",
    };
    Some(code.to_owned())
}

#[tokio::test]
async fn everybody_is_let_in_where_the_matrix_says_and_refused_everywhere_else() {
    let app = TestApp::start().await;
    let_initech_enrol(&app).await;
    let before = dump(&app, None, &TRACES).await;
    let (mut refused, mut let_in) = (0, 0);
    // First all refusals, so that what changes can only be their fault.
    for may in [false, true] {
        for operation in operations() {
            for (word, who, email) in EVERYBODY {
                let expected = expected(&operation, who);
                if expected.is_none() != may {
                    continue;
                }
                let client = session(&app, email).await;
                let answer = client.send(operation.call(&random_id())).await;
                assert_eq!(refusal(&answer), expected, "{} as {word}: {}", operation.name(), answer.text());
                assert!(answer.status < 500 || operation.id() == "ready", "{} as {word}", operation.name());
                if may { let_in += 1 } else { refused += 1 }
            }
        }
        if !may {
            assert_eq!(dump(&app, None, &TRACES).await, before, "somebody who was refused changed something");
        }
    }
    assert!(refused > 60 && let_in > 40, "{refused} refused, {let_in} let in");
}

#[tokio::test]
async fn handlers_refuse_by_themselves_whom_the_matrix_would_not_let_in() {
    let app = TestApp::start().await;
    let_initech_enrol(&app).await;
    for (word, who, email) in EVERYBODY {
        let client = session(&app, email).await;
        let signed_in = if email.is_empty() {
            None
        } else {
            let token = secret(client.token());
            let session = app.state.services.session(&token, false).await.unwrap();
            Some(SignedIn(Person { token, session, request: RequestInfo::default() }))
        };
        // The routes without the matrix in front of them.
        let bare = functions::api().into_router().with_state(app.state.clone());
        let bare = bare.layer(axum::middleware::from_fn(
            move |mut request: axum::extract::Request, next: axum::middleware::Next| {
                if let Some(signed_in) = &signed_in {
                    request.extensions_mut().insert(signed_in.clone());
                }
                next.run(request)
            },
        ));
        for operation in operations().iter().filter(|operation| expected(operation, who).is_some()) {
            let lock = functions::api().operations().iter().find(|one| one.id == operation.id()).unwrap().needs.lock;
            // Everybody who has a session, says the handler; that some of them must enrol first, only the matrix knows.
            if lock == portal::http::operation::Lock::SignedIn && who == Some(Who::Enrolling) {
                continue;
            }
            let status = operation.call(&random_id()).status_of(&bare).await;
            let wanted = if who.is_none() { 401 } else { 403 };
            assert_eq!(status, wanted, "{} as {word}", operation.name());
        }
    }
}

#[tokio::test]
async fn anothers_id_answers_like_an_id_that_does_not_exist_on_every_route() {
    let app = TestApp::start().await;
    let globex = session(&app, "admin@globex.example").await;
    furnish(&app, &globex, "Globex").await;
    // Who belongs to both tenants is no stranger in either.
    app.sql("delete from memberships m using users u where u.id = m.user_id and u.email = 'both@portal.example'").await;
    let id = app.tenant("Globex").await;
    // Somebody who belongs to both tenants is no stranger to either.
    let both = app.value("select id from users where email = 'both@portal.example'").await;
    let before = dump(&app, Some(&id), &["sessions"]).await;
    let mut tried = 0;
    for operation in operations().iter().filter(|one| one.has_variable()) {
        for (word, who, email) in EVERYBODY.iter().filter(|(word, ..)| ["viewer", "admin"].contains(word)) {
            if expected(operation, *who).is_some() {
                continue;
            }
            let unknown = if operation.path.contains("key}") { "unknown.key".to_owned() } else { random_id() };
            let send = async |thing: &str| {
                session(&app, email).await.send(operation.call(thing)).await.problem(404, "not_found")
            };
            let reference = send(&unknown).await;
            for thing in things(&app, operation.path, &id).await.into_iter().filter(|thing| both != **thing) {
                assert_eq!(send(&thing).await, reference, "{} as {word}", operation.name());
                tried += 1;
            }
        }
    }
    assert!(tried >= 20, "{tried}");
    assert_eq!(dump(&app, Some(&id), &["sessions"]).await, before, "something of the other tenant changed");
}

#[tokio::test]
async fn ids_in_bodies_and_queries_are_checked_like_those_in_paths() {
    let app = TestApp::start().await;
    let globex = session(&app, "admin@globex.example").await;
    furnish(&app, &globex, "Globex").await;
    let id = app.tenant("Globex").await;
    let acme = session(&app, "admin@acme.example").await;
    let switched = acme.post("/api/auth/tenant", &json!({"tenant_id": id})).await.problem(404, "not_found");
    let unknown = acme.post("/api/auth/tenant", &json!({"tenant_id": random_id()})).await.problem(404, "not_found");
    assert_eq!(switched, unknown);
    let foreign = acme.get("/api/table?metrics=globex.margin").await;
    assert_eq!(foreign.field(), acme.get("/api/table?metrics=unknown.key").await.field());
}

#[tokio::test]
async fn reading_changes_nothing() {
    let app = TestApp::start().await;
    let_initech_enrol(&app).await;
    let admin = session(&app, "admin@acme.example").await;
    furnish(&app, &admin, "Acme").await;
    let acme = app.tenant("Acme").await;
    for operation in operations().iter().filter(|one| one.method == "GET") {
        for (word, who, email) in EVERYBODY {
            let refused = expected(operation, who).is_some();
            let client = session(&app, email).await;
            let thing = if operation.has_variable() {
                things(&app, operation.path, &acme).await.remove(0)
            } else {
                String::new()
            };
            // A refusal is noted in the trail, and so is an export, which also counts.
            let noted = ["audit_log", "audit_heads", "platform_audit", "rate_counters"];
            let except: &[&str] = if refused || operation.path.ends_with("/file") { &noted } else { &[] };
            let before = dump(&app, None, except).await;
            for method in ["GET", "HEAD"] {
                let answer = client.send(Call::new(method, &operation.target(&thing))).await;
                assert_eq!(refused, matches!(answer.status, 401 | 403), "{} as {word}", operation.name());
            }
            assert_eq!(dump(&app, None, except).await, before, "{} as {word}", operation.name());
        }
    }
}

/// Fields that a client must not set, whatever they are called elsewhere.
const FORBIDDEN: [&str; 7] =
    ["tenant_id", "is_admin", "is_operator", "id", "created_at", "last_sync_at", "password_hash"];

#[tokio::test]
async fn every_body_refuses_fields_that_it_does_not_know() {
    let app = TestApp::start().await;
    let_initech_enrol(&app).await;
    let before = dump(&app, None, &TRACES).await;
    let mut tried = 0;
    for operation in operations() {
        let Some(body) = operation.body() else { continue };
        let email = match operation.who() {
            who if who.contains(&Who::Anyone) => "",
            [Who::Role(portal::domain::role::Role::Operator)] => "operator@portal.example",
            _ => "admin@acme.example",
        };
        for field in FORBIDDEN.iter().filter(|field| body.get(field).is_none()) {
            let mut body = body.clone();
            body[*field] = json!(random_id());
            let client = session(&app, email).await;
            let call = Call::new(&operation.method, &operation.target(&random_id())).json(&body);
            let answer = client.send(call).await;
            assert_eq!(answer.field(), ((*field).to_owned(), "bad_value".to_owned()), "{}", operation.name());
            tried += 1;
        }
    }
    assert!(tried >= 20, "{tried}");
    assert_eq!(dump(&app, None, &TRACES).await, before);
}

/// The parameters that a refusal of an unknown one lists.
fn listed(answer: &Value) -> Vec<String> {
    let detail = answer["errors"][0]["detail"].as_str().unwrap();
    let names = detail.split("there are: ").nth(1).unwrap_or_default().trim_end_matches('.');
    let mut names: Vec<String> = names.split(", ").map(str::to_owned).collect();
    names.sort();
    names
}

async fn ask(client: &Client, operation: &Operation, parameter: &str) -> Answer {
    let target = operation.target(&random_id());
    let sign = if target.contains('?') { '&' } else { '?' };
    let call = Call::new(&operation.method, &format!("{target}{sign}{parameter}")).header("accept-language", "en");
    client.send(call).await
}

#[tokio::test]
async fn the_document_names_exactly_the_query_parameters_that_are_read() {
    let app = TestApp::start().await;
    let mut tried = 0;
    for operation in operations() {
        let parameters = operation.described["parameters"].as_array().unwrap();
        let in_query = parameters.iter().filter(|one| one["in"] == "query");
        let mut described: Vec<String> = in_query.map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        described.sort();
        // Providers add parameters of their own.
        if described.is_empty() || operation.id() == "oauth_callback" {
            continue;
        }
        let operators = operation.who() == [Who::Role(portal::domain::role::Role::Operator)];
        let client = session(&app, if operators { "operator@portal.example" } else { "admin@acme.example" }).await;
        let answer = ask(&client, &operation, "no_such_parameter=1").await.problem(422, "invalid");
        assert_eq!(listed(&answer), described, "{}", operation.name());
        tried += 1;
    }
    assert!(tried >= 4, "{tried}");
}

#[tokio::test]
async fn a_method_cannot_be_overridden() {
    let app = TestApp::start().await;
    let admin = session(&app, "admin@acme.example").await;
    let id = admin.add_source("csv", "Ventas").await;
    for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let call = Call::new("GET", &format!("/api/sources/{id}")).header(header, "DELETE");
        assert_eq!(admin.send(call).await.status, 200, "{header}");
    }
    let call = Call::new("GET", &format!("/api/sources/{id}?_method=DELETE"));
    admin.send(call).await;
    assert_eq!(admin.source(&id).await["name"], "Ventas");
}
