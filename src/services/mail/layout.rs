//! Sets a mail as text and as HTML. Everything that is said passes through here as plain text: nothing that a name
//! contains can begin a header, add markup or become a link.

use std::fmt::Write as _;

use url::Url;

use crate::domain::lang::Lang;

/// What a mail says, as plain sentences, and its one link.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub lang: Lang,
    /// Name of the portal, under every mail.
    pub portal: String,
    pub subject: String,
    pub greeting: String,
    pub before: Vec<String>,
    /// What the link does, and the link.
    pub link: (String, Url),
    pub after: Vec<String>,
}

impl Draft {
    /// The subject: one line.
    pub fn subject(&self) -> String {
        line(&self.subject)
    }

    /// The text part.
    pub fn text(&self) -> String {
        let (label, url) = &self.link;
        let link = format!("{}:\n{url}", line(label));
        let mut parts = vec![line(&self.greeting)];
        parts.extend(self.before.iter().map(|sentence| line(sentence)));
        parts.push(link);
        parts.extend(self.after.iter().map(|sentence| line(sentence)));
        parts.push(format!("-- \n{}\n{}", line(&self.portal), self.automatic()));
        parts.join("\n\n") + "\n"
    }

    /// The HTML part: no images, no styles from elsewhere, no link but the one.
    pub fn html(&self) -> String {
        let paragraph = |html: &mut String, sentence: &str| {
            let _ = write!(html, "<p>{}</p>", escape(&line(sentence)));
        };
        let (label, url) = (escape(&line(&self.link.0)), escape(self.link.1.as_str()));
        let mut html = format!(
            "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{}</title></head>\
             <body style=\"font:16px/1.5 sans-serif;color:#182433;max-width:36em;margin:24px auto;padding:0 16px\">",
            self.lang.as_str(),
            escape(&self.subject()),
        );
        paragraph(&mut html, &self.greeting);
        self.before.iter().for_each(|sentence| paragraph(&mut html, sentence));
        let _ = write!(
            html,
            "<p><a href=\"{url}\" style=\"display:inline-block;background:#066fd1;color:#fff;padding:10px 18px;\
             border-radius:6px;text-decoration:none\">{label}</a></p><p style=\"word-break:break-all\">{url}</p>"
        );
        self.after.iter().for_each(|sentence| paragraph(&mut html, sentence));
        let (portal, automatic) = (escape(&line(&self.portal)), escape(self.automatic()));
        let _ = write!(html, "<p style=\"color:#49566c;font-size:14px\">{portal}<br>{automatic}</p></body></html>");
        html
    }

    const fn automatic(&self) -> &'static str {
        match self.lang {
            Lang::Es => "Mensaje automático; nadie lee las respuestas.",
            Lang::En => "Automatic message; nobody reads replies.",
        }
    }
}

/// One line: no control characters, nothing that turns the reading direction, and no address of a page that a mail
/// program would make a link of.
fn line(text: &str) -> String {
    let visible = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !turns_direction(*c));
    let words: Vec<String> =
        visible.collect::<String>().split_whitespace().map(|word| word.replace("://", ":/")).collect();
    words.join(" ")
}

/// Marks and overrides that let a text look like another one.
const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(name: &str) -> Draft {
        let link = Url::parse("https://portal.example/#/reset?token=abc_-123").unwrap();
        Draft {
            lang: Lang::En,
            portal: "Portal".into(),
            subject: format!("Join {name}"),
            greeting: format!("Hello {name},"),
            before: vec![format!("{name} invites you.")],
            link: ("Join".into(), link),
            after: vec!["Until tomorrow.".into()],
        }
    }

    #[test]
    fn a_name_cannot_begin_a_header_or_a_line() {
        let evil = draft("X\r\nBcc: e@e\u{2028}\u{85}\u{0}end\u{202e}");
        assert_eq!(evil.subject(), "Join X Bcc: e@e end");
        assert!(evil.text().starts_with("Hello X Bcc: e@e end,\n\nX Bcc: e@e end invites you.\n\nJoin:\nhttps://"));
    }

    #[test]
    fn a_name_cannot_add_markup() {
        let html = draft("<img src=x onerror='a'>\"&").html();
        assert!(html.contains("&lt;img src=x onerror=&#39;a&#39;&gt;&quot;&amp;"), "{html}");
        assert!(!html.contains("<img"));
    }

    #[test]
    fn only_the_one_link_is_a_link() {
        let mail = draft("see https://evil.example http://http://evil.example");
        for part in [mail.text(), mail.html()] {
            let links: Vec<&str> = part.match_indices("://").map(|(at, _)| &part[at + 3..at + 17]).collect();
            assert!(!links.is_empty() && links.iter().all(|host| *host == "portal.example"), "{links:?}");
        }
    }
}
