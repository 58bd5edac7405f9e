//! Whole runs.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::macros::{date, datetime};
use time::{Duration, OffsetDateTime};

use super::harness::{
    Reader, World, charge, customer, dispute, event, intent, madrid, serve, stripe, subscription, transaction,
};
use crate::connectors::stripe::keys;
use crate::connectors::stripe::streams::{CHARGES, CUSTOMERS, DISPUTES, EVENTS, LISTED, SUBSCRIPTIONS};

const NOON: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
const TODAY: time::Date = date!(2026 - 11 - 24);

fn ago(hours: i64) -> i64 {
    (NOON - Duration::hours(hours)).unix_timestamp()
}

/// A shop with 13 months of history and one day that alone fills more than a batch.
fn shop() -> World {
    let mut world = World::default();
    for number in 0..1200 {
        let at = ago(3) - number * 7 * 3600;
        world.add("balance_transactions", transaction(&format!("txn_{number}"), at, 1000 + number, "charge"));
        world.add("charges", charge(&format!("ch_{number}"), at));
        if number % 3 == 0 {
            world.add("customers", customer(&format!("cus_{number}"), at));
            world.add("payment_intents", intent(&format!("pi_{number}"), at, "succeeded", &Value::Null));
        }
        if number % 40 == 0 {
            world.add("disputes", dispute(&format!("dp_{number}"), at + 60, "needs_response"));
        }
    }
    for number in 0..1500 {
        world.add("charges", charge(&format!("ch_rush_{number}"), ago(24 * 50) + number));
    }
    world.balance.insert("eur", (0..1200).map(|number| 1000 + number - 30).sum());
    world.add("subscriptions", subscription("sub_1", ago(5000), "active", 1000));
    world.add("subscriptions", subscription("sub_2", ago(900), "past_due", 500));
    world.add("subscriptions", subscription("sub_3", ago(800), "canceled", 700));
    world
}

#[tokio::test]
async fn a_first_run_reads_everything_and_each_day_is_made_once() {
    let (stub, world) = serve(shop()).await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    let rows = reader.run(&stripe, NOON).await;
    assert!(rows.iter().all(|rows| *rows <= 1000));

    let wanted = madrid().start_of(date!(2025 - 10 - 01)).unix_timestamp();
    for one in &LISTED {
        let objects = &world.lock().unwrap().lists[one.key];
        let recent = objects.iter().filter(|one| one["created"].as_i64().unwrap() >= wanted).count();
        assert_eq!(reader.records.keys().filter(|(stream, _)| stream == one.key).count(), recent, "{}", one.key);
        let reach = reader.streams[one.key].reach;
        assert_eq!(reach.backfilled_from, Some(date!(2025 - 10 - 01)), "{}", one.key);
        assert_eq!(reach.backfill_until, Some(date!(2025 - 10 - 01)), "{}", one.key);
        assert_eq!(reach.data_through, Some(date!(2026 - 11 - 23)), "{}", one.key);
        assert_eq!(reach.provisional_from, Some(TODAY), "{}", one.key);
        assert!(reader.up_to_date.contains(one.key), "{}", one.key);
    }
    let rush = madrid().date_of(NOON - Duration::days(50));
    assert_eq!(reader.derived[&(keys::PAYMENTS, rush)], 1, "a busy day is not made anew at each page");
    assert_eq!(reader.derived.keys().filter(|(metric, _)| *metric == keys::PAYMENTS).count(), 420);
    assert!(reader.derived.values().all(|times| *times == 1), "no day is made twice");
    assert_eq!(reader.value(keys::MRR, TODAY).as_deref(), Some("15"));
    assert_eq!(reader.value(keys::ACTIVE_SUBSCRIPTIONS, TODAY).as_deref(), Some("2"));
}

#[tokio::test]
async fn every_request_is_a_get_with_the_key_the_version_and_both_ends() {
    let (stub, _) = serve(shop()).await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    reader.run(&stripe, NOON).await;
    for request in stub.received() {
        assert_eq!(request.method, "GET");
        assert_eq!(request.headers["stripe-version"], "2026-07-29.dahlia");
        assert_eq!(request.headers["authorization"], format!("Bearer {}", super::harness::KEY));
        let list = LISTED.iter().any(|one| one.path == request.path && one.path != "/v1/balance_transactions");
        if list {
            assert!(
                request.query.contains("limit=100") && request.query.contains("created%5Bgte%5D"),
                "{}",
                request.query
            );
            assert!(request.query.contains("created%5Blt%5D"), "{}", request.query);
        }
        if request.path == "/v1/subscriptions" {
            assert!(request.query.contains("status=all"));
        }
        assert!(!request.path.starts_with("/v1/refunds") && !request.path.starts_with("/v1/payouts"));
    }
    let passed = reader.gate.passed.lock().unwrap();
    let count = |bucket| passed.iter().filter(|(name, _)| *name == bucket).count();
    assert_eq!(count("stripe"), stub.received().len());
    assert_eq!(count("stripe_allocation"), stub.received().len());
}

#[tokio::test]
async fn any_cut_between_batches_leads_to_the_same_records_and_figures() {
    let (stub, _) = serve(shop()).await;
    let (stripe, _) = stripe(&stub.url);
    let mut whole = Reader::default();
    whole.run(&stripe, NOON).await;
    for seed in 1..=4_u32 {
        let mut dice = seed.wrapping_mul(2_654_435_761);
        let mut roll = || {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            dice >> 24
        };
        let mut cut = Reader::default();
        let mut ends = 0;
        loop {
            let Some(batch) = cut.next(&stripe, NOON).await.unwrap() else { break };
            match roll() {
                // Killed before the commit.
                0..=63 => {}
                // Killed after it, and the run was given up.
                64..=96 if ends < 25 => {
                    cut.commit(batch);
                    cut.run = Value::Null;
                    ends += 1;
                }
                _ => cut.commit(batch),
            }
        }
        assert!(ends > 3, "the run was cut");
        let ids = |reader: &Reader| -> BTreeMap<_, _> {
            reader.records.iter().map(|(id, (record, ..))| (id.clone(), record.clone())).collect()
        };
        assert_eq!(ids(&cut), ids(&whole), "seed {seed}");
        assert_eq!(cut.figures, whole.figures, "seed {seed}");
    }
}

#[tokio::test]
async fn an_event_makes_an_old_object_be_asked_for_again() {
    let (stub, world) = serve(shop()).await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    let at = ago(24 * 20);
    let day = madrid().date_of(NOON - Duration::days(20));
    {
        let mut world = world.lock().unwrap();
        let mut waiting = charge("ch_waiting", at);
        waiting["captured"] = false.into();
        world.add("charges", waiting);
        world.add("disputes", dispute("dp_inquiry", at, "warning_needs_response"));
        world.add("payment_intents", intent("pi_failed", at, "requires_payment_method", &json!({"code": "declined"})));
    }
    reader.run(&stripe, NOON).await;
    let number = |text: Option<String>| text.unwrap().parse::<i64>().unwrap();
    let (payments, customers) = (number(reader.value(keys::PAYMENTS, day)), reader.value(keys::NEW_CUSTOMERS, day));
    {
        let mut world = world.lock().unwrap();
        let changed = ago(0) + 600;
        let set = |world: &mut World, list: &'static str, id: &str, field: &str, value: Value| {
            let object = world.lists.get_mut(list).unwrap().iter_mut().find(|one| one["id"] == id).unwrap();
            let before = object.clone();
            object[field] = value;
            before
        };
        let before = set(&mut world, "charges", "ch_waiting", "captured", true.into());
        // The event shows the charge as it was: what counts is the object.
        world.add("events", event("evt_1", changed, "charge.captured", &before));
        let before = set(&mut world, "disputes", "dp_inquiry", "status", "needs_response".into());
        world.add("events", event("evt_2", changed, "charge.dispute.updated", &before));
        let before = set(&mut world, "payment_intents", "pi_failed", "status", "succeeded".into());
        world.add("events", event("evt_3", changed, "payment_intent.succeeded", &before));
        let gone = customer("cus_69", ago(3) - 69 * 7 * 3600);
        world.lists.get_mut("customers").unwrap().retain(|one| one["id"] != "cus_69");
        world.add("events", event("evt_4", changed, "customer.deleted", &gone));
        set(&mut world, "subscriptions", "sub_2", "status", "canceled".into());
        world
            .add("events", event("evt_5", changed, "customer.subscription.deleted", &subscription("sub_2", 1, "x", 1)));
    }
    let requests = stub.received().len();
    reader.run(&stripe, NOON + Duration::hours(1)).await;
    assert_eq!(number(reader.value(keys::PAYMENTS, day)), payments + 1);
    assert_eq!(reader.figures[&(keys::DISPUTE_RATE, day)].0, 1.into());
    assert_eq!(reader.value(keys::PAYMENT_SUCCESS_RATE, day), Some("2".to_owned()));
    let of_customer = madrid().date_of(OffsetDateTime::from_unix_timestamp(ago(3) - 69 * 7 * 3600).unwrap());
    assert_eq!(of_customer, day, "the fixture's customer is of that day");
    assert_eq!(number(reader.value(keys::NEW_CUSTOMERS, day).or(Some("0".to_owned()))), number(customers) - 1);
    assert_eq!(reader.value(keys::MRR, TODAY).as_deref(), Some("10"));
    let asked: Vec<String> = stub.received()[requests..].iter().map(|request| request.path.clone()).collect();
    for path in ["/v1/charges/ch_waiting", "/v1/customers/cus_69", "/v1/subscriptions/sub_2"] {
        assert_eq!(asked.iter().filter(|one| *one == path).count(), 1, "{path}");
    }
    assert!(asked.len() < 20, "an hourly run is cheap: {asked:?}");

    let requests = stub.received().len();
    reader.run(&stripe, NOON + Duration::hours(2)).await;
    let again = stub.received()[requests..].iter().filter(|one| one.path.matches('/').count() == 3).count();
    assert_eq!(again, 1, "what was followed is done; one known transaction is looked at in each run");
}

#[tokio::test]
async fn an_object_that_the_run_has_just_listed_is_not_asked_for_again() {
    let (stub, world) = serve(shop()).await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    reader.run(&stripe, NOON).await;
    let new = charge("ch_new", ago(0) + 900);
    world.lock().unwrap().add("charges", new.clone());
    world.lock().unwrap().add("events", event("evt_1", ago(0) + 901, "charge.succeeded", &new));
    reader.run(&stripe, NOON + Duration::hours(1)).await;
    assert!(reader.records.contains_key(&(CHARGES.to_owned(), "ch_new".to_owned())));
    assert!(stub.received().iter().all(|request| request.path != "/v1/charges/ch_new"));
}

#[tokio::test]
async fn events_are_followed_again_when_a_run_was_given_up_in_between() {
    let (stub, world) = serve(shop()).await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    reader.run(&stripe, NOON).await;
    {
        let mut world = world.lock().unwrap();
        for number in 0..150 {
            let id = format!("ch_rush_{number}");
            let object =
                world.lists.get_mut("charges").unwrap().iter_mut().find(|one| one["id"] == id.as_str()).unwrap();
            object["status"] = "failed".into();
            let object = object.clone();
            world.add("events", event(&format!("evt_{number}"), ago(0) + number, "charge.failed", &object));
        }
    }
    let later = NOON + Duration::hours(1);
    reader.run = Value::Null;
    let before = reader.streams[EVENTS].cursor.clone();
    // Until the first hundred charges are in, and then the run ends.
    while reader.run["hints"]["charges"].as_object().is_none_or(|left| left.len() != 50) {
        let batch = reader.next(&stripe, later).await.unwrap().unwrap();
        reader.commit(batch);
    }
    assert_eq!(reader.streams[EVENTS].cursor, before, "events that were not followed to the end are not done");
    reader.run(&stripe, later + Duration::hours(1)).await;
    let day = madrid().date_of(NOON - Duration::days(50));
    let counted =
        reader.records.iter().filter(|((stream, _), (one, ..))| stream == CHARGES && madrid().date_of(one.at) == day);
    assert_eq!(reader.value(keys::PAYMENTS, day).unwrap(), counted.count().to_string());
    assert_eq!(reader.records.keys().filter(|(_, id)| id.starts_with("ch_rush_")).count(), 1350);
}

#[tokio::test]
async fn after_a_long_silence_everything_that_changes_is_read_anew_and_what_vanished_goes() {
    let (stub, world) = serve(shop()).await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    reader.run(&stripe, NOON).await;
    world.lock().unwrap().lists.get_mut("customers").unwrap().retain(|one| one["id"] != "cus_300");
    let of_customer = madrid().date_of(OffsetDateTime::from_unix_timestamp(ago(3) - 300 * 7 * 3600).unwrap());
    let customers =
        |reader: &Reader| reader.figures.get(&(keys::NEW_CUSTOMERS, of_customer)).map_or(0.into(), |sum| sum.0);
    let before = customers(&reader);
    let ledger = |reader: &Reader| reader.records.keys().filter(|(stream, _)| stream == "balance_transactions").count();
    let transactions = ledger(&reader);

    reader.run(&stripe, NOON + Duration::days(24)).await;
    assert!(reader.notes.is_empty(), "{:?}", reader.notes);
    reader.run(&stripe, NOON + Duration::days(50)).await;
    assert_eq!(reader.notes.iter().map(|note| note.code).collect::<Vec<_>>(), ["stripe_read_anew"]);
    assert!(!reader.records.contains_key(&(CUSTOMERS.to_owned(), "cus_300".to_owned())));
    assert_eq!(customers(&reader), before - rust_decimal::Decimal::ONE);
    assert_eq!(ledger(&reader), transactions, "the ledger does not change and is not read again");
    assert_eq!(reader.streams[CUSTOMERS].reach.backfilled_from, Some(date!(2025 - 10 - 01)));
}

#[tokio::test]
async fn subscriptions_are_listed_once_a_day_and_one_that_vanished_goes() {
    let (stub, world) = serve(shop()).await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    let scans = || stub.received().iter().filter(|request| request.path == "/v1/subscriptions").count();
    reader.run(&stripe, NOON).await;
    reader.run(&stripe, NOON + Duration::hours(1)).await;
    assert_eq!(scans(), 1);
    world.lock().unwrap().lists.get_mut("subscriptions").unwrap().remove(0);
    // Half past midnight in Madrid.
    reader.run(&stripe, datetime!(2026-11-24 23:30 UTC)).await;
    assert_eq!(scans(), 2);
    let tomorrow = date!(2026 - 11 - 25);
    assert_eq!(reader.value(keys::MRR, tomorrow).as_deref(), Some("5"));
    assert_eq!(reader.value(keys::MRR, TODAY).as_deref(), Some("15"), "a snapshot of a day that is over stays");
    let reach = reader.streams[SUBSCRIPTIONS].reach;
    assert_eq!((reach.backfilled_from, reach.data_through), (Some(TODAY), Some(TODAY)), "there is no history before");
}

#[tokio::test]
async fn a_blocked_list_leaves_the_others_and_its_ratio_alone() {
    let mut shop = shop();
    shop.forbidden.insert("disputes");
    let (stub, world) = serve(shop).await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    reader.run(&stripe, NOON).await;
    assert_eq!(reader.blocked, BTreeMap::from([(DISPUTES, "rak_wanted_read".to_owned())]));
    assert!(reader.value(keys::PAYMENTS, date!(2026 - 11 - 20)).is_some());
    assert!(
        reader.figures.keys().all(|(metric, _)| *metric != keys::DISPUTE_RATE),
        "no disputes are known, which is not the same as none"
    );
    assert_eq!(stub.received().iter().filter(|request| request.path == "/v1/disputes").count(), 1);

    world.lock().unwrap().forbidden.clear();
    reader.run(&stripe, NOON + Duration::hours(1)).await;
    assert!(reader.blocked.is_empty());
    let days = |metric| reader.figures.keys().filter(|(of, _)| *of == metric).count();
    assert_eq!(days(keys::DISPUTE_RATE), days(keys::PAYMENTS), "the whole history has its ratio now");
}

#[tokio::test]
async fn without_events_figures_go_on_and_the_week_is_still_read_again() {
    let mut shop = shop();
    shop.forbidden.insert("events");
    let (stub, world) = serve(shop).await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    reader.run(&stripe, NOON).await;
    let day = date!(2026 - 11 - 20);
    let before: i64 = reader.value(keys::PAYMENTS, day).unwrap().parse().unwrap();
    {
        let mut world = world.lock().unwrap();
        let of_day = |one: &&mut Value| {
            madrid().date_of(OffsetDateTime::from_unix_timestamp(one["created"].as_i64().unwrap()).unwrap()) == day
        };
        world.lists.get_mut("charges").unwrap().iter_mut().find(of_day).unwrap()["status"] = "failed".into();
    }
    reader.run(&stripe, NOON + Duration::days(8)).await;
    assert_eq!(reader.value(keys::PAYMENTS, day).unwrap(), (before - 1).to_string());
}

#[tokio::test]
async fn a_last_object_that_was_deleted_starts_the_window_anew_once() {
    let (stub, world) = serve(shop()).await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    loop {
        let batch = reader.next(&stripe, NOON).await.unwrap().unwrap();
        let stops = batch.stream == CHARGES && !batch.cursor["progress"]["open"][0]["after"].is_null();
        reader.commit(batch);
        if stops {
            break;
        }
    }
    let after = reader.streams[CHARGES].cursor["progress"]["open"][0]["after"].as_str().unwrap().to_owned();
    world.lock().unwrap().lists.get_mut("charges").unwrap().retain(|one| one["id"] != after.as_str());
    while let Some(batch) = reader.next(&stripe, NOON).await.unwrap() {
        reader.commit(batch);
    }
    assert!(reader.blocked.is_empty());
    assert_eq!(
        reader.records.keys().filter(|(_, id)| id.starts_with("ch_rush_")).count(),
        1500 - usize::from(after.starts_with("ch_rush_"))
    );
}

#[tokio::test]
async fn a_replaced_key_of_another_account_is_noticed() {
    let (stub, world) = serve(shop()).await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    reader.run(&stripe, NOON).await;
    let mut other = World::default();
    other.add("balance_transactions", transaction("txn_of_somebody_else", ago(1), 100, "charge"));
    *world.lock().unwrap() = other;
    reader.run = Value::Null;
    let error = reader.next(&stripe, NOON + Duration::hours(1)).await.unwrap_err();
    assert_eq!((error.code, error.kind.as_str()), ("stripe_other_account", "config_invalid"));
}

#[tokio::test]
async fn an_empty_account_is_read_without_trouble() {
    let (stub, _) = serve(World::default()).await;
    let (stripe, _) = stripe(&stub.url);
    let mut reader = Reader::default();
    reader.run(&stripe, NOON).await;
    reader.run(&stripe, NOON + Duration::hours(1)).await;
    assert!(reader.records.is_empty() && reader.notes.is_empty() && reader.blocked.is_empty());
    assert_eq!(reader.streams[CHARGES].reach.backfilled_from, Some(date!(2025 - 10 - 01)));
    assert!(stub.received().len() < 200);
}
