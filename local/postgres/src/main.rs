//! `cargo run -p local-postgres -- stop`: stops the `PostgreSQL` that tests share and leave running.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() != Some("stop") {
        eprintln!("usage: test-postgres stop");
        return ExitCode::from(2);
    }
    match local_postgres::testing::stop_shared() {
        Ok(report) => {
            for line in report {
                println!("{line}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
