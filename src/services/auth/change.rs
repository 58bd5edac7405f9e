//! Changing a password: by who knows it, or by who reads the mail.

use std::sync::Arc;

use super::confirm::Person;
use super::login::named;
use super::{password, token_hash};
use crate::domain::email;
use crate::domain::ids::{JobId, TenantId, UserId};
use crate::domain::lang::Text;
use crate::domain::secret::Secret;
use crate::domain::throttle::Verdict;
use crate::services::audit_trail::{Act, Trail};
use crate::services::error::ServiceError;
use crate::services::mail::{Notice, Order};
use crate::services::throttle::{ACCOUNT, ACCOUNT_AT_PLACE, FORGOT_ADDRESS, FORGOT_PLACE, LINK_PLACE, key, place};
use crate::services::{RequestInfo, Services};
use crate::store::people::{self, Credentials};
use crate::store::tokens::{self, Purpose, Subject};
use crate::store::{StoreError, Tx, sessions};

fn bad_token() -> ServiceError {
    ServiceError::BadRequest {
        code: "bad_token",
        text: Text::new(
            "Este enlace ya no vale: se usó, caducó o hay otro más nuevo. Pida uno nuevo.",
            "This link is no longer valid: it was used, has expired or there is a newer one. Ask for a new one.",
        ),
    }
}

impl Services {
    /// Changes the password of somebody who is signed in and knows it; all their other sessions end.
    pub async fn change_password(
        &self,
        person: &Person,
        current: &Secret,
        new: &Secret,
    ) -> Result<Secret, ServiceError> {
        let user = self.prove_password(person, current, "current").await?;
        let hash = self.new_hash("new", new, &user).await?;
        let mut tx = self.database.router().await?;
        let job = self.replace_password(&mut tx, &user, &hash, Notice::PasswordChanged).await?;
        sessions::delete_all(&mut tx, person.id(), Some(person.session.id)).await?;
        let fresh = self.rotate(&mut tx, &person.token).await?;
        sessions::confirm(&mut tx, &token_hash(&fresh), false).await?;
        self.note(&mut tx, person, Act::new("password.changed", format!("user/{}", person.id()))).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.announce_mail(TenantId::PLATFORM, job).await;
        Ok(fresh)
    }

    /// Orders a link for an address. Whether anybody has it is found out when the mail is written: here, all are the same.
    pub async fn forgot_password(&self, address: &str, request: &RequestInfo) -> Result<(), ServiceError> {
        let place = place(request.ip.as_deref());
        self.throttle(&[(key("forgot/place", &[&place]), FORGOT_PLACE)]).await?;
        let Some(address) = email::normalised(address) else { return Ok(()) };
        if let Verdict::Wait(_) = self.counters.hit(&key("forgot/address", &[&address]), FORGOT_ADDRESS).await? {
            return Ok(());
        }
        let mut tx = self.database.router().await?;
        let job = self.order_mail(&mut tx, TenantId::PLATFORM, &Order::PasswordReset { email: address }).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.announce_mail(TenantId::PLATFORM, job).await;
        Ok(())
    }

    /// Replaces the password of whoever the link was mailed to. Signs nobody in; gives the cookie of a known device.
    pub async fn reset_password(
        &self,
        token: &Secret,
        new: &Secret,
        request: &RequestInfo,
    ) -> Result<Secret, ServiceError> {
        let place = place(request.ip.as_deref());
        self.throttle(&[(key("reset/place", &[&place]), LINK_PLACE)]).await?;
        let hash = token_hash(token);
        let user = {
            let mut router = self.database.router_connection().await?;
            let subject = tokens::find_mailed(&mut router, &hash, Purpose::PasswordReset).await?;
            let Some(Subject::Person(user)) = subject else { return Err(bad_token()) };
            people::credentials_of(&mut router, user).await?.filter(Credentials::may_sign_in).ok_or_else(bad_token)?
        };
        let id = UserId(user.id);
        let new_hash = self.new_hash("password", new, &user).await?;
        let mut tx = self.database.router().await?;
        // Of several uses at once exactly one gets past this.
        if tokens::take_mailed(&mut tx, &hash, Purpose::PasswordReset).await? != Some(Subject::Person(id)) {
            return Err(bad_token());
        }
        let job = self.replace_password(&mut tx, &user, &new_hash, Notice::PasswordReset).await?;
        sessions::delete_all(&mut tx, id, None).await?;
        self.note_everywhere(&mut tx, &user, request, "password.reset").await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.forgive(&[(key("login/account/place", &[&user.email, &place]), ACCOUNT_AT_PLACE)]).await?;
        self.forgive(&[(key("login/account", &[&user.email]), ACCOUNT)]).await?;
        self.announce_mail(TenantId::PLATFORM, job).await;
        self.new_device(id)
    }

    /// Checks and hashes a new password; before any transaction, because it is slow.
    async fn new_hash(&self, field: &str, new: &Secret, user: &Credentials) -> Result<String, ServiceError> {
        let tenants = self.memberships(UserId(user.id)).await?;
        let mut context = vec![user.name.as_str(), user.email.as_str(), self.identity.name.as_str()];
        context.extend(tenants.iter().map(|tenant| tenant.name.as_str()));
        let new = password::checked(field, new, user.has_mfa, &context)?;
        Ok(self.passwords.hash(new, Arc::clone(&self.random)).await?)
    }

    /// Stores the new hash; links and half logins that were made before are void. Gives the job of the notice.
    async fn replace_password(
        &self,
        tx: &mut Tx,
        user: &Credentials,
        hash: &str,
        notice: Notice,
    ) -> Result<JobId, ServiceError> {
        let id = UserId(user.id);
        if !people::set_password(tx, id, (&user.password_hash, hash)).await? {
            return Err(ServiceError::Stale);
        }
        tokens::delete_of(tx, id, Purpose::PasswordReset).await?;
        tokens::delete_of(tx, id, Purpose::Mfa).await?;
        self.order_mail(tx, TenantId::PLATFORM, &Order::Notice { user: id, notice }).await
    }

    /// Records an act upon a person's account in every tenant of theirs, or in the platform's trail.
    async fn note_everywhere(
        &self,
        tx: &mut Tx,
        user: &Credentials,
        request: &RequestInfo,
        action: &'static str,
    ) -> Result<(), ServiceError> {
        let (trail, actor) = named(Some(user));
        let mut tenants: Vec<TenantId> =
            people::memberships(tx, UserId(user.id)).await?.into_iter().map(|membership| membership.tenant).collect();
        // In one order, so that two such acts never wait for each other.
        tenants.sort_unstable();
        let mut trails: Vec<Trail> = tenants.into_iter().map(Trail::Tenant).collect();
        if trails.is_empty() {
            trails.push(trail);
        }
        for trail in trails {
            self.record(tx, trail, &actor, request, Act::new(action, format!("user/{}", user.id))).await?;
        }
        Ok(())
    }
}
