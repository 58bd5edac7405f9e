//! People across tenants: finding them, letting them in or not, and making operators.

use std::sync::Arc;

use serde_json::json;
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

use crate::domain::email;
use crate::domain::ids::{JobId, TenantId, UserId};
use crate::domain::random;
use crate::domain::secret::Secret;
use crate::services::audit_trail::{Act, Actor, Trail};
use crate::services::error::{FieldError, ServiceError};
use crate::services::mail::{Notice, Order, WELCOME_MINUTES, mailed_hash};
use crate::services::paging::{page, with_one_more};
use crate::services::{OperatorCaller, RequestInfo, Services, names};
use crate::store::operator::users;
use crate::store::provisioning::{self, NewUser};
use crate::store::tokens::{self, Life, Subject};
use crate::store::{StoreError, Tx};

pub use crate::store::operator::users::{Belonging, UserRow};

/// The constraint that keeps addresses apart.
const ONE_ADDRESS: &str = "users_email_key";

/// An operator to be made: address and name as they are kept, and a hash that no password has.
struct Made {
    id: UserId,
    email: String,
    name: String,
    hash: String,
}

impl Services {
    /// A page of people whose address or name holds these words, the newest accounts first.
    pub async fn operator_users(
        &self,
        words: Option<&str>,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<(Vec<UserRow>, Option<Uuid>), ServiceError> {
        let mut tx = self.operator_database.begin().await?;
        let rows = users::list(&mut tx, words, before, with_one_more(limit)).await?;
        Ok(page(rows, limit, |row| row.id))
    }

    /// Makes an operator, who gets a link to choose a password.
    pub async fn create_operator(
        &self,
        caller: &OperatorCaller,
        email: &str,
        name: &str,
    ) -> Result<UserRow, ServiceError> {
        caller.require_fresh()?;
        let made = self.prepare_operator(email, name).await?;
        let mut tx = self.operator_database.begin().await?;
        self.insert_operator(&mut tx, &made).await?;
        let mail = self.order_mail(&mut tx, TenantId::PLATFORM, &Order::OperatorWelcome { user: made.id }).await?;
        let row = users::find(&mut tx, made.id).await?.ok_or(ServiceError::NotFound)?;
        self.record(&mut tx, Trail::Platform(None), &caller.actor(), &caller.request, creation(&made)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.announce_mail(TenantId::PLATFORM, mail).await;
        Ok(row)
    }

    /// Makes the first operator, and the link with which they choose a password: a day long, once.
    ///
    /// Refuses when there is an operator already, so that whoever can start the program cannot make themselves one.
    pub async fn create_first_operator(&self, email: &str, name: &str) -> Result<Url, ServiceError> {
        let made = self.prepare_operator(email, name).await?;
        let mut tx = self.operator_database.begin().await?;
        users::lock_first(&mut tx).await?;
        if users::has_operator(&mut tx).await? {
            return Err(ServiceError::conflict(
                "operator_exists",
                "Ya hay personas que operan la plataforma; que una de ellas añada a las demás.",
                "There is an operator already; let them add the others.",
            ));
        }
        self.insert_operator(&mut tx, &made).await?;
        // Before the person: a link to nobody is harmless, a first operator without a link is locked out.
        let token = self.first_token(made.id).await?;
        self.record(&mut tx, Trail::Platform(None), &Actor::SYSTEM, &RequestInfo::default(), creation(&made)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(self.reset_link(&token))
    }

    /// Lets a person sign in, or not: then their sessions end at once.
    pub async fn set_user_active(
        &self,
        caller: &OperatorCaller,
        user: UserId,
        active: bool,
    ) -> Result<UserRow, ServiceError> {
        let mut tx = self.operator_database.begin().await?;
        let operators = users::lock_active_operators(&mut tx).await?;
        let present = users::find(&mut tx, user).await?.ok_or(ServiceError::NotFound)?;
        if present.is_active == active {
            return Ok(present);
        }
        if !active && user == caller.user {
            return Err(yourself());
        }
        if !active && operators == [user] {
            return Err(last_operator());
        }
        if !operators.contains(&caller.user) {
            // Another operator has shut them out while this request was on its way.
            return Err(ServiceError::Unauthenticated);
        }
        users::set_active(&mut tx, user, active).await?;
        let ended = if active { 0 } else { users::end_sessions(&mut tx, user).await? };
        let action = if active { "user.activated" } else { "user.deactivated" };
        let act = Act::new(action, format!("user/{user}"))
            .change(json!({ "is_active": present.is_active }), json!({ "is_active": active }))
            .detail(json!({ "email": present.email, "sessions": ended }));
        self.record(&mut tx, Trail::Platform(None), &caller.actor(), &caller.request, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(UserRow { is_active: active, ..present })
    }

    /// Removes the second factor of somebody who lost it; their sessions end, and they are told by mail.
    pub async fn reset_mfa(&self, caller: &OperatorCaller, user: UserId) -> Result<(), ServiceError> {
        caller.require_fresh()?;
        if user == caller.user {
            // Operators must have one; who is signed in can replace it in their own account.
            return Err(yourself());
        }
        let mut tx = self.operator_database.begin().await?;
        let person = users::find(&mut tx, user).await?.ok_or(ServiceError::NotFound)?;
        if !users::remove_mfa(&mut tx, user).await? {
            return Ok(());
        }
        let ended = users::end_sessions(&mut tx, user).await?;
        let notice = Order::Notice { user, notice: Notice::MfaReset };
        let mail = self.order_mail(&mut tx, TenantId::PLATFORM, &notice).await?;
        let act = Act::new("user.mfa_reset", format!("user/{user}"))
            .detail(json!({ "email": person.email, "sessions": ended }));
        self.record(&mut tx, Trail::Platform(None), &caller.actor(), &caller.request, act).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.announce_mail(TenantId::PLATFORM, mail).await;
        Ok(())
    }

    /// Checks what was given, and hashes a password that nobody knows.
    async fn prepare_operator(&self, email: &str, name: &str) -> Result<Made, ServiceError> {
        let (email, name) = checked(email, name)?;
        let unknown = Secret::new(random::token(self.random.as_ref()));
        let hash = self.passwords.hash(unknown, Arc::clone(&self.random)).await?;
        Ok(Made { id: UserId(self.new_id()), email, name, hash })
    }

    async fn insert_operator(&self, tx: &mut Tx, made: &Made) -> Result<(), ServiceError> {
        let Made { id, email, name, hash } = made;
        let user = NewUser { id: id.0, email, name, password_hash: hash, is_operator: true };
        match provisioning::insert_user(tx, &user, self.now()).await {
            Err(StoreError::Taken(constraint)) if constraint == ONE_ADDRESS => Err(ServiceError::conflict(
                "email_taken",
                "Ya hay una cuenta con esa dirección; quien opera la plataforma no puede pertenecer a una empresa.",
                "There is an account with this address already; an operator cannot belong to a company.",
            )),
            done => Ok(done?),
        }
    }

    async fn first_token(&self, user: UserId) -> Result<Secret, ServiceError> {
        let token = random::token(self.random.as_ref());
        // Older than every mail, so that a link which is asked for later replaces this one.
        let order = tokens::Order { job: JobId(self.new_id()), at: OffsetDateTime::UNIX_EPOCH };
        let mut router = self.database.router().await?;
        let life = Life::Minutes(WELCOME_MINUTES);
        tokens::insert_mailed(&mut router, &mailed_hash(&token), Subject::Person(user), order, life).await?;
        router.commit().await.map_err(StoreError::from)?;
        Ok(Secret::new(token))
    }
}

fn creation(made: &Made) -> Act {
    let detail = json!({ "email": made.email, "name": made.name });
    Act::new("user.operator_created", format!("user/{}", made.id)).detail(detail)
}

/// Address and name as they are kept, or everything that is wrong with them.
fn checked(email: &str, name: &str) -> Result<(String, String), ServiceError> {
    let mut problems = Vec::new();
    let email = email::normalised(email).unwrap_or_else(|| {
        problems.push(FieldError::new(
            "email",
            "bad_email",
            "No es una dirección de correo que podamos usar.",
            "This is not an e-mail address that we can use.",
        ));
        String::new()
    });
    let name = names::checked(name).unwrap_or_else(|problem| {
        problems.push(problem);
        ""
    });
    if problems.is_empty() { Ok((email, name.to_owned())) } else { Err(ServiceError::Invalid(problems)) }
}

fn yourself() -> ServiceError {
    ServiceError::conflict(
        "yourself",
        "No puede hacerlo con su propia cuenta; pídaselo a otra persona que opere la plataforma.",
        "You cannot do this to your own account; ask another operator.",
    )
}

fn last_operator() -> ServiceError {
    ServiceError::conflict(
        "last_operator",
        "Es la última persona que opera la plataforma; añada o active antes a otra.",
        "This is the last operator; add or activate another one first.",
    )
}
