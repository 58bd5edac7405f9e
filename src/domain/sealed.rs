//! A sealed secret as it is stored.

use serde::{Deserialize, Serialize};

/// A sealed value as it is stored: which key, the nonce and the ciphertext with its tag, both in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Id of the key in the ring.
    pub kid: String,
    /// 96-bit nonce, random for each sealing.
    pub nonce: String,
    /// Ciphertext and tag.
    pub ct: String,
}
