//! The mailbox: a mail server that keeps what the portal sends (`smtp`, `conversation`), pages to look at it (`page`) and a
//! switch that makes it fail (`faults`). No mail leaves the machine.

mod conversation;
mod faults;
mod page;
pub mod smtp;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use mail_parser::{Message, MessageParser, PartType};
use serde::Serialize;
use time::OffsetDateTime;

use faults::Faults;

/// Mails that are kept; the oldest go first.
const KEPT: usize = 1_000;

/// One mail as received by one recipient.
#[derive(Debug, Clone, Serialize)]
pub struct Mail {
    /// Rising.
    pub id: u64,
    /// The address of the envelope.
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
    /// Without its angle brackets.
    pub message_id: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// As it came.
    #[serde(skip)]
    pub raw: Arc<[u8]>,
}

/// The newest mails of this run, and how the next ones shall fail.
#[derive(Debug, Clone, Default)]
pub struct Mailbox(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    mails: VecDeque<Mail>,
    last_id: u64,
    faults: Faults,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a message, once for each recipient.
    fn receive(&self, recipients: &[String], raw: &[u8], received_at: OffsetDateTime) {
        // What is no message at all is kept, too, to be looked at.
        let message = MessageParser::default().parse(raw);
        let mail = Mail {
            id: 0,
            to: String::new(),
            subject: message.as_ref().and_then(Message::subject).unwrap_or_default().to_owned(),
            text: body(message.as_ref(), false).unwrap_or_default(),
            html: body(message.as_ref(), true),
            message_id: message.as_ref().and_then(Message::message_id).map(str::to_owned),
            received_at,
            raw: raw.into(),
        };
        let mut inner = self.lock();
        for to in recipients {
            inner.last_id += 1;
            let id = inner.last_id;
            inner.mails.push_back(Mail { id, to: to.clone(), ..mail.clone() });
            if inner.mails.len() > KEPT {
                inner.mails.pop_front();
            }
        }
    }

    /// All of them, oldest first.
    fn all(&self) -> Vec<Mail> {
        self.lock().mails.iter().cloned().collect()
    }

    fn find(&self, id: u64) -> Option<Mail> {
        self.lock().mails.iter().find(|mail| mail.id == id).cloned()
    }

    /// `GET /messages` (JSON list), `GET /` (a page), `/messages/{id}/{html,raw}`, `/__control/faults`.
    pub fn router(&self) -> Router {
        page::routes().merge(faults::routes()).with_state(self.clone())
    }
}

/// The first part of a message that is text, or that is HTML.
fn body(message: Option<&Message<'_>>, html: bool) -> Option<String> {
    message?.parts.iter().find_map(|part| match &part.body {
        PartType::Text(text) if !html => Some(text.to_string()),
        PartType::Html(text) if html => Some(text.to_string()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const AT: OffsetDateTime = datetime!(2026-11-23 10:00 UTC);

    #[test]
    fn a_message_is_decoded_and_kept_for_each_recipient() {
        let raw = "Subject: =?utf-8?B?Q29udHJhc2XDsWE=?=\r\nMessage-ID: <7@portal.example>\r\nMIME-Version: 1.0\r\n\
                   Content-Type: multipart/alternative; boundary=b\r\n\r\n\
                   --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nse=C3=B1a=\r\nl\r\n\
                   --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>hi</p>\r\n--b--\r\n";
        let mailbox = Mailbox::default();
        mailbox.receive(&["a@acme.example".into(), "b@acme.example".into()], raw.as_bytes(), AT);
        let mails = mailbox.all();
        assert_eq!(
            mails.iter().map(|mail| (mail.id, mail.to.as_str())).collect::<Vec<_>>(),
            [(1, "a@acme.example"), (2, "b@acme.example")]
        );
        assert_eq!((mails[0].subject.as_str(), mails[0].text.trim_end()), ("Contraseña", "señal"));
        assert_eq!(mails[0].html.as_deref().map(str::trim_end), Some("<p>hi</p>"));
        assert_eq!(mails[0].message_id.as_deref(), Some("7@portal.example"));
        assert_eq!(&*mails[0].raw, raw.as_bytes());
    }

    #[test]
    fn what_is_no_message_is_kept_all_the_same() {
        let mailbox = Mailbox::default();
        mailbox.receive(&["a@acme.example".into()], b"", AT);
        assert_eq!(mailbox.all().len(), 1);
    }

    #[test]
    fn the_newest_thousand_are_kept() {
        let mailbox = Mailbox::default();
        let to = ["a@acme.example".to_owned()];
        (0..KEPT + 3).for_each(|_| mailbox.receive(&to, b"Subject: x\r\n\r\nx", AT));
        let mails = mailbox.all();
        assert_eq!((mails.len(), mails[0].id), (KEPT, 4));
        assert!(mailbox.find(3).is_none() && mailbox.find(4).is_some());
    }
}
