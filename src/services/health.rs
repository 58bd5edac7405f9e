//! Whether the things behind the handler answer.

use super::Services;

/// One dependency and its state.
#[derive(Debug)]
pub struct Check {
    /// Name.
    pub name: &'static str,
    /// It answers.
    pub ok: bool,
}

impl Services {
    /// Asks each dependency.
    pub async fn readiness(&self) -> Vec<Check> {
        let (database, queue) = tokio::join!(self.database.check(), self.queue.check());
        if let Err(error) = &database {
            tracing::warn!(error = %error, "The database does not answer");
        }
        if let Err(error) = &queue {
            tracing::warn!(error = %error, "The queue does not answer");
        }
        vec![Check { name: "database", ok: database.is_ok() }, Check { name: "queue", ok: queue.is_ok() }]
    }
}
