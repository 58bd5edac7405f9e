//! What operators see and change across tenants; as `portal_operator`, which never sees figures or sealed values.

pub mod jobs;
pub mod log;
pub mod overview;
pub mod tenants;
pub mod users;
