//! Reads `host.json` and `functions/*/function.json`, as the real host does, and refuses what it would refuse.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

use super::cron::{CronError, Schedule};
use super::route::{Route, RouteError};

/// Why the bindings cannot be hosted. Every text names the file.
#[derive(Debug, Error)]
pub enum BindingError {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Json { path: PathBuf, source: serde_json::Error },
    #[error("host.json: {0}")]
    Host(String),
    #[error("function `{function}`: {why}")]
    Function { function: String, why: String },
}

/// What `host.json` says, with the host's own defaults.
#[derive(Debug, Clone)]
pub struct HostConfig {
    /// Stream HTTP through (newer hosts). Wins over the buffered copy when both switches are on.
    pub proxying: bool,
    pub route_prefix: String,
    /// Response headers of every function answer, unless the function sets them.
    pub custom_headers: Vec<(HeaderName, HeaderValue)>,
    /// Messages in work at the same time, per queue function.
    pub max_concurrent_calls: usize,
    /// `Duration::MAX` = no limit.
    pub function_timeout: Duration,
}

/// One function folder.
#[derive(Debug, Clone)]
pub struct Function {
    /// The folder's name.
    pub name: String,
    pub trigger: Trigger,
}

/// The key an HTTP function asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthLevel {
    Anonymous,
    Function,
    Admin,
}

/// What starts a function.
#[derive(Debug, Clone)]
pub enum Trigger {
    /// `methods` empty = all.
    Http {
        route: Route,
        methods: Vec<Method>,
        auth: AuthLevel,
    },
    Timer {
        binding: String,
        schedule: Box<Schedule>,
        run_on_startup: bool,
        use_monitor: bool,
    },
    Queue {
        binding: String,
        queue: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HostFile {
    version: String,
    custom_handler: CustomHandler,
    #[serde(default)]
    extensions: Extensions,
    function_timeout: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CustomHandler {
    description: Description,
    #[serde(default)]
    enable_forwarding_http_request: bool,
    #[serde(default)]
    enable_proxying_http_request: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    default_executable_path: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Extensions {
    http: HttpSection,
    service_bus: BusSection,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct HttpSection {
    route_prefix: Option<String>,
    custom_headers: HashMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct BusSection {
    max_concurrent_calls: Option<usize>,
    auto_complete_messages: Option<bool>,
}

#[derive(Deserialize)]
struct FunctionFile {
    bindings: Vec<Value>,
    retry: Option<Value>,
    #[serde(default)]
    disabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binding {
    #[serde(rename = "type")]
    kind: String,
    direction: String,
    name: String,
    auth_level: Option<AuthLevel>,
    methods: Option<Vec<String>>,
    route: Option<String>,
    schedule: Option<String>,
    run_on_startup: Option<bool>,
    use_monitor: Option<bool>,
    queue_name: Option<String>,
    connection: Option<String>,
    is_sessions_enabled: Option<bool>,
    cardinality: Option<String>,
    data_type: Option<String>,
}

/// Reads `<root>/host.json`.
pub fn host_config(root: &Path) -> Result<HostConfig, BindingError> {
    let file: HostFile = read(&root.join("host.json"))?;
    let fail = |why: String| BindingError::Host(why);
    if file.version != "2.0" {
        return Err(fail(format!("version is `{}`, must be `2.0`", file.version)));
    }
    if file.custom_handler.description.default_executable_path.is_empty() {
        return Err(fail("customHandler.description.defaultExecutablePath is missing".to_owned()));
    }
    if !file.custom_handler.enable_forwarding_http_request && !file.custom_handler.enable_proxying_http_request {
        return Err(fail(
            "neither forwarding nor proxying of HTTP is on; this host does not wrap HTTP in JSON".to_owned(),
        ));
    }
    if file.extensions.service_bus.auto_complete_messages == Some(false) {
        return Err(fail("without autoCompleteMessages a custom handler could never settle a message".to_owned()));
    }
    let custom_headers = file.extensions.http.custom_headers.iter().map(|(name, value)| {
        let parsed = (name.parse().ok()).zip(value.parse().ok());
        parsed.ok_or_else(|| fail(format!("customHeaders: `{name}` is not a valid header")))
    });
    Ok(HostConfig {
        proxying: file.custom_handler.enable_proxying_http_request,
        custom_headers: custom_headers.collect::<Result<_, _>>()?,
        route_prefix: file.extensions.http.route_prefix.unwrap_or_else(|| "api".to_owned()),
        max_concurrent_calls: file.extensions.service_bus.max_concurrent_calls.unwrap_or(16).max(1),
        function_timeout: match file.function_timeout {
            None => Duration::from_mins(30),
            Some(text) => time_span(&text).ok_or_else(|| fail(format!("functionTimeout `{text}` is not hh:mm:ss")))?,
        },
    })
}

/// Reads every folder below `<root>/functions`, sorted as the host sorts them: by name, ordinal, ignoring case.
/// `settings` resolves `%NAME%`.
pub fn functions(
    root: &Path,
    host: &HostConfig,
    settings: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Function>, BindingError> {
    let folder = root.join("functions");
    let listing = std::fs::read_dir(&folder).map_err(|source| BindingError::Read { path: folder.clone(), source })?;
    let mut functions = Vec::new();
    for entry in listing {
        let entry = entry.map_err(|source| BindingError::Read { path: folder.clone(), source })?;
        let path = entry.path().join("function.json");
        if path.is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let file: FunctionFile = read(&path)?;
            if !file.disabled {
                functions.push(function(name, file, host, settings)?);
            }
        }
    }
    functions.sort_by_key(|function| function.name.to_ascii_uppercase());
    Ok(functions)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, BindingError> {
    let text = std::fs::read(path).map_err(|source| BindingError::Read { path: path.to_owned(), source })?;
    serde_json::from_slice(&text).map_err(|source| BindingError::Json { path: path.to_owned(), source })
}

fn function(
    name: String,
    file: FunctionFile,
    host: &HostConfig,
    settings: &dyn Fn(&str) -> Option<String>,
) -> Result<Function, BindingError> {
    match parse(&name, file, host, settings) {
        Ok(trigger) => Ok(Function { name, trigger }),
        Err(why) => Err(BindingError::Function { function: name, why }),
    }
}

fn parse(
    name: &str,
    file: FunctionFile,
    host: &HostConfig,
    settings: &dyn Fn(&str) -> Option<String>,
) -> Result<Trigger, String> {
    if !function_name(name) {
        return Err("the name must match ^[a-z][a-z0-9_-]{0,127}$ and not be `host`".to_owned());
    }
    if name.eq_ignore_ascii_case(&host.route_prefix) {
        return Err("named as the route prefix, its job path would be reachable over HTTP".to_owned());
    }
    if file.retry.is_some() {
        return Err("retry policies are not supported here".to_owned());
    }
    let bindings: Vec<Binding> = file
        .bindings
        .into_iter()
        .map(|value| serde_json::from_value(value).map_err(|error| error.to_string()))
        .collect::<Result<_, _>>()?;
    if let Some(bad) = bindings.iter().find(|b| !binding_name(&b.name)) {
        return Err(format!("binding name `{}` must be letters and digits", bad.name));
    }
    let (inputs, outputs): (Vec<Binding>, Vec<Binding>) = bindings.into_iter().partition(|b| b.direction == "in");
    let [input] = <[Binding; 1]>::try_from(inputs).map_err(|_| "exactly one trigger is needed".to_owned())?;
    let http = input.kind == "httpTrigger";
    let outputs_ok = if http { outputs.len() == 1 && outputs[0].kind == "http" } else { outputs.is_empty() };
    if !outputs_ok {
        return Err("an HTTP function has exactly one `http` output, a job has none".to_owned());
    }
    match input.kind.as_str() {
        "httpTrigger" => http_trigger(name, &input, host),
        "timerTrigger" => timer_trigger(input, settings),
        "serviceBusTrigger" => queue_trigger(input, settings),
        other => Err(format!("binding type `{other}` is not supported")),
    }
}

fn http_trigger(name: &str, input: &Binding, host: &HostConfig) -> Result<Trigger, String> {
    let route = input.route.as_deref().unwrap_or(name);
    let methods = input.methods.iter().flatten().map(|method| method.to_ascii_uppercase().parse());
    Ok(Trigger::Http {
        route: Route::parse(&host.route_prefix, route).map_err(|error: RouteError| error.to_string())?,
        methods: methods.collect::<Result<_, _>>().map_err(|_| "a method is not valid".to_owned())?,
        auth: input.auth_level.unwrap_or(AuthLevel::Function),
    })
}

fn timer_trigger(input: Binding, settings: &dyn Fn(&str) -> Option<String>) -> Result<Trigger, String> {
    let text = resolve(&input.schedule.ok_or("`schedule` is missing")?, settings)?;
    Ok(Trigger::Timer {
        binding: input.name,
        schedule: Box::new(Schedule::parse(&text).map_err(|error: CronError| error.to_string())?),
        run_on_startup: input.run_on_startup.unwrap_or(false),
        use_monitor: input.use_monitor.unwrap_or(true),
    })
}

fn queue_trigger(input: Binding, settings: &dyn Fn(&str) -> Option<String>) -> Result<Trigger, String> {
    if input.connection.as_deref().is_none_or(str::is_empty) {
        return Err("`connection` names the setting of the Service Bus namespace".to_owned());
    }
    if input.is_sessions_enabled == Some(true) || input.cardinality.as_deref() == Some("many") {
        return Err("sessions and batches are not supported".to_owned());
    }
    if input.data_type.as_deref().is_some_and(|kind| kind != "string") {
        return Err("only `dataType` string is supported".to_owned());
    }
    let queue = resolve(&input.queue_name.ok_or("`queueName` is missing")?, settings)?;
    Ok(Trigger::Queue { binding: input.name, queue })
}

/// Function names: `^[a-z][a-z0-9_-]{0,127}$` in any case, not `host`.
fn function_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && name.len() <= 128
        && !name.eq_ignore_ascii_case("host")
}

fn binding_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric())
        && name.len() <= 128
}

/// Replaces every `%NAME%`; an unknown name is an error, as in the real host.
fn resolve(text: &str, settings: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::new();
    for (index, part) in text.split('%').enumerate() {
        if index % 2 == 0 {
            out.push_str(part);
        } else {
            out.push_str(&settings(part).ok_or_else(|| format!("setting `%{part}%` is not defined"))?);
        }
    }
    if text.matches('%').count().is_multiple_of(2) { Ok(out) } else { Err(format!("`{text}` has a lone %")) }
}

/// `hh:mm:ss`, or `-1` for no limit.
fn time_span(text: &str) -> Option<Duration> {
    if text == "-1" {
        return Some(Duration::MAX);
    }
    let parts: Vec<u64> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = parts[..] else {
        return None;
    };
    Some(Duration::from_secs(hours * 3600 + minutes * 60 + seconds))
}

#[cfg(test)]
#[path = "bindings_tests.rs"]
mod tests;
