//! Finding hosts by what they call themselves.

use std::collections::{BTreeMap, BTreeSet};

use domain::host;
use domain::records::{Identity, Section};
use domain::{HostId, Members};

use super::Registry;

impl Registry {
    /// What the host said of itself; `None` if it said nothing yet.
    pub fn identity(&self, host: HostId) -> Option<Identity> {
        let cell = self.0.cells.get(&host)?.clone();
        match cell.facts().section("identity")? {
            Section::Identity(identity) => Some(identity),
            _ => None,
        }
    }

    /// Hosts with this hostname, UUID, serial number or osquery identifier, without regard to case. Blank text finds
    /// nobody, and a node key is not a name.
    pub fn find(&self, identifier: &str) -> Vec<HostId> {
        self.find_each(&[identifier])
            .remove(&fold_case(identifier))
            .map(|hosts| hosts.iter().collect())
            .unwrap_or_default()
    }

    /// [`find`](Self::find) for many at once, by the identifier in lower case; one that finds nobody is absent.
    pub fn find_each(&self, identifiers: &[impl AsRef<str>]) -> BTreeMap<String, Members> {
        let wanted = identifiers.iter().map(|one| fold_case(one.as_ref())).filter(|one| !one.is_empty());
        let wanted: BTreeSet<String> = wanted.collect();
        let mut found: BTreeMap<String, Members> = BTreeMap::new();
        if wanted.is_empty() {
            return found;
        }
        let fold = self.0.state();
        let hosts = &fold.state.hosts;
        let mut note = |name: String, host: HostId| {
            if wanted.contains(&name) {
                found.entry(name).or_default().insert(host);
            }
        };
        for name in &wanted {
            if let host::Identity::Live(host) = hosts.by_identifier(name) {
                note(name.clone(), host.id);
            }
        }
        for id in hosts.existing().iter() {
            let Some(identity) = self.identity(id) else { continue };
            for name in [identity.hostname, identity.uuid, identity.hardware_serial] {
                note(fold_case(&name), id);
            }
        }
        found
    }
}

fn fold_case(text: &str) -> String {
    text.trim().to_lowercase()
}
