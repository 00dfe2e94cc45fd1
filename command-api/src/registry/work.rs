//! What a host is to do at its next call, and what its answers finish.

use std::collections::BTreeMap;

use domain::detail;
use domain::host::Host;
use domain::records::{LabelAnswers, Section};
use domain::state::State;
use domain::{CampaignId, HostId, LabelId, Timestamp};

use super::cell::Facts;
use super::{Registry, labels};

/// Names on the wire.
pub const LIVE: &str = "fleet_distributed_query_";
pub const LABEL: &str = "fleet_label_query_";
pub const NO_POLICIES: &str = "fleet_no_policies_wildcard";

fn live_name(campaign: CampaignId) -> String {
    format!("{LIVE}{campaign}")
}

/// What a host is handed at one call.
struct Load {
    host: HostId,
    queries: BTreeMap<String, String>,
    /// Bytes of an empty one, and those that are left.
    room: usize,
    left: usize,
}

/// Whether a query goes with this call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Taken,
    /// Not with what goes already.
    Later,
    /// Not even alone.
    Never,
}

impl Load {
    fn new(host: HostId, room: usize) -> Load {
        Load { host, queries: BTreeMap::new(), room, left: room }
    }

    /// Takes a query if it fits, and writes down if it does not.
    fn take(&mut self, name: String, sql: &str) -> Fit {
        let (host, fit) = (self.host.0, self.fit(name.clone(), sql));
        match fit {
            Fit::Taken => {}
            Fit::Later => tracing::info!(host.id = host, %name, "a query did not fit, it goes with the next call"),
            Fit::Never => {
                tracing::error!(host.id = host, %name, "a query is too large for any answer, it is not asked")
            }
        }
        fit
    }

    /// Takes a query if it fits.
    fn fit(&mut self, name: String, sql: &str) -> Fit {
        let weight = weight(&name, sql);
        if weight > self.left {
            return if weight > self.room { Fit::Never } else { Fit::Later };
        }
        self.left -= weight;
        self.queries.insert(name, sql.to_owned());
        Fit::Taken
    }

    /// Takes queries that only make sense together, if all of them fit.
    fn take_all<'a>(&mut self, queries: impl Iterator<Item = (String, &'a str)>) -> bool {
        let queries: Vec<_> = queries.collect();
        let fits = queries.iter().map(|(name, sql)| weight(name, sql)).sum::<usize>() <= self.left;
        if fits {
            for (name, sql) in queries {
                self.fit(name, sql);
            }
        }
        fits
    }

    /// Takes the label queries of a platform. Those that do not fit follow with the next calls, and only when all were
    /// answered do labels rest.
    fn take_labels(&mut self, state: &State, platform: &str, now: Timestamp, facts: &mut Facts) {
        let from = facts.label_from;
        let asked = state.labels.iter().filter(|label| Some(label.id) >= from && labels::is_asked(label, platform));
        let (mut taken, mut next) = (0, None);
        for label in asked {
            match self.take(format!("{LABEL}{}", label.id), &label.query) {
                Fit::Taken => taken += 1,
                Fit::Never => {}
                Fit::Later => {
                    next = Some(label.id);
                    break;
                }
            }
        }
        match (taken, next) {
            (0, Some(_)) => {} // other work is in the way: at the next call
            (0, None) if from.is_some() => {
                // What was left of the labels is not there any more.
                facts.label_from = None;
                self.take_labels(state, platform, now, facts);
            }
            _ => {
                facts.label_next = next;
                facts.labels.hand_out(now);
            }
        }
    }
}

/// What a query weighs in the answer, in bytes: its name, twice with its discovery, and its text as JSON.
fn weight(name: &str, sql: &str) -> usize {
    /// Quotes, colons and commas, and the discovery query.
    const AROUND: usize = 32;
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\t' | b'\r' | 8 | 12 => 2,
        0..0x20 => 6,
        _ => 1,
    };
    2 * name.len() + sql.bytes().map(escaped).sum::<usize>() + AROUND
}

/// Which kinds of questions an accepted write answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    pub detailed: bool,
    pub labelled: bool,
    pub judged: bool,
}

/// Whether the detail query is asked of hosts like this one.
pub fn has_feature(state: &State, host: &Host, detail: &str) -> bool {
    detail::feature(detail).is_none_or(|feature| state.has_feature(host.team, feature))
}

impl Registry {
    /// The queries for the host's call, by name; hands them out. Together they have at most `room` bytes.
    ///
    /// A live query that the host was not offered yet goes alone, so that it waits for nothing else; one that it was
    /// offered before goes with what else is due, so that a query that is never answered holds up nothing.
    /// What does not fit is not handed out, and so goes with the next call.
    /// While the log cannot be written nobody is asked anything.
    pub fn work(&self, state: &State, host: &Host, now: Timestamp, room: usize) -> BTreeMap<String, String> {
        let mut load = Load::new(host.id, room);
        if !self.is_writable() {
            return load.queries;
        }
        let cell = self.0.cell(host.id);
        let mut facts = cell.facts();
        let asked = self.assignments(state, host.id, now).filter(|campaign| !campaign.sql.trim().is_empty());
        let (new, old): (Vec<_>, Vec<_>) = asked.partition(|campaign| Some(campaign.id) > facts.offered);
        for campaign in &new {
            if load.take(live_name(campaign.id), &campaign.sql) == Fit::Later {
                break; // and so do those that are newer
            }
            facts.offered = Some(campaign.id);
        }
        if !new.is_empty() {
            return load.queries;
        }
        let platform = facts.platform.clone().filter(|platform| !platform.is_empty());
        let platform = platform.as_deref().unwrap_or(&host.platform);
        let wished = facts.wished.max(host.last_enrolled_at);
        let wished = (wished > facts.wrote).then_some(wished);
        let intervals = &self.0.intervals;
        if facts.details.is_due(host.id, intervals.details, wished, now) {
            let details = detail::for_platform(platform).filter(|query| has_feature(state, host, query.name));
            if load.take_all(details.map(|query| (format!("{}{}", detail::PREFIX, query.name), query.sql))) {
                facts.details.hand_out(now);
            }
        }
        if facts.labels.is_due(host.id, intervals.labels, wished, now) {
            load.take_labels(state, platform, now, &mut facts);
        }
        if facts.policies.is_due(host.id, intervals.policies, wished, now)
            && load.take(NO_POLICIES.to_owned(), "SELECT 1") == Fit::Taken
        {
            facts.policies.hand_out(now);
        }
        for campaign in old {
            load.fit(live_name(campaign.id), &campaign.sql);
        }
        load.queries
    }

    /// Whether the host should call again soon: nobody knows yet what it is.
    pub fn is_nameless(&self, host: &Host) -> bool {
        self.platform(host).is_empty() || self.identity(host.id).is_none_or(|identity| identity.hostname.is_empty())
    }

    /// The host's label answers with these merged into what it answered before; `None` when there are none that it is
    /// asked. Labels that are gone go.
    pub fn label_answers(&self, state: &State, host: &Host, answers: &[(LabelId, bool)]) -> Option<Section> {
        let platform = self.platform(host);
        let asked = |id: &LabelId| state.labels.get(*id).is_some_and(|label| labels::is_asked(label, &platform));
        let mut answers = answers.iter().filter(|(id, _)| asked(id)).peekable();
        answers.peek()?;
        let cell = self.0.cell(host.id);
        let mut held: LabelAnswers = super::fold::label_answers(cell.facts().held("labels").map(|held| &*held.state));
        held.answered.retain(|id| state.labels.get(*id).is_some());
        held.members.retain(|id| state.labels.get(*id).is_some());
        for (id, member) in answers {
            held.answered.insert(*id);
            match member {
                true => held.members.insert(*id),
                false => held.members.remove(id),
            };
        }
        Some(held.into())
    }

    /// A write of the host was accepted, and all of it is durable. `had_platform` is whether its platform was known before.
    pub fn finished(&self, host: HostId, mut finished: Finished, had_platform: bool, now: Timestamp) {
        let cell = self.0.cell(host);
        let mut facts = cell.facts();
        if !had_platform && facts.platform.as_ref().is_some_and(|platform| !platform.is_empty()) {
            // What is asked of its platform alone could not be asked before.
            facts.details.forget();
            facts.labels.forget();
            (facts.label_from, facts.label_next) = (None, None);
            (finished.detailed, finished.labelled) = (false, false);
        }
        if finished.detailed {
            facts.details.done(now);
        }
        if finished.labelled {
            match facts.label_next.take() {
                // A portion was answered: the next one is due at once.
                Some(next) => {
                    facts.label_from = Some(next);
                    facts.labels.forget();
                    finished.labelled = false;
                }
                None => {
                    facts.label_from = None;
                    facts.labels.done(now);
                }
            }
        }
        if finished.judged {
            facts.policies.done(now);
        }
        facts.wrote = facts.wrote.max(now);
        drop(facts);
        self.0.finished(host, &finished);
    }

    /// Whether one more host may be told to throw its key away.
    pub fn may_invalidate(&self, state: &State, now: Timestamp) -> bool {
        self.0.gate.admit(state.hosts.len() as u64, now)
    }
}
