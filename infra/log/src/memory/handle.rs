//! One process's view of a log that an adversary runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::adversary::Adversary;
use super::flight::{Fate, Flight};
use crate::{AppendError, Draft, Log, Partition, Position, ReadError, Record};

/// A [`Log`] as one process sees it. Clones are the same process.
///
/// Everything it does to its user keeps the contract of [`Log`].
#[derive(Clone)]
pub struct Handle {
    adversary: Adversary,
    /// What this handle acknowledged, told or showed: its reads do not fall behind that.
    promised: Arc<Mutex<HashMap<Partition, Position>>>,
}

impl Adversary {
    /// Another process's view of the log.
    pub fn handle(&self) -> Handle {
        Handle { adversary: self.clone(), promised: Arc::default() }
    }
}

impl Handle {
    fn promised(&self, partition: Partition) -> Position {
        self.promised.lock().expect("nothing panics while it holds the promises").get(&partition).copied().unwrap_or(0)
    }

    /// From now on neither this handle's reads nor anyone's end fall behind `position`.
    fn promise(&self, partition: Partition, position: Position) {
        let mut promised = self.promised.lock().expect("nothing panics while it holds the promises");
        let mine = promised.entry(partition).or_default();
        *mine = position.max(*mine);
    }

    /// Lets others run, and what is under way land.
    async fn step(&self) {
        let yields = {
            let mut state = self.adversary.state();
            let most = state.faults.max_yields;
            state.dice.between(0, most)
        };
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        self.adversary.stir();
    }

    async fn step_to_read(&self) -> Result<(), ReadError> {
        self.step().await;
        self.adversary.log().readable()?;
        let mut state = self.adversary.state();
        let read_failed = state.faults.read_failed;
        match state.dice.chance(read_failed) {
            true => Err(ReadError::Failed("the adversary refused".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Log for Handle {
    async fn append(&self, partition: Partition, drafts: Vec<Draft>) -> Result<Vec<Position>, AppendError> {
        self.adversary.log().admit(&drafts)?;
        let mut positions = Vec::with_capacity(drafts.len());
        let mut flight = Flight::new(&self.adversary, partition, drafts);
        self.step().await;
        let fate = Fate::draw(&mut self.adversary.state());
        match fate {
            Fate::Failed => {
                flight.forget();
                return Err(AppendError::Failed("the adversary refused".into()));
            }
            Fate::Vanished => flight.forget(),
            Fate::Late => flight.delay(&mut self.adversary.state()),
            Fate::LostAck => flight.land_some(&mut self.adversary.state()),
            Fate::Acknowledged => loop {
                let landed = flight.land_next(&mut self.adversary.state());
                match landed {
                    Some(position) => positions.push(position),
                    None => break,
                }
                self.step().await;
            },
        }
        if !matches!(fate, Fate::Acknowledged) {
            self.step().await;
            return Err(AppendError::Unknown("the adversary gave no answer".into()));
        }
        if let Some(last) = positions.iter().max() {
            self.adversary.state().show(partition, last + 1);
            self.promise(partition, last + 1);
        }
        Ok(positions)
    }

    async fn read(
        &self,
        partition: Partition,
        from: Position,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Record>, ReadError> {
        self.step_to_read().await?;
        let mut state = self.adversary.state();
        let visible = self.adversary.sight(&mut state, partition, self.promised(partition));
        let records =
            self.adversary.log().tape(partition, |tape| tape.read(partition, from, visible, max_records, max_bytes))?;
        if let Some(last) = records.last() {
            state.show(partition, last.position + 1);
            self.promise(partition, last.position + 1);
        }
        Ok(records)
    }

    /// Steps back a few times and returns: nobody waits here, so that a test's time never has to pass.
    async fn changed(&self, partition: Partition, from: Position, _patience: Duration) {
        for _ in 0..4 {
            if self.adversary.log().tape(partition, |tape| tape.next()) > from {
                return;
            }
            tokio::task::yield_now().await;
            self.adversary.stir();
        }
    }

    async fn end(&self, partition: Partition) -> Result<Position, ReadError> {
        self.step_to_read().await?;
        let end = {
            let mut state = self.adversary.state();
            let floor = state.shown(partition);
            let end = self.adversary.sight(&mut state, partition, floor);
            state.show(partition, end);
            end
        };
        self.promise(partition, end);
        self.step().await; // an answer may be old when it arrives
        Ok(end)
    }

    async fn start(&self, partition: Partition) -> Result<Position, ReadError> {
        self.step_to_read().await?;
        Ok(self.adversary.log().tape(partition, |tape| tape.start()))
    }
}
