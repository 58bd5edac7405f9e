//! Making tenants and people. Works as `portal_operator`; today for the demo data, later for the operator console.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::domain::clock::Clock;
use crate::domain::ids::new_id;
use crate::domain::random::Random;
use crate::domain::role::Role;
use crate::domain::secret::Secret;
use crate::domain::tenant::TenantSettings;
use crate::platform::passwords::{PasswordError, Passwords};
use crate::store::provisioning::{self, NewUser};
use crate::store::{OperatorDatabase, StoreError};

/// What provisioning needs.
pub struct Provisioning {
    /// The database as `portal_operator`.
    pub database: OperatorDatabase,
    /// Password hashing.
    pub passwords: Passwords,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// A person to be made.
#[derive(Debug)]
pub struct Person<'a> {
    /// Address.
    pub email: &'a str,
    /// Name.
    pub name: &'a str,
    /// First password.
    pub password: Secret,
    /// Tenant name and role; `None` makes an operator.
    pub membership: Option<(&'a str, Role)>,
}

/// Provisioning failed; nothing of the failed step was kept.
#[derive(Debug, thiserror::Error)]
pub enum ProvisioningError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Hashing.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A person names a tenant that does not exist.
    #[error("there is no tenant {0:?}")]
    NoSuchTenant(String),
}

impl Provisioning {
    /// Makes a tenant unless one has this name.
    pub async fn ensure_tenant(&self, name: &str, settings: &TenantSettings) -> Result<(), ProvisioningError> {
        let mut tx = self.database.begin().await?;
        if provisioning::tenant_by_name(&mut tx, name).await?.is_none() {
            let id = new_id(self.clock.as_ref(), self.random.as_ref());
            provisioning::insert_tenant(&mut tx, id, name, settings, self.now()).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// Makes a person unless one has this address.
    pub async fn ensure_person(&self, person: Person<'_>) -> Result<(), ProvisioningError> {
        let email = person.email.trim().to_lowercase();
        let mut tx = self.database.begin().await?;
        if provisioning::user_by_email(&mut tx, &email).await?.is_some() {
            return Ok(());
        }
        // The transaction is closed before the slow hash.
        drop(tx);
        let password_hash = self.passwords.hash(person.password, Arc::clone(&self.random)).await?;
        let mut tx = self.database.begin().await?;
        let user = NewUser {
            id: new_id(self.clock.as_ref(), self.random.as_ref()),
            email: &email,
            name: person.name,
            password_hash: &password_hash,
            is_operator: person.membership.is_none(),
        };
        provisioning::insert_user(&mut tx, &user, self.now()).await?;
        if let Some((tenant, role)) = person.membership {
            let tenant = provisioning::tenant_by_name(&mut tx, tenant)
                .await?
                .ok_or_else(|| ProvisioningError::NoSuchTenant(tenant.to_owned()))?;
            provisioning::insert_membership(&mut tx, tenant, user.id, role, self.now()).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }
}
