//! What every upstream request passes through: the log and the fault switch.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt as _, stream};

use super::faults::{Fault, Kind, TOO_MANY};
use super::ga4::reply::ApiError;
use super::token::{Refusal, form};
use super::{Shared, lock};

/// Google's APIs take request bodies up to 10 MB.
const MAX_BODY: usize = 10 << 20;
/// A client that has not given up by now gets an answer, so that no connection stays open for ever.
const PATIENCE: Duration = Duration::from_mins(10);
const SLOW_PIECES: usize = 20;

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
    let response = match failed {
        Some(response) => response,
        None => next.run(Request::from_parts(parts, Body::from(body))).await,
    };
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let sent = if fault.as_ref().is_some_and(|fault| fault.kind == Kind::TruncatedBody) {
        body.slice(..body.len() / 2)
    } else {
        body.clone()
    };
    lock(&shared.journal).close(n, head.status.as_u16(), &sent);
    let length = HeaderValue::from(body.len());
    let body = match fault {
        Some(Fault { kind: Kind::TruncatedBody, .. }) => truncated(sent),
        Some(Fault { kind: Kind::Slow, seconds, .. }) => trickle(&body, Duration::from_secs(seconds)),
        _ => Body::from(body),
    };
    let mut response = Response::from_parts(head, body);
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response
}

/// The answer of a fault that has one of its own; `None` where the real answer is needed.
async fn fail(shared: &Shared, fault: &Fault, parts: &Parts, body: &Bytes) -> Option<Response> {
    let mut error = match fault.kind {
        Kind::Slow | Kind::TruncatedBody => return None,
        Kind::RevokedToken => return Some(revoke(shared, parts, body)),
        Kind::TooMany => ApiError::exhausted(TOO_MANY),
        Kind::Forbidden => ApiError::forbidden(),
        Kind::ServerError => {
            if let Some(property) = property_of(parts.uri.path()) {
                lock(&shared.quotas).server_error(property, shared.clock.now());
            }
            ApiError::internal()
        }
        Kind::Timeout => {
            tokio::time::sleep(PATIENCE).await;
            ApiError::new(504, "DEADLINE_EXCEEDED", "The request timed out.")
        }
    };
    if let Some(message) = &fault.message {
        error.message.clone_from(message);
    }
    let mut response = error.into_response();
    if let Some(seconds) = fault.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Some(response)
}

/// The property of a Data API path, `/v1beta/properties/{id}:{verb}`.
fn property_of(path: &str) -> Option<u64> {
    path.strip_prefix("/v1beta/properties/")?.split_once(':')?.0.parse().ok()
}

/// Ends the grant that the request presents, and answers as for a grant that ended before.
fn revoke(shared: &Shared, parts: &Parts, body: &[u8]) -> Response {
    let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let form = form(body);
    let at_token_endpoint = parts.uri.path() == "/token";
    let token = if at_token_endpoint { form.get("refresh_token").map(String::as_str) } else { bearer };
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

/// Sends the given half and then breaks the connection off.
fn truncated(half: Bytes) -> Body {
    let sent = stream::iter([Ok(half)]);
    // A short pause lets the first half leave the machine before the break takes the rest.
    let broken = stream::once(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    });
    Body::from_stream(sent.chain(broken))
}

/// Sends a body in equal pieces over the given time.
fn trickle(body: &Bytes, time: Duration) -> Body {
    let size = body.len().div_ceil(SLOW_PIECES).max(1);
    let pieces: Vec<Bytes> =
        (0..body.len()).step_by(size).map(|at| body.slice(at..(at + size).min(body.len()))).collect();
    let pause = time / u32::try_from(SLOW_PIECES).unwrap_or(1);
    Body::from_stream(stream::iter(pieces).enumerate().then(move |(index, piece)| async move {
        if index > 0 {
            tokio::time::sleep(pause).await;
        }
        Ok::<_, Infallible>(piece)
    }))
}
