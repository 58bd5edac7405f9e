//! Whether somebody who changes a thing has seen it as it is.

use super::error::ServiceError;

/// Refuses a change by someone who has not seen the present version. Without a tag the last writer wins.
pub(crate) fn refuse_stale(present: &str, tag: Option<&str>) -> Result<(), ServiceError> {
    match tag {
        Some(tag) if tag != "*" && tag.split(',').all(|tag| tag.trim() != present) => Err(ServiceError::Stale),
        _ => Ok(()),
    }
}
