//! What the operators' console reads and writes; as `portal_operator`.

pub mod tenants;
