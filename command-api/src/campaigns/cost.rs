//! What a saved query cost the hosts of a campaign: told with its end, as Fleet's clients expect (live-query §3.4).

use std::collections::BTreeMap;
use std::time::Duration;

use domain::campaign::{Campaign, Stats};
use domain::{CampaignId, HostId};
use infra_log::{Log, ReadError};
use serde::Deserialize;

use super::answers::Reader;
use crate::App;

/// An end does not wait longer for what it cost.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a host says of a run, in milliseconds.
#[derive(Deserialize)]
struct Run {
    user_time: u64,
    system_time: u64,
}

/// None for a query that is not saved, for one that has ended, and when the answers could not be read in time.
pub async fn of(app: &App, campaign: CampaignId) -> Option<Stats> {
    let fold = app.ledger.fold();
    let campaign = fold.state.campaigns.get(campaign).filter(|one| one.ended.is_none() && one.query_name.is_some())?;
    match tokio::time::timeout(PATIENCE, measured(&*app.log, campaign)).await {
        Ok(Ok(stats)) => Some(stats),
        Ok(Err(error)) => {
            tracing::warn!(campaign = campaign.id.0, "what a live query cost is not told: {error}");
            None
        }
        Err(_) => {
            tracing::warn!(
                campaign = campaign.id.0,
                "what a live query cost is not told: reading its answers took too long"
            );
            None
        }
    }
}

async fn measured(log: &dyn Log, campaign: &Campaign) -> Result<Stats, ReadError> {
    let mut reader = Reader::from_the_start(log, campaign).await?;
    let mut runs: BTreeMap<HostId, Option<(u64, u64)>> = BTreeMap::new();
    while let Some(answers) = reader.read().await? {
        for answer in answers {
            let run = || serde_json::from_str::<Run>(&answer.stats).ok().map(|run| (run.user_time, run.system_time));
            runs.entry(answer.host).or_insert_with(run);
        }
    }
    Ok(Stats::of(&runs.into_values().flatten().collect::<Vec<_>>()))
}
