//! Secrets as the ledger may hold them: hashed when they only have to be recognised, sealed when they must be read back.
//!
//! Sealing and hashing happen at the edge, where the keys are; here they are opaque.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// SHA-256 of a secret with enough entropy of its own: a node key, a session or API token. Lower-case hex in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^[0-9a-f]{64}$"))]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub fn of(secret: impl AsRef<[u8]>) -> Self {
        Digest(Sha256::digest(secret.as_ref()).into())
    }

    pub fn parse_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Digest(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({}…)", hex::encode(&self.0[..4]))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Digest::parse_hex(&text).ok_or_else(|| serde::de::Error::custom("a digest is 64 hex digits"))
    }
}

/// A value encrypted with a key of the vault: `key` names it, `text` is nonce and ciphertext in base64.
///
/// The personal key of user 7 is `person/7`; what only the server may read uses `server/1` and later versions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    pub key: String,
    pub text: String,
}

/// Keyed hash (HMAC-SHA-256 under a vault key of its own) of a value that must be unique or found again, but has little
/// entropy: an e-mail address in lower case, an enroll secret.
pub type KeyedDigest = Digest;
