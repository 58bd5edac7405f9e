//! What people of the platform do: every change is recorded in the platform's trail, in its own transaction.

pub mod jobs;
pub mod overview;
pub mod users;
