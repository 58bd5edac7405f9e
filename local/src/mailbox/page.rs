//! The mails as JSON and as a page.

use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use axum::{Json, Router};
use time::format_description::well_known::Rfc3339;

use super::{Mail, Mailbox};

/// Mails are foreign text: nothing in them may run or load anything.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;max-width:48rem;padding:0 1rem;color-scheme:light dark}\
    article{border-top:1px solid #8886;padding:1rem 0}h2{font-size:1.1rem;margin:0}p{margin:.25rem 0}pre{white-space:pre-wrap;overflow-wrap:anywhere}";
/// The HTML part is shown with its own styles, in a box without an origin.
const MAIL_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

pub fn routes() -> Router<Mailbox> {
    Router::new()
        .route("/messages", get(messages))
        .route("/messages/{id}/html", get(html))
        .route("/messages/{id}/raw", get(raw))
        .route("/", get(page))
}

async fn messages(State(mailbox): State<Mailbox>) -> Json<Vec<Mail>> {
    Json(mailbox.all())
}

async fn page(State(mailbox): State<Mailbox>) -> impl IntoResponse {
    let mails = mailbox.all();
    let items: String = mails.iter().rev().map(show).collect();
    let body = if mails.is_empty() { "<p>No mail yet.</p>".to_owned() } else { items };
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Mailbox</title><style>{STYLE}</style><h1>Mailbox</h1>{body}{}</html>",
        sandbox_keys()
    );
    (policy(PAGE_POLICY), Html(page))
}

/// What a newcomer needs to connect Stripe: the sandbox's keys. They open invented data on this machine only.
fn sandbox_keys() -> String {
    let row = |(key, about)| format!("<tr><td><code>{}</code><td>{}", escape(key), escape(about));
    let rows: String = crate::sandbox::stripe_keys().map(row).collect();
    format!("<h2>Stripe keys of the sandbox</h2><table><tr><th>Key<th>What it shows{rows}</table>")
}

fn show(mail: &Mail) -> String {
    let at = mail.received_at.format(&Rfc3339).unwrap_or_default();
    let [to, subject, text] = [&mail.to, &mail.subject, &mail.text].map(|text| escape(text));
    let text: String = text.split_inclusive('\n').map(linked).collect();
    let id = mail.id;
    let html = mail.html.as_ref().map_or_else(String::new, |_| format!("<a href=\"/messages/{id}/html\">HTML</a> · "));
    format!(
        "<article><h2>{subject}</h2><p>{to} · {at} · {html}<a href=\"/messages/{id}/raw\">source</a></p><pre>{text}</pre></article>"
    )
}

/// A line that is nothing but an address can be followed. It is escaped already.
fn linked(line: &str) -> String {
    let address = line.trim_end();
    let is_one = ["http://", "https://"].iter().any(|scheme| address.starts_with(scheme)) && !address.contains(' ');
    if is_one { format!("<a href=\"{address}\">{address}</a>\n") } else { line.to_owned() }
}

async fn html(State(mailbox): State<Mailbox>, Path(id): Path<u64>) -> Result<impl IntoResponse, StatusCode> {
    let html = mailbox.find(id).and_then(|mail| mail.html).ok_or(StatusCode::NOT_FOUND)?;
    Ok((policy(MAIL_POLICY), Html(html)))
}

async fn raw(State(mailbox): State<Mailbox>, Path(id): Path<u64>) -> Result<impl IntoResponse, StatusCode> {
    let mail = mailbox.find(id).ok_or(StatusCode::NOT_FOUND)?;
    let text = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((policy(PAGE_POLICY), text, mail.raw.to_vec()))
}

const fn policy(policy: &'static str) -> [(HeaderName, &'static str); 2] {
    [(header::CONTENT_SECURITY_POLICY, policy), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")]
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{HeaderMap, Request};
    use http_body_util::BodyExt;
    use time::macros::datetime;
    use tower::ServiceExt;

    use super::*;

    async fn get(mailbox: &Mailbox, path: &str) -> (StatusCode, HeaderMap, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (head, body) = mailbox.router().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        (head.status, head.headers, String::from_utf8(body).unwrap())
    }

    fn one(raw: &str) -> Mailbox {
        let mailbox = Mailbox::default();
        mailbox.receive(&["a@acme.example".into()], raw.as_bytes(), datetime!(2026-11-23 12:00 UTC));
        mailbox
    }

    #[tokio::test]
    async fn mails_are_listed_as_json_and_shown_without_their_markup() {
        assert_eq!(get(&Mailbox::default(), "/messages").await.2, "[]");
        let mailbox = one("Subject: <script>\r\n\r\nhi <b>you</b>");
        let (_, _, list) = get(&mailbox, "/messages").await;
        let list: serde_json::Value = serde_json::from_str(&list).unwrap();
        assert_eq!((&list[0]["subject"], &list[0]["html"]), (&"<script>".into(), &serde_json::Value::Null));
        assert_eq!(
            (&list[0]["to"], &list[0]["received_at"]),
            (&"a@acme.example".into(), &"2026-11-23T12:00:00Z".into())
        );
        let (_, headers, page) = get(&mailbox, "/").await;
        assert!(!page.contains("<script>") && !page.contains("<b>") && !page.contains("/messages/1/html"), "{page}");
        assert_eq!(headers["content-security-policy"], PAGE_POLICY);
        assert!(page.contains("<code>rk_test_demo_eur</code>"), "a newcomer finds the keys here");
    }

    #[tokio::test]
    async fn a_line_that_is_an_address_can_be_followed_and_nothing_else_can() {
        let lines = "https://a.example/#/reset?token=1\r\nhttps://a.example/\"onclick=\r\njavascript:1\r\nsee https://b.example\r\n";
        let (_, _, page) = get(&one(&format!("Subject: x\r\n\r\n{lines}")), "/").await;
        let link = "<a href=\"https://a.example/#/reset?token=1\">https://a.example/#/reset?token=1</a>\n";
        assert!(page.contains(link) && page.contains("href=\"https://a.example/&quot;onclick=\""), "{page}");
        assert_eq!(page.matches("href=").count(), 3, "two addresses and the source: {page}");
    }

    #[tokio::test]
    async fn the_html_of_a_mail_is_shown_in_a_sandbox_and_its_source_as_text() {
        let source = "Subject: x\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>";
        let mailbox = one(source);
        let (_, headers, html) = get(&mailbox, "/messages/1/html").await;
        assert_eq!(html, "<script>alert(1)</script>");
        assert!(headers["content-security-policy"].to_str().unwrap().starts_with("sandbox; default-src 'none'"));
        assert!(get(&mailbox, "/").await.2.contains("href=\"/messages/1/html\""));
        let (_, headers, raw) = get(&mailbox, "/messages/1/raw").await;
        assert_eq!((raw.as_str(), headers["content-type"].to_str().unwrap()), (source, "text/plain; charset=utf-8"));
        assert_eq!(get(&mailbox, "/messages/2/html").await.0, StatusCode::NOT_FOUND);
    }
}
