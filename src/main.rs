//! The custom handler that the Functions host starts.

use std::process::ExitCode;

fn main() -> ExitCode {
    portal::handler_main()
}
