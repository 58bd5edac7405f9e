//! The services around the handler, each behind a small interface with an embedded default.

pub mod clock;
pub mod mail;
pub mod passwords;
pub mod queue;
pub mod random;
pub mod sealing;
