//! Handing mails over by SMTP.

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use url::Url;
use uuid::Uuid;

use crate::domain::lang::Lang;
use crate::domain::secret::Secret;

const TIMEOUT: Duration = Duration::from_secs(20);

/// A mail to one person.
#[derive(Debug, Clone)]
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

/// An SMTP server.
#[derive(Debug, Clone)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// `smtp://host:port` or `smtps://host:port`. Unless `clear` is allowed, `smtp` demands STARTTLS.
    pub fn new(url: &Url, login: Option<(String, Secret)>, from: &str, clear: bool) -> Result<Self, MailError> {
        let settings = |what: &str| MailError::Settings(what.to_owned());
        let host = url.host_str().ok_or_else(|| settings("PORTAL_SMTP_URL has no host"))?;
        let tls = || TlsParameters::new(host.to_owned()).map_err(|error| MailError::Settings(error.to_string()));
        let (tls, port) = match url.scheme() {
            "smtps" => (Tls::Wrapper(tls()?), 465),
            "smtp" if clear => (Tls::None, 25),
            "smtp" => (Tls::Required(tls()?), 587),
            _ => return Err(settings("PORTAL_SMTP_URL must be smtp:// or smtps://")),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(url.port().unwrap_or(port))
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let Some((user, password)) = login {
            builder = builder.credentials(Credentials::new(user, password.expose().to_owned()));
        }
        let from = from.parse().map_err(|_| settings("PORTAL_MAIL_FROM is no address"))?;
        Ok(Self { transport: builder.build(), from })
    }

    fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let never = |error: &dyn std::error::Error| MailError::Never(error.to_string());
        let to: Address = mail.to.parse().map_err(|error: lettre::address::AddressError| never(&error))?;
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
            .map_err(|error| never(&error))
    }
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.message(mail)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(MailError::Never(error.to_string())),
            Err(error) => Err(MailError::Later(error.to_string())),
        }
    }
}
