//! The data folder: where things are, and whether it can be used at all.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// The paths inside one data folder.
#[derive(Clone, Debug)]
pub struct Data {
    root: PathBuf,
}

impl Data {
    /// Makes the folder if it is missing and proves that it can be written. Changes nothing else.
    pub fn open(root: &Path) -> anyhow::Result<Data> {
        if !root.exists() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(root).with_context(|| {
                format!(
                    "the data folder {} cannot be made: choose another with --data, or make it for this user",
                    root.display()
                )
            })?;
        }
        if !root.is_dir() {
            bail!("{} is not a folder: choose another with --data", root.display());
        }
        let probe = root.join(".write-probe");
        fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).with_context(|| {
            format!(
                "the data folder {} cannot be written by this user: mend its owner, or choose another with --data",
                root.display()
            )
        })?;
        Ok(Data { root: root.to_owned() })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    pub fn views(&self) -> PathBuf {
        self.root.join("views.db")
    }

    pub fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    pub fn vault(&self) -> PathBuf {
        self.root.join("vault.json")
    }

    pub fn tls(&self) -> PathBuf {
        self.root.join("tls")
    }

    /// The first admin's e-mail address and password; the admin may delete it.
    pub fn admin_password(&self) -> PathBuf {
        self.root.join("admin-password")
    }

    /// The enroll secret of a first run, for agents on this machine.
    pub fn enroll_secret(&self) -> PathBuf {
        self.root.join("enroll-secret")
    }

    /// Where a running server takes orders such as `rebuild`.
    pub fn control(&self) -> PathBuf {
        self.root.join("control.sock")
    }
}

/// Writes a file that only its owner can read; it is whole or not there.
pub fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let partial = path.with_extension("partial");
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}
