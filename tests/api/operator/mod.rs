//! The operators' console.

mod audit;
mod first;
mod jobs;
mod overview;
mod removal;
mod tenants;
mod users;

use serde_json::Value;

use crate::harness::TestApp;
use crate::harness::client::Client;

/// A signed-in operator.
async fn operator(app: &TestApp) -> Client {
    app.sign_in("operator@portal.example").await
}

/// The password was given too long ago for what is sensitive.
async fn let_passwords_grow_old(app: &TestApp) {
    app.sql("update sessions set authenticated_at = now() - interval '10 minutes'").await;
}

/// The newest entry of the platform's trail with this action: everything that does not differ from run to run.
async fn recorded(app: &TestApp, action: &str) -> Value {
    let sql = format!(
        "select actor_email, actor_kind, resource, outcome, before, after, detail, ip from platform_audit
          where action = '{action}' order by seq desc limit 1"
    );
    app.rows(&sql).await.pop().unwrap_or_else(|| panic!("nothing was recorded as {action}"))
}
