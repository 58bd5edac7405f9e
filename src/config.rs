//! Settings, read once at start from the environment (Functions app settings arrive as environment variables).

use std::fmt;
use std::path::PathBuf;

use url::Url;
use uuid::Uuid;

use crate::domain::secret::Secret;

/// Where the handler runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// On a developer's machine: loopback upstreams over http, a clock that can be moved.
    Local,
    /// On Azure.
    Production,
}

/// Everything the handler is told from outside.
#[derive(Debug, Clone)]
pub struct Config {
    /// Port on 127.0.0.1 that the Functions host chose.
    pub port: u16,
    /// Where the handler runs.
    pub profile: Profile,
    /// The one origin that browsers see, for example `https://portal.example`.
    pub public_origin: Url,
    /// Further origins that count as ours (another name of the same machine, local profile).
    pub extra_origins: Vec<String>,
    /// Front Door's id; requests to the API without it are refused. `None`: nothing is checked and no address trusted.
    pub front_door_id: Option<Uuid>,
    /// Connection as `portal_app`.
    pub database_url: Secret,
    /// Connection as `portal_router`.
    pub router_database_url: Secret,
    /// Connection as `portal_operator`.
    pub operator_database_url: Secret,
    /// Name in mails and authenticator apps.
    pub portal_name: String,
    /// Where mails are handed over.
    pub smtp: SmtpConfig,
    /// Sealing keys, `kid:base64[,kid:base64]`, the first one seals.
    pub key_ring: Secret,
    /// Base of the Service Bus REST interface, for example `https://ns.servicebus.windows.net`.
    pub service_bus_url: Url,
    /// Google's OAuth client and endpoints.
    pub google: GoogleConfig,
    /// Base of Stripe's API; only the sandbox changes it.
    pub stripe_url: Url,
    /// A file with the offset of the business clock in seconds; local profile only.
    pub clock_file: Option<PathBuf>,
}

/// Where mails are handed over.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    /// `smtp://host:587` (STARTTLS is demanded, but for a server on this machine in the local profile) or `smtps://host:465`.
    pub url: Url,
    /// User name, if the server asks for one.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Sender, for example `Portal <portal@example.com>`.
    pub from: String,
}

/// Google's OAuth client and endpoints; only the sandbox changes the addresses.
#[derive(Debug, Clone)]
pub struct GoogleConfig {
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: Secret,
    /// Authorization endpoint.
    pub auth_url: Url,
    /// Token endpoint.
    pub token_url: Url,
    /// Revocation endpoint.
    pub revoke_url: Url,
    /// Base of the Analytics Data API.
    pub data_url: Url,
    /// Base of the Analytics Admin API.
    pub admin_url: Url,
}

/// All that is wrong with the settings, one line each.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings are not usable:")?;
        for problem in &self.0 {
            write!(f, "\n  - {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl Config {
    /// Every setting the program reads; `local.settings.sample.json` names the same.
    pub const KEYS: [&'static str; 24] = [
        "FUNCTIONS_CUSTOMHANDLER_PORT",
        "PORTAL_PROFILE",
        "PORTAL_PUBLIC_ORIGIN",
        "PORTAL_EXTRA_ORIGINS",
        "PORTAL_FRONT_DOOR_ID",
        "PORTAL_DATABASE_URL",
        "PORTAL_ROUTER_DATABASE_URL",
        "PORTAL_OPERATOR_DATABASE_URL",
        "PORTAL_NAME",
        "PORTAL_SMTP_URL",
        "PORTAL_SMTP_USER",
        "PORTAL_SMTP_PASSWORD",
        "PORTAL_MAIL_FROM",
        "PORTAL_KEY_RING",
        "PORTAL_SERVICE_BUS_URL",
        "PORTAL_GOOGLE_CLIENT_ID",
        "PORTAL_GOOGLE_CLIENT_SECRET",
        "PORTAL_GOOGLE_AUTH_URL",
        "PORTAL_GOOGLE_TOKEN_URL",
        "PORTAL_GOOGLE_REVOKE_URL",
        "PORTAL_GOOGLE_DATA_URL",
        "PORTAL_GOOGLE_ADMIN_URL",
        "PORTAL_STRIPE_URL",
        "PORTAL_CLOCK_FILE",
    ];

    /// Reads all settings from the environment.
    pub fn from_env() -> Result<Self, ConfigErrors> {
        Self::from_env_with(&[])
    }

    /// Reads all settings from the environment; what is not there is as given.
    pub fn from_env_with(absent: &[(&str, &str)]) -> Result<Self, ConfigErrors> {
        Self::read(|key| {
            let given = || absent.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
            std::env::var(key).ok().or_else(given)
        })
    }

    /// Reads all settings through `lookup` and reports every problem together.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let mut reader = Reader { lookup: &lookup, problems: Vec::new() };
        let profile = match reader.optional("PORTAL_PROFILE").as_deref() {
            None | Some("production") => Profile::Production,
            Some("local") => Profile::Local,
            Some(other) => {
                reader.problems.push(format!("PORTAL_PROFILE is {other:?}; use local or production"));
                Profile::Production
            }
        };
        let config = Self {
            port: reader.parsed("FUNCTIONS_CUSTOMHANDLER_PORT", "a port number").unwrap_or_default(),
            profile,
            public_origin: reader.url("PORTAL_PUBLIC_ORIGIN", None),
            extra_origins: reader.list("PORTAL_EXTRA_ORIGINS"),
            front_door_id: reader.optional_uuid("PORTAL_FRONT_DOOR_ID"),
            database_url: reader.secret("PORTAL_DATABASE_URL"),
            router_database_url: reader.secret("PORTAL_ROUTER_DATABASE_URL"),
            operator_database_url: reader.secret("PORTAL_OPERATOR_DATABASE_URL"),
            portal_name: reader.optional("PORTAL_NAME").unwrap_or_else(|| "Portal de clientes".to_owned()),
            smtp: SmtpConfig {
                url: reader.url("PORTAL_SMTP_URL", None),
                user: reader.optional("PORTAL_SMTP_USER"),
                password: reader.optional("PORTAL_SMTP_PASSWORD").map(Secret::new),
                from: reader.required("PORTAL_MAIL_FROM"),
            },
            key_ring: reader.secret("PORTAL_KEY_RING"),
            service_bus_url: reader.url("PORTAL_SERVICE_BUS_URL", None),
            google: GoogleConfig {
                client_id: reader.required("PORTAL_GOOGLE_CLIENT_ID"),
                client_secret: reader.secret("PORTAL_GOOGLE_CLIENT_SECRET"),
                auth_url: reader.url("PORTAL_GOOGLE_AUTH_URL", Some("https://accounts.google.com/o/oauth2/v2/auth")),
                token_url: reader.url("PORTAL_GOOGLE_TOKEN_URL", Some("https://oauth2.googleapis.com/token")),
                revoke_url: reader.url("PORTAL_GOOGLE_REVOKE_URL", Some("https://oauth2.googleapis.com/revoke")),
                data_url: reader.url("PORTAL_GOOGLE_DATA_URL", Some("https://analyticsdata.googleapis.com")),
                admin_url: reader.url("PORTAL_GOOGLE_ADMIN_URL", Some("https://analyticsadmin.googleapis.com")),
            },
            stripe_url: reader.url("PORTAL_STRIPE_URL", Some("https://api.stripe.com")),
            clock_file: reader.optional("PORTAL_CLOCK_FILE").map(PathBuf::from),
        };
        reader.check_profile(&config);
        if reader.problems.is_empty() { Ok(config) } else { Err(ConfigErrors(reader.problems)) }
    }
}

struct Reader<'a, F: Fn(&str) -> Option<String>> {
    lookup: &'a F,
    problems: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<'_, F> {
    fn optional(&mut self, key: &str) -> Option<String> {
        let value = (self.lookup)(key).filter(|text| !text.is_empty())?;
        // An unresolved reference leaves its text in the variable: better no start than a secret that everyone knows.
        if value.starts_with("@Microsoft.KeyVault(") {
            self.problems
                .push(format!("{key} is an unresolved Key Vault reference; check the identity's access to the vault"));
            return None;
        }
        Some(value)
    }

    fn required(&mut self, key: &str) -> String {
        let before = self.problems.len();
        let value = self.optional(key);
        if value.is_none() && self.problems.len() == before {
            self.problems.push(format!("{key} is not set"));
        }
        value.unwrap_or_default()
    }

    fn secret(&mut self, key: &str) -> Secret {
        Secret::new(self.required(key))
    }

    fn parsed<T: std::str::FromStr>(&mut self, key: &str, what: &str) -> Option<T> {
        let text = self.required(key);
        let parsed = text.parse().ok();
        if parsed.is_none() && !text.is_empty() {
            self.problems.push(format!("{key} is not {what}"));
        }
        parsed
    }

    fn optional_uuid(&mut self, key: &str) -> Option<Uuid> {
        let text = self.optional(key)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.problems.push(format!("{key} is not a UUID"));
        }
        parsed
    }

    fn url(&mut self, key: &str, default: Option<&str>) -> Url {
        let text = match default {
            Some(default) => self.optional(key).unwrap_or_else(|| default.to_owned()),
            None => self.required(key),
        };
        Url::parse(&text).unwrap_or_else(|error| {
            if !text.is_empty() {
                self.problems.push(format!("{key} is not a URL: {error}"));
            }
            placeholder()
        })
    }

    fn list(&mut self, key: &str) -> Vec<String> {
        self.optional(key).map(|text| text.split(',').map(|part| part.trim().to_owned()).collect()).unwrap_or_default()
    }

    /// What only a developer's machine may do.
    fn check_profile(&mut self, config: &Config) {
        if config.profile == Profile::Local {
            return;
        }
        if config.clock_file.is_some() {
            self.problems.push("PORTAL_CLOCK_FILE is for the local profile only".into());
        }
        if config.front_door_id.is_none() {
            self.problems.push("PORTAL_FRONT_DOOR_ID must be set outside the local profile".into());
        }
        let google = &config.google;
        let urls = [
            ("PORTAL_PUBLIC_ORIGIN", &config.public_origin),
            ("PORTAL_SERVICE_BUS_URL", &config.service_bus_url),
            ("PORTAL_GOOGLE_AUTH_URL", &google.auth_url),
            ("PORTAL_GOOGLE_TOKEN_URL", &google.token_url),
            ("PORTAL_GOOGLE_REVOKE_URL", &google.revoke_url),
            ("PORTAL_GOOGLE_DATA_URL", &google.data_url),
            ("PORTAL_GOOGLE_ADMIN_URL", &google.admin_url),
            ("PORTAL_STRIPE_URL", &config.stripe_url),
        ];
        for (key, url) in urls {
            if url.scheme() != "https" && *url != placeholder() {
                self.problems.push(format!("{key} must be https outside the local profile"));
            }
        }
    }
}

/// Stands for a URL that was refused; never used, because a problem was recorded.
#[expect(clippy::expect_used, reason = "a constant, at start-up")]
fn placeholder() -> Url {
    Url::parse("https://refused.invalid").expect("a constant URL")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn good() -> HashMap<&'static str, &'static str> {
        HashMap::from([
            ("FUNCTIONS_CUSTOMHANDLER_PORT", "5000"),
            ("PORTAL_PROFILE", "local"),
            ("PORTAL_PUBLIC_ORIGIN", "http://127.0.0.1:7071"),
            ("PORTAL_DATABASE_URL", "postgres://a"),
            ("PORTAL_ROUTER_DATABASE_URL", "postgres://b"),
            ("PORTAL_OPERATOR_DATABASE_URL", "postgres://c"),
            ("PORTAL_SMTP_URL", "smtp://127.0.0.1:25"),
            ("PORTAL_MAIL_FROM", "portal@portal.example"),
            ("PORTAL_KEY_RING", "k1:AAAA"),
            ("PORTAL_SERVICE_BUS_URL", "http://127.0.0.1:1"),
            ("PORTAL_GOOGLE_CLIENT_ID", "id"),
            ("PORTAL_GOOGLE_CLIENT_SECRET", "secret"),
        ])
    }

    fn read(settings: &HashMap<&str, &str>) -> Result<Config, ConfigErrors> {
        Config::read(|key| settings.get(key).map(|value| (*value).to_owned()))
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let settings = HashMap::from([("FUNCTIONS_CUSTOMHANDLER_PORT", "many"), ("PORTAL_PUBLIC_ORIGIN", "not a url")]);
        let problems = read(&settings).unwrap_err().0.join("\n");
        for key in ["FUNCTIONS_CUSTOMHANDLER_PORT", "PORTAL_PUBLIC_ORIGIN", "PORTAL_DATABASE_URL", "PORTAL_KEY_RING"] {
            assert!(problems.contains(key), "{key} is missing in {problems}");
        }
    }

    #[test]
    fn production_admits_neither_a_movable_clock_nor_plain_http_nor_an_open_door() {
        let mut settings = good();
        settings.insert("PORTAL_PROFILE", "production");
        settings.insert("PORTAL_CLOCK_FILE", "clock");
        let problems = read(&settings).unwrap_err().0.join("\n");
        for key in ["PORTAL_CLOCK_FILE", "PORTAL_FRONT_DOOR_ID", "PORTAL_PUBLIC_ORIGIN", "PORTAL_SERVICE_BUS_URL"] {
            assert!(problems.contains(key), "{key} is missing in {problems}");
        }
    }

    #[test]
    fn an_unresolved_key_vault_reference_is_refused() {
        let mut settings = good();
        settings.insert("PORTAL_KEY_RING", "@Microsoft.KeyVault(SecretUri=https://v.example/secrets/ring/)");
        let problems = read(&settings).unwrap_err().0;
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("Key Vault"));
    }

    #[test]
    fn the_settings_of_the_local_profile_are_enough() {
        let config = read(&good()).unwrap();
        assert_eq!(config.google.token_url.as_str(), "https://oauth2.googleapis.com/token");
        assert!(!format!("{config:?}").contains("secret\""));
    }
}
