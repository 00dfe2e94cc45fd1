//! What a host is to do at its next call, and what its answers finish.

use std::collections::BTreeMap;

use domain::detail;
use domain::host::Host;
use domain::records::{LabelAnswers, Section};
use domain::state::State;
use domain::{HostId, LabelId, Timestamp};

use super::{Registry, labels};

/// Names on the wire.
pub const LIVE: &str = "fleet_distributed_query_";
pub const LABEL: &str = "fleet_label_query_";
pub const NO_POLICIES: &str = "fleet_no_policies_wildcard";

/// Which kinds of questions an accepted write answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    pub detailed: bool,
    pub labelled: bool,
    pub judged: bool,
}

impl Registry {
    /// The queries for the host's call, by name; hands them out.
    ///
    /// A live query that the host was not offered yet goes alone, so that it waits for nothing else; one that it was
    /// offered before goes with what else is due, so that a query that is never answered holds up nothing.
    /// While the log cannot be written nobody is asked anything.
    pub fn work(&self, state: &State, host: &Host, now: Timestamp) -> BTreeMap<String, String> {
        let mut work = BTreeMap::new();
        if !self.is_writable() {
            return work;
        }
        let cell = self.0.cell(host.id);
        let mut newest = None;
        for campaign in self.assignments(state, host.id, now).filter(|campaign| !campaign.sql.trim().is_empty()) {
            newest = Some(campaign.id);
            work.insert(format!("{LIVE}{}", campaign.id), campaign.sql.clone());
        }
        let mut facts = cell.facts();
        let alone = newest > facts.offered;
        facts.offered = facts.offered.max(newest);
        if alone {
            return work;
        }
        let platform = facts.platform.clone().filter(|platform| !platform.is_empty());
        let platform = platform.as_deref().unwrap_or(&host.platform);
        let wished = facts.wished.max(host.last_enrolled_at);
        let wished = (wished > facts.wrote).then_some(wished);
        let intervals = &self.0.intervals;
        if facts.details.is_due(host.id, intervals.details, wished, now) {
            facts.details.hand_out(now);
            work.extend(
                detail::for_platform(platform)
                    .map(|query| (format!("{}{}", detail::PREFIX, query.name), query.sql.to_owned())),
            );
        }
        if facts.labels.is_due(host.id, intervals.labels, wished, now) {
            facts.labels.hand_out(now);
            let asked = state.labels.iter().filter(|label| labels::is_asked(label, platform));
            work.extend(asked.map(|label| (format!("{LABEL}{}", label.id), label.query.clone())));
        }
        if facts.policies.is_due(host.id, intervals.policies, wished, now) {
            facts.policies.hand_out(now);
            work.insert(NO_POLICIES.to_owned(), "SELECT 1".to_owned());
        }
        work
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
            (finished.detailed, finished.labelled) = (false, false);
        }
        if finished.detailed {
            facts.details.done(now);
        }
        if finished.labelled {
            facts.labels.done(now);
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
