//! Teams.

use async_trait::async_trait;
use domain::team::Team;
use domain::{Event, Timestamp};
use infra_stores::Write;

use super::subject::{Kind, Subjects};
use crate::projection::{FoldError, view};

/// One row per team for as long as it stayed as it was: a [`Team`], without its secrets.
/// Source: `team.*`.
pub(crate) struct Teams;

#[async_trait]
impl Kind for Teams {
    const VIEW: &str = view::TEAMS;

    async fn tell(subjects: &Subjects, event: &Event, at: Timestamp, write: &mut Write) -> Result<(), FoldError> {
        match event {
            Event::TeamCreated(event) => subjects.add(event.team.0, at, &Team::created(event, at), write),
            Event::TeamChanged(event) => {
                subjects.change(event.team.0, at, write, |team: &mut Team| team.change(event)).await?;
            }
            Event::TeamDeleted(event) => subjects.end(event.team.0, at, write).await?,
            _ => {}
        }
        Ok(())
    }
}
