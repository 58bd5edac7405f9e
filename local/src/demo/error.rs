//! What can go wrong while the demo loads.

use std::path::PathBuf;

/// Why the demo could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No answer.
    #[error("{what}: {source}")]
    Http {
        /// Method and path.
        what: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// An answer that says no.
    #[error("{what} answered {status}: {detail}")]
    Status {
        /// Method and path.
        what: String,
        /// HTTP status.
        status: u16,
        /// The `detail` of the problem, or the start of the body.
        detail: String,
    },
    /// An answer without what the API promises.
    #[error("{what}: the answer has no usable {missing}")]
    Shape {
        /// Method and path.
        what: String,
        /// Field or header.
        missing: &'static str,
    },
    /// An address that is neither the portal's nor the sandbox's.
    #[error("{what} leads to {url}, which is neither the portal nor the sandbox")]
    Foreign {
        /// Method and path.
        what: String,
        /// The address.
        url: String,
    },
    /// The person on the consent page got an error instead of a connection.
    #[error("the connection was refused: {0}")]
    Refused(String),
    /// A sync failed for good.
    #[error("the sync of {name} failed: {message}")]
    SyncFailed {
        /// Name of the source.
        name: String,
        /// The sync's own message.
        message: String,
    },
    /// The history did not arrive in time.
    #[error("the history of {name} is not complete after {seconds} s (source {status}, newest sync: {sync})")]
    TooSlow {
        /// Name of the source.
        name: String,
        /// How long the demo waited.
        seconds: u64,
        /// Status of the source.
        status: String,
        /// Status and message of its newest sync.
        sync: String,
    },
    /// The upload was not taken as a whole.
    #[error("the upload of {name} was not taken: {answer}")]
    Rejected {
        /// Name of the source.
        name: String,
        /// The import's answer.
        answer: String,
    },
    /// The weather file cannot be read.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}
