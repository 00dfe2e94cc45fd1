//! What the standard library does not offer: accounts by the C library (so that LDAP and the like count), the
//! limits of a process, the host's full name, and netlink.
//!
//! The second module of the crate that may be unsafe; each call is wrapped in one safe function.

use std::alloc::{Layout, handle_alloc_error};
use std::io;
use std::path::Path;

mod accounts;
mod host;
mod limits;
pub(crate) mod netlink;

pub(crate) use accounts::{User, all_groups, all_users, group_by_id, user_by_id, user_by_name};
pub use host::hardware_uuid;
pub(crate) use host::{fully_qualified, local_timezone};
pub(crate) use limits::{be_nice, cpu_times, limit_address_space};

/// A whole file. No memory for it ends the process, as it does for every other allocation: an error would be taken
/// for a file that is not there, and a query would answer with fewer rows.
pub(crate) fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let content = std::fs::read(path);
    match &content {
        Err(error) if error.kind() == io::ErrorKind::OutOfMemory => handle_alloc_error(Layout::new::<[u8; 4096]>()),
        _ => content,
    }
}

/// A file's text, empty when it cannot be read; bytes that are not UTF-8 are replaced.
pub(crate) fn text(path: impl AsRef<Path>) -> String {
    read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// A file's text without the white space around it; `None` when it cannot be read.
pub(crate) fn trimmed(path: impl AsRef<Path>) -> Option<String> {
    read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).trim().to_string())
}
