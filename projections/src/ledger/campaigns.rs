//! Campaigns: who asked whom what, until when. Their answers are a view of their own.

use async_trait::async_trait;
use domain::Event;
use domain::campaign::Campaign;
use infra_log::Topic;
use infra_stores::{Table, Write};

use super::decisions;
use super::subject::Subjects;
use crate::projection::{Facts, FoldError, Projection, view};
use crate::tables::SUBJECT;

/// One row per campaign for as long as it stayed as it was: a [`Campaign`].
/// Source: `campaign.*`.
pub(crate) struct Campaigns;

#[async_trait]
impl Projection for Campaigns {
    fn name(&self) -> &'static str {
        view::CAMPAIGNS
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
        let campaigns = Subjects { kind: view::CAMPAIGNS, version };
        for decision in decisions(facts) {
            let at = decision.at;
            match &decision.event {
                Event::CampaignStarted(event) => {
                    campaigns.add(event.campaign.0, at, &Campaign::started(event, at), write);
                }
                Event::CampaignExtended(event) => {
                    let extend = |campaign: &mut Campaign| campaign.extend(event);
                    campaigns.change(event.campaign.0, at, write, extend).await?;
                }
                Event::CampaignEnded(event) => {
                    let end = |campaign: &mut Campaign| campaign.end(event, at);
                    campaigns.change(event.campaign.0, at, write, end).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
