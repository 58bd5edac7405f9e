//! Mails while the mail server fails and while the handler dies.

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::browser::client;
use crate::portal::{Place, Portal};
use crate::wait::eventually;

/// Orders a notice to a demo person, as the act that it tells of would; gives the job.
async fn order(portal: &Portal, sql: &mut PgConnection) -> Uuid {
    let query = "insert into jobs (id, tenant_id, kind, queue, dedup_key, payload, state, run_at, created_at)
                 select id, '00000000-0000-0000-0000-000000000000', 'mail', 'mail', 'mail:' || id, payload, 'queued',
                        now() - interval '1 minute', now()
                   from (select gen_random_uuid() as id,
                                jsonb_build_object('mail', 'notice', 'user', u.id, 'notice', 'mfa_enabled') as payload
                           from users u where u.email = 'viewer@acme.example') job
                 returning id";
    let job = sqlx::query_scalar(query).fetch_one(sql).await.unwrap();
    portal.fire("schedule_syncs").await;
    job
}

async fn job(sql: &mut PgConnection, id: Uuid) -> (String, i32, String) {
    let query = "select state, attempts, coalesce(last_error, '') from jobs where id = $1";
    sqlx::query_as(query).bind(id).fetch_one(sql).await.unwrap()
}

/// Waits until a job has ended as it should.
async fn ends(sql: &mut PgConnection, id: Uuid, state: &str) {
    eventually(&format!("the mail is {state}"), 150, async || (job(sql, id).await.0 == state).then_some(())).await;
}

async fn fail(portal: &Portal, kind: &str) {
    let url = format!("{}/__control/faults", portal.at("mailbox_url"));
    assert_eq!(client().post(url).json(&json!({"kind": kind})).send().await.unwrap().status(), 201);
}

/// Waits until a kind of fault has struck.
async fn struck(portal: &Portal, kind: &str) {
    let url = format!("{}/__control/faults", portal.at("mailbox_url"));
    eventually("the fault strikes", 60, async || {
        let rules: Value = client().get(&url).send().await.unwrap().json().await.unwrap();
        rules["items"].as_array().unwrap().iter().any(|rule| rule["kind"] == kind && rule["hits"] == 1).then_some(())
    })
    .await;
}

/// The mails that a job has sent, by their `Message-ID`.
async fn mails(portal: &Portal, job: Uuid) -> usize {
    let url = format!("{}/messages", portal.at("mailbox_url"));
    let all: Vec<Value> = client().get(url).send().await.unwrap().json().await.unwrap();
    let id = format!("{job}@portal.example");
    all.iter().filter(|mail| mail["message_id"] == id.as_str() && mail["to"] == "viewer@acme.example").count()
}

#[tokio::test]
async fn a_mail_survives_every_failure_of_the_server_and_the_death_of_the_handler() {
    let place = Place::new();
    let portal = place.start().await;
    let mut sql = portal.sql().await;

    // The handler dies while it waits for the server's word.
    fail(&portal, "hang").await;
    let killed = order(&portal, &mut sql).await;
    struck(&portal, "hang").await;
    portal.kill_handler().await;
    // As if the dead one's lease had run out.
    let over = "update jobs set leased_until = now(), announced_at = null where id = $1";
    sqlx::query(over).bind(killed).execute(&mut sql).await.unwrap();
    portal.fire("schedule_syncs").await;
    ends(&mut sql, killed, "succeeded").await;
    assert_eq!((mails(&portal, killed).await, job(&mut sql, killed).await.1), (1, 2));

    fail(&portal, "down").await;
    let down = order(&portal, &mut sql).await;
    struck(&portal, "down").await;
    ends(&mut sql, down, "succeeded").await;
    assert_eq!((mails(&portal, down).await, job(&mut sql, down).await.1), (1, 2));

    fail(&portal, "refuse_later").await;
    let greylisted = order(&portal, &mut sql).await;
    ends(&mut sql, greylisted, "succeeded").await;
    assert_eq!((mails(&portal, greylisted).await, job(&mut sql, greylisted).await.1), (1, 2));

    // Nobody can know that the server has kept the first one: two of the same name.
    fail(&portal, "drop_after_data").await;
    let dropped = order(&portal, &mut sql).await;
    ends(&mut sql, dropped, "succeeded").await;
    assert_eq!((mails(&portal, dropped).await, job(&mut sql, dropped).await.1), (2, 2));

    fail(&portal, "refuse_never").await;
    let refused = order(&portal, &mut sql).await;
    ends(&mut sql, refused, "failed").await;
    let (_, attempts, why) = job(&mut sql, refused).await;
    assert_eq!((mails(&portal, refused).await, attempts), (0, 1));
    assert!(why.contains("550") && why.contains("no such mailbox"), "{why}");
}
