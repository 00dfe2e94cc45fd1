//! The one thread that writes a shelf's files.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use domain::Timestamp;
use rusqlite::Connection;

use super::day::Day;
use super::expire::{Expired, trim};
use super::format;
use super::queue::{Append, Job};
use super::reserve::{Note, Reservation};
use super::shelf::Shelf;
use super::transact::{Broken, heal, transact};
use super::volume::Volume;
use crate::{AppendError, Clock, Counts, Draft, Position};

/// One transaction takes what waits, up to so many records and bytes.
const RECORDS: usize = 4096;
const BYTES: usize = 16 * 1024 * 1024;

pub(super) struct Writer {
    pub(super) shelf: Arc<Shelf>,
    pub(super) folder: PathBuf,
    pub(super) clock: Clock,
    pub(super) counts: Arc<Counts>,
    pub(super) jobs: Receiver<Job>,
    /// Of the newest file.
    pub(super) conn: Connection,
    /// By slot: the position that the next record gets.
    pub(super) next: Vec<Position>,
    /// Daily shelves only.
    pub(super) reservation: Option<Reservation>,
    /// A commit failed at the disk, and the file was not healed yet.
    pub(super) wounded: bool,
}

impl Writer {
    pub(super) fn run(mut self) {
        while let Ok(job) = self.jobs.recv() {
            let (appends, other) = self.gather(job);
            if !appends.is_empty() {
                self.commit(appends);
            }
            match other {
                Some(Job::Expire { now, reply }) => drop(reply.send(self.expire(now))),
                Some(Job::Reserve { name, newest, upto, reply }) => {
                    let noted = self.transact(|conn, _| Note::write(conn, name, &newest, upto));
                    drop(reply.send(noted.map_err(|broken| broken.reason())));
                }
                Some(Job::Append(_)) | None => {}
            }
        }
    }

    /// All appends that wait, up to the first job of another kind.
    fn gather(&self, first: Job) -> (Vec<Append>, Option<Job>) {
        let (mut appends, mut records, mut bytes) = (Vec::new(), 0, 0);
        let mut next = Some(first);
        while let Some(job) = next {
            let Job::Append(append) = job else { return (appends, Some(job)) };
            records += append.drafts.len();
            bytes += append.drafts.iter().map(Draft::size).sum::<usize>();
            appends.push(append);
            next = match records < RECORDS && bytes < BYTES {
                true => self.jobs.try_recv().ok(),
                false => None,
            };
        }
        (appends, None)
    }

    fn commit(&mut self, mut appends: Vec<Append>) {
        let now = (self.clock)();
        let mut next = self.next.clone();
        let mut positions = Vec::with_capacity(appends.len());
        for append in &appends {
            let at = &mut next[self.shelf.slot(append.partition)];
            positions.push((*at..*at + append.drafts.len() as u64).collect::<Vec<_>>());
            *at += append.drafts.len() as u64;
        }
        let written = self.make_room(now, &next).map_err(Broken::RolledBack).and_then(|()| {
            self.counts.transaction();
            self.transact(|conn, shelf| {
                let drafts = appends.iter_mut().map(|append| (shelf.slot(append.partition), &mut append.drafts));
                drafts.zip(&positions).try_for_each(|((slot, drafts), positions)| {
                    insert(conn, &shelf.table(slot), drafts, positions, now)
                })
            })
        });
        if written.is_ok() {
            self.next = next;
            for append in &appends {
                self.shelf.tide(append.partition).rise(self.next[self.shelf.slot(append.partition)]);
            }
        }
        for (append, positions) in appends.into_iter().zip(positions) {
            // A caller that is gone does not want to know.
            drop(append.reply.send(match &written {
                Ok(()) => Ok(positions),
                Err(Broken::RolledBack(why)) => Err(AppendError::Failed(why.clone())),
                Err(Broken::Unknown(why)) => Err(AppendError::Unknown(why.clone())),
            }));
        }
    }

    /// Goes on to today's file when its day has come, and reserves positions up to `next`.
    fn make_room(&mut self, now: Timestamp, next: &[Position]) -> Result<(), String> {
        let today = Day::of(now);
        if self.shelf.newest().day().is_some_and(|day| day < today) {
            self.roll(today)?;
        }
        match &mut self.reservation {
            Some(reservation) => reservation.cover(next.iter().copied().max().unwrap_or(0)),
            None => Ok(()),
        }
    }

    /// Begins the file of a new day; the one before it is written no more.
    fn roll(&mut self, day: Day) -> Result<(), String> {
        let Some(reservation) = &mut self.reservation else { return Ok(()) };
        let name = file_name(&self.shelf, day);
        reservation.announce(&name, self.next.iter().copied().max().unwrap_or(0))?;
        let (volume, conn) =
            begin(&self.shelf, self.folder.join(&name), Some(day), &self.next).map_err(|error| error.to_string())?;
        if let Err(why) = heal(&self.conn) {
            tracing::debug!(file = %self.shelf.newest().path().display(), "its last reader will write it back: {why}");
        }
        self.conn = conn;
        self.wounded = false;
        self.shelf.change(|volumes| volumes.push(Arc::new(volume)));
        Ok(())
    }

    fn expire(&mut self, now: Timestamp) -> Result<(Expired, bool), String> {
        if self.reservation.is_none() {
            return self.trim(now);
        }
        let kept = self.shelf.partitions()[0].topic.retention();
        let over = |volume: &Volume| kept.zip(volume.day()).is_some_and(|(kept, day)| day.is_over(kept, now));
        if over(&self.shelf.newest()) {
            self.roll(Day::of(now))?;
        }
        let old: Vec<Arc<Volume>> = self.shelf.volumes().iter().filter(|volume| over(volume)).cloned().collect();
        self.shelf.change(|volumes| volumes.retain(|volume| !over(volume)));
        for volume in &old {
            volume.close();
            format::remove(volume.path());
        }
        let files = old.iter().map(|volume| volume.path().to_owned()).collect();
        Ok((Expired { files, records: 0 }, false))
    }

    fn trim(&mut self, now: Timestamp) -> Result<(Expired, bool), String> {
        let trimmed = self.transact(|conn, shelf| trim(conn, shelf, now)).map_err(|broken| broken.reason())?;
        let volume = self.shelf.newest();
        trimmed.bases.into_iter().for_each(|(slot, base)| volume.raise_base(slot, base));
        Ok((Expired { files: Vec::new(), records: trimmed.rows }, trimmed.more))
    }

    fn transact<T>(&mut self, work: impl FnOnce(&Connection, &Shelf) -> rusqlite::Result<T>) -> Result<T, Broken> {
        if self.wounded {
            self.mend().map_err(Broken::RolledBack)?;
        }
        let result = transact(&self.conn, |conn| work(conn, &self.shelf));
        self.wounded = matches!(result, Err(Broken::Unknown(_))) || !self.conn.is_autocommit();
        result.inspect_err(|broken| {
            tracing::error!(file = %self.shelf.newest().path().display(), "transaction failed: {}", broken.reason());
        })
    }

    /// Opens the file again after the disk failed, and trusts it only when all of it could be written back.
    fn mend(&mut self) -> Result<(), String> {
        let volume = self.shelf.newest();
        self.conn = format::writer(volume.path()).map_err(|error| error.to_string())?;
        heal(&self.conn)?;
        self.wounded = false;
        Ok(())
    }
}

impl Broken {
    fn reason(&self) -> String {
        match self {
            Broken::RolledBack(why) | Broken::Unknown(why) => why.clone(),
        }
    }
}

fn insert(
    conn: &Connection,
    table: &str,
    drafts: &mut [Draft],
    positions: &[Position],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(&format!("INSERT INTO {table} VALUES (?1, ?2, ?3, ?4, ?5)"))?;
    for (draft, &position) in drafts.iter().zip(positions) {
        let headers = serde_json::to_string(&draft.headers).expect("pairs of strings are always JSON");
        statement.execute((position as i64, now.micros(), draft.key.as_deref(), headers, &draft.value[..]))?;
    }
    Ok(())
}

/// `results-2026-11-22.db`
pub(super) fn file_name(shelf: &Shelf, day: Day) -> String {
    format!("{}-{day}.db", shelf.name())
}

/// Makes a file and opens it for writing.
pub(super) fn begin(
    shelf: &Shelf,
    path: PathBuf,
    day: Option<Day>,
    next: &[Position],
) -> rusqlite::Result<(Volume, Connection)> {
    let bases: Vec<_> = shelf.partitions().iter().copied().zip(next.iter().copied()).collect();
    format::create(&path, &bases)?;
    let conn = format::writer(&path)?;
    Ok((Volume::new(path, day, next.to_vec()), conn))
}
