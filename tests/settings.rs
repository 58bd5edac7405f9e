//! The sample of local settings names exactly what the program reads.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use portal::config::Config;
use serde_json::Value;

/// Read by the Functions host, not by the handler.
const OF_THE_HOST: [&str; 3] =
    ["FUNCTIONS_WORKER_RUNTIME", "AzureWebJobsStorage", "ServiceBusConnection__fullyQualifiedNamespace"];
/// Set by the host for its handler, so nobody writes it down.
const SET_BY_THE_HOST: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";

fn sample() -> Value {
    serde_json::from_str(include_str!("../local.settings.sample.json")).unwrap()
}

#[test]
fn the_sample_names_every_setting_and_no_other() {
    let sample = sample();
    let named: BTreeSet<&str> = sample["Values"].as_object().unwrap().keys().map(String::as_str).collect();
    let read: BTreeSet<&str> =
        Config::KEYS.into_iter().filter(|key| *key != SET_BY_THE_HOST).chain(OF_THE_HOST).collect();
    assert_eq!(named, read);
}

#[test]
fn the_settings_that_the_program_asks_for_are_the_listed_ones() {
    let asked = std::cell::RefCell::new(BTreeSet::new());
    let config = Config::read(|key| {
        asked.borrow_mut().insert(key.to_owned());
        None
    });
    assert!(config.is_err());
    assert_eq!(asked.into_inner(), Config::KEYS.into_iter().map(str::to_owned).collect());
}

#[test]
fn the_sample_is_a_configuration_but_for_what_is_secret() {
    let sample = sample();
    let config = Config::read(|key| match key {
        SET_BY_THE_HOST => Some("5000".into()),
        _ => sample["Values"][key].as_str().map(str::to_owned),
    });
    assert_eq!(config.map(|config| config.public_origin.to_string()), Ok("http://127.0.0.1:7071/".into()));
    for (key, value) in sample["Values"].as_object().unwrap() {
        let secret = ["SECRET", "KEY_RING", "DATABASE_URL"].iter().any(|word| key.contains(word));
        assert!(!secret || value.as_str().unwrap().contains('<'), "{key} looks like a secret");
    }
}
