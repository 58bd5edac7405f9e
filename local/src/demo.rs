//! Fills the demo tenants over HTTP, as a browser would: one Google source and one CSV source.
//!
//! Everything goes through the public API, so what is on the screen after `cargo run` came the way a client's data comes.
//! Loading again skips what is there and completes what an earlier run left half done.

mod browser;
mod error;
mod form;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use browser::Browser;
pub use error::DemoError;

const GA4_NAME: &str = "Tienda Lumbre (web)";
const CSV_NAME: &str = "Clima de Seattle";

/// How the loader waits for the history.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Between two looks.
    poll: Duration,
    /// In all.
    patience: Duration,
}

const PACE: Pace = Pace { poll: Duration::from_millis(500), patience: Duration::from_mins(3) };

/// Where the demo goes and what it brings.
pub struct Target {
    /// Public origin of the portal, without a slash at the end.
    pub base_url: String,
    /// Base URL of the sandbox; the consent page must be there.
    pub sandbox_url: String,
    /// The weather file.
    pub csv_path: PathBuf,
    /// Password of the demo people.
    pub password: String,
    /// Told in a short line what is going on.
    pub progress: Box<dyn Fn(&str) + Send + Sync>,
}

/// Loads both demo sources and waits until their history is there.
pub async fn load(target: &Target) -> Result<(), DemoError> {
    load_at(target, PACE).await
}

async fn load_at(target: &Target, pace: Pace) -> Result<(), DemoError> {
    load_analytics(target, pace).await?;
    load_weather(target).await
}

async fn load_analytics(target: &Target, pace: Pace) -> Result<(), DemoError> {
    let mut browser = Browser::sign_in(target, "admin@acme.example").await?;
    let found = find(&mut browser, "ga4", None).await?;
    let fresh = found.is_none();
    let id = match found {
        Some(source) => text(&source, "id").to_owned(),
        None => create(&mut browser, "ga4", GA4_NAME).await?,
    };
    let mut source = read(&mut browser, &id).await?;
    if complete(&source) {
        (target.progress)(&format!("{GA4_NAME}: already there"));
        return Ok(());
    }
    let mut starts_alone = fresh;
    if matches!(text(&source, "status"), "not_connected" | "needs_reauth") {
        (target.progress)(&format!("{GA4_NAME}: connecting"));
        connect(&mut browser, target, &id).await?;
        source = read(&mut browser, &id).await?;
        starts_alone = true;
    }
    if source["property"].is_null() {
        let what = format!("GET /api/sources/{id}");
        let property = source["properties"][0]["id"].as_str().ok_or(DemoError::Shape { what, missing: "property" })?;
        browser.json(Method::PATCH, &format!("/api/sources/{id}"), Some(json!({"property_id": property}))).await?;
        starts_alone = true;
    }
    if !starts_alone && !matches!(text(&newest_sync(&mut browser, &id).await?, "status"), "queued" | "running") {
        browser.json(Method::POST, &format!("/api/sources/{id}/sync"), None).await?;
    }
    (target.progress)(&format!("{GA4_NAME}: fetching its history"));
    wait_for_history(&mut browser, &id, pace).await?;
    (target.progress)(&format!("{GA4_NAME}: complete"));
    Ok(())
}

/// The source of this provider (and name), if there is one.
async fn find(browser: &mut Browser, provider: &str, name: Option<&str>) -> Result<Option<Value>, DemoError> {
    let list = browser.json(Method::GET, "/api/sources", None).await?;
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let wanted = |item: &Value| item["provider"] == provider && name.is_none_or(|name| item["name"] == name);
    Ok(items.into_iter().find(wanted))
}

async fn create(browser: &mut Browser, provider: &str, name: &str) -> Result<String, DemoError> {
    let body = json!({"provider": provider, "name": name});
    let source = browser.json(Method::POST, "/api/sources", Some(body)).await?;
    let missing = || DemoError::Shape { what: "POST /api/sources".into(), missing: "id" };
    source["id"].as_str().map(str::to_owned).ok_or_else(missing)
}

async fn read(browser: &mut Browser, id: &str) -> Result<Value, DemoError> {
    browser.json(Method::GET, &format!("/api/sources/{id}"), None).await
}

/// The newest run of a source; null before the first one.
async fn newest_sync(browser: &mut Browser, id: &str) -> Result<Value, DemoError> {
    let list = browser.json(Method::GET, &format!("/api/sources/{id}/syncs"), None).await?;
    Ok(list["items"][0].clone())
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// Whether a source has synced and its history reaches back to its goal.
fn complete(source: &Value) -> bool {
    let progress = &source["progress"];
    // Dates as YYYY-MM-DD compare like text.
    let reached = match (progress["done_from"].as_str(), progress["until"].as_str()) {
        (Some(done_from), Some(until)) => done_from <= until,
        _ => progress.is_null(),
    };
    reached && source["last_sync_at"].is_string()
}

/// Walks the consent page with the account that is selected there, and comes back with the code.
async fn connect(browser: &mut Browser, target: &Target, id: &str) -> Result<(), DemoError> {
    let what = format!("POST /api/sources/{id}/connect");
    let answer = browser.json(Method::POST, &format!("/api/sources/{id}/connect"), None).await?;
    let authorize = answer["authorize_url"].as_str();
    let authorize = authorize.ok_or(DemoError::Shape { what: what.clone(), missing: "authorize_url" })?;
    if !authorize.starts_with(&format!("{}/", target.sandbox_url)) {
        return Err(DemoError::Foreign { what, url: authorize.to_owned() });
    }
    let page = browser.consent_page(authorize).await?;
    let fields = form::fields(&page, ("decision", "allow"));
    let back = browser.submit_consent(authorize, &fields).await?;
    let Some(path) = back.strip_prefix(&target.base_url).filter(|path| path.starts_with('/')) else {
        return Err(DemoError::Foreign { what: "the consent page".into(), url: back });
    };
    let landed = browser.follow(path).await?;
    if landed.contains("error=") {
        return Err(DemoError::Refused(landed));
    }
    Ok(())
}

async fn wait_for_history(browser: &mut Browser, id: &str, pace: Pace) -> Result<(), DemoError> {
    let mut left = pace.patience;
    loop {
        let source = read(browser, id).await?;
        if complete(&source) {
            return Ok(());
        }
        let sync = newest_sync(browser, id).await?;
        let name = text(&source, "name").to_owned();
        if text(&sync, "status") == "failed" {
            return Err(DemoError::SyncFailed { name, message: text(&sync, "message").to_owned() });
        }
        if left.is_zero() {
            let sync = format!("{} {}", text(&sync, "status"), text(&sync, "message"));
            let status = text(&source, "status").to_owned();
            return Err(DemoError::TooSlow { name, seconds: pace.patience.as_secs(), status, sync });
        }
        tokio::time::sleep(pace.poll).await;
        left = left.saturating_sub(pace.poll);
    }
}

async fn load_weather(target: &Target) -> Result<(), DemoError> {
    let mut browser = Browser::sign_in(target, "admin@globex.example").await?;
    let found = find(&mut browser, "csv", Some(CSV_NAME)).await?;
    let id = match &found {
        // An upload that was cut off has left no data behind.
        Some(source) if source["freshness"]["data_through"].is_string() => {
            (target.progress)(&format!("{CSV_NAME}: already there"));
            return Ok(());
        }
        Some(source) => text(source, "id").to_owned(),
        None => create(&mut browser, "csv", CSV_NAME).await?,
    };
    let path = &target.csv_path;
    let bytes = tokio::fs::read(path).await.map_err(|source| DemoError::File { path: path.clone(), source })?;
    (target.progress)(&format!("{CSV_NAME}: uploading"));
    let preview = browser.upload(&format!("/api/sources/{id}/preview"), Form::new().part("file", file(&bytes))).await?;
    let mapping = Part::text(mapping(&preview).to_string());
    let form = Form::new().part("file", file(&bytes)).part("mapping", mapping);
    let answer = browser.upload(&format!("/api/sources/{id}/files"), form).await?;
    if answer["applied"] != true || answer["rejected_total"] != 0 {
        return Err(DemoError::Rejected { name: CSV_NAME.into(), answer: answer.to_string() });
    }
    (target.progress)(&format!("{CSV_NAME}: {} rows", answer["rows_read"]));
    Ok(())
}

fn file(bytes: &[u8]) -> Part {
    Part::bytes(bytes.to_vec()).file_name("seattle-weather.csv")
}

/// The mapping of the weather file: what the preview recognised, and what only a person knows.
fn mapping(preview: &Value) -> Value {
    let columns = preview["columns"].as_array().cloned().unwrap_or_default();
    let date = columns.iter().find(|column| column["kind"] == "date").cloned().unwrap_or_default();
    let metric = |column: &str, key: &str, name: &str, unit: &str, additivity: &str| json!({"column": column, "key": key, "name": name, "unit": unit, "additivity": additivity});
    json!({
        "delimiter": preview["delimiter"], "decimal": preview["decimal"], "encoding": preview["encoding"],
        "date": {"column": date["name"], "format": date["date_format"]}, "grain": "day",
        "metrics": [
            metric("precipitation", "precipitation", "Precipitación", "mm", "sum"),
            metric("temp_max", "temp_max", "Temperatura máxima", "°C", "mean"),
            metric("temp_min", "temp_min", "Temperatura mínima", "°C", "mean"),
            metric("wind", "wind", "Viento", "m/s", "mean"),
        ],
        "dimensions": ["weather"], "on_error": "abort", "replace": false
    })
}
