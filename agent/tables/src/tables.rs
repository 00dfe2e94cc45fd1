//! The tables: one function each, which makes rows for a scan.

mod accounts;
mod agent;
mod clock;
mod deb_packages;
mod disk_encryption;
mod file;
mod hash;
mod interfaces;
mod kernel;
mod listening_ports;
mod mounts;
mod os_version;
mod platform_info;
mod processes;
mod routes;
mod system_info;

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::row::Rows;

/// Makes the rows that a scan asks for; more than it asks for is allowed, fewer are not.
///
/// Errors only for a mistake of the query. What the host does not tell leaves columns empty or rows out.
pub(crate) type Generate = fn(&Scan<'_>, &mut Rows) -> Result<(), QueryError>;

/// All tables, sorted by name.
pub(crate) const TABLES: &[(&str, Generate)] = &[
    ("deb_packages", deb_packages::generate),
    ("disk_encryption", disk_encryption::generate),
    ("file", file::generate),
    ("groups", accounts::groups),
    ("hash", hash::generate),
    ("interface_addresses", interfaces::addresses),
    ("interface_details", interfaces::details),
    ("kernel_info", kernel::generate),
    ("listening_ports", listening_ports::generate),
    ("mounts", mounts::generate),
    ("os_version", os_version::generate),
    ("osquery_flags", agent::flags),
    ("osquery_info", agent::info),
    ("osquery_registry", agent::registry),
    ("osquery_schedule", agent::schedule),
    ("platform_info", platform_info::generate),
    ("processes", processes::generate),
    ("routes", routes::generate),
    ("system_info", system_info::generate),
    ("time", clock::time),
    ("uptime", clock::uptime),
    ("users", accounts::users),
];

/// A line of `key separator value`, both without white space around them.
fn pair(line: &str, separator: char) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(separator)?;
    Some((key.trim(), value.trim()))
}
