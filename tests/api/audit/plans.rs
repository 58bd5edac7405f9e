//! How the trail's statements are carried out where a tenant has a hundred thousand entries and another one as many.

use portal::domain::ids::{TenantId, UserId};
use portal::store::audit_reading::{Filter, listing};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Execute as _, PgConnection};
use time::macros::datetime;
use uuid::Uuid;

use crate::harness::TestApp;

/// Entries of each tenant.
const ENTRIES: i64 = 100_000;
/// A person of two thousand entries, and one of ten.
const OFTEN: Uuid = Uuid::from_u128(1);
const SELDOM: Uuid = Uuid::from_u128(999);

/// Two years of a busy tenant: most entries are logins, some changes of sources, few of anything else.
async fn fill(app: &TestApp, tenant: &str) {
    app.sql(&format!(
        "insert into audit_log (tenant_id, id, seq, ts, actor_id, action, resource, detail, previous, digest)
         select '{tenant}', (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid,
                n, at, lpad(case when n % 10000 = 0 then '999' else (n % 50)::text end, 32, '0')::uuid,
                case when n % 20000 = 0 then 'tenant.changed' when n % 5000 = 0 then 'team.removed' when n % 5000 = 1 then 'team.invited'
                     when n % 10 = 0 then 'source.renamed' when n % 10 = 1 then 'source.created' else 'auth.login' end,
                'user/' || n, jsonb_build_object('about', repeat('x', 100)), repeat('y', 44), repeat('z', 48)
           from (select n, '2026-11-23 10:00Z'::timestamptz - (({ENTRIES} - n) * interval '10 minutes') as at
                   from generate_series(1, {ENTRIES}) n) entries"
    ))
    .await;
}

/// Every combination of what can be asked for, each with a name.
fn questions() -> Vec<(String, Filter, Option<Uuid>)> {
    let some = |actions: &[&str]| Some(actions.iter().map(|action| (*action).to_owned()).collect::<Vec<_>>());
    let days = [
        ("", None, None),
        ("from ", Some(datetime!(2026-06-01 00:00 UTC)), None),
        ("to ", None, Some(datetime!(2026-06-08 00:00 UTC))),
        ("half ", Some(datetime!(2025-10-01 00:00 UTC)), Some(datetime!(2026-07-01 00:00 UTC))),
        ("month ", Some(datetime!(2026-06-01 00:00 UTC)), Some(datetime!(2026-07-01 00:00 UTC))),
        ("week ", Some(datetime!(2026-06-01 00:00 UTC)), Some(datetime!(2026-06-08 00:00 UTC))),
    ];
    let actors = [("", None), ("often ", Some(OFTEN)), ("seldom ", Some(SELDOM))];
    let actions = [
        ("", None),
        ("login ", some(&["auth.login"])),
        ("changed ", some(&["tenant.changed"])),
        ("sources ", some(&["source.created", "source.renamed"])),
        ("team ", some(&["team.invited", "team.removed"])),
        ("none ", some(&[])),
    ];
    let befores = [("", None), ("next page", Some(Uuid::from_u128(0x019e_9000_0000_7000_8000_0000_0000_0000)))];
    let mut all = Vec::new();
    for (day, from, until) in days {
        for (who, actor) in actors {
            for (what, actions) in &actions {
                for (page, before) in befores {
                    let filter =
                        Filter { from, until, actor: actor.map(UserId), actions: actions.clone(), group: None };
                    all.push((format!("{day}{who}{what}{page}"), filter, before));
                }
            }
        }
    }
    all
}

/// What the database does for a statement, with what it met.
async fn plan(app: &mut PgConnection, tenant: TenantId, filter: &Filter, before: Option<Uuid>, limit: i64) -> Value {
    let mut tx = app.begin().await.unwrap();
    sqlx::query(AssertSqlSafe(format!("set local app.tenant_id = '{tenant}'"))).execute(&mut *tx).await.unwrap();
    let mut statement = listing(tenant, filter, before, limit).unwrap();
    let arguments = statement.build().take_arguments().unwrap().unwrap();
    let explain = format!("explain (analyze, timing off, format json) {}", statement.sql().as_str());
    sqlx::query_scalar_with(AssertSqlSafe(explain), arguments).fetch_one(&mut *tx).await.unwrap()
}

/// All steps of a plan, the outermost first.
fn steps(plan: &Value) -> Vec<&Value> {
    let inner = plan["Plans"].as_array().into_iter().flatten().flat_map(steps);
    std::iter::once(plan).chain(inner).collect()
}

#[tokio::test]
async fn every_question_to_a_long_trail_is_answered_from_an_index_of_the_tenant_without_sorting_it() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.tenant("Acme").await, app.tenant("Globex").await);
    fill(&app, &acme).await;
    fill(&app, &globex).await;
    app.sql("vacuum analyze audit_log").await;
    let tenant = TenantId(acme.parse().unwrap());
    let mut role = app.connect("portal_app").await;
    for (name, filter, before) in questions() {
        for limit in [51, 1_000] {
            let plan = plan(&mut role, tenant, &filter, before, limit).await;
            for step in steps(&plan[0]["Plan"]) {
                let kind = step["Node Type"].as_str().unwrap();
                assert!(!kind.contains("Seq Scan") && !kind.contains("Bitmap"), "{name}: {plan}");
                let by = step["Index Cond"].as_str().unwrap_or_default();
                assert!(step["Index Name"].is_null() || by.contains("tenant_id = "), "{name}: {plan}");
                // Each action is in order in the index, several together are not.
                let several = filter.actions.as_ref().is_some_and(|actions| actions.len() != 1);
                let sorted = step["Plans"][0]["Actual Rows"].as_i64().unwrap_or(0);
                assert!(
                    kind != "Sort" || (several && sorted < ENTRIES / 10),
                    "{name}: {sorted} are sorted for {limit}"
                );
            }
        }
    }
}
