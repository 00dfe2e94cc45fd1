//! `file`: what stat(2) says of paths.

use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::glob::{Syntax, expand};
use crate::row::Rows;

pub(super) fn generate(scan: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    for place in places(scan)? {
        add(rows, &place);
    }
    Ok(())
}

/// A path to look at, spelled as the query will compare it.
pub(super) struct Place {
    pub path: String,
    pub directory: String,
}

/// What the constraints on path and directory may mean. Both hold at once, so those on path are enough.
///
/// Errors for a pattern that could be anywhere on the disk.
pub(super) fn places(scan: &Scan<'_>) -> Result<Vec<Place>, QueryError> {
    if let Some(paths) = meant(scan, "path")? {
        return Ok(paths.into_iter().map(Place::of_path).collect());
    }
    let in_directory = |directory: String| {
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names.into_iter().map(move |name| {
            let path = format!("{}/{name}", directory.trim_end_matches('/'));
            Place { path, directory: directory.clone() }
        })
    };
    Ok(meant(scan, "directory")?.unwrap_or_default().into_iter().flat_map(in_directory).collect())
}

/// The values of a column that a constraint names or that exist for its pattern; `None` without any. Of several
/// constraints one is enough, as SQLite sees to the others.
fn meant(scan: &Scan<'_>, column: &str) -> Result<Option<Vec<String>>, QueryError> {
    if let Some(exact) = scan.equal_to(column) {
        return Ok(Some(vec![exact.to_string()]));
    }
    let like = scan.like(column).map(|pattern| (pattern, Syntax::Like));
    let patterns: Vec<_> = like.chain(scan.glob(column).map(|pattern| (pattern, Syntax::Glob))).collect();
    match (patterns.iter().find(|(pattern, _)| pattern.starts_with('/')), patterns.first()) {
        (Some((pattern, syntax)), _) => Ok(Some(expand(pattern, *syntax))),
        (None, Some((pattern, _))) => Err(QueryError::Sql(format!(
            "table {} needs a pattern for {column} that starts with a slash, not '{pattern}'",
            scan.schema.name
        ))),
        (None, None) => Ok(None),
    }
}

impl Place {
    fn of_path(path: String) -> Self {
        let directory = match path.trim_end_matches('/').rsplit_once('/') {
            // A path that ends in a slash lies in itself, to osquery.
            _ if path.len() > 1 && path.ends_with('/') => path.trim_end_matches('/'),
            Some(("", _)) => "/",
            Some((directory, _)) => directory,
            None => "",
        };
        Self { directory: directory.to_string(), path }
    }

    fn file_name(&self) -> &str {
        match self.path.rsplit_once('/') {
            Some((_, "")) if self.path.len() > 1 => ".",
            Some((_, "")) => "/",
            Some((_, name)) => name,
            None => &self.path,
        }
    }
}

/// Symbolic links show what they lead to, and themselves when that does not exist. No row for what is not there.
fn add(rows: &mut Rows, place: &Place) {
    // A slash at the end would make the system follow a link.
    let bare = match place.path.trim_end_matches('/') {
        "" if place.path.is_empty() => return,
        "" => Path::new("/"),
        path => Path::new(path),
    };
    let Ok(itself) = fs::symlink_metadata(bare) else { return };
    let target = fs::metadata(&place.path);
    let kind = target.as_ref().map_or("unknown", |about| kind(about));
    let leads_to = if itself.is_symlink() { fs::read_link(bare).ok() } else { None };
    let about = target.unwrap_or_else(|_| itself.clone());
    let born = about.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map_or(0, |at| at.as_secs());
    rows.add()
        .text("path", &place.path)
        .text("directory", &place.directory)
        .text("filename", place.file_name())
        .int("inode", about.ino())
        .int("uid", about.uid())
        .int("gid", about.gid())
        .text("mode", format!("{:04o}", about.mode() & 0o7777))
        .int("device", about.rdev())
        .int("size", about.size())
        .int("block_size", about.blksize())
        .int("atime", about.atime())
        .int("mtime", about.mtime())
        .int("ctime", about.ctime())
        .int("btime", born)
        .int("hard_links", about.nlink())
        .int("symlink", itself.is_symlink())
        .text("type", kind)
        .text("symlink_target_path", leads_to.map(|to| to.to_string_lossy().into_owned()).unwrap_or_default())
        .int("pid_with_namespace", 0);
}

fn kind(about: &Metadata) -> &'static str {
    let kind = about.file_type();
    match () {
        () if kind.is_file() => "regular",
        () if kind.is_dir() => "directory",
        () if kind.is_symlink() => "symlink",
        () if kind.is_block_device() => "block",
        () if kind.is_char_device() => "character",
        () if kind.is_fifo() => "fifo",
        () if kind.is_socket() => "socket",
        () => "unknown",
    }
}
