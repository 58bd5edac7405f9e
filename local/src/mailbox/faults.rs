//! The fault switch: the next mails fail in one of the ways a mail server can fail.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Mailbox;

const MAX_RULES: usize = 100;

/// A way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The connection is closed before a word is said.
    Down,
    /// 451 for the recipient.
    RefuseLater,
    /// 550 for the recipient.
    RefuseNever,
    /// No answer after the final dot; the mail is not kept.
    Hang,
    /// The mail is kept, but the connection ends instead of an answer.
    DropAfterData,
}

/// What fails, and how often.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    kind: Kind,
    /// So many more times.
    #[serde(default = "once")]
    count: u32,
    /// So often it has struck.
    #[serde(default, skip_deserializing)]
    hits: u32,
}

const fn once() -> u32 {
    1
}

/// The rules, oldest first.
#[derive(Debug, Default)]
pub struct Faults(Vec<Rule>);

impl Faults {
    /// Uses up one of the rules of these kinds, the oldest first.
    pub fn strike(&mut self, kinds: &[Kind]) -> Option<Kind> {
        let rule = self.0.iter_mut().find(|rule| rule.count > 0 && kinds.contains(&rule.kind))?;
        rule.count -= 1;
        rule.hits += 1;
        Some(rule.kind)
    }
}

/// The control API. A JSON content type is required, so that no form of a foreign page reaches it.
pub fn routes() -> Router<Mailbox> {
    Router::new().route("/__control/faults", get(list).post(add).delete(clear))
}

async fn list(State(mailbox): State<Mailbox>) -> Json<Value> {
    Json(json!({"items": mailbox.lock().faults.0}))
}

async fn add(State(mailbox): State<Mailbox>, Json(rule): Json<Rule>) -> (StatusCode, Json<Value>) {
    let rules = &mut mailbox.lock().faults.0;
    if rules.len() >= MAX_RULES {
        return (StatusCode::CONFLICT, Json(json!({"error": "There are enough rules; DELETE them first."})));
    }
    rules.push(rule.clone());
    (StatusCode::CREATED, Json(json!(rule)))
}

async fn clear(State(mailbox): State<Mailbox>) -> Json<Value> {
    mailbox.lock().faults.0.clear();
    Json(json!({"items": []}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_strikes_as_often_as_it_says_and_only_where_it_applies() {
        let rule = |text: &str| serde_json::from_str::<Rule>(text).unwrap();
        let mut faults = Faults(vec![rule(r#"{"kind":"hang"}"#), rule(r#"{"kind":"refuse_later","count":2}"#)]);
        let at_recipient = [Kind::RefuseLater, Kind::RefuseNever];
        let struck: Vec<_> = (0..3).map(|_| faults.strike(&at_recipient)).collect();
        assert_eq!(struck, [Some(Kind::RefuseLater), Some(Kind::RefuseLater), None]);
        assert_eq!(faults.strike(&[Kind::Hang]), Some(Kind::Hang));
        assert_eq!(faults.0.iter().map(|rule| (rule.count, rule.hits)).collect::<Vec<_>>(), [(0, 1), (0, 2)]);
    }

    #[test]
    fn an_unknown_kind_or_field_is_refused() {
        for text in [r#"{"kind":"explode"}"#, r#"{"kind":"hang","hits":3}"#, r#"{"kind":"hang","after":3}"#, "{}"] {
            assert!(serde_json::from_str::<Rule>(text).is_err(), "{text}");
        }
    }
}
