//! Replacing the sealing key while everything goes on.

use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portal::services::reseal::Resealed;
use serde_json::{Value, json};
use time::Duration;

use crate::harness::client::Client;
use crate::harness::google::{Fault, REFRESH_TOKEN};
use crate::harness::{TestApp, settings};

/// The ring of the harness, and how it goes on from there.
fn ring(kids: &[(&str, u8)]) -> String {
    let keys: Vec<String> = kids.iter().map(|(kid, byte)| format!("{kid}:{}", STANDARD.encode([*byte; 32]))).collect();
    keys.join(",")
}

fn old() -> String {
    ring(&[("k1", 7)])
}

fn rotated() -> String {
    ring(&[("k2", 8), ("k1", 7)])
}

fn new_only() -> String {
    ring(&[("k2", 8)])
}

const SOURCE: &str = "select secrets -> 'refresh_token' as token from credentials order by id";

/// A portal under the old key with a source, a second factor and a withdrawal that waits.
async fn sealed() -> (TestApp, String) {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let gone = app.synced(&admin).await;
    app.google.fail(Fault::new("/revoke", 503, json!({})));
    assert_eq!(admin.delete(&format!("/api/sources/{gone}")).await.status, 204);
    app.drain().await;
    let id = app.synced(&admin).await;
    app.forget_access_tokens().await;
    app.globex().await.post("/api/account/totp/start", &json!({})).await.ok();
    (app, id)
}

/// The ids of the keys of all that is sealed.
async fn kids(app: &TestApp) -> Vec<Value> {
    let sql = "select kid from (select secrets -> 'refresh_token' ->> 'kid' as kid from credentials
        union all select secret ->> 'kid' from mfa_credentials
        union all select payload -> 'token' ->> 'kid' from jobs where kind = 'withdrawal') k order by kid";
    app.rows(sql).await.iter().map(|row| row["kid"].clone()).collect()
}

/// A run by hand, which opens the source's token.
async fn read(app: &TestApp, id: &str) {
    app.forget_access_tokens().await;
    app.advance(Duration::minutes(1));
    let admin = app.acme().await;
    assert_eq!(admin.act(&format!("/api/sources/{id}/sync")).await.status, 202);
    app.drain().await;
    assert_eq!(admin.last_sync(id).await["status"], "succeeded");
}

/// Starts the program as a person does.
async fn handler(app: &TestApp, ring: String) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handler"));
    command.arg("reseal").env_clear();
    command.envs(settings(&app.database, &app.google).into_iter().filter(|(key, _)| !key.starts_with("FUNCTIONS")));
    command.env("PORTAL_KEY_RING", ring);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test]
async fn after_a_rotation_old_values_open_and_the_next_round_seals_them_anew() {
    let (mut app, id) = sealed().await;
    app.restart_with(&rotated());
    read(&app, &id).await;
    assert_eq!(kids(&app).await, ["k1", "k1", "k1"], "reading changes nothing");
    app.fire("housekeeping").await;
    assert_eq!(kids(&app).await, ["k2", "k2", "k2"]);
    let before = app.rows(SOURCE).await;
    app.fire("housekeeping").await;
    assert_eq!(app.rows(SOURCE).await, before, "nothing is sealed twice");
    // The old key is not needed any more: reading, and giving back, work without it.
    app.restart_with(&new_only());
    read(&app, &id).await;
    app.google.heal();
    // The other source lives on the same consent.
    app.sql("delete from data_sources").await;
    app.sql("delete from credentials").await;
    app.let_time_pass().await;
    assert_eq!(app.google.seen("/revoke").last().unwrap().form("token").as_deref(), Some(REFRESH_TOKEN));
}

#[tokio::test]
async fn the_command_seals_everything_and_says_what_hangs_on_each_key() {
    let (app, _) = sealed().await;
    let done = handler(&app, rotated()).await;
    assert!(done.status.success(), "{done:?}");
    assert_eq!(kids(&app).await, ["k2", "k2", "k2"]);
    let out = String::from_utf8(done.stdout).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("3 rows sealed anew, 0 changed meanwhile, 0 do not open"), "{out}");
    assert!(lines[1].starts_with("key k1: 0 sealed values, "), "{out}");
    assert!(lines[1].ends_with("audit entries (keep it in the ring: the audit trail is verified with it)"), "{out}");
    assert_eq!(lines[2], "key k2: 4 sealed values, 0 audit entries (seals)");
    let again = handler(&app, rotated()).await;
    assert!(again.status.success() && String::from_utf8(again.stdout).unwrap().starts_with("0 rows"));
}

#[tokio::test]
async fn a_ring_that_lacks_a_key_is_told_to_the_operators_and_serves_all_the_same() {
    let (mut app, id) = sealed().await;
    let operator = app.sign_in("operator@portal.example").await;
    let missing = async |app: &TestApp| {
        let client = Client { router: app.router.clone(), ..operator.clone() };
        client.get("/api/operator/overview").await.ok()["missing_keys"].clone()
    };
    assert_eq!(missing(&app).await, json!([]));
    app.restart_with(&new_only());
    assert_eq!(missing(&app).await, json!(["k1"]));
    app.fire("housekeeping").await;
    assert_eq!(kids(&app).await, ["k1", "k1", "k1"], "what does not open stays as it is");
    let refused = handler(&app, new_only()).await;
    assert_eq!(refused.status.code(), Some(1));
    let out = String::from_utf8(refused.stdout).unwrap();
    assert!(out.contains("3 do not open") && out.contains("(MISSING in the ring: put it back)"), "{out}");
    app.restart_with(&old());
    read(&app, &id).await;
}

#[tokio::test]
async fn a_token_that_the_provider_rotates_meanwhile_is_not_lost() {
    let (mut app, id) = sealed().await;
    app.restart_with(&rotated());
    let admin = app.acme().await;
    assert_eq!(admin.act(&format!("/api/sources/{id}/sync")).await.status, 202);
    let message = app.queue.next_immediate().unwrap();
    app.google.rotate_to("canary-rotated");
    // The run has opened the old token and asks Google; meanwhile it is sealed anew.
    let held = app.google.hold("/token", 0);
    let seal = async {
        let release = held.arrived().await;
        app.fire("housekeeping").await;
        assert_eq!(kids(&app).await, ["k2", "k2", "k2"]);
        release.send(()).unwrap();
    };
    let (answer, ()) = tokio::join!(app.deliver(&message), seal);
    assert_eq!(answer.status, 200);
    read(&app, &id).await;
    let used = app.google.seen("/token").last().unwrap().form("refresh_token");
    assert_eq!(used.as_deref(), Some("canary-rotated"));
}

#[tokio::test]
async fn a_value_that_changes_between_reading_and_writing_is_left_as_it_is() {
    let (mut app, _) = sealed().await;
    app.restart_with(&rotated());
    // Somebody else holds the row and changes it: the round waits and then finds another value.
    let mut other = app.connect(local_postgres::SUPERUSER).await;
    sqlx::raw_sql("begin; update credentials set secrets = jsonb_set(secrets, '{refresh_token,ct}', '\"fresh\"')")
        .execute(&mut other)
        .await
        .unwrap();
    let finish = async {
        let waits =
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like 'update credentials%'";
        while app.value(waits).await != 1 {
            tokio::task::yield_now().await;
        }
        sqlx::raw_sql("commit").execute(&mut other).await.unwrap();
    };
    let (answer, ()) = tokio::join!(app.fire("housekeeping"), finish);
    assert_eq!(answer.status, 200);
    assert_eq!(app.rows(SOURCE).await[0]["token"]["ct"], "fresh");
}

#[tokio::test]
async fn values_that_were_moved_to_another_row_do_not_open_and_are_not_sealed_anew() {
    let (mut app, id) = sealed().await;
    let globex = app.globex().await;
    app.connect_ga4(&globex).await;
    app.drain().await;
    app.sql("update credentials d set secrets = o.secrets from credentials o where o.tenant_id <> d.tenant_id").await;
    let swapped = app.rows(SOURCE).await;
    app.restart_with(&rotated());
    let round = app.state.services.reseal_all().await.unwrap();
    assert_eq!(round, Resealed { done: 2, changed: 0, unreadable: 2 });
    assert_eq!(app.rows(SOURCE).await, swapped);
    let calls = app.google.seen("/token").len();
    let admin = app.acme().await;
    admin.act(&format!("/api/sources/{id}/sync")).await;
    app.drain().await;
    assert_eq!(app.google.seen("/token").len(), calls, "the other tenant's token is sent nowhere");
}

#[tokio::test]
async fn a_round_that_was_cut_off_is_taken_up_by_the_next() {
    let (mut app, _) = sealed().await;
    app.restart_with(&rotated());
    // It dies after the first of the three.
    app.sql("revoke update on mfa_credentials from portal_router").await;
    assert!(app.state.services.reseal_all().await.is_err());
    assert_eq!(kids(&app).await, ["k1", "k1", "k2"]);
    app.sql("grant update on mfa_credentials to portal_router").await;
    let rest = app.state.services.reseal_all().await.unwrap();
    assert_eq!(rest, Resealed { done: 2, changed: 0, unreadable: 0 });
}

#[tokio::test]
async fn handlers_that_seal_at_once_do_it_once() {
    let (mut app, id) = sealed().await;
    app.restart_with(&rotated());
    let services = &app.state.services;
    let rounds = tokio::join!(services.reseal_all(), services.reseal_all(), services.reseal_all());
    let done: u64 = [rounds.0, rounds.1, rounds.2].into_iter().map(|round| round.unwrap().done).sum();
    assert_eq!((done, kids(&app).await), (3, vec![json!("k2"); 3]));
    read(&app, &id).await;
}
