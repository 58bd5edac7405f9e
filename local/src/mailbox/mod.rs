//! The mailbox: what the portal would have sent by mail, to look at on this machine.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use http::HeaderName;
use serde::Serialize;

/// One mail as received.
#[derive(Debug, Clone, Serialize)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
    /// RFC 3339, UTC.
    pub received_at: String,
}

/// The mails of this run, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Mailbox {
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl Mailbox {
    /// Adds a mail.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the SMTP listener that fills the box comes with the first mails")
    )]
    pub fn push(&self, mail: Mail) {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
    }

    fn all(&self) -> Vec<Mail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `GET /messages` (JSON list) and `GET /` (a page).
    pub fn router(&self) -> Router {
        Router::new().route("/messages", get(messages)).route("/", get(page)).with_state(self.clone())
    }
}

async fn messages(State(mailbox): State<Mailbox>) -> Json<Vec<Mail>> {
    Json(mailbox.all())
}

async fn page(State(mailbox): State<Mailbox>) -> ([(HeaderName, &'static str); 1], Html<String>) {
    let mails = mailbox.all();
    let show = |mail: &Mail| {
        let [to, subject, text, at] = [&mail.to, &mail.subject, &mail.text, &mail.received_at].map(|t| escape(t));
        format!("<article><h2>{subject}</h2><p>{to} · {at}</p><pre>{text}</pre></article>")
    };
    let items = mails.iter().rev().map(show).collect::<Vec<_>>().concat();
    let body = if mails.is_empty() { "<p>No mail yet.</p>".to_owned() } else { items };
    // Mails are foreign text: nothing in them may run.
    let policy = [(http::header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'")];
    (policy, Html(format!("<!doctype html><html lang=\"en\"><title>Mailbox</title><h1>Mailbox</h1>{body}</html>")))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn get(mailbox: &Mailbox, path: &str) -> String {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let body = mailbox.router().oneshot(request).await.unwrap().into_body();
        String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn mails_are_listed_as_json_and_shown_without_their_markup() {
        let mailbox = Mailbox::default();
        assert_eq!(get(&mailbox, "/messages").await, "[]");
        let subject = "<script>".to_owned();
        let (to, text, at) = ("a@acme.example".to_owned(), "hi".to_owned(), "2026-11-23T12:00:00Z".to_owned());
        mailbox.push(Mail { to, subject, text, html: None, received_at: at });
        assert!(get(&mailbox, "/messages").await.contains("\"subject\":\"<script>\""));
        assert!(!get(&mailbox, "/").await.contains("<script>"));
    }
}
