//! The consent page: plain HTML that works without script, in Spanish and English.

use std::fmt::Write as _;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::Url;

use super::authorize::{PATH, Refusal, Request};
use super::catalogue::PEOPLE;
use super::ga4;

/// Address of the style sheet.
pub const STYLE_PATH: &str = "/o/oauth2/v2/consent.css";

/// Language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Spanish, unless English is asked for.
    Es,
    /// English.
    En,
}

impl Language {
    /// From Google's parameter `hl`, else from `Accept-Language`.
    pub fn choose(hl: &str, accepted: &str) -> Self {
        let wanted = if hl.is_empty() { accepted } else { hl };
        if wanted.trim_start().to_ascii_lowercase().starts_with("en") { Self::En } else { Self::Es }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Es => "es",
            Self::En => "en",
        }
    }

    const fn texts(self) -> &'static Texts {
        match self {
            Self::Es => &ES,
            Self::En => &EN,
        }
    }
}

struct Texts {
    title: &'static str,
    notice: &'static str,
    account: &'static str,
    scopes: &'static str,
    analytics: &'static str,
    identity: &'static str,
    allow: &'static str,
    deny: &'static str,
    refused: &'static str,
}

const ES: Texts = Texts {
    title: "El portal quiere acceder a tu cuenta de Google",
    notice: "Entorno de pruebas: esta página no es de Google y sus cuentas son inventadas.",
    account: "Elige una cuenta",
    scopes: "El portal podrá",
    analytics: "Ver tus datos de Google Analytics",
    identity: "Saber quién eres en Google",
    allow: "Permitir",
    deny: "Denegar",
    refused: "Acceso bloqueado: la solicitud del portal no es válida",
};

const EN: Texts = Texts {
    title: "The portal wants to access your Google Account",
    notice: "Sandbox: this page is not Google's and its accounts are invented.",
    account: "Choose an account",
    scopes: "The portal will be able to",
    analytics: "See your Google Analytics data",
    identity: "Know who you are on Google",
    allow: "Allow",
    deny: "Deny",
    refused: "Access blocked: the portal's request is invalid",
};

/// Style sheet of the pages.
pub const STYLE: &str = "\
:root{color-scheme:light dark;--edge:#747775;--accent:#0b57d0;--ground:#fff;--text:#1f1f1f;--on:#fff}
@media(prefers-color-scheme:dark){:root{--edge:#8e918f;--accent:#a8c7fa;--ground:#131314;--text:#e3e3e3;--on:#062e6f}}
*{box-sizing:border-box}
body{margin:0;font:1rem/1.5 system-ui,sans-serif;color:var(--text);background:var(--ground)}
main{max-width:30rem;margin:2rem auto;padding:1.5rem;border:1px solid var(--edge);border-radius:1rem}
h1{font-size:1.4rem;line-height:1.3;margin:0 0 1rem}
.notice{border-left:.25rem solid var(--accent);padding-left:.75rem;margin:0 0 1rem}
fieldset{border:0;margin:0 0 1rem;padding:0}
legend{font-weight:600;padding:0;margin-bottom:.25rem}
label{display:flex;gap:.75rem;align-items:baseline;padding:.5rem 0}
label small{display:block;opacity:.85}
code{overflow-wrap:anywhere}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;justify-content:flex-end}
button{font:inherit;padding:.6rem 1.5rem;border-radius:2rem;border:1px solid var(--edge);background:transparent;color:inherit}
button[value=allow]{background:var(--accent);border-color:var(--accent);color:var(--on)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
";

/// The consent page for a checked request.
pub fn page(request: &Request, redirect_uri: &str, language: Language) -> Response {
    let texts = language.texts();
    let mut form = format!("<form method=\"post\" action=\"{PATH}\">");
    for (name, value) in &request.parameters {
        let _ = write!(form, "<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value));
    }
    let _ = write!(form, "<fieldset><legend>{}</legend>", texts.account);
    for person in &PEOPLE {
        let checked = if person.email == request.hint { " checked" } else { "" };
        let _ = write!(
            form,
            "<label><input type=\"radio\" name=\"account\" value=\"{0}\" required{checked}>\
             <span>{1}<small>{0}</small></span></label>",
            escape(person.email),
            escape(person.name)
        );
    }
    let _ = write!(form, "</fieldset><fieldset><legend>{}</legend>", texts.scopes);
    for scope in &request.scopes {
        let text = if scope == ga4::SCOPE { texts.analytics } else { texts.identity };
        let _ = write!(
            form,
            "<label><input type=\"checkbox\" name=\"granted\" value=\"{0}\" checked>\
             <span>{text}<small><code>{0}</code></small></span></label>",
            escape(scope)
        );
    }
    let _ = write!(
        form,
        "</fieldset><div class=\"actions\"><button name=\"decision\" value=\"deny\" formnovalidate>{}</button>\
         <button name=\"decision\" value=\"allow\">{}</button></div></form>",
        texts.deny, texts.allow
    );
    // Browsers hold the redirect after the form to `form-action` too, so the client's origin is part of it.
    let client = Url::parse(redirect_uri).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    document(StatusCode::OK, language, texts.title, &form, &format!("'self' {client}"))
}

/// The page for a request that must not be sent back to the client.
pub fn refusal_page(refusal: &Refusal, language: Language) -> Response {
    let detail = format!(
        "<p>Error {}: <code>{}</code></p><p>{}</p>",
        refusal.status.as_u16(),
        refusal.error,
        escape(&refusal.detail)
    );
    document(refusal.status, language, language.texts().refused, &detail, "'none'")
}

fn document(status: StatusCode, language: Language, title: &str, content: &str, form_action: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <link rel=\"stylesheet\" href=\"{STYLE_PATH}\"></head>\
         <body><main><h1>{title}</h1><p class=\"notice\">{}</p>{content}</main></body></html>",
        language.code(),
        language.texts().notice
    );
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (status, headers, html).into_response()
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
