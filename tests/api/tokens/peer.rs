//! The same against a server that others wrote and certified: `tests/peers/oidc.mjs`.

use std::process::Stdio;

use futures_util::future::join_all;
use portal::connectors::error::FailureKind;
use portal::domain::ids::{CredentialId, TenantId};
use portal::services::Services;
use portal::store::credentials::{self, Given, Secrets, sealing_place};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::{ask, credential};
use crate::harness::{TestApp, secret};

/// Starts the server; gives its token endpoint and a refresh token. It ends with the process handle.
async fn peer() -> (Child, String, String) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers");
    let mut child = Command::new("node")
        .arg("oidc.mjs")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    (child, format!("{}/token", text("issuer")), text("refresh_token"))
}

/// Puts a refresh token in the place of what the access has.
async fn put(services: &Services, (tenant, id): (TenantId, CredentialId), token: &str) {
    let place = sealing_place(tenant, id, "refresh_token");
    let sealed = services.keys.seal(&place, &secret(token), services.random.as_ref()).unwrap();
    let secrets = Secrets { refresh_token: Some(sealed), ..Secrets::default() };
    let given = Given {
        provider: "ga4",
        holder: None,
        label: "",
        secrets: &secrets,
        serves: None,
        permissions: &[],
        test_mode: false,
        shown_accounts: &[],
        at: services.clock.now(),
    };
    let mut tx = services.database.tenant(tenant).await.unwrap();
    credentials::put(&mut tx, tenant, id, &given).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
#[ignore = "needs Node and what tests/peers/package-lock.json pins: scripts/test peers"]
async fn a_certified_server_that_rotates_is_never_sent_a_refresh_token_twice() {
    let app = TestApp::start().await;
    let admin = app.acme().await;
    let access = credential(&app, &app.connect_ga4(&admin).await).await;
    let (_peer, token_url, first) = peer().await;
    let processes = [app.another_process_at(&token_url), app.another_process_at(&token_url)];
    put(&processes[0], access, &first).await;
    // Its access tokens serve a second. One refresh token sent twice would end all of it.
    for round in 0..6 {
        app.forget_access_tokens().await;
        let tokens = join_all((0..12).map(|n| ask(&processes[n % 2], access))).await;
        assert!(tokens.iter().all(Result::is_ok), "round {round}: {tokens:?}");
    }
    // It is that strict indeed: the first one, used long ago, is refused, and takes the last one with it.
    put(&processes[0], access, &first).await;
    assert_eq!(ask(&processes[0], access).await, Err(FailureKind::AuthRevoked));
}
