//! What is done once, before the handler serves: the schema, and on a developer's machine the demo people.

use std::sync::Arc;

use crate::domain::role::Role;
use crate::domain::secret::Secret;
use crate::domain::tenant::TenantSettings;
use crate::platform::clock::SystemClock;
use crate::platform::passwords::{PasswordError, Passwords};
use crate::platform::random::SystemRandom;
use crate::services::provisioning::{Person, Provisioning, ProvisioningError};
use crate::store::{self, MigrateError, OperatorDatabase, StoreError};

/// The password of the demo people; they exist in the local profile only.
pub const DEMO_PASSWORD: &str = "mar-azul-faro-2026";

/// Set-up failed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The schema.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Hashing.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Tenants and people.
    #[error(transparent)]
    Provisioning(#[from] ProvisioningError),
}

/// Brings the database to the newest schema, as `portal_owner`.
pub async fn migrate(owner_url: &str) -> Result<(), SetupError> {
    Ok(store::migrate(&Secret::new(owner_url)).await?)
}

/// Makes the demo tenants and people, as `portal_operator`. Changes nothing that exists.
pub async fn seed_demo_people(operator_url: &str) -> Result<(), SetupError> {
    let random = Arc::new(SystemRandom);
    let provisioning = Provisioning {
        database: OperatorDatabase::new(&Secret::new(operator_url))?,
        passwords: Passwords::new(2, random.as_ref())?,
        clock: Arc::new(SystemClock::default()),
        random,
    };
    for tenant in ["Acme", "Globex"] {
        provisioning.ensure_tenant(tenant, &TenantSettings::default()).await?;
    }
    let people = [
        ("admin@acme.example", "Ana Acero", Some(("Acme", Role::Admin))),
        ("viewer@acme.example", "Víctor Acero", Some(("Acme", Role::Viewer))),
        ("admin@globex.example", "Gloria Globo", Some(("Globex", Role::Admin))),
        ("operator@portal.example", "Olga Operadora", None),
    ];
    for (email, name, membership) in people {
        let password = Secret::new(DEMO_PASSWORD);
        provisioning.ensure_person(Person { email, name, password, membership }).await?;
    }
    Ok(())
}
