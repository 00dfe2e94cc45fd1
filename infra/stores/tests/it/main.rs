//! The store of views, through its public face, on a real file.

#![allow(clippy::unwrap_used)]

mod checkpoints;
mod opening;
mod schema;
mod writing;

use std::path::PathBuf;

use infra_stores::Views;

/// A store in a folder of its own, which goes when this is dropped.
struct Store {
    folder: tempfile::TempDir,
    views: Views,
}

impl Store {
    async fn new() -> Store {
        let folder = tempfile::tempdir().unwrap();
        let views = Views::open(&folder.path().join("views.db")).await.unwrap();
        Store { folder, views }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("views.db")
    }
}
