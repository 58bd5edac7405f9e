use serde_json::json;

use super::*;
use crate::connectors::testing::{Received, Reply, Stub, client};

const SCOPE: &str = "https://www.googleapis.com/auth/analytics.readonly";
/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn verifier() -> Verifier {
    Verifier::parse(VERIFIER).unwrap()
}

fn oauth(stub: &Stub) -> OAuthClient {
    let config = OAuthConfig {
        client_id: "portal-id".into(),
        client_secret: Secret::new("s3cret/+&"),
        auth_url: stub.at("/o/oauth2/v2/auth"),
        token_url: stub.at("/token"),
        revoke_url: stub.at("/revoke"),
        redirect_uri: Url::parse("http://127.0.0.1:7071/api/oauth/callback").unwrap(),
        extra_params: GOOGLE_PARAMS.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
    };
    OAuthClient::new(client(Duration::from_secs(20)), config)
}

async fn exchange(status: u16, body: serde_json::Value) -> Result<Grant, ConnectorError> {
    let stub = Stub::json(status, body).await;
    oauth(&stub).exchange("4/code", &verifier(), &[SCOPE]).await
}

async fn refresh(reply: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> ConnectorError {
    let stub = Stub::start(reply).await;
    oauth(&stub).refresh(&Secret::new("1//refresh")).await.unwrap_err()
}

fn has(form: &[(String, String)], name: &str, value: &str) -> bool {
    form.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).eq([value])
}

#[tokio::test]
async fn the_authorize_url_has_every_parameter_that_google_wants_and_the_challenge_of_rfc_7636() {
    let stub = Stub::json(200, json!({})).await;
    let url = oauth(&stub).authorize_url(&[SCOPE], "state-1", &verifier());
    assert!(url.as_str().starts_with(stub.at("/o/oauth2/v2/auth").as_str()));
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let wanted = [
        ("response_type", "code"),
        ("client_id", "portal-id"),
        ("redirect_uri", "http://127.0.0.1:7071/api/oauth/callback"),
        ("scope", SCOPE),
        ("state", "state-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("include_granted_scopes", "true"),
    ];
    for (name, value) in wanted {
        assert!(has(&query, name, value), "{name} in {url}");
    }
    assert_eq!(query.len(), wanted.len());
    assert!(!url.as_str().contains(VERIFIER) && !url.as_str().contains("s3cret"));
}

#[test]
fn a_verifier_is_what_rfc_7636_allows_and_nothing_else() {
    assert_eq!(Verifier::from_random([0; 32]).expose().len(), 43);
    assert!(Verifier::parse(Verifier::from_random([255; 32]).expose()).is_some());
    let bad = [VERIFIER[1..].to_owned(), "x".repeat(129), format!("{VERIFIER}="), format!("{VERIFIER} ")];
    for text in bad {
        assert!(Verifier::parse(&text).is_none(), "{text}");
    }
    assert!(!format!("{:?}", verifier()).contains("dBjft"));
}

#[tokio::test]
async fn the_exchange_posts_code_verifier_and_secret_and_yields_a_grant() {
    let stub = Stub::json(
        200,
        json!({"access_token": "ya29.a", "expires_in": 3599, "refresh_token": "1//r",
               "scope": format!("openid {SCOPE}"), "token_type": "Bearer", "id_token": "ignored"}),
    )
    .await;
    let grant = oauth(&stub).exchange("4/code", &verifier(), &[SCOPE]).await.unwrap();
    assert_eq!(grant.access_token.expose(), "ya29.a");
    assert_eq!(grant.refresh_token.expose(), "1//r");
    assert_eq!(grant.expires_in, Duration::from_secs(3599));
    assert_eq!(grant.scopes, ["openid", SCOPE]);
    let form = stub.received()[0].form();
    let wanted = [
        ("grant_type", "authorization_code"),
        ("code", "4/code"),
        ("code_verifier", VERIFIER),
        ("client_id", "portal-id"),
        ("client_secret", "s3cret/+&"),
        ("redirect_uri", "http://127.0.0.1:7071/api/oauth/callback"),
    ];
    for (name, value) in wanted {
        assert!(has(&form, name, value), "{name} in {form:?}");
    }
    let debug = format!("{grant:?} {:?}", oauth(&stub));
    for secret in ["ya29.a", "1//r", "s3cret"] {
        assert!(!debug.contains(secret), "{secret} in {debug}");
    }
}

#[tokio::test]
async fn without_a_refresh_token_there_is_no_grant() {
    let error =
        exchange(200, json!({"access_token": "ya29.a", "expires_in": 3599, "scope": SCOPE, "token_type": "Bearer"}))
            .await
            .unwrap_err();
    assert_eq!((error.code, &error.kind), (codes::OAUTH_NO_REFRESH_TOKEN, &FailureKind::ConfigInvalid));
}

#[tokio::test]
async fn an_unticked_scope_is_a_missing_permission_and_an_absent_scope_means_as_requested() {
    let answer = |scope: Option<&str>| json!({"access_token": "a", "refresh_token": "r", "token_type": "Bearer", "scope": scope});
    let error = exchange(200, answer(Some("openid"))).await.unwrap_err();
    assert_eq!((error.code, &error.kind), (codes::OAUTH_SCOPE_MISSING, &FailureKind::PermissionMissing));
    assert_eq!(exchange(200, answer(None)).await.unwrap().scopes, [SCOPE]);
}

#[tokio::test]
async fn a_refused_code_is_told_from_a_revoked_grant() {
    let body = json!({"error": "invalid_grant", "error_description": "Bad Request for 4/code"});
    let error = exchange(400, body).await.unwrap_err();
    assert_eq!((error.code, &error.kind), (codes::OAUTH_CODE_REFUSED, &FailureKind::AuthRevoked));
    assert_eq!(error.cause, "invalid_grant: Bad Request for [redacted]");
}

#[tokio::test]
async fn a_refresh_keeps_the_old_token_unless_a_new_one_comes() {
    let stub = Stub::start(|number, _| {
        let mut body = json!({"access_token": "ya29.b", "expires_in": 3599, "scope": SCOPE, "token_type": "Bearer"});
        if number == 1 {
            body["refresh_token"] = json!("1//rotated");
        }
        Reply::Json(200, body)
    })
    .await;
    let client = oauth(&stub);
    let refresh_token = Secret::new("1//refresh");
    let first = client.refresh(&refresh_token).await.unwrap();
    assert_eq!(first.token.expose(), "ya29.b");
    assert!(first.refresh_token.is_none());
    let second = client.refresh(&refresh_token).await.unwrap();
    assert_eq!(second.refresh_token.unwrap().expose(), "1//rotated");
    let form = stub.received()[0].form();
    assert!(has(&form, "grant_type", "refresh_token") && has(&form, "refresh_token", "1//refresh"), "{form:?}");
}

#[tokio::test]
async fn each_refusal_of_the_token_endpoint_has_its_kind() {
    let errors: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/fixtures/ga4/errors.json")).unwrap();
    let revoked = errors["oauth_invalid_grant"]["body"].clone();
    let cases = [
        (400, revoked, codes::OAUTH_REVOKED, FailureKind::AuthRevoked),
        (401, json!({"error": "invalid_client"}), codes::OAUTH_CLIENT_INVALID, FailureKind::ConfigInvalid),
        (400, json!({"error": "redirect_uri_mismatch"}), codes::OAUTH_CLIENT_INVALID, FailureKind::ConfigInvalid),
        (400, json!({"error": "admin_policy_enforced"}), codes::OAUTH_ADMIN_POLICY, FailureKind::PermissionMissing),
        (400, json!({"error": "something_new"}), codes::OAUTH_UNEXPECTED, FailureKind::Contract),
        (200, json!({"token": "1//refresh"}), codes::OAUTH_UNEXPECTED, FailureKind::Contract),
        (500, json!({"error": "invalid_grant"}), codes::OAUTH_SERVER_ERROR, FailureKind::Transient),
        (503, json!("busy"), codes::OAUTH_SERVER_ERROR, FailureKind::Transient),
    ];
    for (status, body, code, kind) in cases {
        let shown = format!("{status} {body}");
        let error = refresh(move |_, _| Reply::Json(status, body.clone())).await;
        assert_eq!((error.code, error.kind), (code, kind), "{shown}");
    }
}

#[tokio::test]
async fn a_disturbed_token_endpoint_never_looks_like_a_revocation() {
    let error = refresh(|_, _| Reply::Truncated("{\"access_token\": \"ya")).await;
    assert_eq!((error.code, error.kind), (codes::UPSTREAM_TRUNCATED, FailureKind::Transient));
    let error = refresh(|_, _| Reply::With(200, vec![("content-type", "text/html")], b"<p>1//refresh".to_vec())).await;
    assert_eq!((error.code, error.kind), (codes::UPSTREAM_HTML, FailureKind::Contract));
    let error = refresh(|_, _| Reply::With(429, vec![("retry-after", "7")], b"{}".to_vec())).await;
    let limited = FailureKind::RateLimited { retry_after: Duration::from_secs(7), scope: "oauth".into() };
    assert_eq!((error.code, error.kind), (codes::OAUTH_RATE_LIMITED, limited));
}

#[tokio::test]
async fn no_error_holds_a_token_or_the_secret_that_the_upstream_echoes() {
    let echo = "bad token 1//refresh for secret s3cret/+&";
    let replies = [
        json!({"error": "invalid_grant", "error_description": echo}),
        json!({"error": echo, "error_description": echo}),
        json!({"error": {"nested": echo}}),
    ];
    for body in replies {
        let error = refresh(move |_, _| Reply::Json(400, body.clone())).await;
        let shown = format!("{error} {error:?} {}", error.user_message().es);
        for secret in ["1//refresh", "s3cret"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_revocation_counts_when_the_token_is_dead_already_and_fails_when_the_server_does() {
    let token = Secret::new("1//refresh");
    let stub = Stub::json(200, json!({})).await;
    oauth(&stub).revoke(&token).await.unwrap();
    let request = &stub.received()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/revoke"));
    assert!(has(&request.form(), "token", "1//refresh"));

    let dead =
        Stub::json(400, json!({"error": "invalid_token", "error_description": "Token expired or revoked"})).await;
    oauth(&dead).revoke(&token).await.unwrap();
    let other = Stub::json(400, json!({"error": "invalid_request 1//refresh"})).await;
    let error = oauth(&other).revoke(&token).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Contract);
    assert!(!error.cause.contains("1//refresh"), "{error}");
    let down = Stub::json(503, json!({})).await;
    assert_eq!(oauth(&down).revoke(&token).await.unwrap_err().kind, FailureKind::Transient);
}

#[tokio::test]
async fn the_calls_may_run_on_any_thread() {
    fn assert_send<T: Send>(_: &T) {}
    let stub = Stub::json(200, json!({})).await;
    let (client, token, verifier) = (oauth(&stub), Secret::new("t"), verifier());
    assert_send(&client.refresh(&token));
    assert_send(&client.revoke(&token));
    assert_send(&client.exchange("code", &verifier, &[SCOPE]));
    assert!(stub.received().is_empty());
}
