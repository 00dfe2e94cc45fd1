//! The suite on SQLite, and what is SQLite's own: files, days, locks, damage.

mod crash;
mod days;
mod opening;
mod writing;

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::Timestamp;
use infra_log::sqlite::{OpenError, Sqlite};
use infra_log::suite::Fixture;
use infra_log::{Clock, Log, Partition};
use tempfile::TempDir;

/// A clock that stands still until it is moved.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn at(time: &str) -> Self {
        Hand(Arc::new(AtomicI64::new(stamp(time).micros())))
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }

    fn move_on(&self, days: u64) {
        self.0.store(self.now().plus(Duration::from_secs(days * 86_400)).micros(), Ordering::Relaxed);
    }

    fn clock(&self) -> Clock {
        let hand = self.clone();
        Arc::new(move || hand.now())
    }
}

fn stamp(time: &str) -> Timestamp {
    Timestamp::parse_rfc3339(time).unwrap()
}

/// A folder and a clock; the log in it is opened by each test.
struct Place {
    folder: TempDir,
    hand: Hand,
}

impl Place {
    fn new() -> Self {
        Place { folder: tempfile::tempdir().unwrap(), hand: Hand::at("2026-11-22T18:00:00Z") }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn open(&self) -> Sqlite {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<Sqlite, OpenError> {
        Sqlite::open(self.path(), self.hand.clock())
    }

    /// The names of the database files.
    fn files(&self) -> Vec<String> {
        let names =
            std::fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".db")).collect();
        names.sort();
        names
    }
}

struct Files {
    place: Place,
    log: Mutex<Option<Arc<Sqlite>>>,
}

impl Files {
    fn log(&self) -> Arc<Sqlite> {
        self.log.lock().unwrap().get_or_insert_with(|| Arc::new(self.place.open())).clone()
    }
}

#[async_trait]
impl Fixture for Files {
    async fn handle(&self) -> Arc<dyn Log> {
        self.log()
    }

    async fn restart(&self) -> bool {
        let log = self.log.lock().unwrap().take();
        assert_eq!(log.as_ref().map_or(1, Arc::strong_count), 1, "the check holds a handle");
        true
    }

    async fn age(&self, _partition: Partition) {
        self.place.hand.move_on(30);
        self.log().expire(self.place.hand.now()).await.unwrap();
    }
}

async fn files() -> Option<Files> {
    Some(Files { place: Place::new(), log: Mutex::default() })
}

conforms!(on_files, files());
