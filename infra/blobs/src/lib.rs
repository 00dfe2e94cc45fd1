//! Bytes that are too large or too secret for the log: carves, snapshots and archives as blobs, and the keys of the
//! vault.
//!
//! A blob store is one of [`Blobs`]; every adapter passes the same [`suite`]. The [`Vault`] seals what only the server
//! may read, and what dies with the key of one person.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod folder;
mod key;
mod keys;
pub mod suite;
mod vault;

use async_trait::async_trait;
use bytes::Bytes;

pub use folder::Folder;
pub use key::{Key, KeyError};
pub use vault::{Purpose, Vault, VaultError};

/// Why a blob could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the blob store failed to {what} {key}: {reason}")]
    Failed { what: &'static str, key: String, reason: String },
}

/// A store of blobs by key: a folder, or S3.
///
/// A key is a path (`carves/7/00000001`) of segments of letters, digits, `.`, `_` and `-`; a key that is also the
/// folder of another one is refused by some stores, so nobody makes such.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Stores a blob, replacing what the key held. Durable when it returns; a reader sees the old or the new, never a part.
    async fn put(&self, key: &str, value: Bytes) -> Result<(), BlobError>;

    /// What the key holds.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, BlobError>;

    /// Every key that starts with `prefix` (any text, also in the midst of a segment), in order.
    async fn list(&self, prefix: &str) -> Result<Vec<String>, BlobError>;

    /// Removes a blob; one that is not there is removed already.
    async fn delete(&self, key: &str) -> Result<(), BlobError>;

    /// Stores part `number` of a value that grows: a blob of its own below `key`, so that the same part again is harmless.
    async fn put_part(&self, key: &str, number: u32, value: Bytes) -> Result<(), BlobError> {
        self.put(&part_key(key, number), value).await
    }

    async fn get_part(&self, key: &str, number: u32) -> Result<Option<Bytes>, BlobError> {
        self.get(&part_key(key, number)).await
    }

    /// The numbers of the parts that are there, in order.
    async fn parts(&self, key: &str) -> Result<Vec<u32>, BlobError> {
        let folder = format!("{key}/");
        let keys = self.list(&folder).await?;
        Ok(keys.iter().filter_map(|one| one.strip_prefix(&folder)?.parse().ok()).collect())
    }

    /// Removes every part.
    async fn delete_parts(&self, key: &str) -> Result<(), BlobError> {
        for number in self.parts(key).await? {
            self.delete(&part_key(key, number)).await?;
        }
        Ok(())
    }
}

/// Ten digits, so that keys sort as the numbers do.
fn part_key(key: &str, number: u32) -> String {
    format!("{key}/{number:010}")
}
