//! What every handler can reach.

use std::sync::Arc;

use uuid::Uuid;

use super::turns::Turns;
use crate::services::Services;

/// Shared by all requests; made once in `app.rs`.
#[derive(Clone)]
pub struct AppState {
    /// The use cases.
    pub services: Services,
    /// How requests are let in.
    pub door: Arc<Door>,
    /// Whose requests are being served.
    pub turns: Turns,
}

/// How requests are let in.
#[derive(Debug, Clone)]
pub struct Door {
    /// Origins that are ours, as browsers send them.
    pub origins: Vec<String>,
    /// Front Door's id that requests to the API must carry.
    pub front_door_id: Option<Uuid>,
}
