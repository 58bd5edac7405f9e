//! The mail server's network side: lines, the message with its dots, time-outs.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Mailbox;
use super::conversation::{Answer, Conversation, MAX_MESSAGE};
use super::faults::Kind;
use crate::clock::Clock;

/// RFC 5321, section 4.5.3.2.7.
const IDLE: Duration = Duration::from_mins(5);
/// Longest line; the RFC allows 1,000.
const MAX_LINE: u64 = 4_096;

/// Takes mails in until it is dropped.
pub async fn serve(listener: TcpListener, mailbox: Mailbox, clock: Arc<dyn Clock>) {
    let mut sessions = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (mailbox, clock) = (mailbox.clone(), clock.clone());
                sessions.spawn(async move {
                    if let Err(error) = session(stream, &mailbox, clock.as_ref()).await {
                        tracing::debug!("a mail client left: {error}");
                    }
                });
            }
            // Too many open files, or a client that left at once.
            Err(error) => {
                tracing::warn!("a mail client was not let in: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while sessions.try_join_next().is_some() {}
    }
}

async fn session(stream: TcpStream, mailbox: &Mailbox, clock: &dyn Clock) -> io::Result<()> {
    if mailbox.lock().faults.strike(&[Kind::Down]).is_some() {
        return Ok(());
    }
    let mut stream = BufReader::new(stream);
    let mut conversation = Conversation::default();
    say(&mut stream, "220 mailbox ESMTP").await?;
    while let Some(line) = line(&mut stream).await? {
        let answer = conversation.hear(&String::from_utf8_lossy(trimmed(&line)), &mut mailbox.lock().faults);
        match answer {
            Answer::Says(text) => say(&mut stream, &text).await?,
            Answer::Bye => return say(&mut stream, "221 2.0.0 bye").await,
            Answer::Data => {
                say(&mut stream, "354 the message, then a dot").await?;
                let Some(message) = message(&mut stream).await? else { return Ok(()) };
                let recipients = conversation.complete();
                let Some(message) = message else {
                    say(&mut stream, "552 5.3.4 too large").await?;
                    continue;
                };
                let fault = mailbox.lock().faults.strike(&[Kind::Hang, Kind::DropAfterData]);
                if fault == Some(Kind::Hang) {
                    return silence(&mut stream).await;
                }
                mailbox.receive(&recipients, &message, clock.now());
                if fault.is_some() {
                    return Ok(());
                }
                say(&mut stream, "250 2.0.0 kept").await?;
            }
        }
    }
    Ok(())
}

async fn say(stream: &mut BufReader<TcpStream>, text: &str) -> io::Result<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await
}

/// A line with its end; `None` when the client has gone.
async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut limited = stream.take(MAX_LINE);
    timeout(IDLE, limited.read_until(b'\n', &mut line)).await??;
    Ok(Some(line).filter(|line| !line.is_empty()))
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// The message up to its dot. `None`: the client has gone; inside, `None`: it was too large.
async fn message(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Option<Vec<u8>>>> {
    let mut message = Vec::new();
    let mut too_large = false;
    let mut fresh = true;
    while let Some(line) = line(stream).await? {
        // A line that is longer than the limit comes in pieces; only its beginning can hold the dot.
        if fresh && line == b".\r\n" {
            return Ok(Some((!too_large).then_some(message)));
        }
        let content = if fresh { line.strip_prefix(b".").unwrap_or(&line) } else { &line };
        fresh = line.ends_with(b"\n");
        too_large = too_large || message.len() + content.len() > MAX_MESSAGE;
        if !too_large {
            message.extend_from_slice(content);
        }
    }
    Ok(None)
}

/// Says nothing until the client goes.
async fn silence(stream: &mut BufReader<TcpStream>) -> io::Result<()> {
    tokio::io::copy(stream, &mut tokio::io::sink()).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::clock::SystemClock;

    async fn start() -> (SocketAddr, Mailbox) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mailbox = Mailbox::default();
        tokio::spawn(serve(listener, mailbox.clone(), Arc::new(SystemClock)));
        (address, mailbox)
    }

    /// Says everything at once, as a pipelining client may, and hears all answers.
    async fn talk(address: SocketAddr, words: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(words.as_bytes()).await.unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.unwrap();
        heard
    }

    const HEAD: &str = "EHLO x\r\nMAIL FROM:<p@portal.example>\r\nRCPT TO:<a@acme.example>\r\nDATA\r\n";

    async fn fail(mailbox: &Mailbox, kind: &str) {
        use axum::body::Body;
        use tower::ServiceExt;
        let request = http::Request::post("/__control/faults").header("content-type", "application/json");
        let request = request.body(Body::from(format!("{{\"kind\":\"{kind}\",\"count\":1}}"))).unwrap();
        assert_eq!(mailbox.router().oneshot(request).await.unwrap().status(), 201);
    }

    #[tokio::test]
    async fn dots_are_taken_back_and_two_mails_fit_into_one_conversation() {
        let (address, mailbox) = start().await;
        let second = HEAD.replacen("EHLO x\r\n", "", 1).replace("DATA", "RCPT TO:<b@acme.example>\r\nDATA");
        let words =
            format!("{HEAD}Subject: one\r\n\r\n..\r\n...com\r\n.\r\n{second}Subject: two\r\n\r\nx\r\n.\r\nQUIT\r\n");
        let heard = talk(address, &words).await;
        assert!(heard.ends_with("221 2.0.0 bye\r\n") && heard.matches("250 2.0.0 kept").count() == 2, "{heard}");
        let mails = mailbox.all();
        assert_eq!(mails[0].text, ".\r\n..com\r\n");
        assert_eq!(mails.iter().map(|mail| mail.subject.as_str()).collect::<Vec<_>>(), ["one", "two", "two"]);
    }

    #[tokio::test]
    async fn a_message_over_the_limit_is_refused_and_the_conversation_goes_on() {
        let (address, mailbox) = start().await;
        let line = "x".repeat(9_998) + "\r\n";
        let words = format!("{HEAD}{}.\r\nNOOP\r\nQUIT\r\n", line.repeat(MAX_MESSAGE / 10_000 + 1));
        let heard = talk(address, &words).await;
        assert!(heard.ends_with("552 5.3.4 too large\r\n250 2.0.0 ok\r\n221 2.0.0 bye\r\n"), "{heard}");
        assert_eq!(mailbox.all().len(), 0);
    }

    #[tokio::test]
    async fn a_client_that_leaves_before_the_dot_has_sent_nothing() {
        let (address, mailbox) = start().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("{HEAD}Subject: half\r\n").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.unwrap();
        assert_eq!(mailbox.all().len(), 0);
    }

    #[tokio::test]
    async fn the_fault_switch_makes_the_next_mail_fail_and_the_one_after_it_work() {
        let (address, mailbox) = start().await;
        let words = format!("{HEAD}Subject: x\r\n\r\nx\r\n.\r\nQUIT\r\n");
        for (kind, told, kept) in [
            ("down", "", 0),
            ("refuse_later", "451 4.7.1", 0),
            ("refuse_never", "550 5.1.1", 0),
            ("drop_after_data", "", 1),
        ] {
            let before = mailbox.all().len();
            fail(&mailbox, kind).await;
            // A connection that ends in the middle may be reset, and what was heard is lost then.
            let heard = tokio::spawn({
                let words = words.clone();
                async move { talk(address, &words).await }
            });
            let heard = heard.await.unwrap_or_default();
            assert!(heard.contains(told) && !heard.contains("kept"), "{kind}: {heard}");
            assert_eq!(mailbox.all().len() - before, kept, "{kind}");
            assert!(talk(address, &words).await.contains("250 2.0.0 kept"), "{kind}");
        }
        fail(&mailbox, "hang").await;
        let before = mailbox.all().len();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(words.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.unwrap();
        assert!(heard.ends_with("354 the message, then a dot\r\n"), "{heard}");
        assert_eq!(mailbox.all().len(), before);
    }
}
