//! The handler's output, line by line: JSON lines made readable, everything else as it is. The real host turns each
//! line into one log entry; nothing ties it to an invocation.

use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{ChildStderr, ChildStdout};

/// Copies both outputs of the child to our stderr until they end.
pub fn pipe(stdout: Option<ChildStdout>, stderr: Option<ChildStderr>) {
    if let Some(stdout) = stdout {
        tokio::spawn(copy(stdout));
    }
    if let Some(stderr) = stderr {
        tokio::spawn(copy(stderr));
    }
}

async fn copy(from: impl AsyncRead + Unpin) {
    let mut lines = BufReader::new(from).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        eprintln!("  handler | {}", readable(&String::from_utf8_lossy(&line)));
    }
}

/// `LEVEL message key=value…` of a JSON line; other lines unchanged.
pub fn readable(line: &str) -> String {
    let Ok(Value::Object(mut entry)) = serde_json::from_str::<Value>(line) else {
        return line.to_owned();
    };
    let mut fields = match entry.remove("fields") {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let level = text(entry.remove("level").unwrap_or_default());
    entry.remove("timestamp");
    entry.remove("target");
    let message = fields.remove("message").or_else(|| entry.remove("message")).unwrap_or_default();
    let mut out = format!("{level:5} {}", text(message));
    for (key, value) in fields.into_iter().chain(entry) {
        out.extend([" ", &key, "=", &text(value)]);
    }
    out
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn a_json_line_becomes_a_sentence() {
        let line = r#"{"timestamp":"2026-11-23T10:00:00Z","level":"INFO","fields":{"message":"synced","rows":3},"target":"x","tenant":"a"}"#;
        assert_eq!(readable(line), "INFO  synced rows=3 tenant=a");
    }

    #[test]
    fn any_other_line_stays_as_it_is() {
        assert_eq!(readable("thread panicked"), "thread panicked");
        assert_eq!(readable("[1]"), "[1]");
    }
}
