//! Opening a folder: look at everything first, change something last.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::day::Day;
use super::lock::FolderLock;
use super::queue::Queue;
use super::reserve::{Note, Reservation};
use super::shelf::Shelf;
use super::volume::Volume;
use super::writer::{Writer, begin, file_name};
use super::{OpenError, Sqlite, check, format};
use crate::{Clock, Counts, Position, Topic};

const LEDGER: &[Topic] = &[Topic::Ledger, Topic::Hosts];
const DAILY: [&[Topic]; 5] =
    [&[Topic::Signals], &[Topic::Results], &[Topic::Status], &[Topic::Live], &[Topic::Activity]];

/// How long SQLite may look for broken pages, in `ledger.db` and in each newest daily file.
const LEDGER_BUDGET: Duration = Duration::from_secs(2);
const DAILY_BUDGET: Duration = Duration::from_millis(300);

pub(super) fn open(folder: &Path, clock: Clock) -> Result<Sqlite, OpenError> {
    let lock = FolderLock::take(folder)?;
    let mut found = Found::look(folder)?;
    found.check()?;

    found.drafts.iter().for_each(|draft| format::remove(draft));
    let counts = Arc::new(Counts::default());
    let setting = Setting { folder, clock: &clock, counts: &counts };
    let ledger = Arc::new(Shelf::new(LEDGER));
    let (ledger_queue, mut notes) = setting.start_ledger(&ledger, found.ledger)?;

    let mut shelves = vec![ledger.clone(), ledger];
    let mut writers = Vec::new();
    for topics in DAILY {
        let shelf = Arc::new(Shelf::new(topics));
        let files = found.daily.remove(shelf.name()).unwrap_or_default();
        writers.push(Arc::new(setting.start_daily(&shelf, files, notes.remove(shelf.name()), &ledger_queue)?));
        shelves.push(shelf);
    }
    writers.push(Arc::new(ledger_queue));
    Ok(Sqlite { shelves, writers, counts, folder: folder.into(), _lock: lock })
}

/// The files of this log in a folder.
struct Found {
    folder: PathBuf,
    ledger: Option<PathBuf>,
    /// By shelf name, oldest first.
    daily: HashMap<&'static str, Vec<(Option<Day>, PathBuf)>>,
    /// Left by a crash while a file was made.
    drafts: Vec<PathBuf>,
}

impl Found {
    fn look(folder: &Path) -> Result<Self, OpenError> {
        let unreadable = |source| OpenError::Unwritable { folder: folder.into(), source };
        let mut found = Found { folder: folder.into(), ledger: None, daily: HashMap::new(), drafts: Vec::new() };
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if name == "ledger.db" {
                found.ledger = Some(path);
            } else if let Some((shelf, day)) = name.strip_suffix(".db").and_then(daily) {
                found.daily.entry(shelf).or_default().push((Some(day), path));
            } else if name.strip_suffix(".db.new").is_some_and(|stem| stem == "ledger" || daily(stem).is_some()) {
                found.drafts.push(path);
            }
        }
        found.daily.values_mut().for_each(|files| files.sort());
        Ok(found)
    }

    /// Refuses what is damaged, newer than we are, or not the whole log.
    fn check(&self) -> Result<(), OpenError> {
        let every = self.ledger.iter().chain(self.daily.values().flatten().map(|(_, path)| path));
        every.clone().try_for_each(|path| check::header(path))?;
        let ledger = self.folder.join("ledger.db");
        let wal = format::with_suffix(&ledger, "-wal");
        let orphan = Some(wal).filter(|wal| wal.exists());
        match (&self.ledger, every.min().or(orphan.as_ref())) {
            (None, Some(beside)) => return Err(OpenError::LedgerMissing { file: ledger, beside: beside.clone() }),
            (Some(ledger), _) => check::pages(ledger, LEDGER_BUDGET)?,
            (None, None) => {}
        }
        let newest = self.daily.values().filter_map(|files| files.last());
        newest.into_iter().try_for_each(|(_, path)| check::pages(path, DAILY_BUDGET))
    }
}

/// `results-2026-11-22`
fn daily(stem: &str) -> Option<(&'static str, Day)> {
    let (name, day) = stem.split_once('-')?;
    let shelf = DAILY.iter().map(|topics| Shelf::new(topics).name()).find(|shelf| *shelf == name)?;
    Some((shelf, Day::parse(day)?))
}

/// What all shelves have in common.
struct Setting<'a> {
    folder: &'a Path,
    clock: &'a Clock,
    counts: &'a Arc<Counts>,
}

impl Setting<'_> {
    /// Starts the shelf of the ledger and hosts. Returns with it what its file notes of the others.
    fn start_ledger(
        &self,
        shelf: &Arc<Shelf>,
        file: Option<PathBuf>,
    ) -> Result<(Queue, HashMap<&'static str, Note>), OpenError> {
        let path = self.folder.join("ledger.db");
        let opened = match file {
            Some(file) => Opened::load(shelf, vec![(None, file)])?,
            None => Opened::begin(shelf, path.clone(), None, vec![0; shelf.partitions().len()])?,
        };
        let notes = notes(&opened.conn).map_err(|error| failed(&path, &error))?;
        Ok((self.serve(shelf, opened, None)?, notes))
    }

    fn start_daily(
        &self,
        shelf: &Arc<Shelf>,
        files: Vec<(Option<Day>, PathBuf)>,
        note: Option<Note>,
        ledger: &Queue,
    ) -> Result<Queue, OpenError> {
        let newest = files
            .last()
            .and_then(|(_, path)| path.file_name())
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        // Where the newest file is gone, so is the knowledge of what it held.
        let least = note.as_ref().filter(|note| note.newest != newest).map_or(0, |note| note.reserved);
        let sender = ledger.sender().expect("the ledger's queue is open while the folder is opened");
        let mut reservation = Reservation::new(shelf.name(), note, sender);
        let mut opened = if files.is_empty() {
            let day = Day::of((self.clock)());
            let name = file_name(shelf, day);
            let path = self.folder.join(&name);
            reservation.announce(&name, least).map_err(|what| OpenError::Failed { file: path.clone(), what })?;
            Opened::begin(shelf, path, Some(day), vec![least; shelf.partitions().len()])?
        } else {
            Opened::load(shelf, files)?
        };
        opened.next.iter_mut().for_each(|next| *next = least.max(*next));
        self.serve(shelf, opened, Some(reservation))
    }

    /// Hands an open shelf to a thread of its own.
    fn serve(&self, shelf: &Arc<Shelf>, opened: Opened, reservation: Option<Reservation>) -> Result<Queue, OpenError> {
        let Opened { volumes, next, conn } = opened;
        if conn.is_readonly("main").unwrap_or(true) {
            let source = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
            return Err(OpenError::Unwritable { folder: self.folder.into(), source });
        }
        shelf.change(|all| *all = volumes);
        shelf.partitions().iter().zip(&next).for_each(|(&partition, &next)| shelf.tide(partition).rise(next));
        let (queue, jobs) = Queue::new(shelf.clone());
        let writer = Writer {
            shelf: shelf.clone(),
            folder: self.folder.into(),
            clock: self.clock.clone(),
            counts: self.counts.clone(),
            jobs,
            conn,
            next,
            reservation,
            wounded: false,
        };
        let thread = std::thread::Builder::new().name(format!("log-{}", shelf.name())).spawn(move || writer.run());
        let failed = |error: std::io::Error| OpenError::Failed { file: self.folder.into(), what: error.to_string() };
        queue.served_by(thread.map_err(failed)?);
        Ok(queue)
    }
}

/// A shelf's files, the newest open for writing.
struct Opened {
    volumes: Vec<Arc<Volume>>,
    next: Vec<Position>,
    conn: Connection,
}

impl Opened {
    /// From files that are there, at least one.
    fn load(shelf: &Shelf, files: Vec<(Option<Day>, PathBuf)>) -> Result<Self, OpenError> {
        let mut volumes = Vec::new();
        for (day, path) in files {
            let bases =
                format::reader(&path).and_then(|conn| bases(&conn, shelf)).map_err(|error| failed(&path, &error))?;
            volumes.push(Arc::new(Volume::new(path, day, bases)));
        }
        let newest = volumes.last().expect("the caller has a file");
        let path = newest.path().to_owned();
        let conn = format::writer(&path).map_err(|error| failed(&path, &error))?;
        let next = ends(&conn, shelf, newest).map_err(|error| failed(&path, &error))?;
        Ok(Opened { volumes, next, conn })
    }

    fn begin(shelf: &Shelf, path: PathBuf, day: Option<Day>, next: Vec<Position>) -> Result<Self, OpenError> {
        let (volume, conn) = begin(shelf, path.clone(), day, &next).map_err(|error| failed(&path, &error))?;
        Ok(Opened { volumes: vec![Arc::new(volume)], next, conn })
    }
}

fn failed(file: &Path, error: &rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OpenError::Damaged { file: file.into(), what: error.to_string() }
        }
        _ => OpenError::Failed { file: file.into(), what: error.to_string() },
    }
}

fn notes(ledger: &Connection) -> rusqlite::Result<HashMap<&'static str, Note>> {
    let mut notes = HashMap::new();
    for topics in DAILY {
        let name = Shelf::new(topics).name();
        if let Some(note) = Note::read(ledger, name)? {
            notes.insert(name, note);
        }
    }
    Ok(notes)
}

/// By slot: where each partition begins in a file.
fn bases(conn: &Connection, shelf: &Shelf) -> rusqlite::Result<Vec<Position>> {
    let mut statement = conn.prepare("SELECT position FROM base WHERE name = ?1")?;
    let mut base = |slot| statement.query_row([shelf.table(slot)], |row| row.get::<_, i64>(0));
    (0..shelf.partitions().len()).map(|slot| Ok(base(slot)? as Position)).collect()
}

/// By slot: the position after the last one in a file.
fn ends(conn: &Connection, shelf: &Shelf, newest: &Volume) -> rusqlite::Result<Vec<Position>> {
    let last = |slot| {
        conn.query_row(&format!("SELECT max(position) FROM {}", shelf.table(slot)), [], |row| {
            row.get::<_, Option<i64>>(0)
        })
    };
    (0..shelf.partitions().len())
        .map(|slot| Ok(last(slot)?.map_or(0, |last| last as Position + 1).max(newest.base(slot))))
        .collect()
}
