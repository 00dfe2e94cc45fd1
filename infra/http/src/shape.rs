//! The objects of the API as JSON, made from the fold and the vault. Both APIs show the same thing in the same shape.
//!
//! Hosts are not here: they are made from views. Source: rest-api §4 to §13.

pub mod campaign;
pub mod config;
pub mod label;
pub mod query;
pub mod team;
pub mod user;

use domain::{Sealed, Timestamp};
use infra_blobs::Vault;
use serde_json::{Value, json};

/// What stands in the place of a secret that the reader may not see, or that is never shown.
pub const MASK: &str = "********";

/// A time in whole seconds.
pub fn time(at: Timestamp) -> Value {
    json!(at.to_rfc3339_secs())
}

/// A sealed text; empty when the person it belongs to was erased.
fn opened(vault: &Vault, sealed: &Sealed) -> String {
    vault.open(sealed).unwrap_or_default()
}

#[cfg(test)]
mod tests;
