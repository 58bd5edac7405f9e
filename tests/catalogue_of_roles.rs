//! Who may do what in the database, written down: a new grant or policy is a visible change of this file.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use local_postgres::testing::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Role, table and privileges; columns in brackets where not all.
const GRANTS: &[&str] = &[
    "portal_app alerts DELETE,INSERT,SELECT,UPDATE",
    "portal_app audit_heads INSERT,SELECT,UPDATE",
    "portal_app audit_log INSERT,SELECT",
    "portal_app credentials DELETE,INSERT,SELECT,UPDATE",
    "portal_app data_sources DELETE,INSERT,SELECT,UPDATE",
    "portal_app datapoints DELETE,INSERT,SELECT,UPDATE",
    "portal_app idempotency_keys INSERT,SELECT",
    "portal_app invitations INSERT,SELECT,UPDATE",
    "portal_app jobs INSERT,SELECT,UPDATE",
    "portal_app memberships DELETE,INSERT,SELECT,UPDATE",
    "portal_app metric_sources DELETE,INSERT,SELECT,UPDATE",
    "portal_app metrics DELETE,INSERT,SELECT,UPDATE",
    "portal_app request_buckets DELETE,INSERT,SELECT,UPDATE",
    "portal_app restatements INSERT,SELECT",
    "portal_app source_records DELETE,INSERT,SELECT,UPDATE",
    "portal_app source_streams DELETE,INSERT,SELECT,UPDATE",
    "portal_app sync_log INSERT,SELECT",
    "portal_app syncs DELETE,INSERT,SELECT,UPDATE",
    "portal_app tenants SELECT",
    "portal_app tenants UPDATE (name,settings,updated_at)",
    "portal_operator audit_heads DELETE,INSERT,SELECT",
    "portal_operator audit_heads UPDATE (digest,seq)",
    "portal_operator audit_log INSERT",
    "portal_operator audit_log SELECT (action,tenant_id,ts)",
    "portal_operator data_sources SELECT (data_through,id,last_sync_at,name,next_due,provider,status,status_code,stored_datapoints,tenant_id,type,updated_at)",
    "portal_operator invitations INSERT (created_at,email,expires_at,id,invited_by,role,status,tenant_id)",
    "portal_operator invitations SELECT (created_at,email,expires_at,id,invited_by,role,status,tenant_id)",
    "portal_operator invitations UPDATE (settled_at,status)",
    "portal_operator jobs DELETE",
    "portal_operator jobs INSERT (created_at,dedup_key,exclusive_key,id,kind,payload,queue,run_at,state,tenant_id)",
    "portal_operator jobs SELECT (attempts,created_at,finished_at,id,kind,last_error,queue,run_at,state,tenant_id)",
    "portal_operator jobs UPDATE (announced_at,attempts,finished_at,fruitless_attempts,last_error,run_at,state,tenant_id)",
    "portal_operator memberships INSERT (created_at,role,tenant_id,user_id)",
    "portal_operator memberships SELECT (role,tenant_id,user_id)",
    "portal_operator mfa_credentials DELETE",
    "portal_operator mfa_credentials SELECT (confirmed_at,user_id)",
    "portal_operator platform_audit INSERT,SELECT",
    "portal_operator sessions DELETE",
    "portal_operator sessions SELECT (tenant_id,user_id)",
    "portal_operator sync_log SELECT (at,cause,code,figures,level,line,stream,sync_id,tenant_id)",
    "portal_operator syncs SELECT (created_at,failure_cause,failure_code,id,source_id,tenant_id)",
    "portal_operator tenants DELETE",
    "portal_operator tenants INSERT (created_at,id,limits,name,plan,settings,status,updated_at)",
    "portal_operator tenants SELECT (created_at,delete_after,id,limits,name,plan,settings,status,updated_at)",
    "portal_operator tenants UPDATE (delete_after,limits,name,plan,status,updated_at)",
    "portal_operator users DELETE",
    "portal_operator users INSERT (created_at,email,id,is_operator,name,password_hash)",
    "portal_operator users SELECT (created_at,email,id,is_active,is_operator,last_login,name)",
    "portal_operator users UPDATE (is_active)",
    "portal_router audit_heads INSERT,SELECT,UPDATE",
    "portal_router audit_log DELETE,INSERT",
    "portal_router audit_log SELECT (id,seq,tenant_id,ts)",
    "portal_router credentials SELECT (holder,id,key_ids,provider,shown_accounts,tenant_id)",
    "portal_router data_sources SELECT (id,key_ids,next_due,provider,shown_accounts,status,tenant_id)",
    "portal_router idempotency_keys DELETE",
    "portal_router idempotency_keys SELECT (created_at,key,tenant_id,user_id)",
    "portal_router invitations SELECT",
    "portal_router invitations UPDATE (settled_at,status)",
    "portal_router jobs DELETE,INSERT",
    "portal_router jobs SELECT (announced_at,attempts,finished_at,id,kind,leased_until,queue,run_at,state,tenant_id)",
    "portal_router jobs UPDATE (announced_at)",
    "portal_router memberships INSERT,SELECT",
    "portal_router mfa_credentials DELETE,INSERT,SELECT,UPDATE",
    "portal_router one_time_tokens DELETE,INSERT,SELECT",
    "portal_router platform_audit DELETE,INSERT",
    "portal_router platform_audit SELECT (id,ts)",
    "portal_router provider_breakers INSERT,SELECT,UPDATE",
    "portal_router rate_counters DELETE,INSERT,SELECT,UPDATE",
    "portal_router recovery_codes DELETE,INSERT,SELECT,UPDATE",
    "portal_router sessions DELETE,INSERT,SELECT,UPDATE",
    "portal_router tenants SELECT",
    "portal_router users INSERT (created_at,email,id,locale,name,password_changed_at,password_hash)",
    "portal_router users SELECT",
    "portal_router users UPDATE (last_login,locale,name,password_changed_at,password_hash)",
];

/// What the tenant's own policy says, the same for every table.
const OWN: &str = "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)";

/// Policies that are not a tenant's own: table, role, command, using, check.
const ACROSS: &[&str] = &[
    "audit_heads portal_operator ALL true true",
    "audit_heads portal_router ALL true true",
    "audit_log portal_operator INSERT - true",
    "audit_log portal_operator SELECT (action = 'audit.exported'::text) -",
    "audit_log portal_router DELETE (ts < (now() - '90 days'::interval)) -",
    "audit_log portal_router INSERT - true",
    "audit_log portal_router SELECT (ts < (now() - '90 days'::interval)) -",
    "credentials portal_router SELECT true -",
    "data_sources portal_operator SELECT true -",
    "data_sources portal_router SELECT true -",
    "idempotency_keys portal_router DELETE true -",
    "idempotency_keys portal_router SELECT true -",
    "invitations portal_operator ALL true true",
    "invitations portal_router ALL true true",
    "jobs portal_operator ALL true true",
    "jobs portal_router ALL true true",
    "memberships portal_operator INSERT - true",
    "memberships portal_operator SELECT true -",
    "memberships portal_router INSERT - true",
    "memberships portal_router SELECT true -",
    "mfa_credentials portal_operator ALL true true",
    "mfa_credentials portal_router ALL true true",
    "one_time_tokens portal_router ALL true true",
    "platform_audit portal_operator ALL true true",
    "platform_audit portal_router DELETE (ts < (now() - '365 days'::interval)) -",
    "platform_audit portal_router INSERT - true",
    "platform_audit portal_router SELECT (ts < (now() - '365 days'::interval)) -",
    "provider_breakers portal_router ALL true true",
    "rate_counters portal_router ALL true true",
    "recovery_codes portal_router ALL true true",
    "sessions portal_operator DELETE true -",
    "sessions portal_operator SELECT true -",
    "sessions portal_router ALL true true",
    "sync_log portal_operator SELECT true -",
    "syncs portal_operator SELECT true -",
    "tenants portal_operator DELETE (status = 'deleting'::text) -",
    "tenants portal_operator INSERT - true",
    "tenants portal_operator SELECT true -",
    "tenants portal_operator UPDATE true true",
    "tenants portal_router SELECT true -",
    "users portal_operator DELETE (NOT is_operator) -",
    "users portal_operator INSERT - true",
    "users portal_operator SELECT true -",
    "users portal_operator UPDATE true true",
    "users portal_router ALL true true",
];

/// Tables with a `tenant_id` whose rows belong to a person or to the platform: found by their own key, without a tenant.
const NOT_OWNED: [&str; 2] = ["one_time_tokens", "sessions"];
/// Stays on the coordinator of a cluster, so its key is its id alone.
const KEY_OF_ITS_OWN: &str = "jobs";

/// Tables of the public schema, without the migrations' own.
const TABLES: &str =
    "c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and c.relname <> '_sqlx_migrations'";

async fn database() -> (TestDatabase, PgConnection) {
    let database = local_postgres::testing::database(&portal::store::MIGRATOR).await;
    let connection = PgConnection::connect(&database.url(local_postgres::SUPERUSER)).await.unwrap();
    (database, connection)
}

async fn texts(connection: &mut PgConnection, sql: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(connection).await.unwrap()
}

/// The tables with a column `tenant_id`.
async fn with_tenant(connection: &mut PgConnection) -> Vec<String> {
    let sql = format!(
        "select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
          where {TABLES} order by 1"
    );
    let tables = texts(connection, &sql).await;
    assert!(tables.len() >= 10, "{tables:?}");
    tables
}

#[tokio::test]
async fn every_grant_is_written_down() {
    let (_database, mut connection) = database().await;
    let whole = texts(
        &mut connection,
        "select grantee || ' ' || table_name || ' ' || string_agg(privilege_type, ',' order by privilege_type)
           from information_schema.role_table_grants
          where table_schema = 'public' and table_name <> '_sqlx_migrations' and grantee <> 'portal_owner' and grantor = 'portal_owner'
          group by grantee, table_name",
    )
    .await;
    // Column grants that no grant on the whole table brings along.
    let columns = texts(
        &mut connection,
        "select grantee || ' ' || table_name || ' ' || privilege_type || ' (' || string_agg(column_name, ',' order by column_name) || ')'
           from information_schema.column_privileges c
          where table_schema = 'public' and grantee <> 'portal_owner' and grantor = 'portal_owner'
            and not exists (select from information_schema.role_table_grants t where t.grantee = c.grantee
                               and t.table_schema = 'public' and t.table_name = c.table_name and t.privilege_type = c.privilege_type)
          group by grantee, table_name, privilege_type",
    )
    .await;
    let found: BTreeSet<String> = whole.into_iter().chain(columns).collect();
    let expected = GRANTS.iter().map(|grant| (*grant).to_owned()).collect();
    assert_eq!(found, expected);
    let elsewhere = texts(
        &mut connection,
        "select p.proname::text from pg_proc p where p.pronamespace = 'public'::regnamespace
         union all select c.relname::text from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind not in ('r', 'p', 'i', 'I', 't')",
    )
    .await;
    assert_eq!(elsewhere, [""; 0], "no view, sequence or function stands beside the tables");
}

#[tokio::test]
async fn every_policy_is_written_down() {
    let (_database, mut connection) = database().await;
    let policies = texts(
        &mut connection,
        "select tablename || ' ' || array_to_string(roles, ',') || ' ' || cmd || ' ' || coalesce(qual, '-') || ' ' || coalesce(with_check, '-')
           from pg_policies where schemaname = 'public' and permissive = 'PERMISSIVE' order by 1",
    )
    .await;
    let own: BTreeSet<String> = with_tenant(&mut connection)
        .await
        .into_iter()
        .filter(|table| !NOT_OWNED.contains(&table.as_str()))
        .map(|table| format!("{table} portal_app ALL {OWN} {OWN}"))
        .chain([format!("tenants portal_app ALL {0} {0}", OWN.replace("(tenant_id", "(id"))])
        .collect();
    let expected: BTreeSet<String> = ACROSS.iter().map(|policy| (*policy).to_owned()).chain(own).collect();
    assert_eq!(policies.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[tokio::test]
async fn every_table_forces_row_level_security_and_belongs_to_the_owner() {
    let (_database, mut connection) = database().await;
    let lax = texts(
        &mut connection,
        &format!(
            "select c.relname::text from pg_class c where {TABLES} and not (c.relrowsecurity and c.relforcerowsecurity)"
        ),
    )
    .await;
    assert_eq!(lax, [""; 0]);
    let owners = texts(
        &mut connection,
        &format!("select distinct pg_get_userbyid(c.relowner)::text from pg_class c where {TABLES}"),
    )
    .await;
    assert_eq!(owners, ["portal_owner"]);
}

#[tokio::test]
async fn the_primary_key_of_a_tenants_table_begins_with_the_tenant() {
    let (_database, mut connection) = database().await;
    for table in with_tenant(&mut connection).await {
        let columns = texts(
            &mut connection,
            &format!(
                "select a.attname::text from pg_constraint k, unnest(k.conkey) with ordinality as u (attnum, place), pg_attribute a
                  where k.contype = 'p' and k.conrelid = '{table}'::regclass and a.attrelid = k.conrelid and a.attnum = u.attnum
                  order by u.place"
            ),
        )
        .await;
        let exempt = NOT_OWNED.contains(&table.as_str()) || table == KEY_OF_ITS_OWN;
        assert!(exempt || columns[0] == "tenant_id", "{table}: {columns:?}");
    }
}

#[tokio::test]
async fn a_foreign_key_between_tenants_tables_carries_the_tenant_on_both_sides() {
    let (_database, mut connection) = database().await;
    let tables = with_tenant(&mut connection).await;
    let keys = texts(
        &mut connection,
        "select conrelid::regclass || ' ' || confrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint where contype = 'f'",
    )
    .await;
    let mut between = 0;
    for key in keys {
        let mut words = key.split(' ');
        let (from, to) = (words.next().unwrap(), words.next().unwrap());
        if tables.iter().any(|table| table == from) && tables.iter().any(|table| table == to) {
            assert!(
                key.contains("FOREIGN KEY (tenant_id, ") && key.contains(&format!("REFERENCES {to}(tenant_id, ")),
                "{key}"
            );
            between += 1;
        }
    }
    assert!(between >= 6, "{between}");
}

#[tokio::test]
async fn no_role_passes_over_row_level_security_or_stands_on_another() {
    let (_database, mut connection) = database().await;
    let roles = texts(
        &mut connection,
        "select rolname || ' ' || (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolinherit)::text || ' ' || rolcanlogin::text
           from pg_roles where rolname like 'portal\\_%' order by 1",
    )
    .await;
    assert_eq!(
        roles,
        ["portal_app", "portal_operator", "portal_owner", "portal_router"].map(|role| format!("{role} false true"))
    );
    let memberships = texts(
        &mut connection,
        "select m.member::regrole || ' in ' || m.roleid::regrole from pg_auth_members m
          where m.member::regrole::text like 'portal\\_%' or m.roleid::regrole::text like 'portal\\_%'",
    )
    .await;
    assert_eq!(memberships, [""; 0]);
    let public = texts(
        &mut connection,
        "select grantee::text from information_schema.role_table_grants where table_schema = 'public' and grantee = 'PUBLIC'",
    )
    .await;
    assert_eq!(public, [""; 0]);
    let creators = texts(
        &mut connection,
        "select rolname::text from pg_roles where rolname like 'portal\\_%' and has_schema_privilege(rolname, 'public', 'create') order by 1",
    )
    .await;
    assert_eq!(creators, ["portal_owner"]);
}

#[tokio::test]
async fn no_constraint_is_nameless_and_no_table_has_a_trigger() {
    let (_database, mut connection) = database().await;
    let made_up = texts(
        &mut connection,
        "select conname::text from pg_constraint where connamespace = 'public'::regnamespace and conname ~ '_(check|fkey|key)[0-9]+$'",
    )
    .await;
    assert_eq!(made_up, [""; 0]);
    let triggers = texts(&mut connection, "select tgname::text from pg_trigger where not tgisinternal").await;
    assert_eq!(triggers, [""; 0]);
}
