//! Mails: what is sent to whom, and what happens when it cannot be.

mod links;
mod sending;

use portal::domain::ids::{JobId, TenantId, UserId};
use portal::platform::mail::Mail;
use portal::services::mail::Order;
use portal::store::tokens::{Purpose, Subject};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::harness::{ORIGIN, TestApp};

/// Orders a mail as sign-in does, and tells the queue.
async fn order(app: &TestApp, tenant: TenantId, order: &Order) -> JobId {
    let services = &app.state.services;
    let mut tx = services.database.router().await.unwrap();
    let job = services.order_mail(&mut tx, tenant, order).await.unwrap();
    tx.commit().await.unwrap();
    services.announce_mail(tenant, job).await;
    job
}

/// Orders a link to a new password.
async fn order_reset(app: &TestApp, email: &str) -> JobId {
    order(app, TenantId::PLATFORM, &Order::PasswordReset { email: email.to_owned() }).await
}

/// The newest mail that was taken.
fn last_mail(app: &TestApp) -> Mail {
    app.mailer.mails().pop().unwrap()
}

/// The token of a mail's link to one of our pages.
fn token(mail: &Mail, page: &str) -> String {
    let start = format!("{ORIGIN}/#/{page}?token=");
    let (_, rest) = mail.text.split_once(&start).unwrap_or_else(|| panic!("no link: {}", mail.text));
    let token: String = rest.chars().take_while(|c| !c.is_whitespace()).collect();
    assert!(mail.html.contains(&format!("href=\"{start}{token}\"")), "{}", mail.html);
    assert_eq!(token.len(), 43);
    token
}

/// Whom a live token is for.
async fn subject(app: &TestApp, token: &str, purpose: Purpose) -> Option<Subject> {
    let mut router = app.state.services.database.router_connection().await.unwrap();
    portal::store::tokens::find_mailed(&mut router, &Sha256::digest(token), purpose).await.unwrap()
}

async fn user(app: &TestApp, email: &str) -> UserId {
    UserId(id(app, &format!("select id from users where email = '{email}'")).await)
}

async fn tenant(app: &TestApp, name: &str) -> TenantId {
    TenantId(app.tenant(name).await.parse().unwrap())
}

async fn id(app: &TestApp, sql: &str) -> Uuid {
    app.value(sql).await.as_str().unwrap().parse().unwrap()
}

/// Acme invites somebody for a week; gives the invitation's id. No mail is ordered.
async fn invite(app: &TestApp, email: &str) -> Uuid {
    let acme = app.tenant("Acme").await;
    app.sql(&format!(
        "insert into invitations (tenant_id, id, email, role, status, invited_by, created_at, expires_at)
         values ('{acme}', gen_random_uuid(), '{email}', 'viewer', 'pending', 'Ana Acero', now(), now() + interval '7 days')"
    ))
    .await;
    id(app, &format!("select id from invitations where email = '{email}' and status = 'pending'")).await
}

/// State, reason and order of all jobs, oldest first.
async fn jobs(app: &TestApp) -> Vec<(String, String, String)> {
    let rows =
        app.rows("select state, coalesce(last_error, '') as why, payload::text as payload from jobs order by id").await;
    let text = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(row, "state"), text(row, "why"), text(row, "payload"))).collect()
}
