//! Every row of the table of failures.

use std::time::Duration;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

use super::harness::{KEY, Open, Reader, World, charge, forbidden, key, serve, stripe};
use crate::connectors::contract::{Allowance, Connector};
use crate::connectors::error::{ConnectorError, FailureKind};
use crate::connectors::stripe::client::StripeClient;
use crate::connectors::stripe::errors::Refusal;
use crate::connectors::stripe::retry::Pauses;
use crate::connectors::testing::{Reply, Stub, client};
use crate::domain::random::Random;
use crate::domain::secret::Secret;

const NOON: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

struct Sixes;

impl Random for Sixes {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(255);
    }
}

fn fixture(name: &str) -> (u16, Value, Vec<(&'static str, &'static str)>) {
    let all: Value = serde_json::from_str(include_str!("../../../../tests/fixtures/stripe/errors.json")).unwrap();
    let one = &all[name];
    let headers = one["headers"].as_object().into_iter().flatten();
    let headers = headers.map(|(name, value)| {
        let names = ["stripe-rate-limited-reason", "stripe-should-retry"];
        let name = names.into_iter().find(|known| known.eq_ignore_ascii_case(name)).unwrap();
        (name, if value == "true" { "true" } else { "endpoint-rate" })
    });
    (u16::try_from(one["http"].as_u64().unwrap()).unwrap(), one["body"].clone(), headers.collect())
}

/// One call whose answers are always the same: the refusal, the requests that were sent, and how often it slowed down.
async fn call(status: u16, body: Value, headers: Vec<(&'static str, &'static str)>) -> (Refusal, usize, usize) {
    let stub = Stub::start(move |_, _| {
        let mut all = vec![("content-type", "application/json"), ("request-id", "req_7")];
        all.extend(headers.iter().copied());
        Reply::With(status, all, body.to_string().into_bytes())
    })
    .await;
    let gate = Open::default();
    let pauses = Pauses::new(std::sync::Arc::new(Sixes), |_| std::future::ready(()));
    let client = StripeClient::new(client(Duration::from_secs(5)), stub.url.clone(), pauses);
    let access = key();
    let calls = client.with(&access).unwrap().through(&gate, Allowance { per_second: 1.0, burst: 1.0 });
    let refusal = calls.object("charges", "/v1/charges", &[]).await.unwrap_err();
    let slowed = gate.slowed.lock().unwrap().len();
    (refusal, stub.received().len(), slowed)
}

async fn from_fixture(name: &str) -> (Refusal, usize, usize) {
    let (status, body, headers) = fixture(name);
    call(status, body, headers).await
}

fn brief(refusal: &Refusal) -> (&'static str, &'static str) {
    (refusal.error.kind.as_str(), refusal.error.code)
}

#[tokio::test]
async fn a_dead_key_asks_for_a_new_one_without_retries() {
    for name in ["401_invalid_key", "401_expired"] {
        let (refusal, sent, _) = from_fixture(name).await;
        assert_eq!((brief(&refusal), sent), (("auth_revoked", "stripe_key_refused"), 1), "{name}");
        assert!(refusal.error.cause.ends_with("(req_7)"), "{}", refusal.error.cause);
        assert!(refusal.blocks().is_err(), "it stops everything");
    }
}

#[tokio::test]
async fn a_missing_permission_blocks_its_stream_by_name() {
    let (refusal, sent, _) = from_fixture("403_restricted").await;
    assert_eq!((brief(&refusal), sent), (("permission_missing", "stripe_permission"), 1));
    assert_eq!(refusal.account.as_deref(), Some("acct_1"));
    let blocked = refusal.blocks().unwrap();
    assert_eq!(blocked.permission.as_deref(), Some("rak_charge_read"));
}

#[tokio::test]
async fn too_many_requests_slow_the_account_down() {
    let (refusal, sent, slowed) = from_fixture("429_rate").await;
    assert_eq!((sent, slowed), (4, 4));
    let FailureKind::RateLimited { retry_after, scope } = refusal.error.kind else { panic!("{refusal:?}") };
    assert_eq!((retry_after, scope.as_str()), (Duration::from_secs(16), "endpoint-rate"));
    let (refusal, ..) = call(429, json!({"error": {"code": "rate_limit"}}), vec![("retry-after", "40")]).await;
    let FailureKind::RateLimited { retry_after, .. } = refusal.error.kind else { panic!("{refusal:?}") };
    assert_eq!(retry_after, Duration::from_secs(40));
}

#[tokio::test]
async fn a_held_object_is_tried_again_without_slowing_down() {
    let (refusal, sent, slowed) = from_fixture("429_lock_timeout").await;
    assert_eq!((brief(&refusal), sent, slowed), (("transient", "stripe_busy"), 4, 0));
    let (refusal, sent, _) = call(409, json!({}), vec![]).await;
    assert_eq!((brief(&refusal), sent), (("transient", "stripe_busy"), 4));
}

#[tokio::test]
async fn a_server_error_is_tried_five_times() {
    for status in [500, 502, 503, 504] {
        let (refusal, sent, _) = call(status, json!({"error": {"type": "api_error"}}), vec![]).await;
        assert_eq!((brief(&refusal), sent), (("transient", "stripe_server_error"), 5), "{status}");
    }
}

#[tokio::test]
async fn stripe_knows_best_whether_to_try_again() {
    let (_, sent, _) = call(500, json!({}), vec![("stripe-should-retry", "false")]).await;
    assert_eq!(sent, 1);
    let (_, sent, _) = call(400, json!({}), vec![("stripe-should-retry", "true")]).await;
    assert_eq!(sent, 4);
}

#[tokio::test]
async fn what_stripe_refuses_fails_its_stream_for_the_operator() {
    let (refusal, sent, _) = call(400, json!({"error": {"code": "parameter_unknown", "param": "foo"}}), vec![]).await;
    assert_eq!((brief(&refusal), sent), (("contract", "stripe_request_refused"), 1));
    assert!(!refusal.gone && !refusal.cursor_gone);
    assert!(refusal.blocks().is_ok());
    let (refusal, ..) = call(404, json!({"error": {"code": "resource_missing", "param": "id"}}), vec![]).await;
    assert!(refusal.gone);
    let (refusal, ..) = from_fixture("400_deleted_cursor").await;
    assert!(refusal.cursor_gone && !refusal.gone);
    let (refusal, ..) = call(302, json!({}), vec![]).await;
    assert_eq!(brief(&refusal), ("contract", "stripe_unexpected"));
}

#[tokio::test]
async fn the_key_is_cut_out_of_what_stripe_says() {
    let (refusal, ..) =
        call(401, json!({"error": {"message": format!("Invalid API Key provided: {KEY}")}}), vec![]).await;
    assert!(refusal.error.cause.contains("[redacted]") && !refusal.error.cause.contains(KEY));
}

/// The first failure of a run against a Stripe that answers this to everything.
async fn first_error(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Result<Reader, ConnectorError> {
    let stub = Stub::start(move |_, _| reply()).await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    while let Some(batch) = reader.next(&stripe, NOON).await? {
        reader.commit(batch);
    }
    Ok(reader)
}

#[tokio::test]
async fn a_broken_connection_and_a_cut_answer_pass() {
    let error = first_error(|| Reply::Truncated("{\"data\":[")).await.unwrap_err();
    assert_eq!((error.kind.as_str(), error.code), ("transient", "upstream_truncated"));
    let html = || Reply::With(200, vec![("content-type", "text/html")], b"<html>".to_vec());
    let error = first_error(html).await.unwrap_err();
    assert_eq!((error.kind.as_str(), error.code), ("contract", "upstream_html"));
}

#[tokio::test]
async fn an_object_of_the_other_mode_stops_everything() {
    let mut world = World::default();
    let mut real = charge("ch_1", NOON.unix_timestamp() - 60);
    real["livemode"] = true.into();
    world.add("charges", real);
    let (stub, _) = serve(world).await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    let error = loop {
        match reader.next(&stripe, NOON).await {
            Ok(batch) => reader.commit(batch.unwrap()),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind.as_str(), error.code), ("contract", "stripe_mode"));
    assert_eq!(error.cause, "charges: livemode is true, the key's is false");
}

#[tokio::test]
async fn a_field_of_another_type_blocks_its_stream_and_is_named() {
    let mut world = World::default();
    let mut odd = charge("ch_1", NOON.unix_timestamp() - 60);
    odd["captured"] = "yes".into();
    world.add("charges", odd);
    world.add("customers", super::harness::customer("cus_1", NOON.unix_timestamp() - 60));
    let (stub, _) = serve(world).await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    let mut blocked = None;
    while let Some(batch) = reader.next(&stripe, NOON).await.unwrap() {
        blocked = blocked.or_else(|| batch.blocked.clone());
        reader.commit(batch);
    }
    let blocked = blocked.unwrap();
    assert_eq!((blocked.code, blocked.permission), ("stripe_shape", None));
    assert_eq!(blocked.cause, "charges: captured is not true or false");
    assert!(reader.records.contains_key(&("customers".to_owned(), "cus_1".to_owned())), "the others go on");
}

#[tokio::test]
async fn pages_that_go_in_circles_end_with_an_error() {
    let at = NOON.unix_timestamp() - 60;
    let reply = move || Reply::Json(200, json!({"data": [charge("ch_1", at)], "has_more": true}));
    let stub = Stub::start(move |_, request| {
        if request.path == "/v1/charges" { reply() } else { Reply::Json(200, json!({"data": [], "has_more": false})) }
    })
    .await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    let mut blocked = None;
    while let Some(batch) = reader.next(&stripe, NOON).await.unwrap() {
        blocked = blocked.or_else(|| batch.blocked.clone());
        reader.commit(batch);
    }
    assert_eq!(blocked.unwrap().code, "stripe_pages");
    let asked = stub.received().iter().filter(|request| request.path == "/v1/charges").count();
    assert!(asked <= 3, "{asked}");
}

#[tokio::test]
async fn a_list_that_ignores_its_ends_is_not_believed() {
    let old = charge("ch_1", 1_000_000_000);
    let error = first_error(move || Reply::Json(200, json!({"data": [old.clone()], "has_more": false}))).await;
    let reader = error.unwrap();
    assert!(reader.blocked.contains_key("charges"), "{:?}", reader.blocked);
}

#[tokio::test]
async fn the_check_of_a_key_tells_account_mode_and_each_missing_permission() {
    let stub = Stub::start(|_, request| match request.path.as_str() {
        "/v1/account" => forbidden("rak_accounts_kyc_basic_read"),
        "/v1/disputes" => forbidden("rak_dispute_read"),
        _ => Reply::Json(200, json!({"data": [], "has_more": false})),
    })
    .await;
    let (stripe, _) = stripe(&stub.url);
    let found = stripe.check(&key(), NOON).await.unwrap();
    assert!(found.test_mode);
    assert_eq!(found.accounts[0].id, "acct_1Demo:test");
    let missing: Vec<(&str, Option<&str>)> =
        found.permissions.iter().map(|one| (one.stream, one.missing.as_deref())).collect();
    assert_eq!(missing.len(), 7);
    for (stream, missing) in missing {
        assert_eq!(missing, (stream == "disputes").then_some("rak_dispute_read"), "{stream}");
    }
    let details = stripe.account(&key(), "acct_1Demo:test", NOON).await.unwrap();
    assert_eq!((details.zone, details.currency, details.created), (None, None, None));
    let error = stripe.account(&key(), "acct_2Other:test", NOON).await.unwrap_err();
    assert_eq!(error.code, "stripe_other_account");
    let error = stripe.account(&key(), "acct_1Demo", NOON).await.unwrap_err();
    assert_eq!(error.code, "stripe_other_account", "real data are another account than test data");
}

#[tokio::test]
async fn a_key_that_may_read_the_account_tells_its_name_and_beginning() {
    let stub = Stub::start(|_, request| {
        if request.path == "/v1/account" {
            let text = include_str!("../../../../tests/fixtures/stripe/account.json");
            let mut account: Value = serde_json::from_str(text).unwrap();
            account["settings"]["dashboard"]["display_name"] = "Acme".into();
            return Reply::Json(200, account);
        }
        Reply::Json(200, json!({"data": [], "has_more": false}))
    })
    .await;
    let (stripe, _) = stripe(&stub.url);
    let found = stripe.check(&key(), NOON).await.unwrap();
    let id = "acct_1PgafTB7WZ01zgkW:test";
    assert_eq!((found.accounts[0].id.as_str(), found.accounts[0].name.as_str()), (id, "Acme"));
    let details = stripe.account(&key(), id, NOON).await.unwrap();
    assert_eq!(
        (details.currency.as_deref(), details.created),
        (Some("USD"), Some(time::macros::date!(2009 - 02 - 12)))
    );
}

#[tokio::test]
async fn a_publishable_key_is_refused_without_asking_stripe() {
    let (stub, _) = serve(World::default()).await;
    let (stripe, _) = stripe(&stub.url);
    let error = stripe.check(&Secret::new("pk_live_51Habcdefghijk"), NOON).await.unwrap_err();
    assert_eq!((error.kind.as_str(), error.code), ("config_invalid", "stripe_key_publishable"));
    assert!(stub.received().is_empty());
}
