//! Real conversations with a server that follows a script.

use std::sync::{Arc, Mutex};

use lettre::transport::smtp::client::Certificate;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::*;

const AUTHORITY: &[u8] = include_bytes!("../../../tests/fixtures/tls/authority.der");
const SERVER: &[u8] = include_bytes!("../../../tests/fixtures/tls/server.der");
const SERVER_KEY: &[u8] = include_bytes!("../../../tests/fixtures/tls/server-key.der");

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What the server does after the final dot.
#[derive(Clone, Copy)]
enum Final {
    Says(&'static str),
    Hangs,
    Drops,
}

#[derive(Clone, Copy)]
struct Script {
    extensions: &'static [&'static str],
    auth: &'static str,
    mail: &'static str,
    rcpt: &'static str,
    end: Final,
}

const WILLING: Script =
    Script { extensions: &[], auth: "235 in", mail: "250 ok", rcpt: "250 ok", end: Final::Says("250 queued") };
const WITH_STARTTLS: Script = Script { extensions: &["STARTTLS", "AUTH PLAIN"], ..WILLING };

/// What the server heard, line by line; `[tls]` where it began.
type Heard = Arc<Mutex<Vec<String>>>;

async fn serve(script: Script) -> (Url, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("smtp://{}", listener.local_addr().unwrap())).unwrap();
    let heard = Heard::default();
    let log = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that hangs up in the middle is what some tests are about.
            tokio::spawn(converse(script, Box::new(stream), Arc::clone(&log)));
        }
    });
    (url, heard)
}

async fn converse(script: Script, stream: Box<dyn Stream>, heard: Heard) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut data = false;
    stream.write_all(b"220 test\r\n").await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end().to_owned();
        heard.lock().unwrap().push(line.clone());
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            "." if data => match script.end {
                Final::Says(answer) => {
                    data = false;
                    answer.to_owned()
                }
                Final::Hangs => std::future::pending().await,
                Final::Drops => return Ok(()),
            },
            _ if data => continue,
            "EHLO" => {
                script.extensions.iter().fold(String::new(), |all, one| all + "250-" + one + "\r\n")
                    + "250 SIZE 1000000"
            }
            "STARTTLS" => {
                stream.write_all(b"220 go\r\n").await?;
                let tls = TlsAcceptor::from(tls()).accept(stream.into_inner()).await?;
                heard.lock().unwrap().push("[tls]".to_owned());
                stream = BufReader::new(Box::new(tls));
                continue;
            }
            "AUTH" => script.auth.to_owned(),
            "MAIL" => script.mail.to_owned(),
            "RCPT" => script.rcpt.to_owned(),
            "DATA" => {
                data = true;
                "354 go".to_owned()
            }
            _ => "221 bye".to_owned(),
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

fn tls() -> Arc<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = PrivatePkcs8KeyDer::from(SERVER_KEY.to_vec()).into();
    Arc::new(builder.with_single_cert(vec![CertificateDer::from(SERVER.to_vec())], key).unwrap())
}

/// A client of the local profile.
fn local(url: &Url) -> Smtp {
    Smtp::new(url, None, "Portal <portal@portal.example>", true).unwrap()
}

/// A client of production.
fn production(url: &Url) -> Smtp {
    let login = ("portal".to_owned(), Secret::new("canary-smtp-password"));
    Smtp::new(url, Some(login), "Portal <portal@portal.example>", false).unwrap()
}

/// The same, which also trusts the authority of the tests.
fn trusting(url: &Url) -> Smtp {
    let authority = Certificate::from_der(AUTHORITY.to_vec()).unwrap();
    let tls = TlsParameters::builder("127.0.0.1".to_owned()).add_root_certificate(authority).build().unwrap();
    Smtp { encryption: Encryption::StartTls(tls), ..production(url) }
}

fn mail() -> Mail {
    Mail {
        id: Uuid::from_u128(7),
        to: "ana@acme.example".into(),
        lang: Lang::Es,
        subject: "Su contraseña\r\nBcc: e@e.example".into(),
        text: "Hola, Ana:\n\n.\n.com\nhttps://portal.example/#/reset?token=canary\n".into(),
        html: "<p>Hola</p>".into(),
    }
}

/// How often the server was given the mail.
fn times(heard: &Heard, line: &str) -> usize {
    heard.lock().unwrap().iter().filter(|one| one.starts_with(line)).count()
}

#[tokio::test]
async fn a_mail_is_handed_over_to_one_person_whatever_its_subject_says() {
    let (url, heard) = serve(WILLING).await;
    local(&url).send(&mail()).await.unwrap();
    let heard = heard.lock().unwrap().clone();
    assert_eq!(
        heard[..4],
        ["EHLO portal.example", "MAIL FROM:<portal@portal.example>", "RCPT TO:<ana@acme.example>", "DATA"]
    );
    assert_eq!(heard[heard.len() - 2..], [".", "QUIT"]);
    let has = |line: &str| heard.iter().any(|one| one == line);
    assert!(has("Message-ID: <00000000-0000-0000-0000-000000000007@portal.example>"), "{heard:?}");
    assert!(has("Auto-Submitted: auto-generated") && has("Content-Language: es") && has("To: ana@acme.example"));
    assert!(!heard.iter().any(|line| line.to_lowercase().starts_with("bcc")), "{heard:?}");
}

#[tokio::test]
async fn a_second_recipient_or_a_header_in_the_address_is_refused_before_the_server_hears_of_it() {
    let (url, heard) = serve(WILLING).await;
    for to in [
        "a@acme.example, b@acme.example",
        "a@acme.example\r\nBcc: b@acme.example",
        "a@acme.example> RCPT TO:<b@c.example",
        "",
    ] {
        let outcome = local(&url).send(&Mail { to: to.into(), ..mail() }).await;
        assert!(matches!(outcome, Err(MailError::Never(_))), "{to}: {outcome:?}");
    }
    assert_eq!(times(&heard, "EHLO"), 0);
}

#[tokio::test]
async fn what_heals_is_tried_later_and_what_does_not_is_never_tried_again() {
    let later = [
        Script { rcpt: "451 4.7.1 greylisted", ..WILLING },
        Script { end: Final::Says("452 4.3.1 full"), ..WILLING },
        // Our own settings: no verdict on the recipient.
        Script { mail: "550 5.7.1 sender not allowed", ..WILLING },
        Script { end: Final::Drops, ..WILLING },
    ];
    for script in later {
        let outcome = local(&serve(script).await.0).send(&mail()).await;
        assert!(matches!(outcome, Err(MailError::Later(_))), "{outcome:?}");
    }
    let never = [
        Script { rcpt: "550 5.1.1 no such user", ..WILLING },
        Script { end: Final::Says("554 5.6.0 spam"), ..WILLING },
    ];
    for script in never {
        let outcome = local(&serve(script).await.0).send(&mail()).await;
        let Err(MailError::Never(why)) = outcome else { panic!("{outcome:?}") };
        assert!(why.contains("no such user") || why.contains("spam"), "{why}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_later() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("smtp://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    assert!(matches!(local(&url).send(&mail()).await, Err(MailError::Later(_))));
}

#[tokio::test]
async fn a_server_that_hangs_after_the_final_dot_costs_a_while_and_the_next_mail_has_a_conversation_of_its_own() {
    let (url, heard) = serve(Script { end: Final::Hangs, ..WILLING }).await;
    let smtp = Smtp { patience: Duration::from_millis(300), ..local(&url) };
    for _ in 0..2 {
        assert!(matches!(smtp.send(&mail()).await, Err(MailError::Later(_))));
    }
    assert_eq!((times(&heard, "EHLO"), times(&heard, "DATA"), times(&heard, "NOOP")), (2, 2, 0));
}

#[tokio::test]
async fn what_a_server_quotes_of_the_mail_stays_out_of_the_log() {
    let quote = "554 5.6.0 bad line https://portal.example/#/reset?token=canary in cGFzc3dvcnQgcGFzc3dvcnQgcGFzc3dvcnQgcGFzc3dvcnQgcGFzc3dvcnQgcGFzc3dvcnQ=";
    let (url, _) = serve(Script { end: Final::Says(quote), ..WILLING }).await;
    let error = local(&url).send(&mail()).await.unwrap_err().to_string();
    assert!(error.contains("5.6.0 bad line […] in […]"), "{error}");
    assert_eq!(format!("{:?}", mail()), "Mail { id: 00000000-0000-0000-0000-000000000007, .. }");
    assert!(!format!("{:?}", production(&url)).contains("canary"));
}

#[tokio::test]
async fn a_trusted_server_gets_password_and_mail_after_the_encryption_has_begun() {
    let (url, heard) = serve(WITH_STARTTLS).await;
    trusting(&url).send(&mail()).await.unwrap();
    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard[..4], ["EHLO portal.example", "STARTTLS", "[tls]", "EHLO portal.example"]);
    assert!(heard[4].starts_with("AUTH PLAIN ") && heard[5].starts_with("MAIL FROM:"), "{heard:?}");
}

#[tokio::test]
async fn without_a_certificate_that_is_trusted_nothing_is_sent() {
    let (url, heard) = serve(WITH_STARTTLS).await;
    let outcome = production(&url).send(&mail()).await;
    assert!(matches!(outcome, Err(MailError::Later(_))), "{outcome:?}");
    // Trusted, but of another name.
    let mut elsewhere = url.clone();
    elsewhere.set_host(Some("localhost")).unwrap();
    let authority = Certificate::from_der(AUTHORITY.to_vec()).unwrap();
    let tls = TlsParameters::builder("localhost".to_owned()).add_root_certificate(authority).build().unwrap();
    let outcome = Smtp { encryption: Encryption::StartTls(tls), ..production(&elsewhere) }.send(&mail()).await;
    assert!(matches!(outcome, Err(MailError::Later(_))), "{outcome:?}");
    assert_eq!((times(&heard, "AUTH"), times(&heard, "MAIL")), (0, 0));
}

#[tokio::test]
async fn without_starttls_nothing_is_sent_not_even_the_password() {
    let (url, heard) = serve(Script { extensions: &["AUTH PLAIN"], ..WITH_STARTTLS }).await;
    let outcome = production(&url).send(&mail()).await;
    assert!(matches!(outcome, Err(MailError::Later(_))), "{outcome:?}");
    assert_eq!((times(&heard, "AUTH"), times(&heard, "MAIL")), (0, 0));
}

#[tokio::test]
async fn a_refused_password_is_our_affair_and_not_the_recipients() {
    let (url, _) = serve(Script { auth: "535 5.7.8 bad credentials", ..WITH_STARTTLS }).await;
    let outcome = trusting(&url).send(&mail()).await;
    let Err(MailError::Later(why)) = outcome else { panic!("{outcome:?}") };
    assert!(!why.contains("canary"), "{why}");
}

#[tokio::test]
async fn only_a_server_on_this_machine_is_spoken_to_in_clear() {
    let of = |url: &str, clear| {
        Smtp::new(&Url::parse(url).unwrap(), None, "p@portal.example", clear)
            .map(|smtp| format!("{:?}", smtp.encryption))
    };
    for (url, clear, encryption) in [
        ("smtp://127.0.0.1:1025", true, "none"),
        ("smtp://[::1]:1025", true, "none"),
        ("smtp://127.0.0.1:1025", false, "STARTTLS"),
        ("smtp://mail.example", true, "STARTTLS"),
        ("smtp://mail.example", false, "STARTTLS"),
        ("smtps://mail.example", true, "implicit TLS"),
    ] {
        assert_eq!(of(url, clear).unwrap(), encryption, "{url}");
    }
    assert!(matches!(of("http://mail.example", true), Err(MailError::Settings(_))));
}
