//! A log in memory whose appends to the ledger go as a test wants, one after the other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use infra_ledger::Ledger;
use infra_log::memory::Memory;
use infra_log::{AppendError, Draft, Log, Partition, Position, ReadError, Record, Topic};

use crate::fixture::{by, create_query};

/// What becomes of an append.
#[derive(Clone)]
pub enum Fate {
    /// It lands, and nobody is told.
    LostAck,
    /// It does not land, and nobody is told.
    Vanished,
    /// It lands when the test lets it; nobody is told.
    Late,
    /// Surely not.
    Failed,
    /// Somebody else commits a query of this name first; of a new name each time, if it is empty.
    Overtaken(Ledger, &'static str),
}

#[derive(Clone)]
pub struct Scripted {
    pub log: Memory,
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    fates: VecDeque<Fate>,
    after: Option<Fate>,
    late: Vec<Draft>,
    asleep: bool,
}

impl Scripted {
    pub fn new(log: Memory) -> Scripted {
        Scripted { log, script: Arc::default() }
    }

    /// What becomes of the next appends to the ledger; those after them land.
    pub fn next(&self, fates: impl IntoIterator<Item = Fate>) {
        self.script.lock().unwrap().fates.extend(fates);
    }

    /// What becomes of every append to the ledger from now on.
    pub fn always(&self, fate: Option<Fate>) {
        self.script.lock().unwrap().after = fate;
    }

    /// Readers hear of no news from now on.
    pub fn sleep(&self) {
        self.script.lock().unwrap().asleep = true;
    }

    /// Lets the oldest late record land.
    pub async fn land(&self) {
        let draft = self.script.lock().unwrap().late.remove(0);
        self.log.append(Topic::Ledger.only(), vec![draft]).await.unwrap();
    }

    pub fn late(&self) -> usize {
        self.script.lock().unwrap().late.len()
    }

    fn fate(&self) -> Option<Fate> {
        let mut script = self.script.lock().unwrap();
        let after = script.after.clone();
        script.fates.pop_front().or(after)
    }
}

fn unknown<T>() -> Result<T, AppendError> {
    Err(AppendError::Unknown("the script says so".to_owned()))
}

#[async_trait]
impl Log for Scripted {
    async fn append(&self, partition: Partition, drafts: Vec<Draft>) -> Result<Vec<Position>, AppendError> {
        if partition.topic != Topic::Ledger {
            return self.log.append(partition, drafts).await;
        }
        match self.fate() {
            None => self.log.append(partition, drafts).await,
            Some(Fate::LostAck) => {
                self.log.append(partition, drafts).await?;
                unknown()
            }
            Some(Fate::Vanished) => unknown(),
            Some(Fate::Late) => {
                self.script.lock().unwrap().late.extend(drafts);
                unknown()
            }
            Some(Fate::Failed) => Err(AppendError::Failed("the script says so".to_owned())),
            Some(Fate::Overtaken(other, name)) => {
                let number = self.log.records(partition).len();
                let id = format!("other {number}");
                let name = if name.is_empty() { id.clone() } else { name.to_owned() };
                other.execute(create_query(&name), by(id)).await.expect("the other one is free to");
                self.log.append(partition, drafts).await
            }
        }
    }

    async fn read(
        &self,
        partition: Partition,
        from: Position,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Record>, ReadError> {
        self.log.read(partition, from, max_records, max_bytes).await
    }

    async fn changed(&self, partition: Partition, from: Position, patience: Duration) {
        let asleep = self.script.lock().unwrap().asleep;
        if asleep {
            std::future::pending::<()>().await;
        }
        self.log.changed(partition, from, patience).await;
    }

    async fn end(&self, partition: Partition) -> Result<Position, ReadError> {
        self.log.end(partition).await
    }

    async fn start(&self, partition: Partition) -> Result<Position, ReadError> {
        self.log.start(partition).await
    }
}
