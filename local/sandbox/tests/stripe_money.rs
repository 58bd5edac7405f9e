//! What Stripe's figures promise: a ledger that adds up, objects that agree with it, and lives that unfold with the clock.

use super::*;

const EUR: &str = "rk_test_demo_eur";
const CLP: &str = "rk_test_demo_clp";

fn number(object: &Value, field: &str) -> i64 {
    object[field].as_i64().unwrap_or_else(|| panic!("{field} of {object}"))
}

fn total(objects: &[Value], field: &str) -> i64 {
    objects.iter().map(|object| number(object, field)).sum()
}

#[tokio::test]
async fn the_sum_of_the_ledger_is_the_balance_and_objects_agree_with_it() {
    let bench = Bench::new().await;
    let key = "rk_test_forbidden_disputes";
    let ledger = bench.all(key, "balance_transactions").await;
    let balance = bench.some(key, "balance").await;
    let part = |name: &str| number(&balance[name][0], "amount");
    assert_eq!(total(&ledger, "net"), part("available") + part("pending"));
    let pending: Vec<Value> = ledger.iter().filter(|row| row["status"] == "pending").cloned().collect();
    assert_eq!(total(&pending, "net"), part("pending"));
    for row in &ledger {
        assert_eq!(number(row, "net"), number(row, "amount") - number(row, "fee"));
        let details = row["fee_details"].as_array().unwrap();
        assert_eq!(total(details, "amount"), number(row, "fee"), "{row}");
    }
    let of = |category: &str| -> Vec<Value> {
        ledger.iter().filter(|row| row["reporting_category"] == category).cloned().collect()
    };
    let charges = bench.all(key, "charges").await;
    let captured: Vec<Value> = charges.iter().filter(|charge| charge["captured"] == true).cloned().collect();
    let gross = total(&of("charge"), "amount") + total(&of("partial_capture_reversal"), "amount");
    assert_eq!(gross, total(&captured, "amount_captured"));
    assert!(!of("partial_capture_reversal").is_empty());
    let refunds = bench.all(key, "refunds").await;
    assert_eq!(total(&of("refund"), "amount"), -total(&refunds, "amount"));
    assert_eq!(total(&charges, "amount_refunded"), total(&refunds, "amount") - total(&of("refund_failure"), "amount"));
    let payouts = bench.all(key, "payouts").await;
    assert_eq!(total(&of("payout"), "amount"), -total(&payouts, "amount"));
    let ids: std::collections::HashSet<String> = ledger.iter().map(|row| text(&row["id"])).collect();
    assert_eq!(ids.len(), ledger.len(), "no balance transaction comes twice");
    for charge in &captured {
        assert!(ids.contains(&text(&charge["balance_transaction"])), "{charge}");
    }
}

#[tokio::test]
async fn a_payout_pays_out_exactly_its_balance_transactions() {
    let bench = Bench::new().await;
    let payouts = bench.some(EUR, "payouts?limit=5").await;
    for payout in payouts["data"].as_array().unwrap() {
        let rows = bench.all(EUR, &format!("balance_transactions?payout={}", text(&payout["id"]))).await;
        let paid: Vec<Value> = rows.iter().filter(|row| row["type"] != "payout").cloned().collect();
        assert_eq!(paid.len() + 1, rows.len());
        assert_eq!(total(&paid, "net"), number(payout, "amount"));
        assert!(paid.len() > 10);
    }
}

#[tokio::test]
async fn a_refund_changes_the_charge_days_later_and_a_failed_one_changes_it_back() {
    let bench = Bench::new().await;
    let refunds = bench.all(EUR, "refunds?created[gte]=1780272000").await;
    let failed = refunds.iter().find(|refund| refund["status"] == "failed").expect("a failed refund since June");
    let charge = format!("charges/{}", text(&failed["charge"]));
    let at = number(failed, "created");
    bench.set_clock(&moment(at - 1)).await;
    assert_eq!(number(&bench.some(EUR, &charge).await, "amount_refunded"), 0);
    assert_eq!(bench.stripe(EUR, &format!("refunds/{}", text(&failed["id"]))).await.0, 404);
    bench.set_clock(&moment(at + 60)).await;
    let refunded = bench.some(EUR, &charge).await;
    assert_eq!((number(&refunded, "amount_refunded"), &refunded["refunded"]), (number(failed, "amount"), &json!(true)));
    bench.set_clock(&moment(at + 5 * 86_400)).await;
    let back = bench.some(EUR, &charge).await;
    assert_eq!((number(&back, "amount_refunded"), &back["refunded"]), (0, &json!(false)));
    let rows = bench.all(EUR, &format!("balance_transactions?source={}", text(&failed["id"]))).await;
    let categories: Vec<&str> = rows.iter().map(|row| row["reporting_category"].as_str().unwrap()).collect();
    assert_eq!(categories, ["refund_failure", "refund"]);
    assert_eq!(total(&rows, "net"), 0);
}

fn moment(seconds: i64) -> String {
    chrono::DateTime::from_timestamp(seconds, 0).unwrap().to_rfc3339()
}

#[tokio::test]
async fn disputes_are_opened_weeks_later_and_end_in_every_way() {
    let bench = Bench::new().await;
    let disputes = bench.all(EUR, "disputes").await;
    for (status, first, then, movements) in [
        ("won", "needs_response", "under_review", 2),
        ("lost", "needs_response", "under_review", 1),
        ("warning_closed", "warning_needs_response", "warning_under_review", 0),
    ] {
        let dispute = disputes.iter().find(|dispute| dispute["status"] == status);
        let dispute = dispute.unwrap_or_else(|| panic!("no dispute is {status}"));
        assert_eq!(dispute["balance_transactions"].as_array().unwrap().len(), movements, "{status}");
        let charge = bench.some(EUR, &format!("charges/{}", text(&dispute["charge"]))).await;
        assert_eq!((&charge["disputed"], &charge["amount"]), (&json!(true), &dispute["amount"]));
        let opened = number(dispute, "created");
        assert!(opened - number(&charge, "created") > 11 * 86_400);
        let path = format!("disputes/{}", text(&dispute["id"]));
        for (days, expected) in [(1, first), (6, then)] {
            bench.set_clock(&moment(opened + days * 86_400)).await;
            assert_eq!(bench.some(EUR, &path).await["status"], expected);
        }
        bench.set_clock(&moment(opened - 1)).await;
        assert_eq!(bench.stripe(EUR, &path).await.0, 404);
        assert_eq!(bench.some(EUR, &format!("charges/{}", text(&charge["id"]))).await["disputed"], false);
        bench.set_clock(NOW).await;
    }
}

#[tokio::test]
async fn foreign_money_is_settled_at_the_rate_of_the_day() {
    let bench = Bench::new().await;
    let page = bench.some("rk_test_demo_multi", "charges?limit=100&expand[]=data.balance_transaction").await;
    let mut currencies = std::collections::HashSet::new();
    for charge in page["data"].as_array().unwrap().iter().filter(|charge| charge["captured"] == true) {
        let row = &charge["balance_transaction"];
        currencies.insert(text(&charge["currency"]));
        assert_eq!(row["currency"], "eur");
        if charge["currency"] == "eur" {
            assert!(row["exchange_rate"].is_null());
            assert_eq!(row["amount"], charge["amount"]);
        } else {
            let rate = row["exchange_rate"].as_f64().unwrap();
            let expected = charge["amount"].as_f64().unwrap() * rate;
            assert!((row["amount"].as_f64().unwrap() - expected).abs() <= 1.0, "{row}");
        }
    }
    assert_eq!(currencies.len(), 3, "{currencies:?}");
}

#[tokio::test]
async fn pesos_of_chile_are_whole_and_their_fees_carry_tax() {
    let bench = Bench::new().await;
    let page = bench.some(CLP, "balance_transactions?type=charge&limit=20").await;
    for row in page["data"].as_array().unwrap() {
        assert_eq!(row["currency"], "clp");
        assert!((1_000..10_000_000).contains(&number(row, "amount")), "{row}");
        let kinds: Vec<&str> =
            row["fee_details"].as_array().unwrap().iter().map(|detail| detail["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["stripe_fee", "tax"]);
    }
}

#[tokio::test]
async fn payments_fail_are_retried_and_some_are_captured_in_part() {
    let bench = Bench::new().await;
    let intents = bench.all(EUR, "payment_intents?created[gte]=1793491200").await;
    let share = |wanted: &str| {
        let count = intents.iter().filter(|intent| intent["status"] == wanted).count();
        count * 1_000 / intents.len()
    };
    assert!((20..80).contains(&share("requires_payment_method")), "{}", share("requires_payment_method"));
    assert!(share("succeeded") > 900);
    let charges = bench.all(EUR, "charges?created[gte]=1793491200").await;
    assert!(charges.len() > intents.len() * 101 / 100, "declined attempts are charges too");
    let partial = charges
        .iter()
        .find(|charge| charge["captured"] == true && number(charge, "amount_captured") < number(charge, "amount"));
    let partial = partial.expect("a partial capture in November");
    let rows = bench.all(EUR, &format!("balance_transactions?source={}", text(&partial["id"]))).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(total(&rows, "amount"), number(partial, "amount_captured"));
}

#[tokio::test]
async fn the_same_question_has_the_same_answer_after_a_restart() {
    let mut bench = Bench::new().await;
    let path = "balance_transactions?created[lt]=1760000000&limit=50";
    let first = bench.some(EUR, path).await;
    bench.restart().await;
    assert_eq!(bench.some(EUR, path).await, first);
    bench.set_clock("2027-03-10T11:00:00Z").await;
    let later = bench.some(EUR, path).await;
    assert_eq!(first["data"], later["data"], "nothing of it changes in another year");
    bench.config.seed = 8;
    bench.restart().await;
    assert_ne!(bench.some(EUR, path).await["data"][0]["amount"], Value::Null);
    assert_ne!(bench.some(EUR, path).await, first);
}

#[tokio::test]
async fn the_shop_is_large_enough_to_look_real() {
    let bench = Bench::new().await;
    // October 2026.
    let paid = bench.all(EUR, "charges?created[gte]=1790812800&created[lt]=1793491200").await;
    let a_day = paid.len() / 31;
    assert!((30..70).contains(&a_day), "{a_day} a day");
    let active = bench.all(EUR, "subscriptions?status=active").await;
    assert!((150..600).contains(&active.len()), "{}", active.len());
    let a_year_ago = bench.some(EUR, "charges?created[lt]=1761955200&limit=100").await;
    assert_eq!(a_year_ago["has_more"], true, "there are thirteen months and more");
}
