//! The shapes of the pinned version: every field that Stripe's types call required is there.
//!
//! The lists come from the types of stripe-node (MIT, (c) Stripe), API version 2026-07-29.dahlia.

use super::*;

/// Resource and required fields.
const REQUIRED: [(&str, &str); 11] = [
    (
        "charges",
        "id object amount amount_captured amount_refunded application application_fee application_fee_amount \
         balance_transaction billing_details calculated_statement_descriptor captured created currency \
         customer description disputed failure_balance_transaction failure_code failure_message fraud_details \
         livemode metadata on_behalf_of outcome paid payment_intent payment_method payment_method_details \
         receipt_email receipt_number receipt_url refunded review shipping source source_transfer \
         statement_descriptor statement_descriptor_suffix status transfer_data transfer_group",
    ),
    (
        "balance_transactions",
        "id object amount available_on balance_type created currency description exchange_rate fee \
         fee_details net reporting_category source status type",
    ),
    (
        "disputes",
        "id object amount balance_transactions charge created currency enhanced_eligibility_types evidence \
         evidence_details is_charge_refundable livemode metadata payment_intent reason status",
    ),
    (
        "refunds",
        "id object amount balance_transaction charge created currency customer customer_account metadata \
         payment_intent payment_method reason receipt_number source_transfer_reversal status \
         transfer_reversal",
    ),
    (
        "payouts",
        "id object amount application_fee application_fee_amount arrival_date automatic balance_transaction \
         created currency description destination failure_balance_transaction failure_code failure_message \
         livemode metadata method original_payout payout_method reconciliation_status reversed_by source_type \
         statement_descriptor status trace_id type",
    ),
    (
        "subscriptions",
        "id object application application_fee_percent automatic_tax billing_cycle_anchor \
         billing_cycle_anchor_config billing_mode billing_schedules billing_thresholds cancel_at \
         cancel_at_period_end canceled_at cancellation_details collection_method created currency customer \
         customer_account days_until_due default_payment_method default_source description discounts ended_at \
         invoice_settings items latest_invoice livemode managed_payments metadata \
         next_pending_invoice_item_invoice on_behalf_of pause_collection payment_settings \
         pending_invoice_item_interval pending_setup_intent pending_update schedule start_date status \
         test_clock transfer_data trial_end trial_settings trial_start",
    ),
    (
        "invoices",
        "id object account_country account_name account_tax_ids amount_due amount_overpaid amount_paid \
         amount_remaining amount_shipping application attempt_count attempted automatic_tax \
         automatically_finalizes_at billing_reason collection_method created currency custom_fields customer \
         customer_account customer_address customer_email customer_name customer_phone customer_shipping \
         customer_tax_exempt default_payment_method default_source default_tax_rates description discounts \
         due_date effective_at ending_balance footer from_invoice issuer last_finalization_error \
         latest_revision lines livemode metadata next_payment_attempt number on_behalf_of parent \
         payment_settings period_end period_start post_payment_credit_notes_amount \
         pre_payment_credit_notes_amount receipt_number rendering shipping_cost shipping_details \
         starting_balance statement_descriptor status status_transitions subtotal subtotal_excluding_tax \
         test_clock total total_discount_amounts total_excluding_tax total_pretax_credit_amounts total_taxes \
         webhooks_delivered_at",
    ),
    (
        "prices",
        "id object active billing_scheme created currency custom_unit_amount livemode lookup_key metadata \
         nickname product recurring tax_behavior tiers_mode transform_quantity type unit_amount \
         unit_amount_decimal",
    ),
    (
        "customers",
        "id object balance created default_source description email invoice_settings livemode metadata \
         shipping",
    ),
    (
        "payment_intents",
        "id object amount amount_capturable amount_received application application_fee_amount \
         automatic_payment_methods canceled_at cancellation_reason capture_method client_secret \
         confirmation_method created currency customer customer_account description \
         excluded_payment_method_types last_payment_error latest_charge livemode managed_payments metadata \
         next_action on_behalf_of payment_method payment_method_configuration_details payment_method_options \
         payment_method_types processing receipt_email review setup_future_usage shipping source \
         statement_descriptor statement_descriptor_suffix status transfer_group",
    ),
    ("events", "id object api_version created data livemode pending_webhooks request type"),
];
const ITEM: &str = "id object billing_thresholds created current_period_end current_period_start discounts metadata plan \
     price subscription tax_rates";

fn lacks<'a>(object: &Value, required: &'a str) -> Vec<&'a str> {
    required.split_whitespace().filter(|field| object.get(field).is_none()).collect()
}

#[tokio::test]
async fn no_object_lacks_a_required_field() {
    let bench = Bench::new().await;
    for (path, required) in REQUIRED {
        let page = bench.some("rk_test_demo_eur", &format!("{path}?limit=60")).await;
        for object in page["data"].as_array().unwrap() {
            assert_eq!(lacks(object, required), [""; 0], "{path}: {object}");
        }
    }
    let page = bench.some("rk_test_demo_eur", "subscriptions?limit=60").await;
    let items = page["data"].as_array().unwrap().iter().flat_map(|sub| sub["items"]["data"].as_array().unwrap());
    for item in items {
        assert_eq!(lacks(item, ITEM), [""; 0], "{item}");
        let metered = item["price"]["recurring"]["usage_type"] == "metered";
        assert_eq!(item.get("quantity").is_none(), metered, "a metered item has no quantity");
    }
}

#[tokio::test]
async fn what_basil_removed_is_gone() {
    let bench = Bench::new().await;
    let removed = [
        ("charges", "invoice"),
        ("payment_intents", "invoice"),
        ("invoices", "charge"),
        ("invoices", "payment_intent"),
        ("invoices", "paid"),
        ("invoices", "subscription"),
        ("subscriptions", "current_period_end"),
    ];
    for (path, field) in removed {
        let page = bench.some("rk_test_demo_eur", &format!("{path}?limit=20")).await;
        assert!(page["data"].as_array().unwrap().iter().all(|object| object.get(field).is_none()), "{path}.{field}");
    }
}
