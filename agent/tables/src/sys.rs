//! What the standard library does not offer: accounts by the C library (so that LDAP and the like count), the
//! limits of a process, the host's full name, and netlink.
//!
//! The second module of the crate that may be unsafe; each call is wrapped in one safe function.

mod accounts;
mod host;
mod limits;
pub(crate) mod netlink;

pub(crate) use accounts::{User, all_groups, all_users, group_by_id, user_by_id, user_by_name};
pub use host::hardware_uuid;
pub(crate) use host::{fully_qualified, local_timezone};
pub(crate) use limits::{be_nice, cpu_times, limit_address_space};

/// A file's text without the white space around it; `None` when it cannot be read.
pub(crate) fn trimmed(path: impl AsRef<std::path::Path>) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_string())
}
