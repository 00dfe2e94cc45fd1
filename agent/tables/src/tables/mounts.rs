//! `mounts`: what is mounted in the agent's own view of the file system.

use std::fs;

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::row::Rows;
use crate::sys;

pub(super) fn generate(_: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    for line in sys::text("/proc/self/mounts").lines() {
        let mut fields = line.split(' ').map(unescaped);
        let (Some(device), Some(path), Some(kind), Some(flags)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        add(rows, &device, &path, &kind, &flags);
    }
    Ok(())
}

#[allow(clippy::unnecessary_cast, reason = "the widths differ between machines")]
fn add(rows: &mut Rows, device: &str, path: &str, kind: &str, flags: &str) {
    // Looking at an automounter's directory would mount what nobody has asked for.
    let space = if kind == "autofs" { None } else { rustix::fs::statfs(path).ok() };
    let of = |count: fn(&rustix::fs::StatFs) -> i64| space.as_ref().map_or(0, count);
    let alias = if device.starts_with('/') { fs::canonicalize(device).ok() } else { None };
    rows.add()
        .text("device", device)
        .text("device_alias", alias.map_or_else(|| device.to_string(), |to| to.to_string_lossy().into_owned()))
        .text("path", path)
        .text("type", kind)
        .int("blocks_size", of(|s| s.f_bsize as i64))
        .int("blocks", of(|s| s.f_blocks as i64))
        .int("blocks_free", of(|s| s.f_bfree as i64))
        .int("blocks_available", of(|s| s.f_bavail as i64))
        .int("inodes", of(|s| s.f_files as i64))
        .int("inodes_free", of(|s| s.f_ffree as i64))
        .text("flags", flags);
}

/// The kernel writes spaces and the like as `\040`.
fn unescaped(field: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = field.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|d| first == b'\\' && d.iter().all(|b| (b'0'..=b'7').contains(b)));
        match digits {
            Some(digits) => {
                bytes.push(digits.iter().fold(0u32, |n, d| n * 8 + u32::from(d - b'0')) as u8);
                rest = &after[3..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescaped("/mnt/a\\040b\\134c"), "/mnt/a b\\c");
        assert_eq!(unescaped("/mnt/\\04"), "/mnt/\\04");
        assert_eq!(unescaped("/mnt/\\303\\244"), "/mnt/ä");
    }
}
