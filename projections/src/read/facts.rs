//! What hosts had reported.

use std::collections::BTreeMap;

use domain::records::{Boot, Disks, Hardware, Identity, Intervals, LabelAnswers, Network, Os, Section};
use domain::{HostId, Timestamp};
use infra_stores::{Statement, Views};

use super::{IDS, serving};
use crate::projection::FoldError;

/// Every section of a host but its inventories, which lists have no use for; one that it had not reported is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostFacts {
    pub identity: Identity,
    pub os: Os,
    pub hardware: Hardware,
    pub network: Network,
    pub disks: Disks,
    pub boot: Boot,
    pub intervals: Intervals,
    pub labels: LabelAnswers,
    /// Of each section that it had reported, by name: since when it has been as it is, and the time of its newest
    /// report (now, and of the past as it is known now).
    pub reported: BTreeMap<&'static str, (Timestamp, Timestamp)>,
}

impl HostFacts {
    fn set(&mut self, section: Section, since: Timestamp, newest: Timestamp) {
        self.reported.insert(section.name(), (since, newest));
        match section {
            Section::Identity(state) => self.identity = state,
            Section::Os(state) => self.os = state,
            Section::Hardware(state) => self.hardware = state,
            Section::Network(state) => self.network = state,
            Section::Disks(state) => self.disks = state,
            Section::Boot(state) => self.boot = state,
            Section::Intervals(state) => self.intervals = state,
            Section::LabelAnswers(state) => self.labels = state,
            Section::Users(_) => {}
        }
    }
}

/// The sections of these hosts; a host that had reported nothing is left out. One statement for each thousand.
pub async fn host_facts(
    views: &Views,
    as_of: Timestamp,
    ids: &[HostId],
) -> Result<BTreeMap<HostId, HostFacts>, FoldError> {
    let names = || Section::NAMES.iter().copied().filter(|name| !Section::is_inventory(name));
    let mut facts: BTreeMap<HostId, HostFacts> = BTreeMap::new();
    for some in ids.chunks(IDS) {
        let rows = Statement::new("SELECT host, section, since, reported, data FROM host_section WHERE version = ");
        let rows = rows.push(serving::FACTS).push(" AND since <= ? AND until > ?").bind(as_of).bind(as_of);
        let rows = rows.push(" AND host IN ").list(some.iter().map(|id| id.0)).push(" AND section IN ").list(names());
        for mut row in views.fetch(rows).await? {
            let (host, name): (_, String) = (HostId(row.take()?), row.take()?);
            let (since, newest) = (row.take()?, row.take()?);
            let data = serde_json::from_str(&row.take::<String>()?).map_err(FoldError::row)?;
            let section = Section::from_json(&name, data).map_err(FoldError::row)?;
            facts.entry(host).or_default().set(section, since, newest);
        }
    }
    Ok(facts)
}
