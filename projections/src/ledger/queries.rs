//! Saved queries.

use async_trait::async_trait;
use domain::Event;
use domain::query::Query;
use infra_log::Topic;
use infra_stores::{Table, Write};

use super::decisions;
use super::subject::Subjects;
use crate::projection::{Facts, FoldError, Projection, view};
use crate::tables::SUBJECT;

/// One row per saved query for as long as it stayed as it was: a [`Query`].
/// Source: `query.*`; `team.deleted`, which takes its queries along; `label.deleted`, which limits none any more.
pub(crate) struct Queries;

#[async_trait]
impl Projection for Queries {
    fn name(&self) -> &'static str {
        view::QUERIES
    }

    fn shape(&self) -> i64 {
        1
    }

    fn topic(&self) -> Topic {
        Topic::Ledger
    }

    fn tables(&self) -> Vec<&'static Table> {
        vec![&SUBJECT]
    }

    async fn fold(&self, facts: &Facts, version: i64, write: &mut Write) -> Result<(), FoldError> {
        let queries = Subjects { kind: view::QUERIES, version };
        for decision in decisions(facts) {
            let at = decision.at;
            match &decision.event {
                Event::QueryCreated(event) => queries.add(event.query.0, at, &Query::created(event, at), write),
                Event::QueryChanged(event) => {
                    queries.change(event.query.0, at, write, |query: &mut Query| query.change(event, at)).await?;
                }
                Event::QueryDeleted(event) => queries.end(event.query.0, at, write).await?,
                Event::TeamDeleted(event) => {
                    for open in queries.all::<Query>(write).await? {
                        if open.subject.team == Some(event.team) {
                            queries.close(open, at, write);
                        }
                    }
                }
                Event::LabelDeleted(event) => {
                    for mut open in queries.all::<Query>(write).await? {
                        open.subject.label_deleted(event.label);
                        queries.save(open, at, write);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}
