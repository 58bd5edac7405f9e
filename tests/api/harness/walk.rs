//! Walking through every operation of the OpenAPI document, as anybody, with ids of anyone.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use portal::domain::role::Role;
use portal::http::access::Who;
use portal::services::auth::csrf_token;
use serde_json::{Map, Value, json};

use super::client::{Call, Client};
use super::contract::DOCUMENT;
use super::{PASSWORD, TestApp, random_id, secret};
use crate::figures::daily;

/// An operation of the document.
pub struct Operation {
    pub method: String,
    pub path: &'static str,
    pub described: &'static Value,
}

/// All operations: those that only read first, those that remove last.
pub fn operations() -> Vec<Operation> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let mut all: Vec<Operation> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap();
            methods.iter().map(|(method, described)| Operation { method: method.to_uppercase(), path, described })
        })
        .collect();
    all.sort_by_key(|one| ["GET", "POST", "PATCH", "DELETE"].iter().position(|method| *method == one.method));
    assert!(all.len() > 20, "{}", all.len());
    all
}

/// A file that every file source takes.
pub const FILE: &str = "date,n\n2026-11-20,41\n2026-11-21,43\n";

impl Operation {
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn id(&self) -> &str {
        self.described["operationId"].as_str().unwrap()
    }

    /// Those who may, by the written matrix.
    pub fn who(&self) -> &'static [Who] {
        let method = self.method.parse().unwrap();
        portal::http::access::MATRIX
            .who(&method, self.path)
            .unwrap_or_else(|| panic!("{} is not in access.matrix", self.name()))
    }

    pub fn has_variable(&self) -> bool {
        self.path.contains('{')
    }

    /// The path with ids in place of its variables, and the query that must be there. Two ids stand as `one/other`; one
    /// id stands for all variables.
    pub fn target(&self, id: &str) -> String {
        let mut ids = id.split('/');
        let mut last = id;
        let mut parts = self.path.split('{');
        let mut path = parts.next().unwrap().to_owned();
        for part in parts {
            last = ids.next().unwrap_or(last);
            path = path + last + part.split_once('}').unwrap().1;
        }
        let parameters = self.described["parameters"].as_array().unwrap();
        let query = parameters.iter().filter(|one| one["in"] == "query" && one["required"] == true);
        let query: Vec<String> = query.map(|one| format!("{}=unknown.key", one["name"].as_str().unwrap())).collect();
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }

    /// A request that the document allows.
    pub fn call(&self, id: &str) -> Call {
        let call = Call::new(&self.method, &self.target(id));
        let content = &self.described["requestBody"]["content"];
        if content.get("multipart/form-data").is_some() {
            let mapping = daily(&[("n", "count", "sum")], &[]).to_string();
            let mut form = vec![("file", FILE.as_bytes())];
            if self.path.ends_with("/files") {
                form.push(("mapping", mapping.as_bytes()));
            }
            return call.form(&form);
        }
        match self.body() {
            Some(body) => call.json(&body),
            None => call,
        }
    }

    /// A JSON body that the document allows, if the operation takes one.
    pub fn body(&self) -> Option<Value> {
        let schema = self.described["requestBody"]["content"]["application/json"].get("schema")?;
        // What only some providers take.
        let but: &[&str] = if self.id() == "change_source" { &["property_id", "zone", "cadence_minutes"] } else { &[] };
        let mut body = sample(schema, "");
        if let Some(members) = body.as_object_mut() {
            members.retain(|name, _| !but.contains(&name.as_str()));
        }
        Some(body)
    }
}

/// A value that a schema allows; the names of fields say what suits them.
fn sample(schema: &Value, name: &str) -> Value {
    if let Some(place) = schema["$ref"].as_str() {
        return sample(DOCUMENT.pointer(place.trim_start_matches('#')).unwrap(), name);
    }
    if let Some(words) = schema["enum"].as_array() {
        return words[0].clone();
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        if let Some(parts) = schema[several].as_array() {
            return sample(parts.iter().find(|part| part["type"] != "null").unwrap(), name);
        }
    }
    let kind =
        schema["type"].as_array().map_or(&schema["type"], |kinds| kinds.iter().find(|kind| **kind != "null").unwrap());
    match kind.as_str().unwrap_or_default() {
        "object" => object(schema),
        "array" => json!([sample(&schema["items"], name)]),
        "boolean" => json!(true),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        _ => text(schema, name),
    }
}

/// What must be there, or all of it where nothing must.
fn object(schema: &Value) -> Value {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    let wanted = properties.filter(|(name, _)| required.is_empty() || required.contains(&name.as_str()));
    Value::Object(wanted.map(|(name, schema)| (name.clone(), sample(schema, name))).collect::<Map<_, _>>())
}

fn text(schema: &Value, name: &str) -> Value {
    match (schema["format"].as_str().unwrap_or_default(), name) {
        ("uuid", _) => json!(random_id()),
        ("date", _) => json!("2026-11-20"),
        ("email", _) | (_, "email" | "admin_email") => json!("alguien@walk.example"),
        (_, "password" | "current" | "new") => json!(PASSWORD),
        (_, "code") => json!("000000"),
        (_, "locale") => json!("es-ES"),
        (_, "zone") => json!("Europe/Madrid"),
        (_, "currency") => json!("EUR"),
        (_, "provider") => json!("csv"),
        _ => json!("nombre"),
    }
}

/// Somebody who walks: a word for messages, what they count as, their address.
pub type Walker = (&'static str, Option<Who>, &'static str);

/// Everybody there is.
pub const EVERYBODY: [Walker; 6] = [
    ("nobody", None, ""),
    ("viewer", Some(Who::Role(Role::Viewer)), "viewer@acme.example"),
    ("admin", Some(Who::Role(Role::Admin)), "admin@acme.example"),
    ("admin of another tenant", Some(Who::Role(Role::Admin)), "admin@globex.example"),
    ("operator", Some(Who::Role(Role::Operator)), "operator@portal.example"),
    ("enrolling", Some(Who::Enrolling), "admin@initech.example"),
];

/// Makes the one who must enrol: of a tenant that asks for a second factor, without having one.
pub async fn let_initech_enrol(app: &TestApp) {
    let settings = r#"settings || '{"require_mfa": true}'"#;
    app.sql(&format!("update tenants set status = 'active', settings = {settings} where name = 'Initech'")).await;
}

static SESSIONS: AtomicU64 = AtomicU64::new(0);

/// A fresh session of a person; some calls end the session that makes them.
pub async fn session(app: &TestApp, email: &str) -> Client {
    let mut client = app.stranger();
    if email.is_empty() {
        return client;
    }
    let token = format!("walk-{}", SESSIONS.fetch_add(1, Ordering::Relaxed));
    let sql = format!(
        "insert into sessions (token_hash, id, user_id, tenant_id, created_at, last_used_at, authenticated_at, expires_at)
         select sha256('{token}'), gen_random_uuid(), u.id,
                (select m.tenant_id from memberships m join tenants t on t.id = m.tenant_id
                  where m.user_id = u.id order by lower(t.name) <> split_part(split_part(u.email, '@', 2), '.', 1) limit 1),
                now(), now(), now(), now() + interval '1 hour'
           from users u where u.email = '{email}'"
    );
    assert_eq!(app.sql(&sql).await, 1, "{email}");
    client.csrf = Some(csrf_token(&secret(&token)));
    client.cookie = Some(format!("__Host-session={token}"));
    client
}

/// The things of a tenant that the variable of a path can name, each with what a client sends for it.
pub async fn things(app: &TestApp, path: &str, tenant: &str) -> Vec<String> {
    let of = |sql: &str| sql.replace("TENANT", tenant);
    let sql = match path {
        _ if path.contains("{sync_id}") => {
            of("select source_id || '/' || id as id from syncs where tenant_id = 'TENANT'")
        }
        _ if path.starts_with("/api/sources/{id}") || path.starts_with("/api/operator/sources/{id}") => {
            of("select id from data_sources where tenant_id = 'TENANT'")
        }
        _ if path.contains("{metric_key}") => {
            of("select key as id from metrics where tenant_id = 'TENANT' order by key limit 3")
        }
        _ if path.starts_with("/api/team/invitations/{id}") => {
            of("select id from invitations where tenant_id = 'TENANT'")
        }
        _ if path.starts_with("/api/team/{user_id}") => {
            of("select user_id as id from memberships where tenant_id = 'TENANT'")
        }
        _ if path.starts_with("/api/account/sessions/{id}") => {
            of("select id from sessions where tenant_id = 'TENANT' limit 3")
        }
        _ if path.starts_with("/api/operator/tenants/{id}") => of("select id from tenants where id = 'TENANT'"),
        _ if path.starts_with("/api/operator/users/{id}") => {
            of("select user_id as id from memberships where tenant_id = 'TENANT' limit 1")
        }
        _ if path.starts_with("/api/operator/jobs/{id}") => {
            of("select id from jobs where tenant_id = 'TENANT' limit 1")
        }
        _ => panic!("{path}: say in `walk::things` what its variable names"),
    };
    let rows = app.rows(&sql).await;
    let found: Vec<String> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert!(!found.is_empty(), "{path}: there is nothing in {tenant}");
    found
}

/// Gives a tenant one of everything: a file source with figures, a Google source with its history, an invitation.
pub async fn furnish(app: &TestApp, admin: &Client, tenant: &str) {
    let mut mapping = daily(&[("n", "count", "sum")], &[]);
    mapping["metrics"][0]["key"] = json!(format!("{}.margin", tenant.to_lowercase()));
    admin.import("Márgenes", FILE, &mapping).await;
    app.connect_ga4(admin).await;
    app.drain().await;
    let id = app.tenant(tenant).await;
    app.sql(&format!(
        "insert into invitations (tenant_id, id, email, role, status, created_at, expires_at)
         values ('{id}', gen_random_uuid(), 'invited@{tenant}.example', 'viewer', 'pending', now(), now() + interval '7 days')"
    ).to_lowercase()).await;
    app.sql(&format!(
        "insert into alerts (tenant_id, id, metric_id, rule, channel, is_active, created_at)
         select tenant_id, gen_random_uuid(), id, '{{}}', 'email', true, now() from metrics where tenant_id = '{id}' limit 1"
    )).await;
    app.sql(&format!(
        "insert into source_records (tenant_id, source_id, stream, record_id, at, day, observed_at, measures)
         select tenant_id, id, 'charges', 'ch_1', now(), current_date, now(), '[]' from data_sources where tenant_id = '{id}'"
    ))
    .await;
    app.sql(&format!(
        "insert into restatements (tenant_id, id, metric_id, source_id, sync_id, period_start, period_end, grain, dims, old_value, at)
         select tenant_id, gen_random_uuid(), metric_id, source_id, sync_id, period_start, period_end, grain, dims, value, now()
           from datapoints where tenant_id = '{id}' limit 1"
    ))
    .await;
    app.sql(&format!(
        "insert into idempotency_keys (tenant_id, user_id, key, request_hash, resource_id, created_at)
         select tenant_id, user_id, 'key', '\\x00', gen_random_uuid(), now() from memberships where tenant_id = '{id}' limit 1"
    )).await;
}

/// All tables with a digest of their rows, of one tenant or of all; uses of sessions do not count.
pub async fn dump(app: &TestApp, tenant: Option<&str>, except: &[&str]) -> BTreeMap<String, String> {
    let columns = "select c.relname::text as name from pg_class c
                    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname <> '_sqlx_migrations'";
    let of_tenants = "and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')";
    let sql = if tenant.is_some() { format!("{columns} {of_tenants}") } else { columns.to_owned() };
    let tables = app.rows(&sql).await;
    let parts = tables.iter().filter_map(|row| row["name"].as_str()).filter(|name| !except.contains(name)).map(|name| {
        let row = "(to_jsonb(t) - 'last_used_at')::text";
        let which = tenant.map_or(String::new(), |tenant| format!("where tenant_id = '{tenant}'"));
        format!("select '{name}' as name, count(*) || ' ' || md5(coalesce(string_agg({row}, '|' order by {row}), '')) as rows from {name} t {which}")
    });
    let rows = app.rows(&parts.collect::<Vec<_>>().join(" union all ")).await;
    assert!(rows.len() > 8, "{rows:?}");
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(row, "name"), text(row, "rows"))).collect()
}
