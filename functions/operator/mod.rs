//! The operators' console.

mod tenants;

use crate::http::routes::Routes;

/// The routes of this function.
pub fn routes() -> Routes {
    Routes::new().merge(tenants::routes())
}
