//! What the handler's program does when it is started by a person instead of the Functions host.

use std::error::Error as StdError;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::app::{self, BuildError};
use crate::config::Config;
use crate::domain::lang::Lang;
use crate::services::error::ServiceError;

const USAGE: &str = "handler create-operator --email ana@portal.example --name \"Ana Acero\"

Makes the first operator and prints a link with which they choose a password (24 hours, once).
Needs the settings of the function app in its environment; docs/operations.md says how.";

/// Set by the host for its handler; a command listens nowhere.
const PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";

/// The one command there is.
#[derive(Debug, PartialEq, Eq)]
struct CreateOperator {
    email: String,
    name: String,
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
        .and_then(|runtime| runtime.block_on(create_operator(&command)));
    match done {
        Ok(link) => {
            println!("{link}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {}", in_words(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: impl IntoIterator<Item = String>) -> Option<CreateOperator> {
    let mut arguments = arguments.into_iter();
    if arguments.next()? != "create-operator" {
        return None;
    }
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
    Some(CreateOperator { email: email?, name: name? })
}

async fn create_operator(command: &CreateOperator) -> Result<String, BuildError> {
    let config = Config::from_env_with(&[(PORT, "0")])?;
    let state = app::state(&config)?;
    let link = state.services.create_first_operator(&command.email, &command.name).await?;
    Ok(link.to_string())
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

    fn parsed(line: &str) -> Option<(String, String)> {
        parse(line.split(' ').map(str::to_owned)).map(|command| (command.email, command.name))
    }

    #[test]
    fn options_come_in_any_order_once_and_whole() {
        let wanted = Some(("a@b.example".to_owned(), "Ana".to_owned()));
        assert_eq!(parsed("create-operator --email a@b.example --name Ana"), wanted);
        assert_eq!(parsed("create-operator --name Ana --email a@b.example"), wanted);
        for line in [
            "",
            "serve",
            "create-operator",
            "create-operator --email a@b.example",
            "create-operator --email a@b.example --name",
            "create-operator --email a@b.example --name Ana --email c@d.example",
            "create-operator --email a@b.example --name Ana --password x",
        ] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }
}
