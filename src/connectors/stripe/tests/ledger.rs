//! The stored ledger against the balance that Stripe states.

use rust_decimal::Decimal;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::harness::{Reader, Shared, World, serve, stripe, transaction};
use crate::connectors::stripe::compare::{Sums, conclude};
use crate::connectors::stripe::state::Ledger;
use crate::connectors::testing::Stub;

const NOON: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

fn euros(text: &str) -> Sums {
    Sums::from([("EUR".to_owned(), text.parse::<Decimal>().unwrap())])
}

/// An account whose three transactions add up to 29.10 euros.
async fn account() -> (Stub, Shared) {
    let mut world = World::default();
    for number in 0..3 {
        let at = (NOON - Duration::days(number * 40)).unix_timestamp() - 60;
        world.add("balance_transactions", transaction(&format!("txn_{number}"), at, 1000, "charge"));
    }
    world.balance.insert("eur", 2910);
    serve(world).await
}

/// The notes of an hourly run each.
async fn runs(stub: &Stub, hours: std::ops::Range<i64>, reader: &mut Reader) -> Vec<String> {
    let (stripe, _) = stripe(&stub.url);
    for hour in hours {
        reader.run(&stripe, NOON + Duration::hours(hour)).await;
    }
    reader.notes.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_ledger_that_adds_up_says_nothing_and_is_asked_once_a_day() {
    let (stub, _) = account().await;
    let mut reader = Reader::default();
    assert!(runs(&stub, 0..5, &mut reader).await.is_empty());
    let asked = || stub.received().iter().filter(|request| request.path == "/v1/balance").count();
    assert_eq!(asked(), 1);
    runs(&stub, 24..26, &mut reader).await;
    assert_eq!(asked(), 2);
}

#[tokio::test]
async fn a_difference_is_told_when_a_later_look_finds_it_again() {
    let (stub, world) = account().await;
    world.lock().unwrap().balance.insert("eur", 3000);
    let mut reader = Reader::default();
    assert!(runs(&stub, 0..1, &mut reader).await.is_empty(), "once may be chance");
    let told = runs(&stub, 1..2, &mut reader).await;
    assert_eq!(told, ["stripe_ledger_gap: the balance exceeds the transactions by 0.9 EUR"]);
    assert_eq!(runs(&stub, 2..5, &mut reader).await.len(), 1, "and once a day");
}

#[tokio::test]
async fn a_transaction_that_was_listed_very_late_is_found_after_the_first_note() {
    let (stub, world) = account().await;
    let mut reader = Reader::default();
    runs(&stub, 0..1, &mut reader).await;
    {
        let mut world = world.lock().unwrap();
        world.add(
            "balance_transactions",
            transaction("txn_late", (NOON - Duration::days(9)).unix_timestamp(), 1000, "charge"),
        );
        world.balance.insert("eur", 3880);
    }
    assert_eq!(runs(&stub, 24..26, &mut reader).await.len(), 1);
    assert_eq!(runs(&stub, 26..80, &mut reader).await.len(), 1, "the last five weeks were read again");
    assert!(reader.records.keys().any(|(_, id)| id == "txn_late"));
}

#[tokio::test]
async fn a_payment_between_the_two_reads_is_no_difference() {
    let (stub, world) = account().await;
    {
        let mut world = world.lock().unwrap();
        let at = NOON.unix_timestamp() + 1;
        world.on_balance = Some(("balance_transactions", transaction("txn_now", at, 1000, "charge")));
        world.balance.insert("eur", 3880);
    }
    let mut reader = Reader::default();
    let (stripe, _) = stripe(&stub.url);
    // The clock stands still, so that what came meanwhile is always newer than the run.
    for _ in 0..3 {
        reader.run(&stripe, NOON).await;
    }
    assert!(reader.notes.is_empty(), "{:?}", reader.notes);
    assert_eq!(reader.streams["balance_transactions"].cursor["ledger"]["checked"], "2026-11-24");
}

#[tokio::test]
async fn what_an_old_account_held_before_is_learnt_and_only_its_change_is_told() {
    let (stub, world) = account().await;
    {
        let mut world = world.lock().unwrap();
        let old = (NOON - Duration::days(900)).unix_timestamp();
        world.add("balance_transactions", transaction("txn_old", old, 5000, "charge"));
        world.balance.insert("eur", 2910 + 4970);
    }
    let mut reader = Reader::default();
    assert!(runs(&stub, 0..30, &mut reader).await.is_empty());
    world.lock().unwrap().balance.insert("eur", 7900);
    let told = runs(&stub, 48..50, &mut reader).await;
    assert_eq!(told, ["stripe_ledger_gap: the balance exceeds the transactions by 0.2 EUR"]);
}

#[tokio::test]
async fn a_key_that_may_not_read_the_balance_is_told_and_nothing_stops() {
    let (stub, world) = account().await;
    world.lock().unwrap().forbidden.insert("balance");
    let mut reader = Reader::default();
    let told = runs(&stub, 0..3, &mut reader).await;
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("stripe_balance_unreadable: "), "{told:?}");
    assert!(reader.blocked.is_empty());
}

#[test]
fn two_looks_must_agree_and_lie_apart() {
    let mut ledger = Ledger { opening: Some(Sums::new()), ..Ledger::default() };
    assert_eq!(conclude(&mut ledger, euros("1"), 0), None);
    assert_eq!(conclude(&mut ledger, euros("1"), 599), None, "too soon after the first");
    assert_eq!(conclude(&mut ledger, euros("2"), 700), None, "another difference begins anew");
    assert_eq!(conclude(&mut ledger, euros("2"), 1300), Some(euros("2")));
    assert_eq!(conclude(&mut ledger, Sums::new(), 1400), None);
    assert_eq!(ledger.suspect, None);
}
