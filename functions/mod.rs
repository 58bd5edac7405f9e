//! One folder per function: the binding (`function.json`) beside its thin adapter. An adapter decodes, calls one use
//! case, encodes.

pub mod account;
pub mod audit;
pub mod auth;
pub mod catalog;
pub mod connections;
pub mod health;
pub mod housekeeping;
pub mod invitations;
pub mod metrics;
pub mod oauth;
pub mod openapi;
pub mod operator;
pub mod run_sync;
pub mod schedule_syncs;
pub mod send_mail;
pub mod series;
pub mod sources;
pub mod table;
pub mod team;
pub mod tenant;
pub mod withdraw_access;

use crate::http::routes::Routes;

/// HTTP functions: everything below `/api`.
pub fn api() -> Routes {
    Routes::new()
        .merge(account::routes())
        .merge(audit::routes())
        .merge(auth::routes())
        .merge(catalog::routes())
        .merge(connections::routes())
        .merge(health::routes())
        .merge(invitations::routes())
        .merge(metrics::routes())
        .merge(oauth::routes())
        .merge(openapi::routes())
        .merge(operator::routes())
        .merge(series::routes())
        .merge(sources::routes())
        .merge(table::routes())
        .merge(team::routes())
        .merge(tenant::routes())
}

/// Timer and queue functions: one POST route each, named like the function.
pub fn triggers() -> Routes {
    Routes::new()
        .merge(housekeeping::routes())
        .merge(run_sync::routes())
        .merge(schedule_syncs::routes())
        .merge(send_mail::routes())
        .merge(withdraw_access::routes())
}
