//! How far a view has folded each partition: written in the transaction of the rows, so that both are true or neither.

use crate::{Row, Statement, StoreError, Views, Write};

/// Which fold of which partition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub view: String,
    /// The version of the view's rows; 0 for kept tables.
    pub version: i64,
    /// The topic's name, `muster.hosts`.
    pub topic: String,
    pub part: u32,
}

/// Where a fold goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub place: Place,
    /// The next position to read.
    pub position: u64,
    /// What tells the record before that position from any other; empty when there is none.
    pub record: String,
    /// State of the fold itself, if it has any (the head of the ledger's chain).
    pub note: String,
    /// Goes up at each advance: the token of compare-and-set.
    pub turn: i64,
}

const COLUMNS: &str = "SELECT view, version, topic, part, position, record, note, turn FROM checkpoint";

impl Views {
    /// Every checkpoint there is.
    pub async fn checkpoints(&self) -> Result<Vec<Checkpoint>, StoreError> {
        let all = Statement::new(COLUMNS).push(" ORDER BY view, version, topic, part");
        self.fetch(all).await?.into_iter().map(Checkpoint::read).collect()
    }
}

impl Write {
    /// A new checkpoint; fails when the place has one.
    pub async fn begin(&mut self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let Checkpoint { place, position, record, note, turn } = checkpoint;
        let insert = Statement::new(
            "INSERT INTO checkpoint (view, version, topic, part, position, record, note, turn) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        );
        let insert = insert.bind(place.view.as_str()).bind(place.version).bind(place.topic.as_str()).bind(place.part);
        let insert = insert.bind(*position).bind(record.as_str()).bind(note.as_str()).bind(*turn);
        self.execute(insert).await.map(drop)
    }

    /// Moves a checkpoint on from where this writer knows it to stand.
    ///
    /// Errors: [`StoreError::Overtaken`] when it stands elsewhere, and then nothing of this transaction may be
    /// committed: another worker folds this partition.
    pub async fn advance(
        &mut self,
        held: &Checkpoint,
        position: u64,
        record: &str,
        note: &str,
    ) -> Result<Checkpoint, StoreError> {
        let Place { view, version, topic, part } = &held.place;
        let update = Statement::new(
            "UPDATE checkpoint SET position = ?, record = ?, note = ?, turn = ? \
             WHERE view = ? AND version = ? AND topic = ? AND part = ? AND turn = ?",
        );
        let update = update.bind(position).bind(record).bind(note).bind(held.turn + 1);
        let update = update.bind(view.as_str()).bind(*version).bind(topic.as_str()).bind(*part).bind(held.turn);
        if self.execute(update).await? != 1 {
            return Err(StoreError::Overtaken { view: view.clone(), topic: topic.clone(), part: *part });
        }
        let (record, note) = (record.to_owned(), note.to_owned());
        Ok(Checkpoint { place: held.place.clone(), position, record, note, turn: held.turn + 1 })
    }
}

impl Checkpoint {
    fn read(mut row: Row) -> Result<Checkpoint, StoreError> {
        Ok(Checkpoint {
            place: Place { view: row.take()?, version: row.take()?, topic: row.take()?, part: row.take()? },
            position: row.take()?,
            record: row.take()?,
            note: row.take()?,
            turn: row.take()?,
        })
    }
}
