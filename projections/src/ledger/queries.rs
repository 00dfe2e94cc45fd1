//! Saved queries.

use async_trait::async_trait;
use domain::query::Query;
use domain::{Event, Timestamp};
use infra_stores::Write;

use super::subject::{Kind, Subjects};
use crate::projection::{FoldError, view};

/// One row per saved query for as long as it stayed as it was: a [`Query`].
/// Source: `query.*`; `team.deleted`, which takes its queries along; `label.deleted`, which limits none any more.
pub(crate) struct Queries;

#[async_trait]
impl Kind for Queries {
    const VIEW: &str = view::QUERIES;

    async fn tell(subjects: &Subjects, event: &Event, at: Timestamp, write: &mut Write) -> Result<(), FoldError> {
        match event {
            Event::QueryCreated(event) => subjects.add(event.query.0, at, &Query::created(event, at), write),
            Event::QueryChanged(event) => {
                subjects.change(event.query.0, at, write, |query: &mut Query| query.change(event, at)).await?;
            }
            Event::QueryDeleted(event) => subjects.end(event.query.0, at, write).await?,
            Event::TeamDeleted(event) => {
                for open in subjects.all::<Query>(write).await? {
                    if open.subject.team == Some(event.team) {
                        subjects.close(open, at, write);
                    }
                }
            }
            Event::LabelDeleted(event) => {
                for mut open in subjects.all::<Query>(write).await? {
                    open.subject.label_deleted(event.label);
                    subjects.save(open, at, write);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
