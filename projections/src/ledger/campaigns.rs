//! Campaigns: who asked whom what, until when. Their answers are a view of their own.

use async_trait::async_trait;
use domain::campaign::Campaign;
use domain::{Event, Timestamp};
use infra_stores::Write;

use super::subject::{Kind, Subjects};
use crate::projection::{FoldError, view};

/// One row per campaign for as long as it stayed as it was: a [`Campaign`].
/// Source: `campaign.*`.
pub(crate) struct Campaigns;

#[async_trait]
impl Kind for Campaigns {
    const VIEW: &str = view::CAMPAIGNS;

    async fn tell(subjects: &Subjects, event: &Event, at: Timestamp, write: &mut Write) -> Result<(), FoldError> {
        match event {
            Event::CampaignStarted(event) => {
                subjects.add(event.campaign.0, at, &Campaign::started(event, at), write);
            }
            Event::CampaignExtended(event) => {
                let extend = |campaign: &mut Campaign| campaign.extend(event);
                subjects.change(event.campaign.0, at, write, extend).await?;
            }
            Event::CampaignEnded(event) => {
                let end = |campaign: &mut Campaign| campaign.end(event, at);
                subjects.change(event.campaign.0, at, write, end).await?;
            }
            _ => {}
        }
        Ok(())
    }
}
