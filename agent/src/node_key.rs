//! The node key on disk: a file of its own that only its owner can read.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The file's name in the data folder.
const FILE: &str = "node.key";

#[derive(Clone, Debug)]
pub struct KeyFile(PathBuf);

impl KeyFile {
    pub fn in_folder(folder: &Path) -> Self {
        KeyFile(folder.join(FILE))
    }

    /// The key, if there is one.
    pub fn read(&self) -> io::Result<Option<String>> {
        match fs::read_to_string(&self.0) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|key| !key.is_empty())),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// Replaces the key: the whole new one or, after a crash, the whole old one.
    pub fn write(&self, key: &str) -> io::Result<()> {
        let beside = self.0.with_extension("key.new");
        match fs::remove_file(&beside) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        let mut file = owner_only().open(&beside)?;
        file.write_all(key.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &self.0)
    }

    pub fn delete(&self) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => Err(cause),
            _ => Ok(()),
        }
    }
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_kept_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::in_folder(folder.path());
        assert_eq!(file.read().unwrap(), None);
        fs::write(folder.path().join("node.key.new"), "left by a crash").unwrap();
        file.write("a").unwrap();
        file.write("b/+").unwrap();
        assert_eq!(file.read().unwrap().as_deref(), Some("b/+"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        file.delete().unwrap();
        file.delete().unwrap();
        assert_eq!(file.read().unwrap(), None);
    }
}
