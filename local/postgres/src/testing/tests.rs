use std::borrow::Cow;
use std::sync::LazyLock;

use sqlx::migrate::{Migration, MigrationType};
use sqlx::{Connection, PgConnection, SqlStr};

use super::*;
use crate::ROLES;

/// Two small migrations, as the portal's own would be; the first is owned by whoever runs it.
static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let migration = |version, sql: &'static str| {
        let text = SqlStr::from_static(sql);
        Migration::new(version, Cow::Borrowed("test"), MigrationType::Simple, text, false)
    };
    Migrator::with_migrations(vec![
        migration(1, "CREATE TABLE things (id int PRIMARY KEY); GRANT SELECT, INSERT ON things TO portal_app"),
        migration(2, "INSERT INTO things VALUES (1)"),
    ])
});

async fn connect(database: &TestDatabase, role: &str) -> PgConnection {
    PgConnection::connect(&database.url(role)).await.unwrap()
}

async fn count(connection: &mut PgConnection) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM things").fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn each_test_has_the_migrated_database_for_itself() {
    let (one, other) = (database(&MIGRATOR).await, database(&MIGRATOR).await);
    let mut writer = connect(&one, "portal_app").await;
    sqlx::query("INSERT INTO things VALUES (2), (3)").execute(&mut writer).await.unwrap();
    assert_eq!(count(&mut writer).await, 3);
    assert_eq!(count(&mut connect(&other, "portal_app").await).await, 1);
}

#[tokio::test]
async fn a_database_is_gone_with_its_value_even_while_connections_are_open() {
    let first = database(&MIGRATOR).await;
    let (name, address) = (first.name().to_owned(), first.url("portal_app"));
    let open = connect(&first, "portal_app").await;
    drop(first);
    assert!(PgConnection::connect(&address).await.is_err(), "{name} is still there");
    drop(open);
}

#[tokio::test]
async fn the_tables_belong_to_the_owner_and_the_app_may_not_make_any() {
    let database = database(&MIGRATOR).await;
    let mut app = connect(&database, "portal_app").await;
    let owner: String = sqlx::query_scalar("SELECT tableowner::text FROM pg_tables WHERE tablename = 'things'")
        .fetch_one(&mut app)
        .await
        .unwrap();
    assert_eq!(owner, "portal_owner");
    let refused = sqlx::query("CREATE TABLE mine (id int)").execute(&mut app).await.unwrap_err();
    assert_eq!(refused.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref(), Some("42501"));
}

#[tokio::test]
async fn no_role_of_the_portal_may_pass_over_row_level_security() {
    let database = database(&MIGRATOR).await;
    for role in ROLES {
        let mut connection = connect(&database, role).await;
        let (name, may): (String, bool) =
            sqlx::query_as("SELECT rolname::text, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolinherit FROM pg_roles WHERE rolname = current_user")
                .fetch_one(&mut connection)
                .await
                .unwrap();
        assert_eq!((name.as_str(), may), (role, false));
    }
}

#[tokio::test]
async fn the_roles_script_refuses_a_role_that_has_too_many_rights() {
    let database = database(&MIGRATOR).await;
    let mut admin = connect(&database, crate::SUPERUSER).await;
    // Roles belong to the server that other tests use too: all of this is rolled back.
    let mut tx = admin.begin().await.unwrap();
    sqlx::raw_sql("ALTER ROLE portal_router BYPASSRLS").execute(&mut *tx).await.unwrap();
    let refused = sqlx::raw_sql(crate::roles::ROLES_SQL).execute(&mut *tx).await.unwrap_err();
    assert!(refused.to_string().contains("role portal_router exists with BYPASSRLS"), "{refused}");
    tx.rollback().await.unwrap();
    let mut tx = admin.begin().await.unwrap();
    sqlx::raw_sql("GRANT portal_owner TO portal_app").execute(&mut *tx).await.unwrap();
    let refused = sqlx::raw_sql(crate::roles::ROLES_SQL).execute(&mut *tx).await.unwrap_err();
    assert!(refused.to_string().contains("portal_app is a member of portal_owner"), "{refused}");
    tx.rollback().await.unwrap();
    sqlx::raw_sql(crate::roles::ROLES_SQL).execute(&mut admin).await.unwrap();
}
