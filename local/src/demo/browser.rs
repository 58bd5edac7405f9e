//! A signed-in browser, as far as the demo needs one: a session cookie, a CSRF token, and no automatic redirects.

use std::time::Duration;

use reqwest::header::{ACCEPT_LANGUAGE, COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::multipart::Form;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::{DemoError, Target};

const COOKIE_NAME: &str = "__Host-session";
const TIMEOUT: Duration = Duration::from_mins(1);

/// A session of one demo person.
pub struct Browser {
    client: Client,
    base_url: String,
    /// `name=value` of the session. The cookie is `Secure`, so a cookie jar would not send it to http on loopback.
    cookie: String,
    csrf_token: String,
}

impl Browser {
    /// Signs in.
    pub async fn sign_in(target: &Target, email: &str) -> Result<Self, DemoError> {
        let what = "POST /api/auth/login";
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .build()
            .map_err(|source| DemoError::Http { what: what.into(), source })?;
        let base_url = target.base_url.clone();
        let mut browser = Self { client, base_url, cookie: String::new(), csrf_token: String::new() };
        let body = json!({"email": email, "password": target.password});
        let session = browser.json(Method::POST, "/api/auth/login", Some(body)).await?;
        let missing = |missing| DemoError::Shape { what: what.into(), missing };
        browser.csrf_token = session["csrf_token"].as_str().ok_or_else(|| missing("csrf_token"))?.to_owned();
        if browser.cookie.is_empty() {
            return Err(missing("session cookie"));
        }
        Ok(browser)
    }

    /// Calls the portal with a JSON body or none; null for an empty answer.
    pub async fn json(&mut self, method: Method, path: &str, body: Option<Value>) -> Result<Value, DemoError> {
        let what = format!("{method} {path}");
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.answer(what, request).await
    }

    /// Posts a multipart form to the portal.
    pub async fn upload(&mut self, path: &str, form: Form) -> Result<Value, DemoError> {
        let request = self.request(Method::POST, path).multipart(form);
        self.answer(format!("POST {path}"), request).await
    }

    /// Opens an address of the portal that redirects, and returns where to.
    pub async fn follow(&mut self, path: &str) -> Result<String, DemoError> {
        // The query holds the code, so errors name only the path.
        let what = format!("GET {}", path.split('?').next().unwrap_or_default());
        let request = self.request(Method::GET, path);
        let response = self.send(&what, request).await?;
        location(what, response).await
    }

    /// Opens the consent page. The session stays with the portal.
    pub async fn consent_page(&self, url: &str) -> Result<String, DemoError> {
        let what = "the consent page";
        let fail = |source| DemoError::Http { what: what.into(), source };
        let response = self.client.get(url).header(ACCEPT_LANGUAGE, "es").send().await.map_err(fail)?;
        let response = expect(what, response, StatusCode::is_success).await?;
        response.text().await.map_err(fail)
    }

    /// Sends the consent form, whose address is that of its page without the query, and returns where it leads.
    pub async fn submit_consent(&self, page: &str, fields: &[(String, String)]) -> Result<String, DemoError> {
        let url = page.split('?').next().unwrap_or_default();
        let what = "the consent form";
        let request = self.client.post(url).form(fields);
        let response = request.send().await.map_err(|source| DemoError::Http { what: what.into(), source })?;
        location(what.into(), response).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut headers = HeaderMap::new();
        for (name, value) in [(ORIGIN, &self.base_url), (COOKIE, &self.cookie)] {
            if let Ok(value) = value.parse() {
                headers.insert(name, value);
            }
        }
        let request = self.client.request(method, format!("{}{path}", self.base_url)).headers(headers);
        request.header(ACCEPT_LANGUAGE, "es").header("X-CSRF-Token", &self.csrf_token)
    }

    async fn send(&mut self, what: &str, request: RequestBuilder) -> Result<Response, DemoError> {
        let response = request.send().await.map_err(|source| DemoError::Http { what: what.into(), source })?;
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
            if pair.split('=').next() == Some(COOKIE_NAME) {
                pair.clone_into(&mut self.cookie);
            }
        }
        Ok(response)
    }

    async fn answer(&mut self, what: String, request: RequestBuilder) -> Result<Value, DemoError> {
        let response = self.send(&what, request).await?;
        let response = expect(&what, response, StatusCode::is_success).await?;
        let body = response.bytes().await.map_err(|source| DemoError::Http { what: what.clone(), source })?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|_| DemoError::Shape { what, missing: "JSON" })
    }
}

/// The target of a redirect.
async fn location(what: String, response: Response) -> Result<String, DemoError> {
    let response = expect(&what, response, StatusCode::is_redirection).await?;
    let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok()).map(str::to_owned);
    target.ok_or(DemoError::Shape { what, missing: "Location" })
}

/// Lets an answer pass whose status is one of the wanted ones.
async fn expect(what: &str, response: Response, wanted: fn(&StatusCode) -> bool) -> Result<Response, DemoError> {
    let status = response.status();
    if wanted(&status) {
        return Ok(response);
    }
    let body = response.text().await.unwrap_or_default();
    let problem: Value = serde_json::from_str(&body).unwrap_or_default();
    let detail = problem["detail"].as_str().map_or_else(|| body.chars().take(300).collect(), str::to_owned);
    Err(DemoError::Status { what: what.to_owned(), status: status.as_u16(), detail })
}
