//! `GET` and `POST /o/oauth2/v2/auth`: checks the authorization request, asks for consent, sends the code.
//!
//! Follows the vendor facts "`OAuth2` (authorization code, offline)". What is wrong with the client or its redirect URI is
//! shown to the person and never redirected; a denial goes back as `error=access_denied`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawForm, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use url::{Url, form_urlencoded};

use super::consent::{self, Language};
use super::grants::{Consent, EMAIL_SCOPE, Scopes};
use super::{Shared, catalogue, ga4, lock};

/// Address of the consent page.
pub const PATH: &str = "/o/oauth2/v2/auth";

/// The consent page, its answer and its style sheet.
pub fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route(PATH, get(ask).post(answer))
        .route(consent::STYLE_PATH, get(async || ([(header::CONTENT_TYPE, "text/css")], consent::STYLE)))
}

/// A checked authorization request.
#[derive(Debug)]
pub struct Request {
    /// Requested scopes.
    pub scopes: Scopes,
    /// Account to preselect.
    pub hint: String,
    /// The parameters as they came, for the form to carry along.
    pub parameters: Vec<(String, String)>,
}

impl Request {
    fn get(&self, name: &str) -> &str {
        find(&self.parameters, name)
    }
}

fn find<'a>(parameters: &'a [(String, String)], name: &str) -> &'a str {
    parameters.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

/// Why a request is refused on a page of Google's own.
#[derive(Debug)]
pub struct Refusal {
    /// HTTP status of the page.
    pub status: StatusCode,
    /// OAuth error name.
    pub error: &'static str,
    /// What the developer has to change.
    pub detail: String,
}

impl Refusal {
    fn new(status: u16, error: &'static str, detail: impl Into<String>) -> Self {
        Self { status: StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), error, detail: detail.into() }
    }
}

/// Reads the known parameters; the form's own fields and unknown ones are left behind.
fn check(shared: &Shared, pairs: &[(String, String)]) -> Result<Request, Refusal> {
    const KNOWN: [&str; 12] = [
        "client_id",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
        "access_type",
        "prompt",
        "include_granted_scopes",
        "code_challenge",
        "code_challenge_method",
        "login_hint",
        "hl",
    ];
    let parameters: Vec<(String, String)> =
        pairs.iter().filter(|(key, _)| KNOWN.contains(&key.as_str())).cloned().collect();
    let get = |name: &str| find(&parameters, name);
    if get("client_id") != shared.client_id {
        return Err(Refusal::new(401, "invalid_client", "The OAuth client was not found."));
    }
    if get("redirect_uri") != shared.redirect_uri {
        let detail =
            format!("redirect_uri is {:?}; it must be exactly {:?}.", get("redirect_uri"), shared.redirect_uri);
        return Err(Refusal::new(400, "redirect_uri_mismatch", detail));
    }
    if get("response_type") != "code" {
        return Err(Refusal::new(400, "unsupported_response_type", "response_type must be code."));
    }
    let scopes: Scopes = get("scope").split_whitespace().map(str::to_owned).collect();
    if scopes.is_empty() {
        return Err(Refusal::new(400, "invalid_request", "Missing required parameter: scope"));
    }
    if let Some(scope) = scopes.iter().find(|scope| !KNOWN_SCOPES.contains(&scope.as_str())) {
        return Err(Refusal::new(400, "invalid_scope", format!("Some requested scopes were invalid: {scope}")));
    }
    if !matches!(get("access_type"), "" | "offline" | "online") {
        return Err(Refusal::new(400, "invalid_request", "access_type must be online or offline."));
    }
    let challenge = get("code_challenge");
    if !challenge.is_empty() && get("code_challenge_method") != "S256" {
        return Err(Refusal::new(400, "invalid_request", "code_challenge_method must be S256."));
    }
    if !challenge.is_empty() && challenge.len() != 43 {
        return Err(Refusal::new(400, "invalid_request", "An S256 code_challenge has 43 characters."));
    }
    let hint = catalogue::person(get("login_hint")).unwrap_or(&catalogue::PEOPLE[0]).email.to_owned();
    Ok(Request { scopes, hint, parameters })
}

/// Scopes that the client may ask for.
const KNOWN_SCOPES: [&str; 4] = [ga4::SCOPE, "openid", "email", EMAIL_SCOPE];

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

fn language(pairs: &[(String, String)], headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Language::choose(find(pairs, "hl"), accepted)
}

async fn ask(State(shared): State<Arc<Shared>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let pairs = pairs(query.unwrap_or_default().as_bytes());
    let language = language(&pairs, &headers);
    match check(&shared, &pairs) {
        // A client that asks for no page cannot get consent here.
        Ok(request) if request.get("prompt") == "none" => {
            back(&shared, &[("error", "interaction_required"), ("state", request.get("state"))])
        }
        Ok(request) => consent::page(&request, &shared.redirect_uri, language),
        Err(refusal) => consent::refusal_page(&refusal, language),
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, RawForm(form): RawForm) -> Response {
    let pairs = pairs(&form);
    let language = language(&pairs, &headers);
    let request = match check(&shared, &pairs) {
        Ok(request) => request,
        Err(refusal) => return consent::refusal_page(&refusal, language),
    };
    let state = request.get("state");
    match find(&pairs, "decision") {
        "allow" => {}
        "deny" => return back(&shared, &[("error", "access_denied"), ("state", state)]),
        other => {
            let refusal = Refusal::new(400, "invalid_request", format!("decision is {other:?}: send allow or deny."));
            return consent::refusal_page(&refusal, language);
        }
    }
    let Some(person) = catalogue::person(find(&pairs, "account")) else {
        let refusal = Refusal::new(400, "invalid_request", "account is none of the accounts on the page.");
        return consent::refusal_page(&refusal, language);
    };
    let ticked = pairs.iter().filter(|(key, scope)| key == "granted" && request.scopes.contains(scope));
    let challenge = request.get("code_challenge");
    let consent = Consent {
        email: person.email.to_owned(),
        ticked: ticked.map(|(_, scope)| scope.clone()).collect(),
        add_granted: request.get("include_granted_scopes") == "true",
        offline: request.get("access_type") == "offline",
        forced: request.get("prompt").split_whitespace().any(|prompt| prompt == "consent"),
        redirect_uri: request.get("redirect_uri").to_owned(),
        challenge: (!challenge.is_empty()).then(|| challenge.to_owned()),
    };
    let granted = lock(&shared.grants).consent(consent, shared.clock.now());
    match granted {
        Ok((code, scopes)) => {
            let scope = scopes.into_iter().collect::<Vec<_>>().join(" ");
            back(&shared, &[("state", state), ("code", &code), ("scope", &scope)])
        }
        Err(error) => {
            let refusal = Refusal::new(500, "server_error", error.to_string());
            consent::refusal_page(&refusal, language)
        }
    }
}

/// 302 to the client with these parameters; an empty `state` is one that was not sent.
fn back(shared: &Shared, parameters: &[(&str, &str)]) -> Response {
    let Ok(mut url) = Url::parse(&shared.redirect_uri) else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the sandbox's redirect_uri is no URL").into_response();
    };
    let parameters: HashMap<_, _> =
        parameters.iter().copied().filter(|(key, value)| *key != "state" || !value.is_empty()).collect();
    url.query_pairs_mut().extend_pairs(parameters);
    let headers = [(header::LOCATION, url.to_string()), (header::CACHE_CONTROL, "no-store".to_owned())];
    (StatusCode::FOUND, headers).into_response()
}
