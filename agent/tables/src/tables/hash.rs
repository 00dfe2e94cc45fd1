//! `hash`: digests of regular files.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;

use crate::constraint::Scan;
use crate::digest::digests;
use crate::error::QueryError;
use crate::row::Rows;
use crate::tables::file::places;

/// A file that cannot be read has a row without digests.
pub(super) fn generate(scan: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let wanted = ["md5", "sha1", "sha256"].iter().any(|column| scan.reads(column));
    for place in places(scan)? {
        if !fs::metadata(&place.path).is_ok_and(|about| about.is_file()) {
            continue;
        }
        let found = if wanted { open(&place.path).and_then(digests).ok() } else { None };
        let mut row = rows.add();
        row.text("path", place.path).text("directory", place.directory).int("pid_with_namespace", 0);
        if let Some(found) = found {
            row.text("md5", found.md5).text("sha1", found.sha1).text("sha256", found.sha256);
        }
    }
    Ok(())
}

/// Should the file have become a pipe since it was looked at, opening it must not wait for a writer.
fn open(path: &str) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}
