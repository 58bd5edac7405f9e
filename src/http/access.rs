//! Who may call which route: one written matrix, enforced before any handler runs. What it does not list is refused.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::Problem;
use super::extract::{SignedIn, session_token};
use super::state::AppState;
use crate::domain::role::Role;
use crate::domain::secret::Secret;
use crate::services::RequestInfo;
use crate::services::auth::{Person, Session};
use crate::services::error::ServiceError;

/// Requests with this header do not count as a use of the session: pages refresh themselves while nobody is there.
const BACKGROUND: &str = "x-background";

/// Somebody who may or may not call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Everybody, without a session too.
    Anyone,
    /// Signed in, but must set up a second factor before anything else.
    Enrolling,
    /// With a role.
    Role(Role),
}

impl Who {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "anyone" => Some(Self::Anyone),
            "enrolling" => Some(Self::Enrolling),
            "operator" => Some(Self::Role(Role::Operator)),
            role => Role::parse_member(role).map(Self::Role),
        }
    }

    /// What a session counts as; `None`: nothing, as its person belongs nowhere.
    fn of(session: &Session) -> Option<Self> {
        if session.must_enroll { Some(Self::Enrolling) } else { session.role.map(Self::Role) }
    }
}

/// The matrix: who may use which method of which path.
#[derive(Debug)]
pub struct Matrix(HashMap<&'static str, Vec<(Method, Vec<Who>)>>);

/// The matrix as it is written in `access.matrix`.
pub static MATRIX: LazyLock<Matrix> = LazyLock::new(|| Matrix::parse(include_str!("access.matrix")));

impl Matrix {
    /// # Panics
    /// On a line that cannot be read: at start, and in every test.
    fn parse(text: &'static str) -> Self {
        let mut routes: HashMap<&'static str, Vec<(Method, Vec<Who>)>> = HashMap::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut words = line.split_whitespace();
            let method = words.next().and_then(|word| word.parse().ok());
            let path = words.next();
            let who: Option<Vec<Who>> = words.map(Who::parse).collect();
            match (method, path, who) {
                (Some(method), Some(path), Some(who)) if !who.is_empty() => {
                    routes.entry(path).or_default().push((method, who));
                }
                _ => panic!("access.matrix: {line:?} is not METHOD /path who…"),
            }
        }
        Self(routes)
    }

    /// Who may use a method of a path; `None`: the path does not take the method.
    pub fn who(&self, method: &Method, path: &str) -> Option<&[Who]> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let (_, who) = self.0.get(path)?.iter().find(|(listed, _)| listed == method)?;
        Some(who)
    }

    /// Every method and path with those who may.
    pub fn routes(&self) -> impl Iterator<Item = (&Method, &'static str, &[Who])> {
        self.0
            .iter()
            .flat_map(|(path, methods)| methods.iter().map(move |(method, who)| (method, *path, who.as_slice())))
    }
}

/// The middleware between the router and the handlers.
pub async fn check(State(state): State<AppState>, path: MatchedPath, mut request: Request, next: Next) -> Response {
    let Some(who) = MATRIX.who(request.method(), path.as_str()) else {
        return if MATRIX.0.contains_key(path.as_str()) {
            // The router answers 405.
            next.run(request).await
        } else {
            Problem::not_found().into_response()
        };
    };
    if who.contains(&Who::Anyone) {
        return next.run(request).await;
    }
    let signed_in = match admit(&state, who, path.as_str(), Asked::of(&request)).await {
        Ok(signed_in) => signed_in,
        Err(error) => return error.into_response(),
    };
    // A tenant that floods the portal waits for itself.
    let _turn = match signed_in.0.session.tenant_id() {
        None => None,
        Some(tenant) => match state.turns.take(tenant).await {
            Ok(turn) => Some(turn),
            Err(error) => return error.into_response(),
        },
    };
    request.extensions_mut().insert(signed_in);
    next.run(request).await
}

/// What of a request decides whether it is let in; the request itself cannot be shared while the database is asked.
struct Asked {
    method: Method,
    token: Option<Secret>,
    counts_as_use: bool,
    info: RequestInfo,
}

impl Asked {
    fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            token: session_token(request.headers()),
            counts_as_use: !request.headers().contains_key(BACKGROUND),
            info: request.extensions().get::<RequestInfo>().cloned().unwrap_or_default(),
        }
    }
}

async fn admit(state: &AppState, who: &[Who], path: &str, asked: Asked) -> Result<SignedIn, ServiceError> {
    let token = asked.token.ok_or(ServiceError::Unauthenticated)?;
    let session = state.services.session(&token, asked.counts_as_use).await?;
    match Who::of(&session) {
        Some(one) if who.contains(&one) => Ok(SignedIn(Person { token, session, request: asked.info })),
        Some(Who::Enrolling) => Err(ServiceError::MfaEnrollmentRequired),
        _ => {
            state.services.note_denied(&session, &asked.info, asked.method.as_str(), path).await?;
            Err(ServiceError::Forbidden)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_nobodys() {
        assert!(MATRIX.who(&Method::GET, "/api/nothing").is_none());
        assert!(MATRIX.who(&Method::DELETE, "/api/health").is_none());
        assert_eq!(MATRIX.who(&Method::HEAD, "/api/health"), Some(&[Who::Anyone][..]));
    }

    #[test]
    #[should_panic(expected = "is not METHOD /path who")]
    fn a_misspelt_role_does_not_pass() {
        Matrix::parse("GET /api/x adminn");
    }
}
