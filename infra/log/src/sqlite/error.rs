//! Why a folder could not be opened; each message names the file or folder and says what to do.

use std::path::PathBuf;

/// A refusal to open a log. Nothing was changed, but for the folder itself and its lock file.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("folder {} cannot be written: {source}; give its owner the right to, or choose another folder", folder.display())]
    Unwritable { folder: PathBuf, source: std::io::Error },
    #[error("folder {} is in use by {}; stop it, or choose another folder", folder.display(), holder(*pid))]
    InUse { folder: PathBuf, pid: Option<u32> },
    #[error("file {} is damaged: {what}; restore it from a backup (nothing was changed)", file.display())]
    Damaged { file: PathBuf, what: String },
    #[error("file {} was written by a newer release (format {found}, this one knows {known}); run that release", file.display())]
    Newer { file: PathBuf, found: u32, known: u32 },
    #[error(
        "file {} is missing beside {}; restore it from a backup, or move the other files away to begin an empty log",
        file.display(), beside.display()
    )]
    LedgerMissing { file: PathBuf, beside: PathBuf },
    #[error("file {} cannot be used: {what}", file.display())]
    Failed { file: PathBuf, what: String },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".into(), |pid| format!("process {pid}"))
}
