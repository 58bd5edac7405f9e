//! What a person does with the link of an invitation: looking at it, and joining.

use std::sync::Arc;

use serde_json::json;

use crate::domain::audit::ActorKind;
use crate::domain::ids::UserId;
use crate::domain::lang::Text;
use crate::domain::secret::Secret;
use crate::domain::throttle::Policy;
use crate::services::audit_trail::{Act, Actor, Trail};
use crate::services::auth::password;
use crate::services::auth::token_hash;
use crate::services::error::ServiceError;
use crate::services::{RequestInfo, Services, names, throttle};
use crate::store::invitations::{self, Newcomer, Offer};
use crate::store::tenants::{self, Counted};
use crate::store::tokens::{self, Purpose};
use crate::store::{StoreError, Tx, people, team};

/// Links that one place can try.
const PER_PLACE: Policy = Policy::Window { most: 60, per: 3_600 };

/// What a person sends who joins.
#[derive(Debug)]
pub struct Acceptance {
    /// The token of the link.
    pub token: Secret,
    /// Their name; needed by those without an account.
    pub name: Option<String>,
    /// The password they choose; needed by those without an account.
    pub password: Option<Secret>,
}

/// The account of somebody who had none.
struct NewAccount {
    name: String,
    password_hash: String,
}

fn bad_token() -> ServiceError {
    ServiceError::BadRequest {
        code: "bad_token",
        text: Text::new(
            "Esta invitación ya no vale: se usó, caducó o fue retirada. Pida otra a quien le invitó.",
            "This invitation is no longer valid: it was used, has expired or was withdrawn. Ask for another one.",
        ),
    }
}

fn required(field: &str) -> ServiceError {
    ServiceError::field(field, "required", "Hace falta este dato.", "This is needed.")
}

impl Services {
    /// What a link leads to; uses nothing up.
    pub async fn look_at_invitation(&self, token: &Secret, request: &RequestInfo) -> Result<Offer, ServiceError> {
        let place = throttle::key("invitation/place", &[&throttle::place(request.ip.as_deref())]);
        self.throttle(&[(place, PER_PLACE)]).await?;
        let mut router = self.database.router_connection().await?;
        let offer = invitations::offer(&mut router, &token_hash(token)).await?;
        // Whose account is barred learns here, with the link in hand, no more than anybody with a dead link.
        offer.filter(|offer| !offer.is_barred).ok_or_else(bad_token)
    }

    /// Joins the tenant: of two uses of one invitation, also at the same moment, exactly one does. Gives what was joined.
    pub async fn accept_invitation(
        &self,
        acceptance: Acceptance,
        request: &RequestInfo,
    ) -> Result<Offer, ServiceError> {
        let hash = token_hash(&acceptance.token);
        let offer = self.look_at_invitation(&acceptance.token, request).await?;
        // The slow hash comes before the transaction, and only where it is needed.
        let account = match offer.user_id {
            Some(_) => None,
            None => Some(self.new_account(&offer, &acceptance).await?),
        };
        let tenant = offer.tenant();
        let mut tx = self.database.router().await?;
        tenants::lock(&mut tx, tenant, Counted::Team).await?;
        // Again, now that nobody else can take it.
        let offer = invitations::offer(&mut tx, &hash).await?.filter(|offer| !offer.is_barred).ok_or_else(bad_token)?;
        tokens::take_mailed(&mut tx, &hash, Purpose::Invitation).await?.ok_or_else(bad_token)?;
        let user = self.joining(&mut tx, &offer, account, request).await?;
        if !invitations::settle(&mut tx, tenant, offer.id).await? {
            return Err(bad_token());
        }
        let role = offer.role()?;
        if team::add(&mut tx, tenant, user, role, self.now()).await? {
            // Of a membership that they had before: its sessions do not come back to life.
            team::end_sessions(&mut tx, tenant, user).await?;
        }
        let actor = Actor::person(user, offer.email.clone(), ActorKind::Member);
        let act = Act::new("team.joined", format!("user/{user}"))
            .detail(json!({ "invitation": offer.id, "email": offer.email, "role": role }));
        self.record(&mut tx, Trail::Tenant(tenant), &actor, request, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(offer)
    }

    async fn new_account(&self, offer: &Offer, acceptance: &Acceptance) -> Result<NewAccount, ServiceError> {
        let name = acceptance.name.as_deref().filter(|name| !name.trim().is_empty());
        let name = names::required(name.ok_or_else(|| required("name"))?)?.to_owned();
        let chosen = acceptance.password.as_ref().ok_or_else(|| required("password"))?;
        let context = [name.as_str(), &offer.tenant_name, &offer.email, &self.identity.name];
        let chosen = password::checked("password", chosen, false, &context)?;
        let password_hash = self.passwords.hash(chosen, Arc::clone(&self.random)).await?;
        Ok(NewAccount { name, password_hash })
    }

    /// The account that joins: the one of the address, or a new one.
    async fn joining(
        &self,
        tx: &mut Tx,
        offer: &Offer,
        account: Option<NewAccount>,
        request: &RequestInfo,
    ) -> Result<UserId, ServiceError> {
        if let Some(user) = offer.user_id {
            return Ok(UserId(user));
        }
        // The account was there when the link was looked at and is gone now.
        let account = account.ok_or_else(bad_token)?;
        let id = UserId(self.new_id());
        let person = Newcomer {
            id,
            email: &offer.email,
            name: &account.name,
            locale: request.lang.as_str(),
            password_hash: &account.password_hash,
        };
        if invitations::add_person(tx, &person, self.now()).await? {
            return Ok(id);
        }
        // Another tenant's invitation of the same person was accepted in this very moment.
        let user = people::credentials(tx, &offer.email).await?.filter(|user| user.is_active && !user.is_operator);
        Ok(UserId(user.ok_or_else(bad_token)?.id))
    }
}
