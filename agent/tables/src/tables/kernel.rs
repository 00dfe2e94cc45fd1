//! `kernel_info`: the running kernel and how it was started.

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::row::Rows;
use crate::sys;

pub(super) fn generate(_: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let line = sys::trimmed("/proc/cmdline").unwrap_or_default();
    let signature = sys::trimmed("/proc/version").unwrap_or_default();
    let words = || line.split_whitespace();
    let others: Vec<&str> =
        words().filter(|word| !word.starts_with("BOOT_IMAGE=") && !word.starts_with("root=")).collect();
    rows.add()
        .text_opt("version", signature.strip_prefix("Linux version ").and_then(|s| s.split(' ').next()))
        .text("arguments", others.join(" "))
        .text_opt("path", words().filter_map(|word| word.strip_prefix("BOOT_IMAGE=")).next_back())
        .text_opt("device", words().filter_map(|word| word.strip_prefix("root=")).next_back());
    Ok(())
}
