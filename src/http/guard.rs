//! What every request to the API passes: where it came from, how it may write, and how its answer is worded and marked.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::error::{Cause, Problem};
use super::extract::session_token;
use super::state::{AppState, Door};
use crate::domain::ids::new_id;
use crate::domain::lang::Lang;
use crate::services::RequestInfo;
use crate::services::auth::csrf_token;

/// The request's id in the answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FRONT_DOOR_ID: &str = "x-azure-fdid";
const SOCKET_IP: &str = "x-azure-socketip";
const FETCH_SITE: &str = "sec-fetch-site";
const CSRF: &str = "x-csrf-token";

/// Routes that have no session yet, so no CSRF token: they need an `Origin` or `Sec-Fetch-Site` that is ours instead.
const WITHOUT_TOKEN: [&str; 6] = [
    "/api/auth/login",
    "/api/auth/mfa",
    "/api/auth/password/forgot",
    "/api/auth/password/reset",
    "/api/invitations/look",
    "/api/invitations/accept",
];
/// GET routes that leave a trace of their own: like unsafe methods, no foreign page may make a browser ask for them.
const LEAVES_A_TRACE: [&str; 1] = ["/api/audit/file"];
/// Headers on every answer of the API. The site's pages get theirs from Front Door.
const SECURITY: [(&str, &str); 9] = [
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

/// The middleware in front of all of `/api`.
pub async fn guard(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let info = request_info(&state, request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let refusal = refuse(&state.door, &method, &path, request.headers());
    let response = if let Some(problem) = refusal {
        problem.into_response()
    } else {
        request.extensions_mut().insert(info.clone());
        next.run(request).await
    };
    let response = finish(response, &info);
    // The query is left out: it may hold a code or a state.
    tracing::info!(
        request_id = %info.id, method = %method, path = %path, status = response.status().as_u16(),
        ms = started.elapsed().as_millis(), "Answered"
    );
    response
}

fn request_info(state: &AppState, headers: &HeaderMap) -> RequestInfo {
    let services = &state.services;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // The address counts only behind Front Door: anyone could send the header.
    let trusted = state.door.front_door_id.is_some();
    RequestInfo {
        id: new_id(services.clock.as_ref(), services.random.as_ref()).to_string(),
        lang: text("accept-language").map(Lang::from_accept).unwrap_or_default(),
        ip: text(SOCKET_IP).filter(|_| trusted).map(|ip| ip.chars().take(64).collect()),
        user_agent: text("user-agent").map(|agent| agent.chars().take(200).collect()),
    }
}

/// Why a request is not let in, if so.
fn refuse(door: &Door, method: &Method, path: &str, headers: &HeaderMap) -> Option<Problem> {
    if let Some(id) = door.front_door_id {
        let sent = headers.get(FRONT_DOOR_ID).and_then(|value| value.to_str().ok());
        if sent.and_then(|sent| Uuid::parse_str(sent).ok()) != Some(id) {
            return Some(foreign_origin());
        }
    }
    if path.contains("%00") {
        // No name has such a character, and the database takes no such text.
        return Some(Problem::not_found());
    }
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        let refused = LEAVES_A_TRACE.contains(&path) && !comes_from_us(door, headers, false);
        return refused.then(foreign_origin);
    }
    let without_token = WITHOUT_TOKEN.contains(&path);
    if !comes_from_us(door, headers, without_token) {
        return Some(foreign_origin());
    }
    if !acceptable_type(headers) {
        return Some(Problem::unsupported_media_type());
    }
    if !without_token && !carries_token(headers) {
        return Some(Problem::new(
            StatusCode::FORBIDDEN,
            "csrf",
            "Missing token",
            "Falta el código de seguridad de la página; recárguela e inténtelo de nuevo.",
            "The page's security token is missing; reload it and try again.",
        ));
    }
    None
}

/// Neither header may name a foreign place; where there is no token yet, one of them must be there.
fn comes_from_us(door: &Door, headers: &HeaderMap, needs_one: bool) -> bool {
    let origin = headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or_default());
    let site = headers.get(FETCH_SITE).map(|value| value.to_str().unwrap_or_default());
    let origin_ok = origin.is_none_or(|origin| door.origins.iter().any(|ours| ours == origin));
    let site_ok = site.is_none_or(|site| site == "same-origin");
    origin_ok && site_ok && (!needs_one || origin.is_some() || site.is_some())
}

/// JSON, a form with files, or nothing at all: what a foreign page's form can send is refused.
fn acceptable_type(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(kind.as_str(), "application/json" | "multipart/form-data")
}

/// Whether the CSRF header belongs to the session's cookie. Without a cookie the route itself answers 401.
fn carries_token(headers: &HeaderMap) -> bool {
    let Some(token) = session_token(headers) else {
        return true;
    };
    let sent = headers.get(CSRF).map(HeaderValue::as_bytes).unwrap_or_default();
    let expected = csrf_token(&token);
    equal_in_constant_time(sent, expected.as_bytes())
}

fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0_u8, |difference, (a, b)| difference | (a ^ b)) == 0
}

fn foreign_origin() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "foreign_origin",
        "Foreign origin",
        "La petición no viene de las páginas del portal.",
        "The request does not come from the portal's pages.",
    )
}

/// Puts problems into words, logs causes once, and marks every answer.
fn finish(mut response: Response, info: &RequestInfo) -> Response {
    if let Some(cause) = response.extensions().get::<Cause>() {
        tracing::error!(request_id = %info.id, cause = %cause.0, "A request failed");
    }
    let problem = response.extensions().get::<Problem>().cloned();
    let bare = response.status().is_client_error() && !response.headers().contains_key(header::CONTENT_TYPE);
    if let Some(problem) = problem.or_else(|| bare.then(|| of_bare_status(response.status())).flatten()) {
        let allow = response.headers().get(header::ALLOW).cloned();
        response = problem.render(info.lang, &info.id);
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    let headers = response.headers_mut();
    for (name, value) in SECURITY {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(&info.id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// axum's own refusals have no body.
fn of_bare_status(status: StatusCode) -> Option<Problem> {
    match status {
        StatusCode::NOT_FOUND => Some(Problem::not_found()),
        StatusCode::METHOD_NOT_ALLOWED => Some(Problem::method_not_allowed()),
        StatusCode::PAYLOAD_TOO_LARGE => Some(Problem::too_large()),
        _ => None,
    }
}

/// What a panic said.
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown")
}

/// What a panic in a handler answers; the message goes to the log, nothing of it to the client.
#[expect(clippy::needless_pass_by_value, reason = "the shape that the panic layer takes")]
pub fn on_panic(panic: Box<dyn std::any::Any + Send + 'static>) -> Response<Body> {
    let mut response = Problem::internal().into_response();
    response.extensions_mut().insert(Cause(format!("panic: {}", panic_message(panic.as_ref()))));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRONT_DOOR: Uuid = Uuid::from_u128(7);

    fn door() -> Door {
        Door { origins: vec!["https://portal.example".into()], front_door_id: Some(FRONT_DOOR) }
    }

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(FRONT_DOOR_ID, FRONT_DOOR.to_string().parse().unwrap());
        for (name, value) in pairs {
            headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        headers
    }

    fn code(method: &Method, path: &str, headers: &HeaderMap) -> Option<&'static str> {
        refuse(&door(), method, path, headers)
            .map(|problem| problem.render(Lang::En, "id").status().canonical_reason().unwrap())
    }

    #[test]
    fn only_front_door_gets_in() {
        assert!(refuse(&door(), &Method::GET, "/api/health", &HeaderMap::new()).is_some());
        assert!(refuse(&door(), &Method::GET, "/api/health", &headers(&[])).is_none());
        assert!(refuse(&door(), &Method::GET, "/api/health", &headers(&[(FRONT_DOOR_ID, "x")])).is_some());
    }

    #[test]
    fn a_login_needs_one_header_that_says_it_is_ours() {
        let login =
            |pairs: &[(&str, &str)]| refuse(&door(), &Method::POST, "/api/auth/login", &headers(pairs)).is_none();
        assert!(!login(&[]));
        assert!(login(&[("origin", "https://portal.example")]));
        assert!(login(&[("sec-fetch-site", "same-origin")]));
        for bad in [
            &[("origin", "null")][..],
            &[("origin", "https://evil.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://portal.example"), ("sec-fetch-site", "cross-site")],
            &[("origin", "https://portal.example.evil.example"), ("sec-fetch-site", "same-origin")],
        ] {
            assert!(!login(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_session_writes_only_with_its_own_token() {
        let token = crate::domain::secret::Secret::new("abc");
        let cookie = ("cookie", "__Host-session=abc");
        let good = csrf_token(&token);
        assert_eq!(code(&Method::POST, "/api/sources", &headers(&[cookie])), Some("Forbidden"));
        assert_eq!(code(&Method::POST, "/api/sources", &headers(&[cookie, (CSRF, "x")])), Some("Forbidden"));
        assert_eq!(code(&Method::POST, "/api/sources", &headers(&[cookie, (CSRF, &good)])), None);
        assert_eq!(code(&Method::DELETE, "/api/sources/1", &headers(&[cookie])), Some("Forbidden"));
    }

    #[test]
    fn what_a_foreign_form_can_send_is_refused() {
        for kind in ["text/plain", "application/x-www-form-urlencoded"] {
            let headers = headers(&[("sec-fetch-site", "same-origin"), ("content-type", kind)]);
            assert_eq!(code(&Method::POST, "/api/auth/login", &headers), Some("Unsupported Media Type"), "{kind}");
        }
    }
}
