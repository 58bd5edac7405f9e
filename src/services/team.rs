//! Members of a tenant: who they are, what they may do, and leaving.

use serde_json::json;
use uuid::Uuid;

use super::audit_trail::{Act, Trail};
use super::error::ServiceError;
use super::paging::{page, with_one_more};
use super::{Caller, Services};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::role::Role;
use crate::store::tenants::{self, Counted};
use crate::store::{StoreError, Tx, team};

pub use crate::store::team::MemberRow;

/// A member's role by its name, or what is wrong with `field`.
pub(crate) fn checked_role(field: &str, role: &str) -> Result<Role, ServiceError> {
    Role::parse_member(role).ok_or_else(|| {
        ServiceError::field(field, "bad_value", "Debe ser admin o viewer.", "It must be admin or viewer.")
    })
}

impl Services {
    /// A page of the tenant's members, and where the next one begins.
    pub async fn team(
        &self,
        caller: &Caller,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<(Vec<MemberRow>, Option<Uuid>), ServiceError> {
        let mut router = self.database.router_connection().await?;
        let rows = team::list(&mut router, caller.tenant, after, with_one_more(limit)).await?;
        Ok(page(rows, limit, |row| row.user_id))
    }

    async fn member(&self, tenant: TenantId, user: UserId) -> Result<MemberRow, ServiceError> {
        let mut router = self.database.router_connection().await?;
        team::find(&mut router, tenant, user).await?.ok_or(ServiceError::NotFound)
    }

    /// Gives a member another role, from their next request on.
    pub async fn change_role(&self, caller: &Caller, user: UserId, role: &str) -> Result<MemberRow, ServiceError> {
        let email = self.member(caller.tenant, user).await?.email;
        let role = checked_role("role", role)?;
        let (mut tx, present) = self.lock_member(caller, user, role != Role::Admin).await?;
        if present != role {
            team::set_role(&mut tx, caller.tenant, user, role).await?;
            let act = Act::new("team.role_changed", format!("user/{user}"))
                .change(json!({ "role": present }), json!({ "role": role }))
                .detail(json!({ "email": email }));
            self.audit(&mut tx, caller, act).await?;
            tx.commit().await.map_err(StoreError::from)?;
        }
        self.member(caller.tenant, user).await
    }

    /// Takes a member out of the tenant, oneself too; they reach nothing of it from their next request on.
    pub async fn remove_member(&self, caller: &Caller, user: UserId) -> Result<(), ServiceError> {
        let email = self.member(caller.tenant, user).await?.email;
        let (mut tx, role) = self.lock_member(caller, user, true).await?;
        team::remove(&mut tx, caller.tenant, user).await?;
        let act = Act::new("team.removed", format!("user/{user}"))
            .change(json!({ "role": role }), json!({ "role": null }))
            .detail(json!({ "email": email }));
        self.audit(&mut tx, caller, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// Ends a member's sessions in this tenant.
    pub async fn end_member_sessions(&self, caller: &Caller, user: UserId) -> Result<(), ServiceError> {
        let email = self.member(caller.tenant, user).await?.email;
        let mut tx = self.database.router().await?;
        let ended = team::end_sessions(&mut tx, caller.tenant, user).await?;
        let act = Act::new("team.sessions_ended", format!("user/{user}"))
            .detail(json!({ "email": email, "sessions": ended }));
        self.record(&mut tx, Trail::Tenant(caller.tenant), &caller.actor(), &caller.request, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// A transaction in which nobody else changes the team, with the member's present role; refused when the change
    /// would leave nobody to manage the tenant.
    async fn lock_member(
        &self,
        caller: &Caller,
        user: UserId,
        ceases_to_manage: bool,
    ) -> Result<(Tx, Role), ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        tenants::lock(&mut tx, caller.tenant, Counted::Team).await?;
        let role = team::role_for_update(&mut tx, caller.tenant, user).await?.ok_or(ServiceError::NotFound)?;
        // Only the router sees who may sign in. What it reads is what others have committed, and they hold no lock now.
        let admins = {
            let mut router = self.database.router_connection().await?;
            team::active_admins(&mut router, caller.tenant).await?
        };
        if ceases_to_manage && admins.iter().all(|admin| *admin == user) {
            return Err(last_admin());
        }
        if !admins.contains(&caller.user) {
            // Another admin has taken it from them while this request was on its way.
            return Err(ServiceError::Forbidden);
        }
        Ok((tx, role))
    }
}

fn last_admin() -> ServiceError {
    ServiceError::conflict(
        "last_admin",
        "Es la única persona que administra esta organización; nombre antes a otra.",
        "This is the only person who manages this organisation; appoint another one first.",
    )
}
