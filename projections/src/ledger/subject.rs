//! Subjects of the ledger that are few: each is kept whole as JSON, one row for as long as it stayed as it was.

use async_trait::async_trait;
use domain::{Event, Timestamp};
use infra_log::Topic;
use infra_stores::{Row, Statement, StoreError, Table, Value, Write};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::decisions;
use crate::projection::{Facts, FoldError, Projection};
use crate::tables::SUBJECT;

/// A kind of subject: a view with the rows of that kind alone.
#[async_trait]
pub(crate) trait Kind: Send + Sync {
    const VIEW: &str;
    /// Another one builds the view anew.
    const SHAPE: i64 = 1;

    /// What one decision does to the subjects of this kind.
    async fn tell(subjects: &Subjects, event: &Event, at: Timestamp, write: &mut Write) -> Result<(), FoldError>;
}

#[async_trait]
impl<K: Kind> Projection for K {
    fn name(&self) -> &'static str {
        K::VIEW
    }

    fn shape(&self) -> i64 {
        K::SHAPE
    }

    fn topic(&self) -> Topic {
        Topic::Ledger
    }

    fn tables(&self) -> Vec<&'static Table> {
        vec![&SUBJECT]
    }

    async fn fold(&self, facts: &Facts, version: i64, write: &mut Write) -> Result<(), FoldError> {
        let subjects = Subjects { kind: K::VIEW, version };
        for decision in decisions(facts) {
            K::tell(&subjects, &decision.event, decision.at, write).await?;
        }
        Ok(())
    }
}

/// The subjects of one kind in one version of their view; the kind is the view's name.
pub(crate) struct Subjects {
    pub kind: &'static str,
    pub version: i64,
}

/// A subject as it stands.
pub(crate) struct Open<S> {
    id: u32,
    since: Timestamp,
    stored: String,
    pub subject: S,
}

impl Subjects {
    /// A subject that was not there before.
    pub fn add<S: Serialize>(&self, id: u32, at: Timestamp, subject: &S, write: &mut Write) {
        self.put(id, at, Timestamp::FOREVER, json(subject), write);
    }

    pub async fn get<S: DeserializeOwned>(&self, id: u32, write: &mut Write) -> Result<Option<Open<S>>, FoldError> {
        let rows = write.fetch(self.open().push(" AND id = ?").bind(id)).await?;
        rows.into_iter().next().map(Open::read).transpose()
    }

    pub async fn all<S: DeserializeOwned>(&self, write: &mut Write) -> Result<Vec<Open<S>>, FoldError> {
        write.fetch(self.open().push(" ORDER BY id")).await?.into_iter().map(Open::read).collect()
    }

    /// Changes a subject from `at` on, if it is there.
    pub async fn change<S: Serialize + DeserializeOwned>(
        &self,
        id: u32,
        at: Timestamp,
        write: &mut Write,
        change: impl FnOnce(&mut S),
    ) -> Result<(), FoldError> {
        if let Some(mut open) = self.get(id, write).await? {
            change(&mut open.subject);
            self.save(open, at, write);
        }
        Ok(())
    }

    /// Writes a subject that was changed in memory; one that is as it was stays untouched.
    pub fn save<S: Serialize>(&self, open: Open<S>, at: Timestamp, write: &mut Write) {
        let now = json(&open.subject);
        if now == open.stored {
            return;
        }
        if open.since < at {
            self.put(open.id, open.since, at, open.stored, write);
        }
        self.put(open.id, at, Timestamp::FOREVER, now, write);
    }

    pub async fn end(&self, id: u32, at: Timestamp, write: &mut Write) -> Result<(), FoldError> {
        if let Some(open) = self.get::<serde_json::Value>(id, write).await? {
            self.close(open, at, write);
        }
        Ok(())
    }

    pub fn close<S>(&self, open: Open<S>, at: Timestamp, write: &mut Write) {
        if open.since < at {
            self.put(open.id, open.since, at, open.stored, write);
        } else {
            write.delete(&SUBJECT, self.key(open.id, open.since));
        }
    }

    fn put(&self, id: u32, since: Timestamp, until: Timestamp, data: String, write: &mut Write) {
        write.put(&SUBJECT, self.key(id, since), vec![until.into(), data.into()]);
    }

    fn key(&self, id: u32, since: Timestamp) -> Vec<Value> {
        vec![self.kind.into(), id.into(), since.into(), self.version.into()]
    }

    fn open(&self) -> Statement {
        Statement::new("SELECT id, since, data FROM subject WHERE version = ? AND kind = ? AND until = ?")
            .bind(self.version)
            .bind(self.kind)
            .bind(Timestamp::FOREVER)
    }
}

impl<S: DeserializeOwned> Open<S> {
    fn read(mut row: Row) -> Result<Open<S>, FoldError> {
        let parts = |row: &mut Row| Ok::<_, StoreError>((row.take()?, row.take()?, row.take::<String>()?));
        let (id, since, stored) = parts(&mut row)?;
        Ok(Open { id, since, subject: serde_json::from_str(&stored).map_err(FoldError::row)?, stored })
    }
}

fn json(subject: &impl Serialize) -> String {
    serde_json::to_string(subject).expect("subjects are plain data with text keys")
}
