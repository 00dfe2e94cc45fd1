//! `muster.live`: what a host answered to a live query.

use super::{Encoded, Unreadable, header, parsed};
use crate::{CampaignId, HostId, Timestamp};

/// What kind of answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnswerState {
    Rows,
    Empty,
    Error,
}

impl AnswerState {
    pub fn name(self) -> &'static str {
        match self {
            AnswerState::Rows => "rows",
            AnswerState::Empty => "empty",
            AnswerState::Error => "error",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [AnswerState::Rows, AnswerState::Empty, AnswerState::Error].into_iter().find(|state| state.name() == text)
    }
}

/// One answer; over the record limit it is several records, told apart by the log's part headers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub campaign: CampaignId,
    pub host: HostId,
    pub recorded: Timestamp,
    pub state: AnswerState,
    /// What the host said went wrong; empty unless `state` is `Error`.
    pub error: String,
    /// `{wall_time_ms, user_time, system_time, memory}` as JSON; `null` if not measured.
    pub stats: String,
    pub row_count: u64,
    /// Rows were left out because the answer was over the limit.
    pub cut: bool,
    /// A JSON array of row objects whose values are text.
    pub rows: Vec<u8>,
}

impl Answer {
    /// The record's key.
    pub fn key(&self) -> String {
        format!("{}/{}", self.campaign, self.host)
    }

    /// The number that picks the partition: all answers of a campaign share one, so that a reader can go on from one
    /// position and every reader sees the same order.
    pub fn partition_key(campaign: CampaignId) -> u64 {
        u64::from(campaign.0)
    }

    pub fn encode(&self) -> Encoded {
        let header = |name: &str, value: String| (name.to_owned(), value);
        Encoded {
            headers: vec![
                header("ce_specversion", "1.0".to_owned()),
                header("ce_type", "live.answered".to_owned()),
                header("ce_subject", format!("host/{}", self.host)),
                header("ce_time", self.recorded.to_rfc3339()),
                header("campaign", self.campaign.to_string()),
                header("host", self.host.to_string()),
                header("recorded", self.recorded.micros().to_string()),
                header("state", self.state.name().to_owned()),
                header("error", self.error.clone()),
                header("stats", self.stats.clone()),
                header("rows", self.row_count.to_string()),
                header("cut", self.cut.to_string()),
            ],
            value: self.rows.clone(),
        }
    }

    pub fn decode(headers: &[(String, String)], value: &[u8]) -> Result<Answer, Unreadable> {
        let state = header(headers, "state")?;
        Ok(Answer {
            campaign: parsed(headers, "campaign")?,
            host: parsed(headers, "host")?,
            recorded: Timestamp::from_micros(parsed(headers, "recorded")?),
            state: AnswerState::parse(state).ok_or_else(|| Unreadable(format!("answer state {state:?}")))?,
            error: header(headers, "error")?.to_owned(),
            stats: header(headers, "stats")?.to_owned(),
            row_count: parsed(headers, "rows")?,
            cut: parsed(headers, "cut")?,
            rows: value.to_vec(),
        })
    }
}
