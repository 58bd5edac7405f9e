//! Inviting people. `accept.rs` is what they do with the link.

mod accept;

use std::collections::HashMap;

use serde_json::json;
use uuid::Uuid;

use super::audit_trail::Act;
use super::error::{FieldError, ServiceError};
use super::mail::Order;
use super::team::checked_role;
use super::{Caller, Services, limits, throttle};
use crate::domain::email;
use crate::domain::ids::{JobId, TenantId};
use crate::domain::role::Role;
use crate::domain::throttle::{Key, Policy};
use crate::store::tenants::{self, Counted};
use crate::store::{StoreError, Tx, invitations, team};

pub use crate::store::invitations::{InvitationRow, Offer};
pub use accept::Acceptance;

/// Most people invited at once.
const MAX: usize = 20;
/// Mails with an invitation that one tenant can have sent, and that one address can get from all tenants.
const PER_TENANT: Policy = Policy::Window { most: 100, per: 3_600 };
const PER_ADDRESS: Policy = Policy::Window { most: 5, per: 3_600 };

/// Somebody to be invited, as asked.
#[derive(Debug)]
pub struct Wish {
    /// Address.
    pub email: String,
    /// Role.
    pub role: String,
}

/// What became of one invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// Address.
    pub email: String,
    /// Role asked for.
    pub role: Role,
    /// `invited`, `already_member` or `already_invited`.
    pub result: &'static str,
    /// The open invitation; none for members.
    pub id: Option<Uuid>,
}

/// The invitations as they can be written, or everything that is wrong with them.
fn checked(wishes: &[Wish]) -> Result<Vec<(String, Role)>, ServiceError> {
    if wishes.is_empty() || wishes.len() > MAX {
        return Err(ServiceError::field(
            "invitations",
            "bad_count",
            format!("Indique de 1 a {MAX} personas."),
            format!("Name 1 to {MAX} people."),
        ));
    }
    let mut problems = Vec::new();
    let mut good: Vec<(String, Role)> = Vec::new();
    for (at, wish) in wishes.iter().enumerate() {
        let field = |name: &str| format!("invitations[{at}].{name}");
        let email = email::normalised(&wish.email);
        match &email {
            None => problems.push(FieldError::new(
                field("email"),
                "bad_email",
                "No es una dirección de correo que podamos usar.",
                "This is not an e-mail address that we can use.",
            )),
            Some(email) if good.iter().any(|(other, _)| other == email) => problems.push(FieldError::new(
                field("email"),
                "repeated",
                "Esta dirección aparece dos veces.",
                "This address appears twice.",
            )),
            Some(_) => {}
        }
        match (email, checked_role(&field("role"), &wish.role)) {
            (Some(email), Ok(role)) => good.push((email, role)),
            (_, Err(ServiceError::Invalid(mut fields))) => problems.append(&mut fields),
            _ => {}
        }
    }
    if problems.is_empty() { Ok(good) } else { Err(ServiceError::Invalid(problems)) }
}

fn counted(tenant: TenantId, email: &str) -> [(Key, Policy); 2] {
    [
        (throttle::key("invitation/tenant", &[&tenant.to_string()]), PER_TENANT),
        (throttle::key("invitation/address", &[email]), PER_ADDRESS),
    ]
}

impl Services {
    /// The tenant's unsettled invitations, newest first.
    pub async fn invitations(&self, caller: &Caller) -> Result<Vec<InvitationRow>, ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        Ok(invitations::list(&mut tx, caller.tenant).await?)
    }

    /// Invites people: all of them or, when one cannot be, none. Whoever is invited or a member already is told so and
    /// gets no mail.
    pub async fn invite(&self, caller: &Caller, wishes: &[Wish]) -> Result<Vec<Invited>, ServiceError> {
        let tenant = caller.tenant;
        let wishes = checked(wishes)?;
        let keys: Vec<(Key, Policy)> = wishes.iter().flat_map(|(email, _)| counted(tenant, email)).collect();
        self.throttle(&keys).await?;
        let emails: Vec<String> = wishes.iter().map(|(email, _)| email.clone()).collect();
        let mut tx = self.database.tenant(tenant).await?;
        tenants::lock(&mut tx, tenant, Counted::Team).await?;
        let members = {
            let mut router = self.database.router_connection().await?;
            team::members_among(&mut router, tenant, &emails).await?
        };
        let open: HashMap<String, Uuid> =
            invitations::open_among(&mut tx, tenant, &emails).await?.into_iter().collect();
        let outcome = wishes.into_iter().map(|(email, role)| {
            let (result, id) = if members.contains(&email) {
                ("already_member", None)
            } else if let Some(id) = open.get(&email) {
                ("already_invited", Some(*id))
            } else {
                ("invited", Some(self.new_id()))
            };
            Invited { email, role, result, id }
        });
        let outcome: Vec<Invited> = outcome.collect();
        let new: Vec<&Invited> = outcome.iter().filter(|one| one.result == "invited").collect();
        limits::refuse_users(&mut tx, tenant, i64::try_from(new.len()).unwrap_or(i64::MAX)).await?;
        let mut jobs = Vec::new();
        for one in new {
            jobs.extend(self.write_invitation(&mut tx, caller, one).await?);
        }
        tx.commit().await.map_err(StoreError::from)?;
        for job in jobs {
            self.announce_mail(tenant, job).await;
        }
        Ok(outcome)
    }

    async fn write_invitation(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        one: &Invited,
    ) -> Result<Option<JobId>, ServiceError> {
        let Some(id) = one.id else { return Ok(None) };
        invitations::insert(tx, caller.tenant, id, (&one.email, one.role), Some(&caller.name)).await?;
        let job = self.order_mail(tx, caller.tenant, &Order::Invitation { invitation: id }).await?;
        let act = Act::new("team.invited", format!("invitation/{id}"))
            .detail(json!({ "email": one.email, "role": one.role }));
        self.audit(tx, caller, act).await?;
        Ok(Some(job))
    }

    /// Sends an invitation again, open for its whole time anew; the new mail's link takes the place of the old one.
    pub async fn resend_invitation(&self, caller: &Caller, id: Uuid) -> Result<InvitationRow, ServiceError> {
        let tenant = caller.tenant;
        let email = {
            let mut tx = self.database.tenant(tenant).await?;
            invitations::find_for_update(&mut tx, tenant, id).await?.ok_or(ServiceError::NotFound)?.email
        };
        self.throttle(&counted(tenant, &email)).await?;
        let mut tx = self.database.tenant(tenant).await?;
        tenants::lock(&mut tx, tenant, Counted::Team).await?;
        let present = invitations::find_for_update(&mut tx, tenant, id).await?.ok_or(ServiceError::NotFound)?;
        // One that has expired was not counted any more.
        limits::refuse_users(&mut tx, tenant, i64::from(present.is_expired)).await?;
        let renewed = invitations::renew(&mut tx, tenant, id).await?;
        let job = self.order_mail(&mut tx, tenant, &Order::Invitation { invitation: id }).await?;
        let act = Act::new("team.invitation_resent", format!("invitation/{id}")).detail(json!({ "email": email }));
        self.audit(&mut tx, caller, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.announce_mail(tenant, job).await;
        Ok(renewed)
    }

    /// Withdraws an invitation.
    pub async fn revoke_invitation(&self, caller: &Caller, id: Uuid) -> Result<(), ServiceError> {
        let mut tx = self.database.tenant(caller.tenant).await?;
        let present = invitations::find_for_update(&mut tx, caller.tenant, id).await?.ok_or(ServiceError::NotFound)?;
        invitations::revoke(&mut tx, caller.tenant, id).await?;
        let act = Act::new("team.invitation_revoked", format!("invitation/{id}"))
            .detail(json!({ "email": present.email, "role": present.role }));
        self.audit(&mut tx, caller, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}
