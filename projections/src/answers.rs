//! Answers of live queries: first to the campaign's stream, then, in the transaction of the checkpoint, to the view.
//!
//! A stream that cannot be reached does not stop the view. One that has an entry already, because the transaction after
//! it was lost, ignores it the second time.

mod entry;
mod total;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::records::{Answer, AnswerState};
use domain::{CampaignId, HostId, Timestamp};
use infra_live::{Entry, Streams};
use infra_log::{Position, Topic};
use infra_stores::{Table, Value, Write};

use crate::budget::ROW_BYTES;
use crate::packed::pack;
use crate::projection::{Facts, FoldError, Projection, Recorded, view};
use crate::tables::{ANSWER, CAMPAIGN_TOTAL};

pub(crate) use entry::{decode, encode};
pub(crate) use total::Total;

/// Bytes of rows that a campaign keeps in all; beyond, answers are kept without their rows.
const CAMPAIGN_BYTES: u64 = 2 << 30;

/// The live stream of a campaign's answers.
pub fn stream_name(campaign: CampaignId) -> String {
    format!("live:{campaign}")
}

/// What one host answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostAnswer {
    /// Its place among the campaign's answers: grows, and a reader goes on after it.
    pub position: Position,
    pub host: HostId,
    pub recorded: Timestamp,
    pub state: AnswerState,
    /// What the host said went wrong; empty unless `state` is `Error`.
    pub error: String,
    /// `{wall_time_ms, user_time, system_time, memory}` as JSON; `null` if not measured.
    pub stats: String,
    /// How many rows the host gave, kept or not.
    pub row_count: u64,
    /// Rows were left out, because the answer or the campaign was over its limit.
    pub cut: bool,
    /// A JSON array of row objects.
    pub rows: Vec<u8>,
}

impl HostAnswer {
    /// About how many bytes it takes, when its rows are read.
    pub(crate) fn bytes(&self) -> usize {
        // Rows that were left out take none: those that are there have three bytes at least.
        let rows = usize::try_from(self.row_count).unwrap_or(usize::MAX).min(self.rows.len() / 3);
        self.rows.len() + self.error.len() + self.stats.len() + rows.saturating_mul(ROW_BYTES)
    }

    fn of(position: Position, answer: &Answer, room: bool) -> HostAnswer {
        HostAnswer {
            position,
            host: answer.host,
            recorded: answer.recorded,
            state: answer.state,
            error: answer.error.clone(),
            stats: answer.stats.clone(),
            row_count: answer.row_count,
            cut: answer.cut || !room,
            rows: if room { answer.rows.clone() } else { b"[]".to_vec() },
        }
    }

    fn put(&self, campaign: CampaignId, packed: Vec<u8>, write: &mut Write) {
        let others: Vec<Value> = vec![
            self.position.into(),
            self.recorded.into(),
            self.state.name().into(),
            self.error.as_str().into(),
            self.stats.as_str().into(),
            self.row_count.into(),
            self.cut.into(),
            packed.into(),
        ];
        write.put(&ANSWER, vec![campaign.0.into(), self.host.0.into()], others);
    }
}

/// One row per campaign and host, with the host's first answer; one per campaign with what they add up to.
/// Kept: a campaign outlives the topic. Source: `live.answered`.
pub(crate) struct Answers {
    pub streams: Arc<dyn Streams>,
}

#[async_trait]
impl Projection for Answers {
    fn name(&self) -> &'static str {
        view::ANSWERS
    }

    fn shape(&self) -> i64 {
        1
    }

    fn topic(&self) -> Topic {
        Topic::Live
    }

    fn tables(&self) -> Vec<&'static Table> {
        vec![&ANSWER, &CAMPAIGN_TOTAL]
    }

    fn kept(&self) -> bool {
        true
    }

    async fn fold(&self, facts: &Facts, _version: i64, write: &mut Write) -> Result<(), FoldError> {
        let Facts::Answers(answers) = facts else { return Ok(()) };
        let mut totals = Total::load(answers.iter().map(|one| one.fact.campaign), write).await?;
        let mut news: BTreeMap<CampaignId, Vec<Entry>> = BTreeMap::new();
        for Recorded { position, fact } in answers {
            let total = totals.entry(fact.campaign).or_default();
            // Only the first answer counts; and what was folded before a restart may come again.
            if total.answered.contains(fact.host) || total.last.is_some_and(|last| *position <= last) {
                continue;
            }
            let room = total.bytes + fact.rows.len() as u64 <= CAMPAIGN_BYTES;
            let answer = HostAnswer::of(*position, fact, room);
            let packed = pack(&answer.rows);
            let entry = Entry { id: *position, prev: total.last, value: encode(&answer, &packed) };
            news.entry(fact.campaign).or_default().push(entry);
            total.add(&answer);
            answer.put(fact.campaign, packed, write);
        }
        totals.retain(|campaign, _| news.contains_key(campaign));
        for (campaign, entries) in news {
            if let Err(error) = self.streams.append(&stream_name(campaign), entries).await {
                tracing::warn!(%campaign, "answers go to the view alone: {error}");
            }
        }
        totals.into_iter().for_each(|(campaign, total)| total.put(campaign, write));
        Ok(())
    }
}
