//! The handler without any host of ours: an environment, a port, and envelopes written by hand.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::browser::client;
use crate::portal::{Portal, shared};
use crate::wait::eventually;

/// The settings of the portal's own handler.
fn settings(portal: &Portal) -> BTreeMap<String, String> {
    let text = std::fs::read(format!("/proc/{}/environ", portal.handler_pid())).unwrap();
    let pairs = text.split(|byte| *byte == 0).filter_map(|pair| std::str::from_utf8(pair).ok()?.split_once('='));
    pairs
        .filter(|(name, _)| name.starts_with("PORTAL_"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn handler(portal: &Portal, settings: &BTreeMap<String, String>) -> Command {
    let mut command = portal.command();
    command.arg("handler").env_clear().envs(settings).stderr(Stdio::null());
    command
}

/// A handler that ends with the test.
struct Handler(Child, String);

impl Drop for Handler {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

async fn start(portal: &Portal) -> Handler {
    let mut settings = settings(portal);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    settings.insert("FUNCTIONS_CUSTOMHANDLER_PORT".into(), port.to_string());
    let child = handler(portal, &settings).stdout(Stdio::null()).spawn().unwrap();
    let handler = Handler(child, format!("http://127.0.0.1:{port}"));
    eventually("the handler listens", 30, async || client().get(&handler.1).send().await.ok()).await;
    handler
}

async fn call(handler: &Handler, function: &str, envelope: &Value) -> (u16, Value) {
    let answer = client().post(format!("{}/{function}", handler.1)).json(envelope).send().await.unwrap();
    let status = answer.status().as_u16();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/json"));
    (status, answer.json().await.unwrap())
}

fn timer(status: &Value) -> Value {
    json!({
        "Data": {"timer": {"Schedule": {"AdjustForDST": true}, "ScheduleStatus": status, "IsPastDue": false}},
        "Metadata": {"sys": {"MethodName": "schedule_syncs", "UtcNow": "2026-10-09T08:05:00.0123456Z",
                             "RandGuid": "35e6e68c-5583-436c-a277-5aec2b416ba8"}}
    })
}

/// A queue message as the host writes it: its body is JSON text in JSON text.
fn message(body: &str) -> Value {
    let twice = serde_json::to_string(body).unwrap();
    json!({
        "Data": {"job": twice},
        "Metadata": {"DeliveryCount": "1", "MessageId": "\"7f3a-1\"", "EnqueuedTimeUtc": "2026-10-09T08:00:00",
                     "ApplicationProperties": {}, "sys": {"MethodName": "run_sync"}}
    })
}

#[tokio::test]
async fn envelopes_of_the_real_host_are_answered_with_a_json_object() {
    let (portal, _others) = shared().await;
    let handler = start(portal).await;
    let first =
        json!({"Last": "0001-01-01T00:00:00", "Next": "2026-10-09T08:05:00", "LastUpdated": "0001-01-01T00:00:00"});
    let job =
        json!({"job_id": "01980000-0000-7000-8000-000000000001", "tenant_id": "01980000-0000-7000-8000-000000000002"});
    let good = [
        ("schedule_syncs", timer(&Value::Null)),
        ("schedule_syncs", timer(&first)),
        ("housekeeping", timer(&Value::Null)),
        ("run_sync", message(&job.to_string())),
        ("run_sync", json!({"Data": {"job": job}, "Metadata": {}})),
    ];
    for (function, envelope) in good {
        let (status, body) = call(&handler, function, &envelope).await;
        assert!((200..300).contains(&status) && body.is_object(), "{function} {envelope}: {status} {body}");
    }
    let bad = [
        ("run_sync", message("not a job")),
        ("run_sync", timer(&Value::Null)),
        ("schedule_syncs", message(&job.to_string())),
        ("schedule_syncs", json!({"Data": {"timer": {}}})),
        ("housekeeping", json!([])),
    ];
    for (function, envelope) in bad {
        let (status, body) = call(&handler, function, &envelope).await;
        assert!((400..500).contains(&status) && body.is_object(), "{function} {envelope}: {status} {body}");
    }
}

/// Exit code and words of a handler that should not start.
async fn refusal(portal: &Portal, settings: BTreeMap<String, String>) -> (Option<i32>, String) {
    let mut command = handler(portal, &settings);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = tokio::time::timeout(std::time::Duration::from_secs(30), output).await.expect("it ends").unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// The settings with one more, which a handler that must not start may have.
fn with(mut settings: BTreeMap<String, String>, name: &str, value: &str) -> BTreeMap<String, String> {
    settings.insert("FUNCTIONS_CUSTOMHANDLER_PORT".into(), "0".into());
    settings.insert(name.to_owned(), value.to_owned());
    settings
}

/// The address of the database for another role with this password.
fn address(portal: &Portal, role: &str, password: &str) -> String {
    let mut url = url::Url::parse(portal.at("admin_database_url")).unwrap();
    url.set_username(role).unwrap();
    url.set_password(Some(password)).unwrap();
    url.into()
}

#[tokio::test]
async fn a_handler_that_could_pass_over_row_level_security_does_not_start() {
    let (portal, _others) = shared().await;
    let mut sql = portal.sql().await;
    let mut run = async |statement: &'static str| execute(&mut sql, statement).await;
    run("create role faults_bypass login bypassrls password 'faults'").await;
    run("create role faults_member login password 'faults' in role portal_owner").await;
    // The owner's password matters only while a portal starts.
    run("alter role portal_owner password 'faults'").await;
    let admin = portal.at("admin_database_url").to_owned();
    let others = ["portal_owner", "faults_bypass", "faults_member"].map(|role| address(portal, role, "faults"));
    for address in others.into_iter().chain([admin]) {
        for setting in ["PORTAL_DATABASE_URL", "PORTAL_ROUTER_DATABASE_URL"] {
            let (code, words) = refusal(portal, with(settings(portal), setting, &address)).await;
            assert!(code.is_some_and(|code| code != 0 && code != 200), "{setting} {address}: {code:?}");
            let role = url::Url::parse(&address).unwrap().username().to_owned();
            assert!(words.contains(&role) && !words.contains("Listening"), "{setting}: {words}");
        }
    }
    run("drop role faults_bypass").await;
    run("drop role faults_member").await;
}

async fn execute(sql: &mut PgConnection, statement: &'static str) {
    sqlx::raw_sql(statement).execute(sql).await.unwrap();
}

#[tokio::test]
async fn a_handler_with_bad_settings_names_all_of_them() {
    let (portal, _others) = shared().await;
    let (code, words) = refusal(portal, BTreeMap::new()).await;
    assert!(code.is_some_and(|code| code != 0 && code != 200), "{code:?}");
    let needed = ["FUNCTIONS_CUSTOMHANDLER_PORT", "PORTAL_PUBLIC_ORIGIN", "PORTAL_DATABASE_URL", "PORTAL_KEY_RING"];
    for name in needed {
        assert!(words.contains(name), "{name}: {words}");
    }
    let production = with(settings(portal), "PORTAL_PROFILE", "production");
    let (code, words) = refusal(portal, production).await;
    assert!(code.is_some_and(|code| code != 0 && code != 200), "{code:?}");
    for name in ["PORTAL_CLOCK_FILE", "PORTAL_PUBLIC_ORIGIN", "PORTAL_SERVICE_BUS_URL", "PORTAL_GOOGLE_TOKEN_URL"] {
        assert!(words.contains(name), "{name}: {words}");
    }
    let ring = settings(portal)["PORTAL_KEY_RING"].clone();
    assert!(!words.contains(&ring), "no secret in the words");
    let (code, words) = refusal(portal, with(settings(portal), "PORTAL_KEY_RING", "k1:c2hvcnQ=")).await;
    assert!(code.is_some_and(|code| code != 0 && code != 200), "{code:?}");
    assert!(words.to_lowercase().contains("key"), "{words}");
}
