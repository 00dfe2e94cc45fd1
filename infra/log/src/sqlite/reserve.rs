//! Positions of daily files keep growing, even when the newest file is lost.
//!
//! `ledger.db` notes for each shelf its newest file and a position that none has reached yet, moved ahead in long steps.
//! Whoever finds the newest file missing goes on from there, and so gives no position twice.

use std::sync::mpsc::{self, Sender};

use rusqlite::{Connection, OptionalExtension};

use super::queue::Job;
use crate::Position;

/// How far ahead positions are reserved: a note in `ledger.db` per million records.
const STEP: u64 = 1 << 20;

/// One daily shelf's reservation.
pub(super) struct Reservation {
    name: &'static str,
    newest: String,
    upto: Position,
    ledger: Sender<Job>,
}

impl Reservation {
    pub(super) fn new(name: &'static str, noted: Option<Note>, ledger: Sender<Job>) -> Self {
        let Note { newest, reserved } = noted.unwrap_or_default();
        Reservation { name, newest, upto: reserved, ledger }
    }

    /// Sees to it that positions below `next` are reserved.
    pub(super) fn cover(&mut self, next: Position) -> Result<(), String> {
        match next <= self.upto {
            true => Ok(()),
            false => self.note(self.newest.clone(), next + STEP),
        }
    }

    /// Notes a new file before it is made.
    pub(super) fn announce(&mut self, newest: &str, next: Position) -> Result<(), String> {
        self.note(newest.to_owned(), self.upto.max(next + STEP))
    }

    fn note(&mut self, newest: String, upto: Position) -> Result<(), String> {
        let (reply, told) = mpsc::sync_channel(1);
        let job = Job::Reserve { name: self.name, newest: newest.clone(), upto, reply };
        self.ledger.send(job).map_err(|_| "the ledger's writer has stopped")?;
        told.recv().map_err(|_| "the ledger's writer has stopped")??;
        (self.newest, self.upto) = (newest, upto);
        Ok(())
    }
}

/// What `ledger.db` notes of a shelf.
#[derive(Default)]
pub(super) struct Note {
    pub(super) newest: String,
    pub(super) reserved: Position,
}

impl Note {
    pub(super) fn read(ledger: &Connection, name: &str) -> rusqlite::Result<Option<Note>> {
        let row = ledger.query_row("SELECT newest, reserved FROM shelf WHERE name = ?1", [name], |row| {
            Ok(Note { newest: row.get(0)?, reserved: row.get::<_, i64>(1)? as u64 })
        });
        row.optional()
    }

    /// Within the ledger writer's transaction.
    pub(super) fn write(ledger: &Connection, name: &str, newest: &str, upto: Position) -> rusqlite::Result<()> {
        ledger.execute(
            "INSERT INTO shelf VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET newest = excluded.newest, reserved = max(reserved, excluded.reserved)",
            (name, newest, upto as i64),
        )?;
        Ok(())
    }
}
