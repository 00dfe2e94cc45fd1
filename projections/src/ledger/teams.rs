//! Teams.

use async_trait::async_trait;
use domain::Event;
use domain::team::Team;
use infra_log::Topic;
use infra_stores::{Table, Write};

use super::decisions;
use super::subject::Subjects;
use crate::projection::{Facts, FoldError, Projection, view};
use crate::tables::SUBJECT;

/// One row per team for as long as it stayed as it was: a [`Team`], without its secrets.
/// Source: `team.*`.
pub(crate) struct Teams;

#[async_trait]
impl Projection for Teams {
    fn name(&self) -> &'static str {
        view::TEAMS
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
        let teams = Subjects { kind: view::TEAMS, version };
        for decision in decisions(facts) {
            let at = decision.at;
            match &decision.event {
                Event::TeamCreated(event) => teams.add(event.team.0, at, &Team::created(event, at), write),
                Event::TeamChanged(event) => {
                    teams.change(event.team.0, at, write, |team: &mut Team| team.change(event)).await?;
                }
                Event::TeamDeleted(event) => teams.end(event.team.0, at, write).await?,
                _ => {}
            }
        }
        Ok(())
    }
}
