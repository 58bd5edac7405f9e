//! What a mail server answers to what it hears (RFC 5321), without a network.

use super::faults::{Faults, Kind};

/// The largest message, as announced.
pub const MAX_MESSAGE: usize = 10 * 1024 * 1024;
/// RFC 5321, section 4.5.3.1.8.
const MAX_RECIPIENTS: usize = 100;

/// What happens after a command.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// This line is said.
    Says(String),
    /// The message is expected now.
    Data,
    /// A last line is said.
    Bye,
}

/// Whose mail is being handed over.
#[derive(Debug, Default)]
pub struct Conversation {
    greeted: bool,
    sender: Option<String>,
    recipients: Vec<String>,
}

impl Conversation {
    /// Answers a command line.
    pub fn hear(&mut self, line: &str, faults: &mut Faults) -> Answer {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let says = |text: &str| Answer::Says(text.to_owned());
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                self.restart();
                self.greeted = true;
                Answer::Says(format!(
                    "250-mailbox\r\n250-PIPELINING\r\n250-SIZE {MAX_MESSAGE}\r\n250-8BITMIME\r\n250 SMTPUTF8"
                ))
            }
            "HELO" => {
                self.restart();
                self.greeted = true;
                says("250 mailbox")
            }
            "MAIL" => says(self.mail(rest)),
            "RCPT" => says(self.recipient(rest, faults)),
            "DATA" if self.recipients.is_empty() => says("503 5.5.1 MAIL and RCPT first"),
            "DATA" => Answer::Data,
            "RSET" => {
                self.restart();
                says("250 2.0.0 ok")
            }
            "NOOP" => says("250 2.0.0 ok"),
            "VRFY" => says("252 2.0.0 maybe"),
            "QUIT" => Answer::Bye,
            _ => says("500 5.5.2 not understood"),
        }
    }

    fn mail(&mut self, rest: &str) -> &'static str {
        let Some((path, parameters)) = path(rest, "FROM:") else { return "501 5.5.4 MAIL FROM:<address>" };
        if !self.greeted || self.sender.is_some() {
            return "503 5.5.1 not now";
        }
        let size = parameters.split(' ').find_map(|one| one.strip_prefix("SIZE="));
        if size.and_then(|size| size.parse::<usize>().ok()).is_some_and(|size| size > MAX_MESSAGE) {
            return "552 5.3.4 too large";
        }
        self.sender = Some(path.to_owned());
        "250 2.1.0 ok"
    }

    fn recipient(&mut self, rest: &str, faults: &mut Faults) -> &'static str {
        if self.sender.is_none() {
            return "503 5.5.1 MAIL first";
        }
        match path(rest, "TO:") {
            None | Some(("", _)) => return "501 5.5.4 RCPT TO:<address>",
            Some(_) if self.recipients.len() >= MAX_RECIPIENTS => return "452 4.5.3 too many recipients",
            Some((address, _)) => match faults.strike(&[Kind::RefuseLater, Kind::RefuseNever]) {
                Some(Kind::RefuseLater) => return "451 4.7.1 not now, says the fault switch",
                Some(_) => return "550 5.1.1 no such mailbox, says the fault switch",
                None => self.recipients.push(address.to_owned()),
            },
        }
        "250 2.1.5 ok"
    }

    /// The recipients of the message that has just come; the next one begins anew.
    pub fn complete(&mut self) -> Vec<String> {
        let recipients = std::mem::take(&mut self.recipients);
        self.restart();
        recipients
    }

    fn restart(&mut self) {
        self.sender = None;
        self.recipients.clear();
    }
}

/// The address between the angle brackets, and the parameters behind them.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let (start, path) = rest.split_at_checked(keyword.len())?;
    let path = path.trim_start().strip_prefix('<').filter(|_| start.eq_ignore_ascii_case(keyword))?;
    let (address, parameters) = path.split_once('>')?;
    Some((address, parameters.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes that a conversation brings.
    fn codes(lines: &[&str]) -> Vec<String> {
        let (mut conversation, mut faults) = (Conversation::default(), Faults::default());
        let code = |answer| match answer {
            Answer::Says(text) => text.chars().take(3).collect(),
            Answer::Data => "354".to_owned(),
            Answer::Bye => "221".to_owned(),
        };
        lines.iter().map(|line| code(conversation.hear(line, &mut faults))).collect()
    }

    #[test]
    fn a_mail_goes_through_its_steps_in_order() {
        let mail = [
            "EHLO portal.example",
            "MAIL FROM:<p@portal.example> BODY=8BITMIME",
            "RCPT TO:<a@acme.example>",
            "RCPT TO:<b@acme.example>",
            "DATA",
            "QUIT",
        ];
        assert_eq!(codes(&mail), ["250", "250", "250", "250", "354", "221"]);
        assert_eq!(
            codes(&["mail from:<>", "helo x", "mail from: <>", "rcpt to:<A@acme.example>"]),
            ["503", "250", "250", "250"]
        );
    }

    #[test]
    fn a_step_too_early_is_refused_and_a_reset_begins_anew() {
        assert_eq!(codes(&["EHLO x", "RCPT TO:<a@acme.example>", "DATA"]), ["250", "503", "503"]);
        assert_eq!(
            codes(&["EHLO x", "MAIL FROM:<p@x>", "MAIL FROM:<p@x>", "RSET", "MAIL FROM:<p@x>", "DATA"]),
            ["250", "250", "503", "250", "250", "503"]
        );
    }

    #[test]
    fn what_is_not_understood_or_too_large_is_refused() {
        assert_eq!(
            codes(&["EHLO x", "", "HELP", "MAIL TO:<x>", "MAIL FROM:x", "MAÍL FROM:<x>", "MAIL FR", "NOOP", "VRFY a"]),
            ["250", "500", "500", "501", "501", "500", "501", "250", "252"]
        );
        assert_eq!(
            codes(&["EHLO x", "MAIL FROM:<p@x> SIZE=99999999", "MAIL FROM:<p@x> SIZE=10", "RCPT TO:<>"]),
            ["250", "552", "250", "501"]
        );
    }

    #[test]
    fn the_hundred_and_first_recipient_is_one_too_many() {
        let mut lines = vec!["EHLO x", "MAIL FROM:<p@x>"];
        lines.extend(["RCPT TO:<a@acme.example>"; 101]);
        assert_eq!(codes(&lines)[101..], ["250", "452"]);
    }
}
