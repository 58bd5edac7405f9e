//! Two things to do by hand or from a script:
//!
//! - `cargo run -p local-postgres -- run <dir>`: a private server on that directory until the standard input ends;
//!   prints its address first;
//! - `cargo run -p local-postgres -- stop`: stops the servers that tests share and leave running.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use local_postgres::{Cluster, Error, Options, SUPERUSER, testing};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["run", dir] => run(Path::new(dir)),
        ["stop"] => testing::stop_shared().map(|report| report.iter().for_each(|line| println!("{line}"))),
        _ => {
            eprintln!("usage: test-postgres run <dir> | stop");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(dir: &Path) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::NotReady(error.to_string()))?;
    runtime.block_on(async {
        let options = Options { dir: dir.to_path_buf(), fast: false };
        let cluster = Cluster::start(&options).await?;
        eprintln!("{}", cluster.choice());
        println!("{}", cluster.url(SUPERUSER, "postgres"));
        // An unreadable input is an ended one.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        cluster.stop().await
    })
}
