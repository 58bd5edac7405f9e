//! Holds the routes, the OpenAPI document made of them, the access matrix and `docs/openapi.json` together.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use portal::domain::role::Role;
use portal::functions;
use portal::http::access::{MATRIX, Who};
use portal::http::openapi::document;
use portal::http::operation::Lock;
use serde_json::Value;

fn the_document() -> Value {
    document(functions::api().operations())
}

/// Every operation of the document: method, path, description.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap();
            methods.iter().map(|(method, described)| (method.to_uppercase(), path.clone(), described.clone()))
        })
        .collect()
}

fn checked_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json")
}

#[test]
fn the_checked_in_document_is_the_generated_one() {
    let generated = the_document();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(checked_in(), serde_json::to_string_pretty(&generated).unwrap() + "\n").unwrap();
    }
    let text = std::fs::read_to_string(checked_in()).unwrap_or_default();
    let stored: Value = serde_json::from_str(&text).unwrap_or_default();
    let renew = "docs/openapi.json is stale; renew it with UPDATE_OPENAPI=1 cargo test -p portal --test openapi";
    assert!(stored == generated, "{renew}");
}

#[test]
fn routes_document_and_matrix_name_the_same_operations() {
    let api = functions::api();
    let declared: BTreeSet<(String, String)> =
        api.declared().iter().map(|(method, path)| (method.to_string(), (*path).to_owned())).collect();
    let described: BTreeSet<(String, String)> =
        operations(&the_document()).into_iter().map(|(method, path, _)| (method, path)).collect();
    let listed: BTreeSet<(String, String)> =
        MATRIX.routes().map(|(method, path, _)| (method.to_string(), path.to_owned())).collect();
    let differ = |a: &BTreeSet<_>, b: &BTreeSet<_>| a.symmetric_difference(b).cloned().collect::<Vec<_>>();
    assert_eq!(differ(&declared, &described), [], "declare routes with `Routes::route`, so that they are described");
    assert_eq!(differ(&declared, &listed), [], "src/http/access.matrix and the routes differ");
    assert_eq!(api.declared().len(), declared.len(), "a route is declared twice");
}

#[test]
fn what_a_handler_takes_is_a_second_lock_that_agrees_with_the_matrix() {
    for operation in functions::api().operations() {
        let who = MATRIX.who(&operation.method, operation.path).unwrap_or_default();
        let (viewer, admin, operator) = (Who::Role(Role::Viewer), Who::Role(Role::Admin), Who::Role(Role::Operator));
        let agrees = match operation.needs.lock {
            Lock::Anyone => who == [Who::Anyone],
            Lock::SignedIn => {
                !who.contains(&Who::Anyone) && [viewer, admin, operator].iter().all(|one| who.contains(one))
            }
            Lock::Viewer => who == [viewer, admin],
            Lock::Admin => who == [admin],
            Lock::Operator => who == [operator],
        };
        assert!(agrees, "{} {}: {:?} but {who:?}", operation.method, operation.path, operation.needs.lock);
    }
}

#[test]
fn every_operation_says_what_it_is_and_how_it_succeeds() {
    let mut ids = BTreeSet::new();
    for (method, path, described) in operations(&the_document()) {
        let name = format!("{method} {path}");
        let id = described["operationId"].as_str().unwrap().to_owned();
        assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}: {id}");
        assert!(ids.insert(id.clone()), "{name}: {id} is taken");
        assert!(described["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{name} has no sentence");
        let statuses: Vec<&String> = described["responses"].as_object().unwrap().keys().collect();
        assert!(statuses.iter().any(|status| status.starts_with(['2', '3'])), "{name} never succeeds");
        let in_path = path.matches('{').count();
        let parameters = described["parameters"].as_array().unwrap();
        assert_eq!(parameters.iter().filter(|one| one["in"] == "path").count(), in_path, "{name}");
        let throttled = described["responses"].get("429");
        assert!(throttled.is_none_or(|answer| answer["headers"]["Retry-After"].is_object()), "{name}");
    }
}

#[test]
fn query_parameters_are_described_where_they_are_read() {
    for operation in functions::api().operations() {
        let name = format!("{} {}", operation.method, operation.path);
        assert_eq!(
            operation.needs.query,
            !operation.query.is_empty(),
            "{name} reads `Params` and describes none, or the reverse"
        );
    }
}

/// All objects with properties, by where they stand.
fn objects<'a>(place: &str, value: &'a Value, found: &mut BTreeMap<String, &'a Value>) {
    match value {
        Value::Object(members) => {
            if members.get("properties").is_some_and(Value::is_object) && members.get("type") == Some(&"object".into())
            {
                found.insert(place.to_owned(), value);
            }
            for (name, member) in members {
                objects(&format!("{place}/{name}"), member, found);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| objects(&format!("{place}/{at}"), item, found));
        }
        _ => {}
    }
}

#[test]
fn every_object_is_closed() {
    let document = the_document();
    let mut found = BTreeMap::new();
    objects("", &document, &mut found);
    assert!(found.len() > 20, "{}", found.len());
    for (place, schema) in found {
        assert_eq!(schema["additionalProperties"], false, "{place}: a request type says #[serde(deny_unknown_fields)]");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = the_document();
    let text = document.to_string();
    let references: BTreeSet<&str> =
        text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(references.len() > 20, "{references:?}");
    for reference in references {
        assert!(document.pointer(reference).is_some(), "{reference} is not there");
    }
}
