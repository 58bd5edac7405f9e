//! Handing mails over by SMTP.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as From, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::{Address, Message};
use tokio::time::timeout;
use url::Url;
use uuid::Uuid;

use crate::domain::lang::Lang;
use crate::domain::secret::Secret;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest conversation. Well within the lease of the job, so that nobody else sends the same mail meanwhile.
pub const PATIENCE: Duration = Duration::from_secs(45);
/// Longest wait for the server's goodbye; the mail is in its hands by then.
pub const FAREWELL: Duration = Duration::from_secs(2);
/// Characters of a server's words that are kept for the log.
const QUOTE: usize = 200;
/// Longer words are no words but links or encoded content.
const WORD: usize = 60;

/// A mail to one person.
#[derive(Clone)]
pub struct Mail {
    /// Names the mail for ever: the same mail sent twice has the same `Message-ID`.
    pub id: Uuid,
    /// Address of the person.
    pub to: String,
    /// Language of the texts.
    pub lang: Lang,
    /// One line; anything that could begin a header is refused by the encoder.
    pub subject: String,
    /// The whole message as text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

impl fmt::Debug for Mail {
    /// Only its name: the rest holds an address and a link.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A mail was not handed over. The texts are for the log; they hold no link.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// No server, a full one or a busy one: worth trying again.
    #[error("not delivered yet: {0}")]
    Later(String),
    /// The server will never take it.
    #[error("refused for good: {0}")]
    Never(String),
    /// The settings are unusable.
    #[error("mail settings: {0}")]
    Settings(String),
}

/// Where mails go.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands a mail over.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// An SMTP server. Each mail has a connection of its own: mails are rare, and a connection whose conversation was cut
/// short must never be used again.
#[derive(Debug, Clone)]
pub struct Smtp {
    host: String,
    port: u16,
    encryption: Encryption,
    login: Option<Credentials>,
    from: Mailbox,
    patience: Duration,
}

#[derive(Clone)]
enum Encryption {
    /// From the first byte.
    Implicit(TlsParameters),
    /// After `STARTTLS`, without which nothing is sent.
    StartTls(TlsParameters),
    /// None, on this machine.
    Loopback,
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Implicit(_) => "implicit TLS",
            Self::StartTls(_) => "STARTTLS",
            Self::Loopback => "none",
        })
    }
}

impl Smtp {
    /// `smtp://host:port` or `smtps://host:port`. `smtp` demands STARTTLS and a certificate that the system trusts;
    /// with `clear` a server on this machine is spoken to without.
    pub fn new(url: &Url, login: Option<(String, Secret)>, from: &str, clear: bool) -> Result<Self, MailError> {
        let settings = |what: &str| MailError::Settings(what.to_owned());
        let host = url.host_str().ok_or_else(|| settings("PORTAL_SMTP_URL has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = || TlsParameters::new(host.clone()).map_err(|error| MailError::Settings(error.to_string()));
        let (encryption, port) = match url.scheme() {
            "smtps" => (Encryption::Implicit(tls()?), 465),
            "smtp" if clear && is_loopback(&host) => (Encryption::Loopback, 25),
            "smtp" => (Encryption::StartTls(tls()?), 587),
            _ => return Err(settings("PORTAL_SMTP_URL must be smtp:// or smtps://")),
        };
        Ok(Self {
            port: url.port().unwrap_or(port),
            encryption,
            login: login.map(|(user, password)| Credentials::new(user, password.expose().to_owned())),
            from: from.parse().map_err(|_| settings("PORTAL_MAIL_FROM is no address"))?,
            patience: PATIENCE,
            host,
        })
    }

    fn message(&self, mail: &Mail, to: Address) -> Result<Message, MailError> {
        let domain = self.from.email.domain();
        let part = |kind, body: &str| SinglePart::builder().header(kind).body(body.to_owned());
        let language = HeaderName::new_from_ascii_str("Content-Language");
        // Nobody's out-of-office assistant should answer (RFC 3834, section 5).
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&mail.subject)
            .message_id(Some(format!("<{}@{domain}>", mail.id)))
            .raw_header(HeaderValue::new(language, mail.lang.as_str().to_owned()))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .multipart(
                MultiPart::alternative()
                    .singlepart(part(ContentType::TEXT_PLAIN, &mail.text))
                    .singlepart(part(ContentType::TEXT_HTML, &mail.html)),
            )
            .map_err(|error| MailError::Never(error.to_string()))
    }

    /// A connection on which mails may be handed over.
    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let hello = ClientId::Domain(self.from.email.domain().to_owned());
        let implicit = match &self.encryption {
            Encryption::Implicit(tls) => Some(tls.clone()),
            Encryption::StartTls(_) | Encryption::Loopback => None,
        };
        let server = (self.host.as_str(), self.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT), &hello, implicit, None).await?;
        if let Encryption::StartTls(tls) = &self.encryption {
            connection.starttls(tls.clone(), &hello).await?;
        }
        if let Some(login) = &self.login {
            connection.auth(DEFAULT_MECHANISMS, login).await?;
        }
        Ok(connection)
    }

    async fn converse(&self, to: Address, message: &[u8]) -> Result<AsyncSmtpConnection, MailError> {
        // Whatever happens before the server knows the recipient is no verdict on the mail: someone mends the settings.
        let mut connection = self.connect().await.map_err(|error| later(&error))?;
        let mut options = Vec::new();
        if !message.is_ascii() || !to.to_string().is_ascii() {
            let server = connection.server_info();
            if !server.supports_feature(Extension::SmtpUtfEight) || !server.supports_feature(Extension::EightBitMime) {
                return Err(MailError::Never("the server takes no address with such letters".to_owned()));
            }
            options = vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)];
        }
        let from = From::new(Some(self.from.email.clone()), options);
        connection.command(from).await.map_err(|error| later(&error))?;
        connection.command(Rcpt::new(to, Vec::new())).await.map_err(|error| verdict(&error))?;
        connection.command(Data).await.map_err(|error| verdict(&error))?;
        connection.message(message).await.map_err(|error| verdict(&error))?;
        Ok(connection)
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn later(error: &Error) -> MailError {
    MailError::Later(quotable(&error.to_string()))
}

/// What an answer about this recipient or this message means.
fn verdict(error: &Error) -> MailError {
    if error.is_permanent() { MailError::Never(quotable(&error.to_string())) } else { later(error) }
}

/// A server's words for the log. It may quote what it was given: no link and no encoded content stays.
fn quotable(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let words = words.map(|word| if word.contains("://") || word.len() > WORD { "[…]" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(QUOTE).collect()
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let to: Address = mail.to.parse().map_err(|_| MailError::Never("the recipient is no address".to_owned()))?;
        let message = self.message(mail, to.clone())?.formatted();
        let Ok(outcome) = timeout(self.patience, self.converse(to, &message)).await else {
            let seconds = self.patience.as_secs();
            return Err(MailError::Later(format!("the conversation was not over after {seconds} s")));
        };
        // However it takes its leave.
        timeout(FAREWELL, outcome?.quit()).await.ok();
        Ok(())
    }
}
