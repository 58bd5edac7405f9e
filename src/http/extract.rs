//! Extractors: what a handler takes says who may call it. `access` has checked the written matrix before; these refuse
//! what it should not have let through.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::domain::lang::Text;
use crate::domain::role::Role;
use crate::domain::secret::Secret;
use crate::services::auth::{Person, User};
use crate::services::error::ServiceError;
use crate::services::{Caller, OperatorCaller, RequestInfo};

/// Name of the session's cookie. The prefix makes browsers demand `Secure`, `Path=/` and no `Domain`.
pub const COOKIE: &str = "__Host-session";

/// Name of the cookie of a device where somebody has signed in before.
pub const DEVICE_COOKIE: &str = "__Host-device";

/// The session's token in a request's cookies.
pub fn session_token(headers: &HeaderMap) -> Option<Secret> {
    cookie(headers, COOKIE)
}

fn cookie(headers: &HeaderMap, wanted: &str) -> Option<Secret> {
    let mut tokens = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == wanted)
        .map(|(_, token)| token);
    let first = tokens.next()?;
    // Two different ones: somebody planted a cookie, and there is no telling which is the person's.
    tokens.all(|token| token == first).then(|| Secret::new(first))
}

/// What the guard knows of the request.
#[derive(Debug, Clone)]
pub struct Info(pub RequestInfo);

impl<S: Send + Sync> FromRequestParts<S> for Info {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        Ok(Self(parts.extensions.get::<RequestInfo>().cloned().unwrap_or_default()))
    }
}

/// The cookie of a device where somebody has signed in before.
#[derive(Debug)]
pub struct Device(pub Option<Secret>);

impl<S: Send + Sync> FromRequestParts<S> for Device {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        Ok(Self(cookie(&parts.headers, DEVICE_COOKIE)))
    }
}

/// The `If-Match` header: the version that the client has seen.
#[derive(Debug)]
pub struct IfMatch(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        // A tag that is no text matches nothing.
        let tag = parts.headers.get(header::IF_MATCH);
        Ok(Self(tag.map(|tag| tag.to_str().unwrap_or_default().to_owned())))
    }
}

/// The `Idempotency-Key` header: 1 to 200 visible ASCII characters.
#[derive(Debug)]
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let key = value.to_str().ok().filter(|key| (1..=200).contains(&key.len()));
        key.map(|key| Self(Some(key.to_owned()))).ok_or_else(|| ServiceError::BadRequest {
            code: "bad_idempotency_key",
            text: Text::new(
                "La cabecera Idempotency-Key debe tener entre 1 y 200 caracteres ASCII.",
                "The Idempotency-Key header must have between 1 and 200 ASCII characters.",
            ),
        })
    }
}

/// An id in the path, the only parameter there; what is no id names nothing, like an id of another tenant.
#[derive(Debug)]
pub struct IdPath<T>(pub T);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for IdPath<T> {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ServiceError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| ServiceError::NotFound)?;
        text.parse().map(Self).map_err(|_| ServiceError::NotFound)
    }
}

/// Two ids from the path: of a thing and of one of its own.
#[derive(Debug)]
pub struct IdsPath<A, B>(pub A, pub B);

impl<S: Send + Sync, A: FromStr, B: FromStr> FromRequestParts<S> for IdsPath<A, B> {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ServiceError> {
        let texts = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((a, b)) = texts.map_err(|_| ServiceError::NotFound)?;
        match (a.parse(), b.parse()) {
            (Ok(a), Ok(b)) => Ok(Self(a, b)),
            _ => Err(ServiceError::NotFound),
        }
    }
}

/// Anyone with a live session, operators too. Put into the request by `access`, which has checked the role.
#[derive(Debug, Clone)]
pub struct SignedIn(pub Person);

fn signed_in(parts: &Parts) -> Result<SignedIn, ServiceError> {
    parts.extensions.get::<SignedIn>().cloned().ok_or(ServiceError::Unauthenticated)
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        signed_in(parts)
    }
}

/// A member of a tenant: reads figures, catalogue and state.
#[derive(Debug)]
pub struct Viewer(pub Caller);

/// A member who manages the tenant.
#[derive(Debug)]
pub struct Admin(pub Caller);

/// A person of the platform.
#[derive(Debug)]
pub struct Operator(pub OperatorCaller);

fn caller(signed_in: SignedIn) -> Result<Caller, ServiceError> {
    let Person { session, request, .. } = signed_in.0;
    // A session without a tenant is an operator's; one that must enrol may do nothing else.
    let (Some(tenant), Some(role), false) = (session.tenant, session.role, session.must_enroll) else {
        return Err(ServiceError::Forbidden);
    };
    Ok(Caller {
        tenant: tenant.id,
        settings: tenant.settings,
        user: session.user.id,
        email: session.user.email,
        name: session.user.name,
        role,
        session: session.id,
        fresh: session.fresh,
        mfa: session.mfa,
        request,
    })
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        caller(signed_in(parts)?).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Admin {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        let caller = caller(signed_in(parts)?)?;
        if caller.role == Role::Admin { Ok(Self(caller)) } else { Err(ServiceError::Forbidden) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = ServiceError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ServiceError> {
        let Person { session, request, .. } = signed_in(parts)?.0;
        if session.role != Some(Role::Operator) || session.must_enroll {
            return Err(ServiceError::Forbidden);
        }
        let User { id, email, name, .. } = session.user;
        Ok(Self(OperatorCaller { user: id, email, name, fresh: session.fresh, request }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(cookie: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        session_token(&headers).map(|token| token.expose().to_owned())
    }

    #[test]
    fn the_session_is_found_among_other_cookies() {
        assert_eq!(token("a=1; __Host-session=abc; b=2").as_deref(), Some("abc"));
        assert_eq!(token("__Host-session=abc; __Host-session=abc").as_deref(), Some("abc"));
        assert_eq!(token("session=abc"), None);
        assert_eq!(token("x__Host-session=abc"), None);
    }

    #[test]
    fn a_planted_session_is_not_taken() {
        assert_eq!(token("__Host-session=evil; __Host-session=abc"), None);
        assert_eq!(token("a=1,__Host-session=evil").as_deref(), None);
    }
}
