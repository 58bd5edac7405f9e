//! The sandbox's control API.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::browser::client;
use crate::wait::eventually;

/// The upstreams' control API.
pub struct Sandbox {
    base: String,
}

impl Sandbox {
    /// At this base URL.
    pub fn new(base: &str) -> Self {
        Self { base: base.to_owned() }
    }

    async fn get(&self, path: &str) -> Value {
        client().get(format!("{}/__control/{path}", self.base)).send().await.unwrap().json().await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = client().post(format!("{}/__control/{path}", self.base)).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path} {body}");
        answer.json().await.unwrap()
    }

    /// Lets the requests to a property's reports fail; `rule` holds `kind`, `count`, `after` and so on. Gives its id.
    pub async fn fail(&self, property: &str, mut rule: Value) -> u64 {
        let path = format!("/v1beta/{property}:runReport");
        rule["match"] = json!({"method": "POST", "path_prefix": path});
        self.post("faults", &rule).await["id"].as_u64().unwrap()
    }

    /// How many requests a rule has hit.
    pub async fn hits(&self, rule: u64) -> u64 {
        let rules = self.get("faults").await;
        let rules = rules["items"].as_array().unwrap();
        rules.iter().find(|one| one["id"] == rule).unwrap()["hits"].as_u64().unwrap()
    }

    /// Waits until a rule has hit a request.
    pub async fn hit(&self, rule: u64) {
        eventually("the fault strikes", 90, async || (self.hits(rule).await > 0).then_some(())).await;
    }

    /// The number of the newest request.
    pub async fn last_request(&self) -> u64 {
        self.get("requests?path_prefix=/none").await["next"].as_u64().unwrap()
    }

    /// The requests after number `since` to paths with this prefix, oldest first.
    pub async fn requests(&self, since: u64, prefix: &str) -> Vec<Value> {
        let log = self.get(&format!("requests?since={since}&path_prefix={prefix}")).await;
        log["items"].as_array().unwrap().clone()
    }

    /// The time of the sandbox and of the portal.
    pub async fn now(&self) -> OffsetDateTime {
        OffsetDateTime::parse(self.get("clock").await["now"].as_str().unwrap(), &Rfc3339).unwrap()
    }

    /// Moves that time.
    pub async fn set_now(&self, now: OffsetDateTime) {
        self.post("clock", &json!({"now": now.format(&Rfc3339).unwrap()})).await;
    }
}
