//! What happens to the server when its program ends in every way a program can end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sqlx::{Connection, PgConnection};

/// A directory that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("portal-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        // As root the server's account must be able to pass, whatever our umask is.
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts the program on `dir` and gives it with the address that it printed.
fn run(dir: &Path) -> (Child, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_test-postgres"))
        .arg("run")
        .arg(dir)
        .env_remove("DATABASE_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(program.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
    (program, address.trim().to_owned())
}

#[tokio::test]
async fn after_a_kill_the_next_start_finds_what_was_committed() {
    let scratch = Scratch::new("killed");
    let dir = scratch.0.join("postgres");
    for round in 0..3_i32 {
        let (mut program, address) = run(&dir);
        let mut connection = PgConnection::connect(&address).await.unwrap();
        sqlx::raw_sql("CREATE TABLE IF NOT EXISTS rounds (round int)").execute(&mut connection).await.unwrap();
        let found: Vec<i32> =
            sqlx::query_scalar("SELECT round FROM rounds ORDER BY 1").fetch_all(&mut connection).await.unwrap();
        assert_eq!(found, (0..round).collect::<Vec<_>>());
        sqlx::query("INSERT INTO rounds VALUES ($1)").bind(round).execute(&mut connection).await.unwrap();
        // SIGKILL: the program can do nothing about its server, and the next start follows at once.
        program.kill().unwrap();
        program.wait().unwrap();
    }
    local_postgres_is_removed(&dir);
}

#[tokio::test]
async fn a_program_that_ends_takes_its_server_with_it() {
    let scratch = Scratch::new("ended");
    let dir = scratch.0.join("postgres");
    let (mut program, address) = run(&dir);
    drop(PgConnection::connect(&address).await.unwrap());
    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
    assert!(PgConnection::connect(&address).await.is_err(), "the server outlived its program");
    assert!(!dir.join("data/postmaster.pid").exists());
}

/// Also stops the server of the last round, should it still be going down.
fn local_postgres_is_removed(dir: &Path) {
    local_postgres::remove(dir).unwrap();
    assert!(!dir.exists());
}
