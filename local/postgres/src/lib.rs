//! `PostgreSQL` with nothing set up: a private cluster from installed programs or the pinned package, and a database of
//! its own for every test. A development tool: the portal itself only ever gets an address.

mod account;
mod binaries;
mod cluster;
mod error;
mod home;
mod package;
mod roles;
mod server;
pub mod testing;

pub use cluster::{Cluster, Options, remove};
pub use error::Error;
pub use roles::ROLES;

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The administrator's role on a private cluster, and the name under which [`Cluster::url`] gives any administrator.
pub const SUPERUSER: &str = "postgres";

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 of a text, in hexadecimal.
pub(crate) fn hex_digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}
