//! The states of a source and of its runs.

use serde::{Deserialize, Serialize};

macro_rules! stored_names {
    ($name:ident { $($variant:ident => $text:literal),+ $(,)? }) => {
        impl $name {
            /// The name used in the API and in the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value of a stored name; `None` for anything else.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

/// The state of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceStatus {
    /// Nobody has given access yet.
    NotConnected,
    /// All is well.
    Connected,
    /// A run is going on.
    Syncing,
    /// The provider asked to wait; it resumes alone.
    RateLimited,
    /// The last run failed.
    Error,
    /// Access was withdrawn; a person must connect again.
    NeedsReauth,
    /// A person stopped it.
    Paused,
}
stored_names!(SourceStatus {
    NotConnected => "not_connected", Connected => "connected", Syncing => "syncing", RateLimited => "rate_limited",
    Error => "error", NeedsReauth => "needs_reauth", Paused => "paused",
});

impl SourceStatus {
    /// 0 for well, higher for worse.
    pub const fn severity(self) -> u8 {
        match self {
            Self::Connected => 0,
            Self::Syncing => 1,
            Self::Paused => 2,
            Self::RateLimited => 3,
            Self::NotConnected => 4,
            Self::Error => 5,
            Self::NeedsReauth => 6,
        }
    }
}

/// How a run of a source stands or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncStatus {
    /// Waits for its turn.
    Queued,
    /// Goes on, or waits for the next attempt.
    Running,
    /// Everything was read.
    Succeeded,
    /// Some of it was read, the rest should heal.
    Incomplete,
    /// A person must act.
    Failed,
    /// A person stopped it.
    Cancelled,
}
stored_names!(SyncStatus {
    Queued => "queued", Running => "running", Succeeded => "succeeded", Incomplete => "incomplete",
    Failed => "failed", Cancelled => "cancelled",
});

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncTrigger {
    /// The timer.
    Schedule,
    /// A person.
    Manual,
    /// A new connection.
    Connect,
    /// An uploaded file.
    Upload,
}
stored_names!(SyncTrigger { Schedule => "schedule", Manual => "manual", Connect => "connect", Upload => "upload" });
