//! The operators' console. Everything in it is done as `portal_operator` and recorded in the platform's trail; what
//! concerns a tenant, in its own, too.

pub mod jobs;
pub mod overview;
pub mod purge;
pub mod removal;
pub mod tenants;
pub mod users;
mod wishes;
