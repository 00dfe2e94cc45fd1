//! What a story means, worked out plainly: no rows, no intervals, nothing of the projections. Every question walks the
//! story again up to the time that is asked for.

use std::collections::{BTreeMap, BTreeSet};

use domain::label::Membership;
use domain::records::{Identity, Report, Section};
use domain::{HostId, LabelId, State, TeamId, Timestamp};

use crate::teller::{HOSTS, Teller};

pub struct Model<'a> {
    story: &'a Teller,
    as_of: Timestamp,
}

impl<'a> Model<'a> {
    pub fn at(story: &'a Teller, as_of: Timestamp) -> Self {
        Model { story, as_of }
    }

    /// The ledger's state after the last commit until then.
    pub fn state(&self) -> &'a State {
        &self.story.history.iter().rfind(|(at, _)| *at <= self.as_of).unwrap().1
    }

    /// Every label that there ever was, and one that never was.
    pub fn every_label(&self) -> Vec<LabelId> {
        let ids = |(_, state): &(Timestamp, State)| state.labels.iter().map(|label| label.id.0).max().unwrap_or(0);
        let newest = self.story.history.iter().map(ids).max().unwrap_or(0);
        (1..=newest + 1).map(LabelId).collect()
    }

    pub fn hosts(&self) -> BTreeSet<HostId> {
        self.state().hosts.existing().iter().collect()
    }

    /// What each section of a host was: the newest report until then, passing over those that came late.
    pub fn sections(&self, host: HostId) -> BTreeMap<&'static str, Section> {
        let mut newest: BTreeMap<&str, Timestamp> = BTreeMap::new();
        let mut held = BTreeMap::new();
        for Report { recorded, section, .. } in self.story.reports.iter().filter(|report| report.host == host) {
            let name = section.slot();
            if newest.get(name).is_some_and(|newest| recorded < newest) {
                continue;
            }
            newest.insert(name, *recorded);
            if *recorded <= self.as_of {
                held.insert(name, section.clone());
            }
        }
        held
    }

    /// Every host that there ever was or that reported, and one that never was.
    pub fn everyone(&self) -> Vec<HostId> {
        let newest = self.story.state.hosts.newest().max(HOSTS);
        (1..=newest + 1).map(HostId).collect()
    }

    pub fn members(&self, label: LabelId) -> BTreeSet<HostId> {
        let Some(held) = self.state().labels.get(label) else { return BTreeSet::new() };
        let is_member = |host: &HostId| match held.membership {
            _ if held.name == "All Hosts" => true,
            Membership::Manual => held.members.contains(*host),
            Membership::Dynamic => match self.sections(*host).get("labels") {
                Some(Section::LabelAnswers(answers)) => answers.members.contains(&label),
                _ => false,
            },
        };
        self.hosts().into_iter().filter(is_member).collect()
    }

    pub fn identity(&self, host: HostId) -> Identity {
        match self.sections(host).remove("identity") {
            Some(Section::Identity(identity)) => identity,
            _ => Identity::default(),
        }
    }

    /// Whether somebody of these teams may see the host: its team then and its last one.
    pub fn is_visible(&self, host: HostId, teams: &[Option<TeamId>]) -> bool {
        let team_of = |state: &State| state.hosts.get(host).map(|host| host.team);
        let last = self.story.history.iter().rev().find_map(|(_, state)| team_of(state));
        [team_of(self.state()), last].iter().all(|team| team.is_some_and(|team| teams.contains(&team)))
    }

    /// Hosts with `text` in one of the searched columns.
    pub fn search(&self, text: &str) -> BTreeSet<HostId> {
        let text = text.to_lowercase();
        let matches = |host: &HostId| {
            let sections = self.sections(*host);
            let identity = self.identity(*host);
            let mut columns = vec![identity.hostname, identity.computer_name, identity.uuid, identity.hardware_serial];
            if let Some(Section::Network(network)) = sections.get("network") {
                columns.push(network.primary_ip.clone());
            }
            columns.iter().any(|column| column.to_lowercase().contains(&text))
        };
        self.hosts().into_iter().filter(matches).collect()
    }

    /// Hosts that were called this.
    pub fn find(&self, identifier: &str) -> BTreeSet<HostId> {
        let identifier = identifier.to_lowercase();
        let matches = |host: &HostId| {
            let identity = self.identity(*host);
            let own = self.state().hosts.get(*host).unwrap().identifier.clone();
            [identity.hostname, identity.uuid, identity.hardware_serial, own]
                .iter()
                .any(|one| one.to_lowercase() == identifier)
        };
        self.hosts().into_iter().filter(matches).collect()
    }
}

/// Times worth asking for: some anywhere, some exactly when something happened, and one microsecond beside that.
pub fn times(story: &Teller, count: usize) -> Vec<Timestamp> {
    let commits = story.history.iter().skip(1).map(|(at, _)| *at);
    let reports = story.reports.iter().map(|report| report.recorded);
    let all: BTreeSet<Timestamp> = commits.chain(reports).collect();
    let step = (all.len() / count).max(1);
    let beside = |at: Timestamp| [-1, 0, 1].map(|by| Timestamp::from_micros(at.micros() + by));
    let mut times: Vec<Timestamp> = all.into_iter().step_by(step).flat_map(beside).collect();
    times.push(Timestamp::EPOCH);
    times
}
