//! The portal's roles and databases on a cluster.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{Cluster, Error};

/// The statements that make the roles; by hand they do the same in production.
pub(crate) const ROLES_SQL: &str = include_str!("../../../migrations/roles.sql");

/// The portal's roles, see `migrations/roles.sql`.
pub const ROLES: [&str; 4] = ["portal_owner", "portal_app", "portal_router", "portal_operator"];

/// Advisory lock of whoever changes roles, databases or templates: `PostgreSQL` fails, rather than waits, when two
/// sessions alter one role. Any number will do that nobody else uses.
pub(crate) const LOCK: i64 = 0x706f_7274_616c;

impl Cluster {
    /// Makes the roles, with this cluster's passwords, and the database, owned by `portal_owner`, where they are
    /// missing. In the database nobody else may create things in schema `public`.
    pub async fn prepare_database(&self, name: &str) -> Result<(), Error> {
        let mut admin = PgConnection::connect(self.admin_url()).await?;
        sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK).execute(&mut admin).await?;
        let done = async {
            self.prepare_roles(&mut admin).await?;
            self.create_database(&mut admin, name).await
        };
        let done = done.await;
        // Closing gives the lock back, also after an error.
        admin.close().await?;
        done
    }

    /// Makes the roles and sets their passwords. Hold [`LOCK`].
    pub(crate) async fn prepare_roles(&self, admin: &mut PgConnection) -> Result<(), Error> {
        sqlx::raw_sql(ROLES_SQL).execute(&mut *admin).await?;
        for role in ROLES {
            let statement = format!("ALTER ROLE {role} PASSWORD '{}'", self.role_password(role));
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *admin).await?;
        }
        let superuser: bool = sqlx::query_scalar("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            .fetch_one(&mut *admin)
            .await?;
        if !superuser {
            // Only a member of the owning role may give a database to it.
            sqlx::raw_sql("GRANT portal_owner TO CURRENT_USER").execute(&mut *admin).await?;
        }
        Ok(())
    }

    /// Makes a database, if it is missing, with its schema closed. Hold [`LOCK`].
    pub(crate) async fn create_database(&self, admin: &mut PgConnection, name: &str) -> Result<(), Error> {
        check_name(name)?;
        let found: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
            .bind(name)
            .fetch_optional(&mut *admin)
            .await?;
        if found.is_none() {
            let statement = format!("CREATE DATABASE {name} OWNER portal_owner TEMPLATE template0 ENCODING 'UTF8'");
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *admin).await?;
        }
        let mut inside = PgConnection::connect(&self.url(crate::SUPERUSER, name)).await?;
        let close = "ALTER SCHEMA public OWNER TO portal_owner; REVOKE CREATE ON SCHEMA public FROM PUBLIC";
        let closed = sqlx::raw_sql(close).execute(&mut inside).await;
        inside.close().await?;
        closed?;
        Ok(())
    }
}

/// Names go into statements as they are, so they must be plain.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let first = name.starts_with(|letter: char| letter.is_ascii_lowercase());
    let rest = name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if first && rest && name.len() <= 63 { Ok(()) } else { Err(Error::Name(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_become_part_of_a_statement() {
        for good in ["portal", "t_12_3", "tpl_0a"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "1a", "a b", "a\"b", "a;drop", "A", "ñ", &"a".repeat(64)] {
            assert!(matches!(check_name(bad), Err(Error::Name(_))), "{bad}");
        }
    }
}
