//! Blobs as files of one folder.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{BlobError, Blobs, Key};

/// Where writes are prepared; no key can name it.
const SCRATCH: &str = ".writing";

/// A folder of blobs, owned by one process.
#[derive(Clone)]
pub struct Folder(Arc<Inner>);

struct Inner {
    root: PathBuf,
    writes: AtomicU64,
}

impl Folder {
    /// Opens or makes the folder, readable by its owner alone, and clears away what a crash left half-written.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Folder> {
        let root = root.into();
        make_folder(&root)?;
        let scratch = root.join(SCRATCH);
        match fs::remove_dir_all(&scratch) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => make_folder(&scratch)?,
        }
        Ok(Folder(Arc::new(Inner { root, writes: AtomicU64::new(0) })))
    }

    /// Runs file work where it may block.
    async fn work<T: Send + 'static>(
        &self,
        what: &'static str,
        key: &str,
        job: impl FnOnce(&Inner, &str) -> io::Result<T> + Send + 'static,
    ) -> Result<T, BlobError> {
        let (inner, owned) = (self.0.clone(), key.to_owned());
        let done = tokio::task::spawn_blocking(move || job(&inner, &owned)).await;
        let failed = |reason: String| BlobError::Failed { what, key: key.to_owned(), reason };
        match done {
            Ok(result) => result.map_err(|error| failed(error.to_string())),
            Err(stopped) => Err(failed(stopped.to_string())),
        }
    }
}

#[async_trait]
impl Blobs for Folder {
    async fn put(&self, key: &str, value: Bytes) -> Result<(), BlobError> {
        Key::parse(key)?;
        self.work("store", key, move |inner, key| inner.put(key, &value)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, BlobError> {
        Key::parse(key)?;
        self.work("read", key, |inner, key| found(fs::read(inner.root.join(key))))
            .await
            .map(|read| read.map(Bytes::from))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, BlobError> {
        self.work("list", prefix, |inner, prefix| inner.list(prefix)).await
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        Key::parse(key)?;
        self.work("delete", key, |inner, key| inner.delete(key)).await
    }
}

impl Inner {
    /// Written beside, synced, then renamed into place: a crash leaves the old blob or the new one.
    fn put(&self, key: &str, value: &[u8]) -> io::Result<()> {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let draft = self.root.join(SCRATCH).join(number.to_string());
        let path = self.root.join(key);
        let folder = path.parent().unwrap_or(&self.root);
        write_synced(&draft, value)?;
        // Any of the folders may go with the last blob that is deleted from it, while they are made or just after.
        while let Err(error) = make_folder(folder).and_then(|()| fs::rename(&draft, &path)) {
            let went = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists);
            if !went || !draft.exists() || folder.is_file() {
                return Err(error);
            }
        }
        sync_folders(folder, &self.root)
    }

    fn delete(&self, key: &str) -> io::Result<()> {
        let path = self.root.join(key);
        if found(fs::remove_file(&path))?.is_none() {
            return Ok(());
        }
        let folder = path.parent().unwrap_or(&self.root);
        if let Some(folder) = found(File::open(folder))? {
            folder.sync_all()?;
        }
        // Folders that are empty now go with their last blob; one that is not, stays.
        let emptied = folder.ancestors().take_while(|above| *above != self.root);
        for above in emptied {
            if fs::remove_dir(above).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        let mut keys = vec![];
        self.collect(&self.root, "", prefix, &mut keys)?;
        keys.sort();
        Ok(keys)
    }

    /// Walks only folders that can hold a match.
    fn collect(&self, folder: &Path, path: &str, prefix: &str, keys: &mut Vec<String>) -> io::Result<()> {
        let Some(entries) = found(fs::read_dir(folder))? else { return Ok(()) };
        for entry in entries {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().filter(|name| !name.starts_with('.')).map(str::to_owned) else {
                continue;
            };
            let key = format!("{path}{name}");
            if entry.file_type()?.is_dir() {
                let below = format!("{key}/");
                if below.starts_with(prefix) || prefix.starts_with(&below) {
                    self.collect(&entry.path(), &below, prefix, keys)?;
                }
            } else if key.starts_with(prefix) {
                keys.push(key);
            }
        }
        Ok(())
    }
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        other => other.map(Some),
    }
}

/// Writes a new file that only its owner can read, and waits until the disk has it.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Names are durable when every folder up to the root is: some of them may be new.
fn sync_folders(folder: &Path, root: &Path) -> io::Result<()> {
    for above in folder.ancestors() {
        if let Some(above) = found(File::open(above))? {
            above.sync_all()?;
        }
        if above == root {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_folder_is_a_blob_store() {
        let folder = tempfile::tempdir().unwrap();
        crate::suite::run(&Folder::open(folder.path().join("blobs")).unwrap()).await;
    }

    #[tokio::test]
    async fn a_crash_in_mid_write_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = folder.path().join(SCRATCH);
        fs::create_dir(&scratch).unwrap();
        fs::write(scratch.join("0"), "half").unwrap();
        let blobs = Folder::open(folder.path()).unwrap();
        assert_eq!(blobs.list("").await.unwrap(), Vec::<String>::new());
        assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn blobs_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let blobs = Folder::open(folder.path()).unwrap();
        blobs.put("carves/1/a", Bytes::from_static(b"secret")).await.unwrap();
        let mode = |path: &str| fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("carves"), mode("carves/1/a")), (0o700, 0o600));
    }

    #[tokio::test]
    async fn folders_go_with_their_last_blob() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Folder::open(folder.path()).unwrap();
        for key in ["carves/1/a", "carves/2/a"] {
            blobs.put(key, Bytes::new()).await.unwrap();
        }
        blobs.delete("carves/1/a").await.unwrap();
        assert!(!folder.path().join("carves/1").exists());
        assert!(folder.path().join("carves/2/a").exists());
    }

    #[tokio::test]
    async fn a_folder_that_goes_while_a_blob_comes_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Folder::open(folder.path()).unwrap();
        for _ in 0..200 {
            blobs.put("carves/1/a", Bytes::new()).await.unwrap();
            let (gone, come) = tokio::join!(blobs.delete("carves/1/a"), blobs.put("carves/1/b", Bytes::new()));
            gone.unwrap();
            come.unwrap();
            blobs.delete("carves/1/b").await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_key_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Folder::open(folder.path().join("blobs")).unwrap();
        let outside = folder.path().join("outside");
        assert!(matches!(blobs.put("../outside", Bytes::from_static(b"x")).await, Err(BlobError::Key(_))));
        assert!(!outside.exists());
        fs::write(&outside, "kept").unwrap();
        assert!(blobs.get("../outside").await.is_err());
        assert!(blobs.delete("../outside").await.is_err());
        assert!(outside.exists());
    }
}
