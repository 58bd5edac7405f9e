//! What every upstream request passes through: the log and the fault switch.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;
use url::form_urlencoded;

use super::faults::{Fault, Kind, TOO_MANY};
use super::ga4::reply::ApiError;
use super::token::{Refusal, form};
use super::{Shared, bodies, lock, stripe};

/// Google's APIs take request bodies up to 10 MB.
const MAX_BODY: usize = 10 << 20;
/// A client that has not given up by now gets an answer, so that no connection stays open for ever.
const PATIENCE: Duration = Duration::from_mins(10);
/// The page token that leads back to the first page.
const SAME_PAGE: &str = "CAUQ0";

/// Logs a request, lets the due fault strike, and logs what was sent.
pub async fn pass(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return ApiError::new(413, "INVALID_ARGUMENT", "Request payload size exceeds the limit.").into_response();
    };
    let n = lock(&shared.journal).open(shared.clock.now(), parts.method.as_str(), &parts.uri, &body);
    let fault = lock(&shared.faults).strike(&parts.method, parts.uri.path());
    if let Some(fault) = &fault {
        lock(&shared.journal).fault(n, fault.kind.name());
    }
    let failed = match &fault {
        Some(fault) => fail(&shared, fault, &parts, &body).await,
        None => None,
    };
    let kind = fault.as_ref().map(|fault| fault.kind);
    let response = match failed {
        Some(response) => response,
        None if kind == Some(Kind::RepeatedCursor) => next.run(first_page(parts, &body)).await,
        None => next.run(Request::from_parts(parts, Body::from(body))).await,
    };
    let (head, body) = response.into_parts();
    if let Some(stream) = fault.as_ref().and_then(without_end) {
        lock(&shared.journal).close(n, head.status.as_u16(), b"");
        let mut response = Response::from_parts(head, stream);
        if kind == Some(Kind::GzipBomb) {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response.headers_mut().remove(header::CONTENT_LENGTH);
        return response;
    }
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let body = match kind {
        Some(Kind::WrongType) => bodies::wrong_type(&body),
        Some(Kind::RepeatedCursor) => bodies::repeated(&body, SAME_PAGE),
        _ => body,
    };
    let sent = if kind == Some(Kind::TruncatedBody) { body.slice(..body.len() / 2) } else { body.clone() };
    lock(&shared.journal).close(n, head.status.as_u16(), &sent);
    let length = (kind != Some(Kind::Endless)).then(|| HeaderValue::from(body.len()));
    let body = match fault {
        Some(Fault { kind: Kind::TruncatedBody, .. }) => bodies::truncated(sent),
        Some(Fault { kind: Kind::Slow, seconds, .. }) => bodies::trickle(&body, Duration::from_secs(seconds)),
        Some(Fault { kind: Kind::Drip, .. }) => bodies::drip(&body),
        Some(Fault { kind: Kind::Endless, .. }) => bodies::endless(body, PATIENCE),
        _ => Body::from(body),
    };
    let mut response = Response::from_parts(head, body);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().extend(length.map(|length| (header::CONTENT_LENGTH, length)));
    response
}

/// The body of a fault that is not read into memory first.
fn without_end(fault: &Fault) -> Option<Body> {
    match fault.kind {
        Kind::Huge => Some(bodies::huge()),
        Kind::GzipBomb => Some(bodies::gzip_bomb()),
        _ => None,
    }
}

/// The request without what leads to a later page.
fn first_page(mut parts: Parts, body: &Bytes) -> Request {
    let query = parts.uri.query().unwrap_or_default();
    let kept =
        form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "starting_after" && name != "pageToken");
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
    if let Ok(uri) = format!("{}?{query}", parts.uri.path()).parse::<Uri>() {
        parts.uri = uri;
    }
    let body = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(mut fields)) => {
            fields.remove("offset");
            Value::Object(fields).to_string().into()
        }
        _ => body.clone(),
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Request::from_parts(parts, Body::from(body))
}

/// The answer of a fault that has one of its own; `None` where the real answer is needed.
async fn fail(shared: &Shared, fault: &Fault, parts: &Parts, body: &Bytes) -> Option<Response> {
    let of_stripe = parts.uri.path().starts_with(stripe::BASE);
    let mut response = match fault.kind {
        Kind::Slow | Kind::Drip | Kind::TruncatedBody | Kind::Endless | Kind::WrongType | Kind::RepeatedCursor => {
            return None;
        }
        Kind::Huge | Kind::GzipBomb => axum::Json(Value::Null).into_response(),
        Kind::Html => Html("<!doctype html><title>Sign in</title><h1>Sign in to the network</h1>").into_response(),
        Kind::Empty => StatusCode::OK.into_response(),
        // A gateway in between has no envelope of the vendor's.
        Kind::BadGateway => {
            (StatusCode::BAD_GATEWAY, Html("<html><title>502 Bad Gateway</title></html>")).into_response()
        }
        Kind::RevokedToken if of_stripe => {
            let secret = stripe::secret(&parts.headers).unwrap_or_default();
            shared.stripe.revoke(&secret);
            return None;
        }
        Kind::RevokedToken => return Some(revoke(shared, parts, body)),
        Kind::Timeout => {
            tokio::time::sleep(PATIENCE).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        _ if of_stripe => stripe_error(fault, parts).into_response(),
        _ => google_error(shared, fault, parts).into_response(),
    };
    if of_stripe {
        stripe::sign(shared, &parts.headers, &mut response);
    }
    if let Some(seconds) = fault.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Some(response)
}

fn google_error(shared: &Shared, fault: &Fault, parts: &Parts) -> ApiError {
    let mut error = match fault.kind {
        Kind::TooMany => ApiError::exhausted(TOO_MANY),
        Kind::LockTimeout => ApiError::exhausted("Exhausted concurrent requests quota."),
        Kind::Forbidden => ApiError::forbidden(),
        _ => {
            if let Some(property) = property_of(parts.uri.path()) {
                lock(&shared.quotas).server_error(property, shared.clock.now());
            }
            if fault.kind == Kind::Unavailable { ApiError::unavailable() } else { ApiError::internal() }
        }
    };
    if let Some(message) = &fault.message {
        error.message.clone_from(message);
    }
    error
}

fn stripe_error(fault: &Fault, parts: &Parts) -> stripe::reply::ApiError {
    use stripe::reply::ApiError;
    let mut error = match fault.kind {
        Kind::TooMany => ApiError::too_many(Some(fault.reason.as_deref().unwrap_or("global-rate"))),
        Kind::LockTimeout => ApiError::too_many(None),
        Kind::Forbidden => stripe::denied(parts.uri.path(), &parts.headers),
        Kind::Unavailable => ApiError::internal(503),
        _ => ApiError::internal(500),
    };
    if let Some(message) = &fault.message {
        error.message.clone_from(message);
    }
    error
}

/// The property of a Data API path, `/v1beta/properties/{id}:{verb}`.
fn property_of(path: &str) -> Option<u64> {
    path.strip_prefix("/v1beta/properties/")?.split_once(':')?.0.parse().ok()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Ends the grant that the request presents, and answers as for a grant that ended before.
fn revoke(shared: &Shared, parts: &Parts, body: &[u8]) -> Response {
    let form = form(body);
    let at_token_endpoint = parts.uri.path() == "/token";
    let token = if at_token_endpoint { form.get("refresh_token").map(String::as_str) } else { bearer(&parts.headers) };
    if let Some(Err(error)) = token.map(|token| lock(&shared.grants).revoke(token)) {
        tracing::warn!(%error, "the grants could not be saved");
    }
    if !at_token_endpoint {
        return ApiError::unauthenticated(true).into_response();
    }
    if let Some(code) = form.get("code") {
        lock(&shared.grants).redeem(code, shared.clock.now());
    }
    Refusal::dead_grant().into_response()
}
