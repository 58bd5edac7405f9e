//! Holds every answer that any test gets against the OpenAPI document: its status, its media type, its headers and its
//! body; and the JSON of a request that succeeded, too.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::http::Method;
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use super::client::Answer;

/// The document as the program serves it.
pub static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| portal::http::openapi::document(portal::functions::api().operations()));

/// Schemas that were compiled, by the place where they stand.
static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// The documented path that a request's path belongs to: a literal one before one with variables.
fn template(path: &str) -> Option<&'static str> {
    let segments: Vec<&str> = path.split('/').collect();
    let fits = |template: &&String| {
        let parts: Vec<&str> = template.split('/').collect();
        parts.len() == segments.len()
            && parts.iter().zip(&segments).all(|(part, segment)| part == segment || part.starts_with('{'))
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    paths.keys().filter(fits).min_by_key(|template| template.matches('{').count()).map(String::as_str)
}

/// What does not fit, in words; empty when all is well.
fn misfits(place: &str, schema: &Value, value: &Value) -> String {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = compiled.entry(place.to_owned()).or_insert_with(|| {
        // References lead to `#/components`, so those come along.
        let whole = json!({"allOf": [schema], "components": DOCUMENT["components"]});
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        Arc::new(options.build(&whole).unwrap_or_else(|error| panic!("{place}: {error}")))
    });
    let validator = validator.clone();
    drop(compiled);
    let found = validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path()));
    found.collect::<Vec<_>>().join("; ")
}

/// Panics when an answer is not what the document says.
pub fn check(method: &str, path: &str, sent: Option<&Value>, answer: &Answer) {
    let path = path.split('?').next().unwrap();
    if !path.starts_with("/api/") {
        return;
    }
    let head = method == Method::HEAD.as_str();
    let key = if head { "get".to_owned() } else { method.to_lowercase() };
    let operation = template(path).map(|template| (template, &DOCUMENT["paths"][template][&key]));
    let Some((template, operation)) = operation.filter(|(_, operation)| operation.is_object()) else {
        // No such path, or not with this method: a problem, whichever.
        let known = json!({"$ref": "#/components/schemas/Problem"});
        assert!((400..500).contains(&answer.status) || method == "OPTIONS", "{method} {path}: {}", answer.status);
        if !head && !answer.body.is_empty() {
            assert_eq!(misfits("problem", &known, &answer.json()), "", "{method} {path}: {}", answer.text());
        }
        return;
    };
    let name = format!("{method} {template} {}", answer.status);
    let described = &operation["responses"][answer.status.to_string()];
    assert!(
        described.is_object(),
        "{name} is not in the OpenAPI document: say `.fails` or `.gives` at its route: {}",
        answer.text()
    );
    for header in described["headers"].as_object().unwrap().keys() {
        assert!(answer.headers.contains_key(header.as_str()), "{name} lacks the header {header}");
    }
    if !head {
        body(&name, described, answer);
    }
    if let Some(sent) = sent.filter(|_| answer.status < 300) {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{name} took JSON that the document does not know");
        assert_eq!(misfits(&format!("{method} {template}"), schema, sent), "", "{name} took {sent}");
    }
}

fn body(name: &str, described: &Value, answer: &Answer) {
    let kind = answer.header("content-type").split(';').next().unwrap_or_default().trim();
    let Some(contents) = described["content"].as_object() else {
        assert!(answer.body.is_empty(), "{name} has a body: {}", answer.text());
        return;
    };
    let schema = &contents.get(kind).unwrap_or_else(|| panic!("{name} has the type {kind:?}"))["schema"];
    if kind.ends_with("json") {
        let misfits = misfits(&format!("{name} {kind}"), schema, &answer.json());
        assert_eq!(misfits, "", "{name} is not as the OpenAPI document says: {}", answer.text());
    }
}
