//! What the host reads and refuses.

use serde_json::json;
use time::macros::datetime;

use super::*;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn one(name: &str, bindings: Value) -> Result<Trigger, String> {
    let host = host_config(root()).unwrap();
    let file = FunctionFile { bindings: serde_json::from_value(bindings).unwrap(), retry: None, disabled: false };
    parse(name, file, &host, &|setting| (setting == "CRON").then(|| "0 5 * * * *".to_owned()))
}

#[test]
fn the_repository_s_own_bindings_load_in_name_order() {
    let host = host_config(root()).unwrap();
    assert!(host.proxying);
    assert_eq!(host.max_concurrent_calls, 8);
    assert_eq!(host.function_timeout, Duration::from_mins(10));
    let names: Vec<String> = functions(root(), &host, &|_| None).unwrap().into_iter().map(|f| f.name).collect();
    let mut sorted = names.clone();
    sorted.sort_by_key(|name| name.to_ascii_uppercase());
    assert_eq!(names, sorted);
    assert!(names.iter().any(|name| name == "run_sync"));
}

#[test]
fn settings_in_percent_signs_are_resolved() {
    let timer = |schedule| json!([{"type": "timerTrigger", "direction": "in", "name": "timer", "schedule": schedule}]);
    match one("beat", timer("%CRON%")).unwrap() {
        Trigger::Timer { schedule, .. } => {
            let next = schedule.after(datetime!(2026-11-23 10:00 UTC));
            assert_eq!(next, Some(datetime!(2026-11-23 10:05 UTC)));
        }
        other => panic!("{other:?}"),
    }
    assert!(one("beat", timer("%NOPE%")).unwrap_err().contains("NOPE"));
}

#[test]
fn what_the_real_host_refuses_is_refused() {
    let http = |route: &str| json!([{"type": "httpTrigger", "direction": "in", "name": "req", "route": route}, {"type": "http", "direction": "out", "name": "res"}]);
    assert!(one("ok", http("x")).is_ok());
    assert!(one("ok", http("admin/x")).unwrap_err().contains("admin"));
    assert!(one("host", http("x")).is_err());
    assert!(one("1x", http("x")).is_err());
    assert!(one("api", http("x")).is_err(), "its job path would be public");
    assert!(one("ok", json!([])).is_err());
    assert!(one("ok", json!([{"type": "httpTrigger", "direction": "in", "name": "my_req"}])).is_err());
}

#[test]
fn time_spans_are_read() {
    assert_eq!(time_span("00:10:00"), Some(Duration::from_mins(10)));
    assert_eq!(time_span("-1"), Some(Duration::MAX));
    assert_eq!(time_span("ten"), None);
}
