//! `cargo run`: the whole portal on this machine. See `supervisor` for the order of things.

mod broker;
mod clock;
mod demo;
mod edge;
mod host;
mod mailbox;
mod parts;
#[path = "../sandbox/mod.rs"]
mod sandbox;
mod settings;
mod supervisor;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::ValueExt;
use tracing_subscriber::EnvFilter;

const USAGE: &str = "cargo run -- [--port 7071] [--data .local] [--fresh]

  --port N    the one fixed port; 0 picks a free one
  --data DIR  where databases, keys and messages are kept between runs
  --fresh     start over: forget everything kept in DIR";

/// First argument of the child process that plays the handler; the second is the id of the process that started it.
pub const HANDLER: &str = "handler";

enum Command {
    Handler { parent: Option<u32> },
    Help,
    Run(supervisor::Options),
}

fn main() -> ExitCode {
    match arguments() {
        Ok(Command::Handler { parent }) => handler(parent),
        Ok(Command::Help) => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Command::Run(options)) => run(&options),
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<Command, lexopt::Error> {
    use lexopt::prelude::{Long, Short, Value};
    let mut parser = lexopt::Parser::from_env();
    let root = repository();
    let mut options = supervisor::Options { port: 7071, data: root.join(".local"), fresh: false, root };
    while let Some(argument) = parser.next()? {
        match argument {
            Value(word) if word == HANDLER => {
                let parent = parser.next()?.and_then(|argument| match argument {
                    Value(id) => id.parse().ok(),
                    _ => None,
                });
                return Ok(Command::Handler { parent });
            }
            Long("port") => options.port = parser.value()?.parse()?,
            Long("data") => options.data = PathBuf::from(parser.value()?),
            Long("fresh") => options.fresh = true,
            Long("help") | Short('h') => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Run(options))
}

/// The directory with `host.json`: the working directory or one above it, else where this program was built.
fn repository() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let above = here.ancestors().find(|folder| folder.join("host.json").is_file() && folder.join("functions").is_dir());
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    above.unwrap_or(built).to_owned()
}

/// Plays the handler: dies with the supervisor, then hands over to the handler's own entry point.
fn handler(parent: Option<u32>) -> ExitCode {
    #[cfg(target_os = "linux")]
    {
        if let Err(error) = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL) {
            eprintln!("the handler will not notice the death of its supervisor: {error}");
        }
    }
    // The supervisor may have died before the line above.
    if parent.is_some_and(|parent| parent != std::os::unix::process::parent_id()) {
        return ExitCode::FAILURE;
    }
    parts::handler_main()
}

fn run(options: &supervisor::Options) -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(supervisor::run(options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
