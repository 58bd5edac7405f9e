//! The providers that the portal knows. A new one is one folder beside this file and one line where `app.rs` builds them.

use std::sync::Arc;

use super::contract::Connector;

/// All connectors, in the order in which they are offered.
#[derive(Clone)]
pub struct Connectors(Vec<Arc<dyn Connector>>);

impl Connectors {
    /// With these; no key twice.
    pub fn new(all: Vec<Arc<dyn Connector>>) -> Self {
        Self(all)
    }

    /// The connector of a provider.
    pub fn get(&self, provider: &str) -> Option<&Arc<dyn Connector>> {
        self.0.iter().find(|connector| connector.provider().key == provider)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Connector>> {
        self.0.iter()
    }
}
