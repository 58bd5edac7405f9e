//! The operators' console, in parts: tenants, people, jobs, what is going on, and what was done.

mod audit;
mod jobs;
mod log;
mod overview;
mod tenants;
mod users;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::routes::Routes;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new()
        .merge(audit::routes())
        .merge(jobs::routes())
        .merge(log::routes())
        .merge(overview::routes())
        .merge(tenants::routes())
        .merge(users::routes())
}

/// A tenant, or something of one.
#[derive(Serialize, ToSchema)]
struct Named {
    id: Uuid,
    name: String,
}
