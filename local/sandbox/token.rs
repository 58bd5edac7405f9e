//! `POST /token` and `POST /revoke`, with Google's answers.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::grants::{EMAIL_SCOPE, Scopes};
use super::{Shared, lock};

/// The two endpoints.
pub fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/token", post(token)).route("/revoke", post(revoke))
}

/// An OAuth error: `{"error","error_description"}`.
#[derive(Debug)]
pub struct Refusal(StatusCode, &'static str, String);

impl Refusal {
    fn bad(error: &'static str, description: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, error, description.into())
    }

    /// What Google answers for a refresh token that is dead for whatever reason.
    pub fn dead_grant() -> Self {
        Self::bad("invalid_grant", "Token has been expired or revoked.")
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, "internal_failure", error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"error": self.1, "error_description": self.2});
        (self.0, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
    }
}

/// Reads a form body; of a repeated parameter the first counts.
pub fn form(body: &[u8]) -> HashMap<String, String> {
    let mut form = HashMap::new();
    for (name, value) in form_urlencoded::parse(body).into_owned() {
        form.entry(name).or_insert(value);
    }
    form
}

async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(Refusal::bad("invalid_request", "Send application/x-www-form-urlencoded."));
    }
    let form = form(&body);
    check_client(&shared, &headers, &form)?;
    let answer = match form.get("grant_type").map(String::as_str) {
        Some("authorization_code") => exchange(&shared, &form)?,
        Some("refresh_token") => refresh(&shared, &form)?,
        Some(other) => {
            return Err(Refusal::bad("unsupported_grant_type", format!("Invalid grant_type: {other}")));
        }
        None => return Err(missing("grant_type")),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

fn missing(name: &str) -> Refusal {
    Refusal::bad("invalid_request", format!("Missing required parameter: {name}"))
}

fn required<'a>(form: &'a HashMap<String, String>, name: &str) -> Result<&'a str, Refusal> {
    form.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(|| missing(name))
}

/// Client authentication by `client_secret_post` or HTTP Basic.
fn check_client(shared: &Shared, headers: &HeaderMap, form: &HashMap<String, String>) -> Result<(), Refusal> {
    let (id, secret) = match headers.get(header::AUTHORIZATION) {
        Some(value) => value.to_str().ok().and_then(basic).unwrap_or_default(),
        None => {
            (form.get("client_id").cloned().unwrap_or_default(), form.get("client_secret").cloned().unwrap_or_default())
        }
    };
    if id.is_empty() {
        return Err(Refusal::bad("invalid_request", "Could not determine client ID from request."));
    }
    let unauthorized = StatusCode::UNAUTHORIZED;
    if id != shared.client_id {
        return Err(Refusal(unauthorized, "invalid_client", "The OAuth client was not found.".into()));
    }
    if secret != shared.client_secret {
        return Err(Refusal(unauthorized, "invalid_client", "Unauthorized".into()));
    }
    Ok(())
}

/// Client id and secret of a Basic header; both are form-encoded before they are joined (RFC 6749, section 2.3.1).
fn basic(value: &str) -> Option<(String, String)> {
    let bytes = STANDARD.decode(value.strip_prefix("Basic ")?.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| form_urlencoded::parse(part.as_bytes()).next().map(|(text, _)| text.into_owned());
    Some((decode(id)?, decode(secret).unwrap_or_default()))
}

fn exchange(shared: &Shared, form: &HashMap<String, String>) -> Result<serde_json::Value, Refusal> {
    let code = required(form, "code")?;
    let redirect_uri = required(form, "redirect_uri")?;
    let now = shared.clock.now();
    let mut grants = lock(&shared.grants);
    let code = grants.redeem(code, now).ok_or_else(|| Refusal::bad("invalid_grant", "Bad Request"))?;
    if code.redirect_uri != redirect_uri {
        return Err(Refusal::bad("redirect_uri_mismatch", "Bad Request"));
    }
    let verifier = form.get("code_verifier").map(String::as_str).filter(|verifier| !verifier.is_empty());
    match (&code.challenge, verifier) {
        (Some(_), None) => return Err(Refusal::bad("invalid_grant", "Missing code verifier.")),
        (Some(challenge), Some(verifier))
            if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) != *challenge =>
        {
            return Err(Refusal::bad("invalid_grant", "Invalid code verifier."));
        }
        _ => {}
    }
    let access = grants.access_token(&code.email, &code.scopes, now)?;
    let mut answer = access_answer(&access, &code.scopes, grants.habits.access_seconds);
    if code.scopes.contains("openid") {
        answer["id_token"] = id_token(shared, &code.email, &code.scopes).into();
    }
    if code.refreshable {
        answer["refresh_token"] = grants.refresh_token(&code.email, &code.scopes)?.into();
    }
    Ok(answer)
}

/// As with Google, the answer holds no new refresh token: the old one stays. The control API can make it rotate.
fn refresh(shared: &Shared, form: &HashMap<String, String>) -> Result<serde_json::Value, Refusal> {
    let token = required(form, "refresh_token")?;
    let mut grants = lock(&shared.grants);
    let (email, scopes) = grants.refreshable(token).ok_or_else(Refusal::dead_grant)?;
    let access = grants.access_token(&email, &scopes, shared.clock.now())?;
    let mut answer = access_answer(&access, &scopes, grants.habits.access_seconds);
    if grants.habits.rotate {
        answer["refresh_token"] = grants.rotate(token)?.into();
    }
    if scopes.contains("openid") {
        answer["id_token"] = id_token(shared, &email, &scopes).into();
    }
    Ok(answer)
}

fn access_answer(access: &str, scopes: &Scopes, seconds: i64) -> serde_json::Value {
    let scope = scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    json!({"access_token": access, "expires_in": seconds, "scope": scope, "token_type": "Bearer"})
}

/// Who consented, as a JWT without signature: a client that takes it from the token endpoint itself need not verify one
/// (`OpenID` Connect Core, section 3.1.3.7). The address is in it only if its scope was granted.
fn id_token(shared: &Shared, email: &str, scopes: &Scopes) -> String {
    let now = shared.clock.now().timestamp();
    let digits =
        Sha256::digest(email.as_bytes()).iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(*byte));
    let mut claims = json!({
        "iss": "https://accounts.google.com", "azp": shared.client_id, "aud": shared.client_id,
        "sub": format!("1{digits:020}"), "iat": now, "exp": now + 3_600
    });
    if scopes.contains(EMAIL_SCOPE) {
        claims["email"] = email.into();
        claims["email_verified"] = true.into();
    }
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(json!({"alg": "none", "typ": "JWT"})), part(claims))
}

/// Takes the token from the body or, as Google does too, from the query. Any live token of a grant ends all of it.
async fn revoke(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Response, Refusal> {
    let from_query = form(query.unwrap_or_default().as_bytes());
    let from_body = form(&body);
    let token = required(&from_body, "token").or_else(|_| required(&from_query, "token"))?;
    if lock(&shared.grants).revoke(token)? {
        Ok(Json(json!({})).into_response())
    } else {
        Err(Refusal::bad("invalid_token", "Token expired or revoked"))
    }
}
