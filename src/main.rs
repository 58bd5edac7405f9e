//! The custom handler that the Functions host starts; with arguments, a command for a person.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).peekable();
    if arguments.peek().is_none() { portal::handler_main() } else { portal::command_main(arguments) }
}
