//! The OAuth client: authorization code with PKCE, refresh and revocation, through the `oauth2` crate over our own
//! HTTP client. Provider neutral; what Google wants on top is configuration ([`GOOGLE_PARAMS`]).

#[cfg(test)]
mod tests;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::error::{ConnectorError, FailureKind, quote};
use super::http::{Answer, Fault, UpstreamClient, UpstreamError};
use super::sentences::codes;
use crate::domain::secret::Secret;

/// What Google needs on its authorize URL: a refresh token comes only with `access_type=offline`, and after the first
/// consent only with `prompt=consent`; `include_granted_scopes` keeps earlier grants.
pub const GOOGLE_PARAMS: [(&str, &str); 3] =
    [("access_type", "offline"), ("prompt", "consent"), ("include_granted_scopes", "true")];

/// Lifetime of an access token whose answer does not say. RFC 6749 leaves it open; this is short enough to be safe.
const DEFAULT_LIFETIME: Duration = Duration::from_mins(5);
/// The wait after a 429 without `Retry-After`.
const DEFAULT_WAIT: Duration = Duration::from_mins(1);

/// The settings of one provider's authorization server.
#[derive(Debug, Clone)]
pub struct OAuthConfig {
    /// Client id.
    pub client_id: String,
    /// Client secret; sent in the form body (`client_secret_post`).
    pub client_secret: Secret,
    /// Where the browser goes.
    pub auth_url: Url,
    /// The token endpoint.
    pub token_url: Url,
    /// The revocation endpoint.
    pub revoke_url: Url,
    /// Our callback, exactly as registered with the provider.
    pub redirect_uri: Url,
    /// Further parameters of the authorize URL.
    pub extra_params: Vec<(String, String)>,
}

/// A PKCE code verifier of RFC 7636: 43 to 128 unreserved characters.
#[derive(Debug, Clone)]
pub struct Verifier(Secret);

impl Verifier {
    /// From 32 random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// From a stored verifier; `None` if RFC 7636 does not allow it.
    pub fn parse(text: &str) -> Option<Self> {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        ((43..=128).contains(&text.len()) && text.bytes().all(unreserved)).then(|| Self(Secret::new(text)))
    }

    /// The text, to be stored sealed beside the state.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// An access token and what came with it.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The bearer token.
    pub token: Secret,
    /// Lifetime from now.
    pub expires_in: Duration,
    /// A new refresh token that replaces the stored one. Google sends none on a refresh; others rotate.
    pub refresh_token: Option<Secret>,
}

/// The outcome of a successful connect.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The bearer token.
    pub access_token: Secret,
    /// Its lifetime from now.
    pub expires_in: Duration,
    /// The lasting credential, to be stored sealed.
    pub refresh_token: Secret,
    /// Everything that was granted.
    pub scopes: Vec<String>,
    /// Who gave it, where the provider says.
    pub holder: Option<Holder>,
}

/// Who gave access, from the token endpoint's `id_token`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The provider's id of the person (`sub`).
    pub id: String,
    /// Their address, or nothing.
    pub label: String,
}

/// What `OpenID` Connect adds to a token answer.
#[derive(Debug, Serialize, Deserialize)]
struct IdToken {
    #[serde(default)]
    id_token: Option<String>,
}

impl ExtraTokenFields for IdToken {}

/// The claims that are used of an `id_token`.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    email: String,
}

type TokenAnswer = StandardTokenResponse<IdToken, BasicTokenType>;

type Client = oauth2::Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The client of one authorization server.
#[derive(Debug, Clone)]
pub struct OAuthClient {
    upstream: UpstreamClient,
    config: OAuthConfig,
}

impl OAuthClient {
    /// A client with these settings.
    pub fn new(upstream: UpstreamClient, config: OAuthConfig) -> Self {
        Self { upstream, config }
    }

    /// The address to send the browser to, with the PKCE challenge (`S256`) of `verifier`.
    pub fn authorize_url(&self, scopes: &[&str], state: &str, verifier: &Verifier) -> Url {
        let state = state.to_owned();
        let verifier = PkceCodeVerifier::new(verifier.expose().to_owned());
        let client = self.client();
        let mut request = client
            .authorize_url(move || CsrfToken::new(state))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        for scope in scopes {
            request = request.add_scope(Scope::new((*scope).to_owned()));
        }
        for (name, value) in &self.config.extra_params {
            request = request.add_extra_param(name, value);
        }
        request.url().0
    }

    /// Trades the callback's code for tokens.
    ///
    /// # Errors
    /// Without a refresh token (`oauth_no_refresh_token`) or without one of `requested` (`oauth_scope_missing`: the person
    /// may untick boxes) there is no grant.
    pub async fn exchange(&self, code: &str, verifier: &Verifier, requested: &[&str]) -> Result<Grant, ConnectorError> {
        let upstream = self.upstream.clone();
        let http = move |request| call(upstream.clone(), request);
        let answer = self
            .client()
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose().to_owned()))
            .request_async(&http)
            .await
            .map_err(|error| {
                let code = Secret::new(code);
                let failure = token_failure(error, codes::OAUTH_CODE_REFUSED);
                self.redacted(failure, &[&code, &verifier.0])
            })?;
        // RFC 6749 section 5.1: no `scope` in the answer means exactly what was asked for.
        let scopes: Vec<String> = match answer.scopes() {
            Some(scopes) => scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            None => requested.iter().map(|scope| (*scope).to_owned()).collect(),
        };
        if let Some(missing) = requested.iter().find(|wanted| !scopes.iter().any(|got| got == *wanted)) {
            let cause = format!("not granted: {missing}");
            return Err(ConnectorError::new(FailureKind::PermissionMissing, codes::OAUTH_SCOPE_MISSING, cause));
        }
        let access = access_token(&answer);
        let Some(refresh_token) = access.refresh_token else {
            let cause = "the code exchange brought no refresh_token";
            return Err(ConnectorError::config(codes::OAUTH_NO_REFRESH_TOKEN, cause));
        };
        let holder = answer.extra_fields().id_token.as_deref().and_then(holder);
        Ok(Grant { access_token: access.token, expires_in: access.expires_in, refresh_token, scopes, holder })
    }

    /// Fetches a new access token.
    ///
    /// # Errors
    /// `invalid_grant` means revoked for good; a 5xx or a time-out never does.
    pub async fn refresh(&self, refresh_token: &Secret) -> Result<AccessToken, ConnectorError> {
        let upstream = self.upstream.clone();
        let http = move |request| call(upstream.clone(), request);
        let answer = self
            .client()
            .exchange_refresh_token(&RefreshToken::new(refresh_token.expose().to_owned()))
            .request_async(&http)
            .await
            .map_err(|error| self.redacted(token_failure(error, codes::OAUTH_REVOKED), &[refresh_token]))?;
        Ok(access_token(&answer))
    }

    /// Revokes a token; one that is already dead counts as revoked.
    ///
    /// By hand, because the `oauth2` crate insists on https here and the sandbox has none.
    pub async fn revoke(&self, token: &Secret) -> Result<(), ConnectorError> {
        let request =
            self.upstream.request(Method::POST, self.config.revoke_url.clone()).form(&[("token", token.expose())]);
        let answer = self.upstream.send(request).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        if let Some(failure) = disturbance(&answer) {
            return Err(failure);
        }
        let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.status == StatusCode::BAD_REQUEST && matches!(&*refusal.error, "invalid_token" | "invalid_grant") {
            return Ok(());
        }
        let cause = format!("revocation answered HTTP {}: {}", answer.status.as_u16(), quote(&refusal.error));
        Err(self.redacted(ConnectorError::contract(codes::OAUTH_UNEXPECTED, cause), &[token]))
    }

    fn client(&self) -> Client {
        let config = &self.config;
        oauth2::Client::new(ClientId::new(config.client_id.clone()))
            .set_client_secret(ClientSecret::new(config.client_secret.expose().to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::from_url(config.auth_url.clone()))
            .set_token_uri(TokenUrl::from_url(config.token_url.clone()))
            .set_redirect_uri(RedirectUrl::from_url(config.redirect_uri.clone()))
    }

    fn redacted(&self, failure: ConnectorError, secrets: &[&Secret]) -> ConnectorError {
        secrets
            .iter()
            .chain([&&self.config.client_secret])
            .fold(failure, |failure, secret| failure.redacted(|text| secret.redact(text)))
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    error: String,
}

/// A failed call inside the `oauth2` crate, kept as our own error.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct CallError(#[from] ConnectorError);

/// The HTTP side of the `oauth2` crate. What is no answer of an authorization server ends here, because the crate would
/// try to read it as one. It owns its client because the crate's future is `Send` only for a future without borrows.
async fn call(upstream: UpstreamClient, request: HttpRequest) -> Result<HttpResponse, CallError> {
    let request = reqwest::Request::try_from(request)
        .map_err(|_| ConnectorError::from(UpstreamError { fault: Fault::Request, host: String::new() }))?;
    let answer = upstream.execute(request).await.map_err(ConnectorError::from)?;
    if let Some(failure) = disturbance(&answer) {
        return Err(failure.into());
    }
    if answer.is_html() {
        let cause = format!("the token endpoint answered HTTP {} with an HTML page", answer.status.as_u16());
        return Err(ConnectorError::contract(codes::UPSTREAM_HTML, cause).into());
    }
    let mut response = HttpResponse::new(answer.body.to_vec());
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}

/// 5xx and 429: the server's trouble, never a verdict on the grant.
fn disturbance(answer: &Answer) -> Option<ConnectorError> {
    let cause = format!("the authorization server answered HTTP {}", answer.status.as_u16());
    if answer.status == StatusCode::TOO_MANY_REQUESTS {
        let kind = FailureKind::RateLimited {
            retry_after: answer.retry_after().unwrap_or(DEFAULT_WAIT),
            scope: "oauth".to_owned(),
        };
        return Some(ConnectorError::new(kind, codes::OAUTH_RATE_LIMITED, cause));
    }
    let transient = answer.status.is_server_error() || answer.status == StatusCode::REQUEST_TIMEOUT;
    transient.then(|| ConnectorError::transient(codes::OAUTH_SERVER_ERROR, cause))
}

/// `dead_grant` is the code for `invalid_grant`, which means different things for a code and for a refresh token.
fn token_failure(error: RequestTokenError<CallError, BasicErrorResponse>, dead_grant: &'static str) -> ConnectorError {
    match error {
        RequestTokenError::Request(CallError(failure)) => failure,
        RequestTokenError::ServerResponse(refusal) => refused(&refusal, dead_grant),
        // Neither the text nor the parser's message is quoted: both may hold a token.
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            ConnectorError::contract(codes::OAUTH_UNEXPECTED, "the token endpoint's answer is no token answer")
        }
    }
}

fn refused(refusal: &BasicErrorResponse, dead_grant: &'static str) -> ConnectorError {
    let name = refusal.error().as_ref();
    let cause = match refusal.error_description() {
        Some(words) => format!("{}: {}", quote(name), quote(words)),
        None => quote(name),
    };
    match refusal.error() {
        BasicErrorResponseType::InvalidGrant => ConnectorError::new(FailureKind::AuthRevoked, dead_grant, cause),
        BasicErrorResponseType::InvalidClient
        | BasicErrorResponseType::UnauthorizedClient
        | BasicErrorResponseType::InvalidScope => ConnectorError::config(codes::OAUTH_CLIENT_INVALID, cause),
        BasicErrorResponseType::Extension(other) => match other.as_str() {
            "redirect_uri_mismatch" | "deleted_client" => ConnectorError::config(codes::OAUTH_CLIENT_INVALID, cause),
            "admin_policy_enforced" | "org_internal" => {
                ConnectorError::new(FailureKind::PermissionMissing, codes::OAUTH_ADMIN_POLICY, cause)
            }
            "server_error" | "temporarily_unavailable" => ConnectorError::transient(codes::OAUTH_SERVER_ERROR, cause),
            _ => ConnectorError::contract(codes::OAUTH_UNEXPECTED, cause),
        },
        _ => ConnectorError::contract(codes::OAUTH_UNEXPECTED, cause),
    }
}

/// Who an `id_token` is about. Its signature is not checked: it comes straight from the token endpoint over TLS, where
/// `OpenID` Connect Core 3.1.3.7 does not ask for it, and decides nothing but which access is replaced.
fn holder(id_token: &str) -> Option<Holder> {
    let claims = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1)?).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    let fits = |text: &str| text.len() <= 255 && !text.chars().any(char::is_control);
    (!claims.sub.is_empty() && fits(&claims.sub) && fits(&claims.email))
        .then_some(Holder { id: claims.sub, label: claims.email })
}

fn access_token(answer: &TokenAnswer) -> AccessToken {
    AccessToken {
        token: Secret::new(answer.access_token().secret()),
        expires_in: answer.expires_in().unwrap_or(DEFAULT_LIFETIME),
        refresh_token: answer.refresh_token().map(|token| Secret::new(token.secret())),
    }
}
