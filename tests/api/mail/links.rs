//! The links in mails: whose they are, how long they live, what ends them.

use portal::domain::ids::TenantId;
use portal::services::mail::{Notice, Order};
use portal::store::tokens::{self, Purpose, Subject};
use sha2::{Digest as _, Sha256};

use super::{invite, jobs, last_mail, order, order_reset, subject, tenant, token, user};
use crate::harness::TestApp;
use crate::harness::client::Call;

#[tokio::test]
async fn a_person_who_forgot_the_password_gets_a_link_that_only_the_mail_knows() {
    let app = TestApp::start().await;
    order_reset(&app, "admin@acme.example").await;
    assert_eq!(app.drain().await, 1);
    let mail = last_mail(&app);
    assert_eq!(mail.to, "admin@acme.example");
    assert!(mail.text.starts_with("Hola, Ana Acero:\n\n"), "{}", mail.text);
    assert!(mail.text.contains("30 minutos") && mail.text.contains("Si no lo ha pedido usted"), "{}", mail.text);
    let token = token(&mail, "reset");
    let ana = Subject::Person(user(&app, "admin@acme.example").await);
    assert_eq!(subject(&app, &token, Purpose::PasswordReset).await, Some(ana));
    assert_eq!(subject(&app, &token, Purpose::Invitation).await, None);
    let minutes = app.value("select extract(epoch from expires_at - created_at) / 60 from one_time_tokens").await;
    assert_eq!(minutes.as_f64(), Some(30.0));
    for table in ["one_time_tokens", "jobs"] {
        let rows = app.rows(&format!("select * from {table}")).await;
        assert!(!rows.is_empty() && rows.iter().all(|row| !row.to_string().contains(&token)), "{rows:?}");
    }
    assert_eq!(jobs(&app).await, [("succeeded".into(), String::new(), "{}".into())]);
}

#[tokio::test]
async fn a_link_that_was_asked_for_is_recorded_once_in_every_tenant_of_the_person_and_never_for_a_stranger() {
    let app = TestApp::start().await;
    app.mailer.refuse(Some(|| portal::platform::mail::MailError::Later("451 busy".into())));
    for email in ["both@portal.example", "operator@portal.example", "unknown@acme.example", "disabled@acme.example"] {
        order_reset(&app, email).await;
    }
    app.drain().await;
    app.let_time_pass().await;
    let both = user(&app, "both@portal.example").await;
    let own = app
        .rows(
            "select t.name, l.resource, l.actor_id, l.detail from audit_log l join tenants t on t.id = l.tenant_id
                where l.action = 'password.reset_requested' order by t.name",
        )
        .await;
    assert_eq!(own.iter().map(|row| row["name"].as_str().unwrap()).collect::<Vec<_>>(), ["Acme", "Globex"]);
    assert!(own.iter().all(|row| row["resource"] == format!("user/{both}") && row["actor_id"].is_null()), "{own:?}");
    let platform = "select count(*) from platform_audit where action = 'password.reset_requested'";
    assert_eq!(app.value(platform).await, 1);
}

#[tokio::test]
async fn who_cannot_sign_in_gets_no_mail_and_the_job_ends_quietly() {
    let app = TestApp::start().await;
    for nobody in ["unknown@acme.example", "disabled@acme.example", "admin@initech.example", "nobody@portal.example"] {
        order_reset(&app, nobody).await;
    }
    let disabled = user(&app, "disabled@acme.example").await;
    order(&app, TenantId::PLATFORM, &Order::Notice { user: disabled, notice: Notice::PasswordChanged }).await;
    let member = user(&app, "admin@acme.example").await;
    order(&app, TenantId::PLATFORM, &Order::OperatorWelcome { user: member }).await;
    assert_eq!(app.drain().await, 6);
    assert_eq!(app.mailer.mails().len(), 0);
    let jobs = jobs(&app).await;
    assert!(jobs.iter().all(|(state, _, payload)| state == "cancelled" && payload == "{}"), "{jobs:?}");
    assert_eq!(app.value("select count(*) from one_time_tokens").await, 0);
}

#[tokio::test]
async fn a_person_who_is_deactivated_while_the_mail_waits_gets_none() {
    let app = TestApp::start().await;
    order_reset(&app, "admin@acme.example").await;
    app.sql("update users set is_active = false").await;
    app.drain().await;
    assert_eq!(app.mailer.mails().len(), 0);
}

#[tokio::test]
async fn a_newer_request_makes_the_older_link_void_and_an_older_one_that_comes_late_sends_nothing() {
    let app = TestApp::start().await;
    order_reset(&app, "admin@acme.example").await;
    app.drain().await;
    let first = token(&last_mail(&app), "reset");
    order_reset(&app, "viewer@acme.example").await;
    order_reset(&app, "admin@acme.example").await;
    order_reset(&app, "admin@acme.example").await;
    let late = app.queue.messages()[1].clone();
    app.queue.clear();
    app.sql("update jobs set run_at = now() - interval '1 minute', announced_at = null where state = 'queued' and id <> (select id from jobs order by id limit 1 offset 2)").await;
    app.fire("schedule_syncs").await;
    assert_eq!(app.drain().await, 2);
    let mails = app.mailer.mails();
    let newest = token(mails.iter().rfind(|mail| mail.to == "admin@acme.example").unwrap(), "reset");
    assert_eq!(subject(&app, &first, Purpose::PasswordReset).await, None);
    assert!(subject(&app, &newest, Purpose::PasswordReset).await.is_some());
    app.deliver(&late).await.ok();
    assert_eq!(app.mailer.mails().len(), 3);
    assert!(subject(&app, &newest, Purpose::PasswordReset).await.is_some());
    assert_eq!(jobs(&app).await[2].0, "cancelled");
    // Somebody else's link is untouched by all that.
    assert_eq!(app.value("select count(*) from one_time_tokens").await, 2);
}

#[tokio::test]
async fn a_link_that_is_over_stands_in_nobodys_way() {
    let app = TestApp::start().await;
    order_reset(&app, "admin@acme.example").await;
    app.drain().await;
    // A clock that was wrong.
    app.sql("update one_time_tokens set expires_at = now(), payload = payload || '{\"ordered_at\": \"2099-01-01T00:00:00Z\"}'").await;
    order_reset(&app, "admin@acme.example").await;
    app.drain().await;
    assert_eq!(app.mailer.mails().len(), 2);
    assert!(subject(&app, &token(&last_mail(&app), "reset"), Purpose::PasswordReset).await.is_some());
}

#[tokio::test]
async fn of_parallel_uses_of_a_persons_links_exactly_one_counts_and_all_are_void_then() {
    let app = TestApp::start().await;
    // Two live links: the first attempt's mail was handed over, but nobody said so.
    order_reset(&app, "admin@acme.example").await;
    app.drain().await;
    app.sql("update jobs set state = 'queued', payload = '{\"mail\":\"password_reset\",\"email\":\"admin@acme.example\"}', announced_at = null, run_at = now() - interval '1 minute'").await;
    app.fire("schedule_syncs").await;
    app.drain().await;
    let tokens: Vec<String> = app.mailer.mails().iter().map(|mail| token(mail, "reset")).collect();
    assert_ne!(tokens[0], tokens[1]);
    for token in &tokens {
        assert!(subject(&app, token, Purpose::PasswordReset).await.is_some());
    }
    let uses = (0..8).map(|n| {
        let (database, hash) = (app.state.services.database.clone(), Sha256::digest(&tokens[n % 2]));
        tokio::spawn(async move {
            let mut tx = database.router().await.unwrap();
            let taken = tokens::take_mailed(&mut tx, &hash, Purpose::PasswordReset).await.unwrap();
            tx.commit().await.unwrap();
            taken
        })
    });
    let mut won = 0;
    for attempt in uses.collect::<Vec<_>>() {
        won += usize::from(attempt.await.unwrap().is_some());
    }
    assert_eq!(won, 1);
    assert_eq!(app.value("select count(*) from one_time_tokens").await, 0);
}

#[tokio::test]
async fn an_expired_link_is_nobodys() {
    let app = TestApp::start().await;
    order_reset(&app, "admin@acme.example").await;
    app.drain().await;
    app.sql("update one_time_tokens set expires_at = now() - interval '1 second'").await;
    assert_eq!(subject(&app, &token(&last_mail(&app), "reset"), Purpose::PasswordReset).await, None);
}

#[tokio::test]
async fn a_new_operator_gets_a_day_to_choose_the_first_password() {
    let app = TestApp::start().await;
    let operator = user(&app, "operator@portal.example").await;
    order(&app, TenantId::PLATFORM, &Order::OperatorWelcome { user: operator }).await;
    app.drain().await;
    let mail = last_mail(&app);
    assert!(mail.text.contains("24 horas"), "{}", mail.text);
    let token = token(&mail, "reset");
    assert_eq!(subject(&app, &token, Purpose::PasswordReset).await, Some(Subject::Person(operator)));
    let hours = app.value("select extract(epoch from expires_at - created_at) / 3600 from one_time_tokens").await;
    assert_eq!(hours.as_f64(), Some(24.0));
}

#[tokio::test]
async fn an_invitation_names_tenant_and_host_and_its_link_lives_as_long_as_it_does() {
    let app = TestApp::start().await;
    let acme = tenant(&app, "Acme").await;
    let invitation = invite(&app, "nuria@acme.example").await;
    order(&app, acme, &Order::Invitation { invitation }).await;
    app.drain().await;
    let mail = last_mail(&app);
    assert_eq!((mail.to.as_str(), mail.lang.as_str()), ("nuria@acme.example", "es"));
    assert_eq!(mail.subject, "Invitación a Acme en Portal de clientes");
    assert!(mail.text.contains("Ana Acero le invita a unirse a Acme"), "{}", mail.text);
    let token = token(&mail, "invitation");
    assert_eq!(subject(&app, &token, Purpose::Invitation).await, Some(Subject::Invitation(acme, invitation)));
    let same = "select (select expires_at from one_time_tokens) = (select expires_at from invitations)";
    assert_eq!(app.value(same).await, true);
}

#[tokio::test]
async fn a_repeated_invitation_makes_the_older_link_void_and_leaves_others_alone() {
    let app = TestApp::start().await;
    let acme = tenant(&app, "Acme").await;
    let (nuria, otto) = (invite(&app, "nuria@acme.example").await, invite(&app, "otto@acme.example").await);
    for invitation in [nuria, otto, nuria] {
        order(&app, acme, &Order::Invitation { invitation }).await;
        app.drain().await;
    }
    let tokens: Vec<String> = app.mailer.mails().iter().map(|mail| token(mail, "invitation")).collect();
    let mut live = Vec::new();
    for token in &tokens {
        live.push(subject(&app, token, Purpose::Invitation).await.is_some());
    }
    assert_eq!(live, [false, true, true]);
}

#[tokio::test]
async fn an_invitation_that_was_revoked_is_over_or_of_a_suspended_tenant_is_not_sent() {
    let app = TestApp::start().await;
    let acme = tenant(&app, "Acme").await;
    for change in [
        "update invitations set status = 'revoked' where email = 'a@acme.example'",
        "update invitations set expires_at = now() where email = 'b@acme.example'",
        "update tenants set status = 'suspended' where name = 'Acme'",
    ] {
        let address = ["a", "b", "c"].into_iter().find(|name| change.contains(&format!("'{name}@"))).unwrap_or("c");
        let invitation = invite(&app, &format!("{address}@acme.example")).await;
        order(&app, acme, &Order::Invitation { invitation }).await;
        app.sql(change).await;
        app.drain().await;
    }
    assert_eq!(app.mailer.mails().len(), 0);
    assert!(jobs(&app).await.iter().all(|(state, _, _)| state == "cancelled"));
}

#[tokio::test]
async fn an_invitation_is_found_only_in_the_tenant_of_its_job() {
    let app = TestApp::start().await;
    let invitation = invite(&app, "nuria@acme.example").await;
    order(&app, tenant(&app, "Globex").await, &Order::Invitation { invitation }).await;
    app.drain().await;
    assert_eq!(app.mailer.mails().len(), 0);
}

#[tokio::test]
async fn links_lead_to_our_own_origin_whatever_a_request_or_a_name_says() {
    let app = TestApp::start().await;
    let invitation = invite(&app, "viewer@acme.example").await;
    app.sql(r"update tenants set name = E'X\r\nBcc: e@e https://evil.example <a href=x>' where name = 'Acme'").await;
    app.sql(r"update users set name = E'Ana\r\nBcc: e@e http://evil.example', locale = 'en'").await;
    let acme = super::id(&app, "select tenant_id from invitations").await;
    order(&app, TenantId(acme), &Order::Invitation { invitation }).await;
    order_reset(&app, "admin@acme.example").await;
    while let Some(message) = app.queue.next_immediate() {
        let envelope = crate::harness::parts::message_envelope(&message);
        let call =
            Call::new("POST", "/send_mail").header("host", "evil.example").header("x-forwarded-host", "evil.example");
        call.json(&envelope).bare(&app.router).await.ok();
    }
    let mails = app.mailer.mails();
    assert_eq!(mails.len(), 2);
    for mail in mails {
        assert!(!mail.subject.contains(['\r', '\n']), "{:?}", mail.subject);
        assert!(mail.text.lines().all(|line| !line.starts_with("Bcc")), "{}", mail.text);
        assert!(!mail.html.contains("<a href=x>"), "{}", mail.html);
        for part in [&mail.text, &mail.html] {
            assert!(part.match_indices("://").all(|(at, _)| part[at..].starts_with("://127.0.0.1:7071/#/")), "{part}");
        }
    }
}
