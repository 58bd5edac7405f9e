//! The operators' console.

mod tenants;
