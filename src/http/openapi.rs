//! The OpenAPI document, made from the routes themselves. `tests/openapi.rs` holds it, the routes and the access matrix
//! together; the API tests hold every answer against it.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::access::{MATRIX, Who};
use super::error::problem_schema;
use super::extract::COOKIE;
use super::operation::{Body, Content, Failure, Lock, Operation, Shape, Success};

/// How the document is served.
pub const PATH: &str = "/api/openapi.json";

/// The document of these operations.
///
/// # Panics
/// When two schemas have one name: in every test.
pub fn document(operations: &[Operation]) -> Value {
    let mut components = Components::default();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut tags = BTreeSet::new();
    for operation in operations {
        let method = operation.method.as_str().to_ascii_lowercase();
        tags.insert(tag(operation.path));
        paths.entry(operation.path).or_default().insert(method, describe(operation, &mut components));
    }
    let tags: Vec<Value> = tags.into_iter().map(|name| json!({"name": name})).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Client Portal",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Figures of a consultancy's clients. The document is generated from the code; docs/api.md says what it means.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": components.finish(),
            "headers": headers(),
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Set by signing in."},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "`csrf_token` of the session body."},
            },
        },
    })
}

/// The first segment below `/api`.
fn tag(path: &str) -> &str {
    let first = path.trim_start_matches("/api/").split('/').next().unwrap_or_default();
    first.split('.').next().unwrap_or_default()
}

fn is_safe(operation: &Operation) -> bool {
    operation.method == Method::GET
}

fn describe(operation: &Operation, components: &mut Components) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [tag(operation.path)],
        "parameters": parameters(operation),
        "responses": responses(operation, components),
        "security": security(operation),
    });
    if let Some(body) = &operation.needs.body {
        let (kind, schema) = match body {
            Body::Json(shape) => ("application/json", components.request(shape)),
            Body::Form(schema) => ("multipart/form-data", schema.clone()),
        };
        described["requestBody"] = json!({"required": true, "content": {kind: {"schema": schema}}});
    }
    described
}

fn security(operation: &Operation) -> Value {
    match (operation.needs.lock, is_safe(operation)) {
        (Lock::Anyone, _) => json!([]),
        (_, true) => json!([{"session": []}]),
        (_, false) => json!([{"session": [], "csrf": []}]),
    }
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let variables = operation.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let in_path = variables.map(|name| {
        let schema = if name == "id" || name.ends_with("_id") {
            json!({"type": "string", "format": "uuid"})
        } else {
            json!({"type": "string", "minLength": 1})
        };
        json!({"name": name, "in": "path", "required": true, "schema": schema})
    });
    let in_query = operation.query.iter().map(|param| {
        json!({"name": param.name, "in": "query", "required": param.required, "description": param.about, "schema": or_empty(&param.schema)})
    });
    let mut all: Vec<Value> = in_path.chain(in_query).collect();
    let header = |name: &str, about: &str, schema: Value| json!({"name": name, "in": "header", "required": false, "description": about, "schema": schema});
    if operation.needs.if_match {
        all.push(header(
            "If-Match",
            "The ETag of the version that the change was made for.",
            json!({"type": "string"}),
        ));
    }
    if operation.needs.idempotency_key {
        let key = json!({"type": "string", "minLength": 1, "maxLength": 200});
        all.push(header("Idempotency-Key", "A repetition with the same key does nothing twice; kept for a day.", key));
    }
    all
}

/// An empty query parameter counts as absent, whatever else it may be.
fn or_empty(schema: &Value) -> Value {
    let any_text = schema["type"] == "string" && schema.get("format").is_none() && schema.get("enum").is_none();
    if any_text { schema.clone() } else { json!({"anyOf": [schema, {"type": "string", "maxLength": 0}]}) }
}

fn responses(operation: &Operation, components: &mut Components) -> Map<String, Value> {
    let mut responses = Map::new();
    for success in &operation.successes {
        responses.insert(success.status.as_str().to_owned(), succeeds(success, components));
    }
    let mut failures: BTreeMap<u16, (BTreeSet<&str>, Option<&Shape>)> = BTreeMap::new();
    let usual = usual_failures(operation);
    for failure in usual.iter().chain(&operation.failures) {
        let (codes, members) = failures.entry(failure.status).or_default();
        codes.extend(failure.codes);
        *members = members.or(failure.members.as_ref());
    }
    for (status, (codes, members)) in failures {
        let mut schemas = vec![components.problem(None)];
        schemas.extend(members.map(|members| components.problem(Some(members))));
        let one_of = if schemas.len() == 1 { schemas.remove(0) } else { json!({"anyOf": schemas}) };
        let schema = json!({"allOf": [one_of, {"properties": {"code": {"enum": codes}}}]});
        let mut answer = json!({
            "description": codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", "),
            "headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}},
            "content": {"application/problem+json": {"schema": schema}},
        });
        if matches!(status, 429 | 503) {
            answer["headers"]["Retry-After"] = json!({"$ref": "#/components/headers/Retry-After"});
        }
        // A success with a failure's status (a health check that says no) has both contents.
        match responses.get_mut(&status.to_string()) {
            Some(success) => {
                success["content"]["application/problem+json"] = answer["content"]["application/problem+json"].take();
            }
            None => {
                responses.insert(status.to_string(), answer);
            }
        }
    }
    responses
}

fn succeeds(success: &Success, components: &mut Components) -> Value {
    let mut headers = Map::new();
    for name in success.headers.iter().copied().chain(["X-Request-Id"]) {
        headers.insert(name.to_owned(), json!({"$ref": format!("#/components/headers/{name}")}));
    }
    let reason = success.status.canonical_reason().unwrap_or("Success");
    let mut answer = json!({"description": reason, "headers": headers});
    match &success.content {
        Content::Empty => {}
        Content::Json(shapes) => {
            let mut schemas: Vec<Value> = shapes.iter().map(|shape| components.answer(shape)).collect();
            let schema = if schemas.len() == 1 { schemas.remove(0) } else { json!({"oneOf": schemas}) };
            answer["content"] = json!({"application/json": {"schema": schema}});
        }
        Content::Other("application/json") => {
            answer["content"] = json!({"application/json": {"schema": {"type": "object"}}});
        }
        Content::Other(kind) => answer["content"] = json!({*kind: {"schema": {"type": "string"}}}),
    }
    answer
}

/// What every route of its kind may answer.
fn usual_failures(operation: &Operation) -> Vec<Failure> {
    let mut found = Vec::new();
    let mut add = |applies: bool, status: u16, codes: &'static [&'static str]| {
        if applies {
            found.push(Failure { status, codes, members: None });
        }
    };
    let needs = &operation.needs;
    let session = needs.lock != Lock::Anyone;
    let who = MATRIX.who(&operation.method, operation.path).unwrap_or_default();
    let form = matches!(needs.body, Some(Body::Form(_)));
    let body = needs.body.is_some();
    add(session, 401, &["unauthenticated"]);
    // Not through Front Door, or not from our pages.
    add(true, 403, &["foreign_origin"]);
    add(session, 403, &["forbidden"]);
    add(session && !who.contains(&Who::Enrolling), 403, &["mfa_enrollment_required"]);
    add(session && !is_safe(operation), 403, &["csrf"]);
    add(operation.path.contains('{'), 404, &["not_found"]);
    add(!is_safe(operation), 415, &["unsupported_media_type"]);
    add(body && !form, 400, &["malformed_json"]);
    add(form, 400, &["malformed_form"]);
    add(body, 413, &["too_large"]);
    add(body || needs.query, 422, &["invalid"]);
    add(needs.if_match, 412, &["stale"]);
    add(needs.idempotency_key, 400, &["bad_idempotency_key"]);
    add(needs.idempotency_key, 409, &["idempotency_key_reused"]);
    add(true, 500, &["internal"]);
    add(true, 503, &["unavailable"]);
    found
}

fn headers() -> Value {
    let header = |about: &str, schema: Value| json!({"description": about, "required": true, "schema": schema});
    json!({
        "X-Request-Id": header("The request's id, as the log has it.", json!({"type": "string", "format": "uuid"})),
        "Retry-After": header("Seconds to wait.", json!({"type": "integer", "minimum": 0})),
        "ETag": header("The version, which If-Match takes.", json!({"type": "string"})),
        "Set-Cookie": header("The session.", json!({"type": "string"})),
        "Location": header("Where the browser goes next.", json!({"type": "string"})),
        "Content-Disposition": header("The file's name.", json!({"type": "string"})),
    })
}

/// The schemas that have a name.
#[derive(Default)]
struct Components {
    schemas: BTreeMap<String, Value>,
    /// Those that a request holds: serde decides what may be missing from them.
    requests: BTreeSet<String>,
}

impl Components {
    fn add(&mut self, shape: &Shape, request: bool) -> Value {
        let own = [(shape.name.clone(), shape.schema.clone())];
        for (name, schema) in own.iter().chain(&shape.others) {
            if request {
                self.requests.insert(name.clone());
            }
            let before = self.schemas.insert(name.clone(), schema.clone());
            assert!(
                before.is_none_or(|before| before == *schema),
                "two schemas are called {name}: say #[schema(as = …)]"
            );
        }
        json!({"$ref": format!("#/components/schemas/{}", shape.name)})
    }

    fn request(&mut self, shape: &Shape) -> Value {
        self.add(shape, true)
    }

    fn answer(&mut self, shape: &Shape) -> Value {
        self.add(shape, false)
    }

    /// The problem document, perhaps with the members of another shape.
    fn problem(&mut self, members: Option<&Shape>) -> Value {
        let mut schema = problem_schema();
        let mut name = "Problem".to_owned();
        if let Some(shape) = members {
            name = format!("{}Problem", shape.name);
            self.add(shape, false);
            let mut members = self.schemas.get(&shape.name).cloned().unwrap_or_default();
            if let (Some(all), Some(more)) =
                (schema["properties"].as_object_mut(), members["properties"].as_object_mut())
            {
                all.append(more);
            }
        }
        self.schemas.insert(name.clone(), schema);
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    /// All of them. An answer has all of its fields, with null for what is not there, and no others.
    fn finish(self) -> BTreeMap<String, Value> {
        let requests = self.requests;
        let mut schemas = self.schemas;
        let before = schemas.clone();
        for (name, schema) in &mut schemas {
            if !requests.contains(name) {
                join(schema, &before);
                close(schema);
            }
        }
        schemas
    }
}

/// Makes one object of a flattened one: parts that are closed each for themselves would refuse one another's fields.
fn join(schema: &mut Value, named: &BTreeMap<String, Value>) {
    let Some(parts) = schema.get("allOf").and_then(Value::as_array) else { return };
    let mut properties = Map::new();
    for part in parts {
        let name = part["$ref"].as_str().and_then(|place| place.rsplit('/').next());
        let part = name.and_then(|name| named.get(name)).unwrap_or(part);
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
    }
    *schema = json!({"type": "object", "properties": properties});
}

fn close(schema: &mut Value) {
    let Value::Object(members) = schema else { return };
    if let Some(Value::Object(properties)) = members.get_mut("properties") {
        properties.values_mut().for_each(close);
        let all: Vec<Value> = properties.keys().map(|name| json!(name)).collect();
        // Who says what is closed also says what may be missing.
        if !members.contains_key("additionalProperties") {
            members.insert("required".to_owned(), json!(all));
            members.insert("additionalProperties".to_owned(), json!(false));
        }
    }
    for inner in ["items", "additionalProperties"] {
        members.get_mut(inner).into_iter().for_each(close);
    }
    for several in ["oneOf", "anyOf", "allOf", "prefixItems"] {
        members.get_mut(several).and_then(Value::as_array_mut).into_iter().flatten().for_each(close);
    }
}
