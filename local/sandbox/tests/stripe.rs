//! Stripe's manners: keys, permissions, lists and their cursors, objects by id, expansions.

use super::*;

const EUR: &str = "rk_test_demo_eur";
/// 1 November 2026, and the day after.
const NOVEMBER: &str = "created[gte]=1793491200&created[lt]=1793577600";

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|object| text(&object["id"])).collect()
}

#[tokio::test]
async fn a_key_opens_its_account_as_bearer_or_as_the_user_of_basic() {
    let bench = Bench::new().await;
    let response = bench.client.get(bench.url("/stripe/v1/charges")).bearer_auth(EUR).send().await.unwrap();
    assert_eq!(response.headers()["stripe-version"], "2026-07-29.dahlia");
    assert!(response.headers()["request-id"].to_str().unwrap().starts_with("req_"));
    let (status, page) = read(response).await;
    assert_eq!((status, &page["object"], &page["url"]), (200, &json!("list"), &json!("/v1/charges")));
    assert_eq!(page["data"].as_array().unwrap().len(), 10);
    let basic = bench.client.get(bench.url("/stripe/v1/charges")).basic_auth(EUR, Some("")).send().await.unwrap();
    assert_eq!(read(basic).await, (200, page));
}

#[tokio::test]
async fn keys_that_do_not_count_are_refused_and_masked() {
    let bench = Bench::new().await;
    let cases = [
        ("rk_live_0123456789abcd", "", "Invalid API Key provided: rk_live_**********abcd"),
        ("rk_test_expired", "api_key_expired", "Expired API Key provided: rk_test_***ired"),
        ("pk_test_demo_eur", "secret_key_required", "This API call cannot be made with a publishable API key."),
        ("", "", "You did not provide an API key."),
    ];
    for (key, code, message) in cases {
        let (status, answer) = bench.stripe(key, "charges").await;
        assert_eq!((status, answer["error"]["code"].as_str().unwrap_or_default()), (401, code), "{answer}");
        assert!(text(&answer["error"]["message"]).starts_with(message), "{answer}");
        assert_eq!(answer["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn a_restricted_key_lacks_what_it_was_not_given_and_the_text_names_it() {
    let bench = Bench::new().await;
    let key = "rk_test_forbidden_disputes";
    let (status, answer) = bench.stripe(key, "disputes?limit=1").await;
    let message = "The provided key 'rk_test_**************utes' does not have the required permissions for this endpoint on \
                   account 'acct_1BrisaEstudioES'. Having the 'rak_dispute_read' permission would allow this request to continue.";
    assert_eq!((status, &answer["error"]["message"]), (403, &json!(message)));
    assert_eq!(bench.stripe(key, "charges?limit=1").await.0, 200);
    assert_eq!(bench.stripe(EUR, "account").await.0, 403, "least privilege");
    assert_eq!(bench.stripe("sk_test_demo_eur", "account").await.1["id"], "acct_1LumbreTiendaES");
    let post = |key: &'static str| bench.client.post(bench.url("/stripe/v1/refunds")).bearer_auth(key).send();
    let (status, answer) = read(post(EUR).await.unwrap()).await;
    assert!(status == 403 && text(&answer["error"]["message"]).contains("'rak_charge_write'"), "{answer}");
    assert_eq!(read(post("sk_test_demo_eur").await.unwrap()).await.0, 400);
    assert_eq!(bench.stripe(EUR, "unicorns").await.0, 404);
}

#[tokio::test]
async fn pages_go_back_in_time_without_loss_and_forth_again() {
    let bench = Bench::new().await;
    let whole = ids(&bench.some(EUR, &format!("charges?{NOVEMBER}&limit=100")).await);
    assert!((20..90).contains(&whole.len()), "{}", whole.len());
    let (mut back, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = bench.some(EUR, &format!("charges?{NOVEMBER}&limit=7{cursor}")).await;
        back.extend(ids(&page));
        cursor = format!("&starting_after={}", back.last().unwrap());
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(back, whole);
    let newer = bench.some(EUR, &format!("charges?limit=5&ending_before={}", whole[10])).await;
    assert_eq!((ids(&newer), &newer["has_more"]), (whole[5..10].to_vec(), &json!(true)));
}

#[tokio::test]
async fn created_bounds_are_kept_to_the_second() {
    let bench = Bench::new().await;
    let page = bench.some(EUR, &format!("charges?{NOVEMBER}&limit=3")).await;
    let at = page["data"][1]["created"].as_i64().unwrap();
    let count = async |bounds: String| ids(&bench.some(EUR, &format!("charges?{bounds}&limit=100")).await);
    let id = text(&page["data"][1]["id"]);
    for (bounds, within) in [
        (format!("created={at}"), true),
        (format!("created[gte]={at}&created[lte]={at}"), true),
        (format!("created[gt]={at}&created[lt]={}", at + 50), false),
        (format!("created[gt]={}&created[lt]={at}", at - 50), false),
    ] {
        assert_eq!(count(bounds.clone()).await.contains(&id), within, "{bounds}");
    }
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let bench = Bench::new().await;
    let cases = [
        ("limit=0", "limit", "greater than or equal to 1"),
        ("limit=101", "limit", "less than or equal to 100 (it currently is '101')"),
        ("limit=x", "limit", "Invalid integer: x"),
        ("starting_after=ch_deleted", "starting_after", "No such charge: 'ch_deleted'"),
        ("sort=asc", "sort", "Received unknown parameter: sort"),
        ("starting_after=ch_1&ending_before=ch_2", "starting_after", "You cannot parameterize both"),
        ("expand[]=data.amount", "expand", "cannot be expanded"),
        ("expand[]=data.a.b.c.d", "expand", "more than 4 levels"),
    ];
    for (query, param, message) in cases {
        let (status, answer) = bench.stripe(EUR, &format!("charges?{query}")).await;
        assert_eq!((status, &answer["error"]["param"]), (400, &json!(param)), "{answer}");
        assert!(text(&answer["error"]["message"]).contains(message), "{answer}");
    }
    let (_, answer) = bench.stripe(EUR, "charges?starting_after=ch_deleted").await;
    assert_eq!(answer["error"]["code"], "resource_missing");
    let (status, answer) = bench.stripe(EUR, "charges/ch_deleted").await;
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("resource_missing")));
    let old = bench.client.get(bench.url("/stripe/v1/charges")).bearer_auth(EUR).header("Stripe-Version", "2022-11-15");
    assert_eq!(read(old.send().await.unwrap()).await.0, 400);
}

#[tokio::test]
async fn every_object_of_a_list_is_found_by_its_id_and_by_no_other_account() {
    let bench = Bench::new().await;
    for path in [
        "balance_transactions",
        "charges",
        "refunds",
        "disputes",
        "payment_intents",
        "customers",
        "subscriptions",
        "invoices",
        "events",
        "payouts",
        "prices",
        "products",
        "coupons",
    ] {
        let page = bench.some(EUR, &format!("{path}?limit=30")).await;
        let objects = page["data"].as_array().unwrap();
        assert!(objects.len() > 3, "{path} has {}", objects.len());
        let created = |object: &Value| object["created"].as_i64().unwrap();
        assert!(objects.is_sorted_by(|left, right| created(left) >= created(right)), "{path} is newest first");
        for object in [&objects[0], &objects[objects.len() - 1]] {
            let id = text(&object["id"]);
            assert_eq!(bench.some(EUR, &format!("{path}/{id}")).await, *object);
            assert_ne!(object["livemode"], true);
            if path != "coupons" {
                assert_eq!(bench.stripe("rk_live_demo_eur", &format!("{path}/{id}")).await.0, 404);
                assert_eq!(bench.stripe("rk_test_demo_clp", &format!("{path}/{id}")).await.0, 404);
            }
        }
    }
    let live = bench.some("rk_live_demo_eur", "charges?limit=1").await;
    assert_eq!(live["data"][0]["livemode"], true);
}

#[tokio::test]
async fn expansions_put_objects_in_the_place_of_ids() {
    let bench = Bench::new().await;
    let query = format!("charges?{NOVEMBER}&limit=100&expand[]=data.balance_transaction&expand[]=data.refunds");
    let page = bench.some(EUR, &query).await;
    let charges = page["data"].as_array().unwrap();
    let paid = charges.iter().find(|charge| charge["captured"] == true).unwrap();
    assert_eq!(paid["balance_transaction"]["source"], paid["id"]);
    assert_eq!(paid["refunds"]["object"], "list");
    assert!(charges.iter().any(|charge| charge["balance_transaction"].is_null()), "failed ones have none");
    let query = "subscriptions?status=all&limit=100&expand[]=data.discounts.source.coupon&expand[]=data.customer";
    let page = bench.some(EUR, query).await;
    let discounts: Vec<&Value> =
        page["data"].as_array().unwrap().iter().flat_map(|sub| sub["discounts"].as_array().unwrap()).collect();
    assert!(!discounts.is_empty());
    for discount in discounts {
        assert_eq!(
            (&discount["object"], &discount["source"]["coupon"]["object"]),
            (&json!("discount"), &json!("coupon"))
        );
    }
    assert_eq!(page["data"][0]["customer"]["object"], "customer");
    let invoice = bench.some(EUR, "invoices?limit=1&status=paid&expand[]=data.payments").await;
    assert_eq!(invoice["data"][0]["payments"]["data"][0]["payment"]["type"], "payment_intent");
}

#[tokio::test]
async fn cancelled_subscriptions_are_hidden_unless_asked_for() {
    let bench = Bench::new().await;
    let statuses = async |query: &str| -> Vec<String> {
        bench.all(EUR, &format!("subscriptions{query}")).await.iter().map(|sub| text(&sub["status"])).collect()
    };
    let (default, all) = (statuses("").await, statuses("?status=all").await);
    assert!(!default.contains(&"canceled".into()) && default.contains(&"active".into()));
    for status in ["active", "trialing", "past_due", "canceled"] {
        let only = statuses(&format!("?status={status}")).await;
        assert!(!only.is_empty() && only.iter().all(|one| one == status), "{status}");
        assert_eq!(only.len(), all.iter().filter(|one| *one == status).count(), "{status}");
    }
}

#[tokio::test]
async fn events_are_forgotten_after_thirty_days_and_chosen_by_type() {
    let bench = Bench::new().await;
    let events = bench.all(EUR, "events?types[]=refund.created&types[]=charge.dispute.created").await;
    assert!(events.iter().any(|event| event["type"] == "refund.created"));
    assert!(events.iter().any(|event| event["type"] == "charge.dispute.created"));
    let oldest = events.last().unwrap();
    let month = 30 * 86_400;
    let now = chrono::DateTime::parse_from_rfc3339(NOW).unwrap().timestamp();
    assert!(oldest["created"].as_i64().unwrap() > now - month);
    let id = text(&oldest["id"]);
    let wild = bench.some(EUR, "events?type=customer.subscription.*&limit=50").await;
    assert!(wild["data"].as_array().unwrap().iter().all(|event| text(&event["type"]).starts_with("customer.sub")));
    bench.set_clock("2026-12-20T11:00:00Z").await;
    assert_eq!(bench.stripe(EUR, &format!("events/{id}")).await.0, 404);
    assert_eq!(bench.stripe(EUR, &format!("events?starting_after={id}")).await.0, 400);
}

#[tokio::test]
async fn the_scale_account_has_as_many_payments_as_the_control_api_says() {
    let bench = Bench::new().await;
    let size = json!({"charges_per_day": 2_500, "first_day": "2025-10-21"});
    assert_eq!(bench.control(Method::POST, "stripe", size).await.0, 200);
    let key = "rk_test_scale";
    // One old day, by its bounds; a failed first attempt is a charge of its own.
    let bounds = "created[gte]=1767225600&created[lt]=1767312000";
    let page = bench.some(key, &format!("payment_intents?{bounds}&limit=100")).await;
    assert_eq!(page["has_more"], true);
    let seconds = |index: usize| page["data"][index]["created"].as_i64().unwrap();
    let expected = 99 * 86_400 / 2_500;
    assert!((seconds(0) - seconds(99) - expected).abs() < 200, "{}", seconds(0) - seconds(99));
    let first = bench.some(key, "charges?created[lt]=1761004800").await;
    assert_eq!(first["data"], json!([]), "nothing before the first day");
    for wrong in [json!({"charges_per_day": 0}), json!({"charges_per_day": 5, "days": 3})] {
        assert_eq!(bench.control(Method::POST, "stripe", wrong).await.0, 400);
    }
    let keys = bench.control(Method::GET, "stripe", Value::Null).await.1;
    assert_eq!(keys["keys"].as_array().unwrap().len(), 9);
}
