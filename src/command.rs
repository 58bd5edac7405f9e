//! What the handler's program does when it is started by a person instead of the Functions host.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::app::{self, BuildError};
use crate::config::Config;
use crate::domain::lang::Lang;
use crate::platform::sealing::KeyRing;
use crate::services::error::ServiceError;
use crate::services::reseal::{KeyUse, Resealed};

const USAGE: &str = "handler create-operator --email ana@portal.example --name \"Ana Acero\"

Makes the first operator and prints a link with which they choose a password (24 hours, once).

handler reseal

Seals every secret anew under the first key of PORTAL_KEY_RING and prints what hangs on each key.

Both need the settings of the function app in their environment; docs/operations.md says how.";

/// Set by the host for its handler; a command listens nowhere.
const PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";

/// What a person can ask for.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    CreateOperator { email: String, name: String },
    Reseal,
}

/// Does what the arguments say. The answer goes to stdout, everything else to stderr.
pub fn command_main(arguments: impl IntoIterator<Item = String>) -> ExitCode {
    let Some(command) = parse(arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(BuildError::from)
        .and_then(|runtime| runtime.block_on(run(&command)));
    match done {
        Ok(answer) => {
            println!("{}", answer.text);
            if answer.done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {}", in_words(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: impl IntoIterator<Item = String>) -> Option<Command> {
    let mut arguments = arguments.into_iter();
    match arguments.next()?.as_str() {
        "create-operator" => parse_operator(arguments),
        "reseal" if arguments.next().is_none() => Some(Command::Reseal),
        _ => None,
    }
}

fn parse_operator(mut arguments: impl Iterator<Item = String>) -> Option<Command> {
    let (mut email, mut name) = (None, None);
    while let Some(option) = arguments.next() {
        let place = match option.as_str() {
            "--email" => &mut email,
            "--name" => &mut name,
            _ => return None,
        };
        if place.replace(arguments.next()?).is_some() {
            return None;
        }
    }
    Some(Command::CreateOperator { email: email?, name: name? })
}

/// What a command has to say, and whether all is done.
struct Answer {
    text: String,
    done: bool,
}

async fn run(command: &Command) -> Result<Answer, BuildError> {
    let config = Config::from_env_with(&[(PORT, "0")])?;
    let services = app::state(&config)?.services;
    match command {
        Command::CreateOperator { email, name } => {
            let link = services.create_first_operator(email, name).await?;
            Ok(Answer { text: link.to_string(), done: true })
        }
        Command::Reseal => {
            let resealed = services.reseal_all().await?;
            Ok(report(&resealed, &services.key_use().await?, &services.keys))
        }
    }
}

/// One line for each key and one for what was done; done when all values are under the first key.
fn report(resealed: &Resealed, found: &BTreeMap<String, KeyUse>, ring: &KeyRing) -> Answer {
    let first = ring.sealing_kid();
    let mut lines = vec![format!(
        "{} rows sealed anew, {} changed meanwhile, {} do not open (the log on standard error names them)",
        resealed.done, resealed.changed, resealed.unreadable
    )];
    for (kid, uses) in found {
        let verdict = match (kid == first, ring.has(kid), uses.values, uses.entries) {
            (true, ..) => "seals",
            (_, true, 0, _) => "keep it in the ring: the audit trail is verified with it",
            (_, true, ..) => "keep it in the ring: values are still sealed under it; run this again",
            (_, false, ..) => "MISSING in the ring: put it back",
        };
        lines.push(format!("key {kid}: {} sealed values, {} audit entries ({verdict})", uses.values, uses.entries));
    }
    let done = found.iter().all(|(kid, uses)| kid == first || uses.values == 0);
    Answer { text: lines.join("\n"), done }
}

/// The sentence for people where there is one, else the error with its causes.
fn in_words(error: &(dyn StdError + 'static)) -> String {
    match error.downcast_ref::<ServiceError>() {
        Some(ServiceError::Conflict { text, .. }) => text.get(Lang::En).to_owned(),
        Some(ServiceError::Invalid(fields)) => {
            let sentences: Vec<String> =
                fields.iter().map(|field| format!("{}: {}", field.field, field.text.get(Lang::En))).collect();
            sentences.join(" ")
        }
        _ => {
            let mut text = error.to_string();
            let mut next = error.source();
            while let Some(cause) = next {
                text = format!("{text}: {cause}");
                next = cause.source();
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Secret;

    fn parsed(line: &str) -> Option<Command> {
        parse(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn options_come_in_any_order_once_and_whole() {
        let wanted = || Some(Command::CreateOperator { email: "a@b.example".into(), name: "Ana".into() });
        assert_eq!(parsed("create-operator --email a@b.example --name Ana"), wanted());
        assert_eq!(parsed("create-operator --name Ana --email a@b.example"), wanted());
        assert_eq!(parsed("reseal"), Some(Command::Reseal));
        for line in [
            "",
            "serve",
            "reseal --all",
            "create-operator",
            "create-operator --email a@b.example",
            "create-operator --email a@b.example --name",
            "create-operator --email a@b.example --name Ana --email c@d.example",
            "create-operator --email a@b.example --name Ana --password x",
        ] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }

    fn ring() -> KeyRing {
        let key = |kid, byte: &str| format!("{kid}:{}", byte.repeat(43) + "=");
        KeyRing::parse(&Secret::new(format!("{},{}", key("k2", "A"), key("k1", "E")))).unwrap()
    }

    fn found(keys: &[(&str, i64, i64)]) -> BTreeMap<String, KeyUse> {
        keys.iter()
            .map(|(kid, values, entries)| ((*kid).into(), KeyUse { values: *values, entries: *entries }))
            .collect()
    }

    #[test]
    fn the_report_says_of_each_key_whether_it_may_go() {
        let all = report(&Resealed::default(), &found(&[("k0", 0, 7), ("k1", 0, 3), ("k2", 5, 1)]), &ring());
        assert!(all.done, "entries are no values");
        let lines: Vec<&str> = all.text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "key k0: 0 sealed values, 7 audit entries (MISSING in the ring: put it back)",
                "key k1: 0 sealed values, 3 audit entries (keep it in the ring: the audit trail is verified with it)",
                "key k2: 5 sealed values, 1 audit entries (seals)",
            ]
        );
        let left = report(&Resealed::default(), &found(&[("k1", 1, 0), ("k2", 5, 0)]), &ring());
        assert!(!left.done && left.text.contains("run this again"), "{}", left.text);
        assert!(!report(&Resealed::default(), &found(&[("k0", 1, 0)]), &ring()).done);
    }
}
