//! The store of views on SQLite: the suite of all engines on a real file, and what only a file can suffer.

#![allow(clippy::unwrap_used)]

mod opening;
mod schema;

use std::path::PathBuf;

use async_trait::async_trait;
use infra_stores::Views;
use infra_stores::suite::{self, Fixture};

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

/// A folder for the suite.
struct Folder(tempfile::TempDir);

#[async_trait]
impl Fixture for Folder {
    async fn views(&self) -> Views {
        Views::open(&self.0.path().join("views.db")).await.unwrap()
    }
}

macro_rules! checks {
    ($($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            suite::$name(&Folder(tempfile::tempdir().unwrap())).await;
        }
    )*};
}

checks! {
    the_last_word_on_a_key_wins
    many_rows_take_few_statements
    a_transaction_sees_its_own_rows_and_nobody_else_does
    every_type_comes_back_as_it_went
    a_row_of_another_shape_is_an_error
    readers_cannot_write
    a_checkpoint_moves_with_its_rows
    a_zombie_cannot_advance
    a_place_has_one_checkpoint
}
