//! Holds `functions/*/function.json` and the router together, both ways.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use portal::config::Config;
use serde_json::Value;
use tower::ServiceExt as _;

const METHODS: [&str; 7] = ["get", "head", "post", "put", "patch", "delete", "options"];
/// Names that the host keeps for itself: it does not start with such a route.
const RESERVED: [&str; 2] = ["admin", "runtime"];
/// Functions with one route and no more, which is not named like the function.
const EXACT: [(&str, &str); 1] = [("openapi", "openapi.json")];

/// The folders below `functions/` with their bindings.
fn functions() -> BTreeMap<String, Vec<Value>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("functions");
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    folders
        .map(|path| {
            let text = fs::read_to_string(path.join("function.json"))
                .unwrap_or_else(|_| panic!("{} has no binding", path.display()));
            let binding: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(
                binding.as_object().unwrap().len(),
                1,
                "{}: only bindings, so that the host's defaults hold",
                path.display()
            );
            (path.file_name().unwrap().to_string_lossy().into_owned(), binding["bindings"].as_array().unwrap().clone())
        })
        .collect()
}

fn of_type<'a>(bindings: &'a [Value], kind: &str) -> Option<&'a Value> {
    bindings.iter().find(|binding| binding["type"] == kind)
}

/// The names of the functions with this trigger.
fn named(trigger: &str) -> BTreeSet<String> {
    functions().into_iter().filter(|(_, bindings)| of_type(bindings, trigger).is_some()).map(|(name, _)| name).collect()
}

/// The first segment of a function's routes.
fn segment_of(function: &str) -> &str {
    EXACT.iter().find(|(name, _)| *name == function).map_or(function, |(_, route)| route)
}

/// The real router on settings that lead nowhere.
fn router() -> Router {
    let settings: BTreeMap<&str, &str> = [
        ("FUNCTIONS_CUSTOMHANDLER_PORT", "1"),
        ("PORTAL_PROFILE", "local"),
        ("PORTAL_PUBLIC_ORIGIN", "http://127.0.0.1:7071"),
        ("PORTAL_DATABASE_URL", "postgres://portal_app:x@127.0.0.1:1/portal"),
        ("PORTAL_ROUTER_DATABASE_URL", "postgres://portal_router:x@127.0.0.1:1/portal"),
        ("PORTAL_OPERATOR_DATABASE_URL", "postgres://portal_operator:x@127.0.0.1:1/portal"),
        ("PORTAL_SMTP_URL", "smtp://127.0.0.1:1"),
        ("PORTAL_MAIL_FROM", "portal@portal.example"),
        ("PORTAL_KEY_RING", "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("PORTAL_SERVICE_BUS_URL", "http://127.0.0.1:1"),
        ("PORTAL_GOOGLE_CLIENT_ID", "x"),
        ("PORTAL_GOOGLE_CLIENT_SECRET", "x"),
    ]
    .into();
    let config = Config::read(|key| settings.get(key).map(|value| (*value).to_owned())).unwrap();
    portal::app::router(portal::app::state(&config).unwrap())
}

async fn status(router: &Router, method: &str, path: &str) -> u16 {
    let request = Request::builder().method(method).uri(path).header("origin", "http://127.0.0.1:7071");
    let request = request.header("content-type", "application/json").body(Body::from("{}")).unwrap();
    router.clone().oneshot(request).await.unwrap().status().as_u16()
}

/// The first segment below `/api`.
fn first_segment(path: &str) -> &str {
    path.strip_prefix("/api/").unwrap().split('/').next().unwrap()
}

#[test]
fn every_http_function_takes_all_methods_of_its_whole_segment_and_leaves_the_key_to_us() {
    for name in named("httpTrigger") {
        let bindings = &functions()[&name];
        let trigger = of_type(bindings, "httpTrigger").unwrap();
        let exact = EXACT.iter().find(|(function, _)| *function == name);
        let whole = exact.map_or_else(|| format!("{name}/{{*rest}}"), |(_, route)| (*route).to_owned());
        assert_eq!(trigger["route"], whole, "{name}");
        assert_eq!(trigger["authLevel"], "anonymous", "{name}");
        let methods: Vec<&str> =
            trigger["methods"].as_array().unwrap().iter().map(|method| method.as_str().unwrap()).collect();
        assert_eq!(methods, METHODS, "{name}: the handler answers 405, not the host");
        assert_eq!(
            (&trigger["direction"], of_type(bindings, "http").unwrap()["direction"].as_str()),
            (&"in".into(), Some("out"))
        );
        assert_eq!(bindings.len(), 2, "{name}");
    }
}

#[test]
fn no_route_begins_with_a_name_that_the_host_keeps() {
    for (name, bindings) in functions() {
        for route in bindings.iter().filter_map(|binding| binding["route"].as_str()).chain([name.as_str()]) {
            let start = route.to_lowercase();
            assert!(!RESERVED.iter().any(|word| start.starts_with(word)), "{name}: {route}");
        }
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name} is snake_case");
    }
}

#[test]
fn every_route_of_the_router_has_a_binding_and_every_binding_a_route() {
    let api = portal::functions::api();
    let routed: BTreeSet<String> = api.declared().iter().map(|(_, path)| first_segment(path).to_owned()).collect();
    assert_eq!(routed, named("httpTrigger").iter().map(|name| segment_of(name).to_owned()).collect());
    for (_, route) in EXACT {
        assert!(api.declared().iter().any(|(_, path)| *path == format!("/api/{route}")), "{route}");
    }
    let jobs = portal::functions::triggers();
    let routed: BTreeSet<String> = jobs.declared().iter().map(|(method, path)| format!("{method} {path}")).collect();
    let bound: BTreeSet<String> =
        named("timerTrigger").union(&named("serviceBusTrigger")).map(|name| format!("POST /{name}")).collect();
    assert_eq!(routed, bound);
}

#[test]
fn every_folder_is_a_module_and_every_module_a_folder() {
    let text = include_str!("../functions/mod.rs");
    let modules = text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    assert_eq!(modules.map(str::to_owned).collect::<BTreeSet<_>>(), functions().into_keys().collect());
    for name in functions().keys() {
        assert!(text.contains(&format!("{name}::routes()")), "{name} is not merged");
    }
}

#[test]
fn timers_and_queues_bind_what_the_adapters_read() {
    for (name, bindings) in functions() {
        let Some(trigger) =
            bindings.iter().find(|one| one["type"] == "timerTrigger" || one["type"] == "serviceBusTrigger")
        else {
            continue;
        };
        let binding = trigger["name"].as_str().unwrap();
        let adapter =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("functions").join(&name).join("mod.rs"));
        assert!(adapter.unwrap().contains(&format!("call.has(\"{binding}\")")), "{name} does not read {binding}");
        assert_eq!(bindings.len(), 1, "{name}");
        if trigger["type"] == "timerTrigger" {
            let schedule = trigger["schedule"].as_str().unwrap();
            assert_eq!(schedule.split(' ').count(), 6, "{name}: seconds come first");
        } else {
            let queue = match name.as_str() {
                "run_sync" => portal::services::schedule::QUEUE,
                "send_mail" => portal::services::mail::QUEUE,
                "withdraw_access" => portal::services::withdrawals::QUEUE,
                other => panic!("{other}: which service announces its jobs?"),
            };
            let bound = (trigger["queueName"].as_str(), trigger["connection"].as_str());
            assert_eq!(bound, (Some(queue), Some("ServiceBusConnection")), "{name}");
        }
    }
}

#[tokio::test]
async fn every_declared_route_answers_something_else_than_404_and_405() {
    let router = router();
    let api = portal::functions::api();
    let jobs = portal::functions::triggers();
    let mut tried = 0;
    for (method, path) in api.declared().iter().chain(jobs.declared()) {
        let path = path.replace("{id}", "00000000-0000-0000-0000-000000000001").replace("{metric_key}", "key");
        // The health check looks for what is not there in this test.
        if path == "/api/health/ready" || path == "/api/auth/login" {
            continue;
        }
        let answer = status(&router, method.as_str(), &path).await;
        assert!(!matches!(answer, 404 | 405), "{method} {path}: {answer}");
        tried += 1;
    }
    assert!(tried > 20, "{tried}");
}

#[tokio::test]
async fn a_method_or_path_that_is_not_declared_is_405_or_404() {
    let router = router();
    let api = portal::functions::api();
    let declared: BTreeSet<(String, &str)> =
        api.declared().iter().map(|(method, path)| (method.to_string(), *path)).collect();
    let paths: BTreeSet<&str> = declared.iter().map(|(_, path)| *path).collect();
    for path in paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let is_declared = declared.contains(&(method.to_owned(), path));
            let filled = path.replace("{id}", "x").replace("{metric_key}", "key");
            if !is_declared {
                assert_eq!(status(&router, method, &filled).await, 405, "{method} {path}");
            }
        }
    }
    for name in named("timerTrigger") {
        assert_eq!(status(&router, "GET", &format!("/{name}")).await, 405);
        assert_eq!(status(&router, "POST", &format!("/api/{name}")).await, 404, "jobs are not reached through the API");
    }
}
