//! One process owns a data folder: two writers would hand out the same positions.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::OpenError;

const NAME: &str = "lock";

/// A folder that is ours until this is dropped, or the process dies however it may.
///
/// The file stays behind with the last owner's process id in it; the lock is the kernel's, not the file's existence.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
    folder: PathBuf,
}

impl FolderLock {
    /// Makes the folder if it is missing and locks it.
    ///
    /// Errors: [`OpenError::InUse`] names the process that holds it, [`OpenError::Unwritable`] why it cannot be written.
    pub fn take(folder: &Path) -> Result<Self, OpenError> {
        let unwritable = |source| OpenError::Unwritable { folder: folder.into(), source };
        std::fs::create_dir_all(folder).map_err(unwritable)?;
        let path = folder.join(NAME);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::InUse { folder: folder.into(), pid: pid_in(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(unwritable(source)),
        }
        sign(&mut file).map_err(unwritable)?;
        Ok(FolderLock { _file: file, folder: folder.into() })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn pid_in(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
