//! One's own account and sessions.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::confirm::Person;
use crate::domain::lang::Lang;
use crate::services::Services;
use crate::services::audit_trail::Act;
use crate::services::error::ServiceError;
use crate::services::names;
use crate::store::people::{self, AccountRow};
use crate::store::{StoreError, sessions};

pub use crate::store::sessions::OwnSession;

/// A person's account as they see it.
#[derive(Debug)]
pub struct Account {
    /// What is stored.
    pub row: AccountRow,
    /// Somebody demands a second factor.
    pub enforced: bool,
}

/// What a person changes of their account.
#[derive(Debug, Default)]
pub struct AccountChange {
    /// Name.
    pub name: Option<String>,
    /// Language.
    pub locale: Option<Lang>,
}

impl Services {
    /// The account of somebody who is signed in.
    pub async fn account(&self, person: &Person) -> Result<Account, ServiceError> {
        let mut router = self.database.router_connection().await?;
        let row = people::account_for_update(&mut router, person.id()).await?;
        Ok(self.account_from(row))
    }

    fn account_from(&self, row: AccountRow) -> Account {
        let enforced = row.tenant_demands_mfa || (row.is_operator && !self.identity.lenient_operators);
        Account { row, enforced }
    }

    /// Changes name or language.
    pub async fn change_account(&self, person: &Person, change: AccountChange) -> Result<Account, ServiceError> {
        let name = change.name.as_deref().map(names::required).transpose()?;
        let mut tx = self.database.router().await?;
        let old = people::account_for_update(&mut tx, person.id()).await?;
        let mut row = old.clone();
        row.name = name.map_or(row.name, str::to_owned);
        row.locale = change.locale.map_or(row.locale, |locale| locale.as_str().to_owned());
        let (mut before, mut after) = (Map::new(), Map::new());
        for (field, was, is) in [("name", &old.name, &row.name), ("locale", &old.locale, &row.locale)] {
            if was != is {
                before.insert(field.to_owned(), json!(was));
                after.insert(field.to_owned(), json!(is));
            }
        }
        if !after.is_empty() {
            people::set_account(&mut tx, person.id(), &row.name, &row.locale).await?;
            let act = Act::new("account.changed", format!("user/{}", person.id()));
            self.note(&mut tx, person, act.change(Value::Object(before), Value::Object(after))).await?;
            tx.commit().await.map_err(StoreError::from)?;
        }
        Ok(self.account_from(row))
    }

    /// The live sessions of somebody who is signed in.
    pub async fn own_sessions(&self, person: &Person) -> Result<Vec<OwnSession>, ServiceError> {
        let mut router = self.database.router_connection().await?;
        Ok(sessions::of_user(&mut router, person.id()).await?)
    }

    /// Ends one of them.
    pub async fn end_session(&self, person: &Person, id: Uuid) -> Result<(), ServiceError> {
        let mut tx = self.database.router().await?;
        if !sessions::delete_one(&mut tx, person.id(), id).await? {
            return Err(ServiceError::NotFound);
        }
        self.note(&mut tx, person, Act::new("account.session_ended", format!("session/{id}"))).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// Ends all of them, perhaps but for the present one.
    pub async fn end_sessions(&self, person: &Person, keep_current: bool) -> Result<(), ServiceError> {
        let keep = keep_current.then_some(person.session.id);
        let mut tx = self.database.router().await?;
        let ended = sessions::delete_all(&mut tx, person.id(), keep).await?;
        let act = Act::new("account.sessions_ended", format!("user/{}", person.id()));
        self.note(&mut tx, person, act.detail(json!({ "ended": ended, "kept_current": keep_current }))).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}
