//! How far a campaign is.

use std::time::Duration;

use domain::campaign::Campaign;
use domain::host::Host;
use domain::records::AnswerState;
use domain::{State, Timestamp};
use serde::Serialize;

use crate::presence::{MARGIN, Presence};

/// Silent for so long, a host is missing in action.
const MISSING_AFTER: Duration = Duration::from_secs(30 * 86_400);

/// Answers by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub with_rows: u64,
    pub empty: u64,
    pub failed: u64,
    /// Rows in all.
    pub rows: u64,
}

impl Counts {
    pub fn answers(&self) -> u64 {
        self.with_rows + self.empty + self.failed
    }

    pub fn add(&mut self, state: AnswerState, rows: u64) {
        match state {
            AnswerState::Rows => self.with_rows += 1,
            AnswerState::Empty => self.empty += 1,
            AnswerState::Error => self.failed += 1,
        }
        self.rows += rows;
    }
}

/// The targets of a campaign that still exist, by presence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub count: u64,
    pub online: u64,
    pub offline: u64,
    pub missing_in_action: u64,
}

impl Totals {
    pub fn of(campaign: &Campaign, state: &State, presence: &Presence, now: Timestamp) -> Totals {
        let mut totals = Totals::default();
        for host in campaign.targets.iter().filter_map(|id| state.hosts.get(id)) {
            totals.count += 1;
            if presence.is_online(host, interval_s(state, host), now) {
                totals.online += 1;
                continue;
            }
            totals.offline += 1;
            let seen = presence.calls(host.id).seen.max(host.last_enrolled_at);
            if now.since(seen) >= MISSING_AFTER {
                totals.missing_in_action += 1;
            }
        }
        totals
    }
}

/// Seconds between two calls of a host, from the options that it gets; never longer than a minute, osquery's default.
pub fn interval_s(state: &State, host: &Host) -> u32 {
    let team = host.team.and_then(|team| state.teams.get(team)).and_then(|team| team.agent_options.as_deref());
    let options = team.unwrap_or_else(|| state.settings.agent_options());
    let told = options.pointer("/config/options/distributed_interval").and_then(serde_json::Value::as_u64);
    let longest = MARGIN.as_secs();
    u32::try_from(told.filter(|told| *told > 0).unwrap_or(longest).min(longest)).unwrap_or(u32::MAX)
}
