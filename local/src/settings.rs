//! What the supervisor makes, keeps and passes on: secrets of this machine, the handler's settings, `ready.json`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::clock::{random_bytes, random_uuid};

/// The OAuth client id under which the sandbox knows the portal. Not a secret.
pub const GOOGLE_CLIENT_ID: &str = "portal-local.apps.example";
/// Password of every demo account, in the local profile only.
pub const DEMO_PASSWORD: &str = portal::setup::DEMO_PASSWORD;

/// Writes a file so that readers see the old or the new content, nothing between. Only the owner may read it.
pub fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(content)?;
    fs::rename(&draft, path)
}

/// Secrets of this data directory, made once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// Front Door's id, by which the handler knows the edge.
    pub front_door_id: String,
    /// The OAuth client secret that the sandbox accepts.
    pub google_client_secret: String,
    /// The Functions host's key.
    pub host_key: String,
}

impl Secrets {
    /// Reads `<data>/secrets.json`, or makes it.
    pub fn load(data: &Path) -> io::Result<Self> {
        let file = data.join("secrets.json");
        match fs::read(&file) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let secrets = Self {
                    front_door_id: random_uuid().to_string(),
                    google_client_secret: URL_SAFE_NO_PAD.encode(random_bytes::<24>()?),
                    host_key: URL_SAFE_NO_PAD.encode(random_bytes::<32>()?),
                };
                write_atomically(&file, &serde_json::to_vec_pretty(&secrets)?)?;
                Ok(secrets)
            }
            Err(error) => Err(error),
        }
    }
}

/// Reads `<data>/key_ring` (`kid:base64`, the first is active), or makes one key.
pub fn key_ring(data: &Path) -> io::Result<String> {
    let file = data.join("key_ring");
    match fs::read_to_string(&file) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let ring = format!("k1:{}", STANDARD.encode(random_bytes::<32>()?));
            write_atomically(&file, ring.as_bytes())?;
            Ok(ring)
        }
        Err(error) => Err(error),
    }
}

/// What the handler's settings are made from.
#[derive(Debug, Clone)]
pub struct Parts<'a> {
    pub public_url: &'a str,
    pub port: u16,
    pub secrets: &'a Secrets,
    pub key_ring: &'a str,
    pub app_url: String,
    pub router_url: String,
    pub operator_url: String,
    pub service_bus_url: String,
    pub smtp_url: String,
    pub sandbox_url: &'a str,
    pub clock_file: &'a Path,
}

impl Parts<'_> {
    /// The application settings, in the names that production uses too.
    pub fn settings(&self) -> Vec<(String, String)> {
        let sandbox = self.sandbox_url;
        let pairs = [
            ("PORTAL_PROFILE", "local".to_owned()),
            ("PORTAL_PUBLIC_ORIGIN", self.public_url.to_owned()),
            ("PORTAL_EXTRA_ORIGINS", format!("http://localhost:{}", self.port)),
            ("PORTAL_FRONT_DOOR_ID", self.secrets.front_door_id.clone()),
            ("PORTAL_DATABASE_URL", self.app_url.clone()),
            ("PORTAL_ROUTER_DATABASE_URL", self.router_url.clone()),
            ("PORTAL_OPERATOR_DATABASE_URL", self.operator_url.clone()),
            ("PORTAL_NAME", "Portal de clientes".to_owned()),
            ("PORTAL_SMTP_URL", self.smtp_url.clone()),
            ("PORTAL_MAIL_FROM", "Portal de clientes <portal@portal.example>".to_owned()),
            ("PORTAL_KEY_RING", self.key_ring.to_owned()),
            ("PORTAL_SERVICE_BUS_URL", self.service_bus_url.clone()),
            ("PORTAL_GOOGLE_CLIENT_ID", GOOGLE_CLIENT_ID.to_owned()),
            ("PORTAL_GOOGLE_CLIENT_SECRET", self.secrets.google_client_secret.clone()),
            ("PORTAL_GOOGLE_AUTH_URL", format!("{sandbox}/o/oauth2/v2/auth")),
            ("PORTAL_GOOGLE_TOKEN_URL", format!("{sandbox}/token")),
            ("PORTAL_GOOGLE_REVOKE_URL", format!("{sandbox}/revoke")),
            ("PORTAL_GOOGLE_DATA_URL", sandbox.to_owned()),
            ("PORTAL_GOOGLE_ADMIN_URL", sandbox.to_owned()),
            ("PORTAL_STRIPE_URL", format!("{sandbox}/stripe")),
            ("PORTAL_CLOCK_FILE", self.clock_file.display().to_string()),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }
}

/// A demo login.
#[derive(Debug, Clone, Serialize)]
pub struct Account {
    pub email: &'static str,
    pub password: &'static str,
    pub role: &'static str,
    pub tenant: Option<&'static str>,
}

/// The demo people that `seed_demo_people` makes.
pub const ACCOUNTS: [Account; 4] = [
    Account { email: "admin@acme.example", password: DEMO_PASSWORD, role: "admin", tenant: Some("acme") },
    Account { email: "viewer@acme.example", password: DEMO_PASSWORD, role: "viewer", tenant: Some("acme") },
    Account { email: "admin@globex.example", password: DEMO_PASSWORD, role: "admin", tenant: Some("globex") },
    Account { email: "operator@portal.example", password: DEMO_PASSWORD, role: "operator", tenant: None },
];

/// `ready.json`: where everything is, for scripts and tests.
#[derive(Debug, Clone, Serialize)]
pub struct Ready {
    pub url: String,
    pub handler_pid: Option<u32>,
    /// As `portal_app`.
    pub database_url: String,
    /// As superuser.
    pub admin_database_url: String,
    pub sandbox_url: String,
    pub mailbox_url: String,
    pub host_url: String,
    pub service_bus_url: String,
    pub accounts: [Account; 4],
}

#[cfg(test)]
pub mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A folder that goes away with its owner.
    pub struct TempDir(PathBuf);

    impl TempDir {
        pub fn new() -> Self {
            let path = std::env::temp_dir().join(format!("portal-local-{}", random_uuid().simple()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        pub fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for TempDir {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    #[test]
    fn secrets_are_made_once_and_only_the_owner_reads_them() {
        use std::os::unix::fs::PermissionsExt;
        let dir = TempDir::new();
        let first = Secrets::load(dir.path()).unwrap();
        assert_eq!(Secrets::load(dir.path()).unwrap(), first);
        let ring = key_ring(dir.path()).unwrap();
        assert_eq!(key_ring(dir.path()).unwrap(), ring);
        assert_eq!(STANDARD.decode(ring.strip_prefix("k1:").unwrap()).unwrap().len(), 32);
        for name in ["secrets.json", "key_ring"] {
            let mode = fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
}
