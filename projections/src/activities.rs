//! Activities: what people and hosts did, newest last.

use std::collections::BTreeSet;

use async_trait::async_trait;
use infra_log::Topic;
use infra_stores::{Statement, Table, Value, Write};

use crate::projection::{Facts, FoldError, Projection, Recorded, view};
use crate::tables::ACTIVITY;

/// One row per activity; one that was written twice, by a writer that started again, is there once.
/// Source: `muster.activity`.
pub(crate) struct Activities;

#[async_trait]
impl Projection for Activities {
    fn name(&self) -> &'static str {
        view::ACTIVITIES
    }

    fn shape(&self) -> i64 {
        1
    }

    fn topic(&self) -> Topic {
        Topic::Activity
    }

    fn tables(&self) -> Vec<&'static Table> {
        vec![&ACTIVITY]
    }

    async fn fold(&self, facts: &Facts, version: i64, write: &mut Write) -> Result<(), FoldError> {
        let Facts::Activities(activities) = facts else { return Ok(()) };
        let sequences: BTreeSet<u64> = activities.iter().map(|one| one.fact.sequence).collect();
        let known = Statement::new("SELECT sequence, number FROM activity WHERE version = ? AND sequence IN ");
        let mut known: BTreeSet<(u64, u32)> = write
            .fetch(known.bind(version).list(sequences))
            .await?
            .into_iter()
            .map(|mut row| Ok((row.take()?, row.take()?)))
            .collect::<Result<_, FoldError>>()?;
        for Recorded { position, fact } in activities {
            if known.insert((fact.sequence, fact.number)) {
                let others: Vec<Value> = vec![
                    fact.sequence.into(),
                    fact.number.into(),
                    fact.recorded.into(),
                    fact.kind.as_str().into(),
                    fact.actor.to_string().into(),
                    fact.details.to_string().into(),
                ];
                write.put(&ACTIVITY, vec![(*position).into(), version.into()], others);
            }
        }
        Ok(())
    }
}
