//! All hosts, folded from the ledger.

use std::collections::BTreeSet;
use std::time::Duration;

use imbl::HashMap;
use serde::{Deserialize, Serialize};

use super::{ContestedIdentity, Deleted, Enrolled, KeyReplaced, Transferred};
use crate::members::Members;
use crate::{Digest, HostId, TeamId, Timestamp};

/// Enrolments of one identity that are remembered to tell clones from a reinstalled machine.
pub(super) const CONTEST_WINDOW: Duration = Duration::from_secs(600);

/// A host that exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Host {
    pub id: HostId,
    pub identifier: String,
    pub node_key: Digest,
    pub team: Option<TeamId>,
    pub platform: String,
    pub created_at: Timestamp,
    pub last_enrolled_at: Timestamp,
    /// Times of the latest enrolments inside the contest window, oldest first.
    pub(super) enrolments: Vec<Timestamp>,
    pub contested_until: Option<Timestamp>,
    pub succeeds: Option<HostId>,
}

/// What an identifier stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Identity<'a> {
    Unknown,
    Live(&'a Host),
    Deleted(HostId),
}

/// The hosts that exist, by id, key and identifier, and as bitmaps by team.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Hosts {
    hosts: HashMap<HostId, Host>,
    by_key: HashMap<Digest, HostId>,
    by_identifier: HashMap<String, HostId>,
    deleted_identifiers: HashMap<String, HostId>,
    existing: Members,
    teams: HashMap<Option<TeamId>, Members>,
    /// The ordinal of the newest host that ever was.
    newest: u32,
}

/// What a snapshot keeps; the indexes follow from it.
#[derive(Serialize, Deserialize)]
struct Kept {
    hosts: Vec<Host>,
    deleted_identifiers: Vec<(String, HostId)>,
    newest: u32,
}

impl Hosts {
    pub fn get(&self, id: HostId) -> Option<&Host> {
        self.hosts.get(&id)
    }

    /// The host that holds the node key with this hash.
    pub fn by_key(&self, key: &Digest) -> Option<&Host> {
        self.hosts.get(self.by_key.get(key)?)
    }

    /// What an identifier stands for, without regard to case.
    pub fn by_identifier(&self, identifier: &str) -> Identity<'_> {
        let folded = fold_case(identifier);
        match self.by_identifier.get(&folded).and_then(|id| self.hosts.get(id)) {
            Some(host) => Identity::Live(host),
            None => self.deleted_identifiers.get(&folded).map_or(Identity::Unknown, |id| Identity::Deleted(*id)),
        }
    }

    /// All that exist.
    pub fn existing(&self) -> &Members {
        &self.existing
    }

    /// Those of a team, or of no team.
    pub fn of_team(&self, team: Option<TeamId>) -> Members {
        self.teams.get(&team).cloned().unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Host> {
        self.hosts.values()
    }

    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// The largest ordinal ever given; the next host gets the one after it.
    pub fn newest(&self) -> u32 {
        self.newest
    }

    pub(crate) fn enrolled(&mut self, event: &Enrolled, at: Timestamp) {
        self.newest = self.newest.max(event.host.0);
        self.deleted_identifiers.remove(&fold_case(&event.identifier));
        self.put(Host {
            id: event.host,
            identifier: event.identifier.clone(),
            node_key: event.node_key,
            team: event.team,
            platform: event.platform.clone(),
            created_at: at,
            last_enrolled_at: at,
            enrolments: vec![at],
            contested_until: None,
            succeeds: event.succeeds,
        });
    }

    pub(crate) fn key_replaced(&mut self, event: &KeyReplaced, at: Timestamp) {
        let Some(mut host) = self.take(event.host) else { return };
        host.identifier = event.identifier.clone();
        host.node_key = event.node_key;
        host.team = event.team;
        host.platform = event.platform.clone();
        host.last_enrolled_at = at;
        host.contested_until = None;
        host.enrolments.retain(|earlier| at.since(*earlier) < CONTEST_WINDOW);
        host.enrolments.push(at);
        self.put(host);
    }

    pub(crate) fn contested(&mut self, event: &ContestedIdentity) {
        if let Some(host) = self.hosts.get_mut(&event.host) {
            host.contested_until = Some(event.until);
            host.enrolments.clear();
        }
    }

    pub(crate) fn transferred(&mut self, event: &Transferred) {
        for id in event.hosts.iter() {
            if let Some(host) = self.take(id) {
                self.put(Host { team: event.team, ..host });
            }
        }
    }

    pub(crate) fn deleted(&mut self, event: &Deleted) {
        for id in event.hosts.iter() {
            if let Some(host) = self.take(id) {
                self.deleted_identifiers.insert(fold_case(&host.identifier), id);
            }
        }
    }

    /// A deleted team's hosts belong to no team.
    pub(crate) fn team_deleted(&mut self, team: TeamId) {
        let hosts = self.of_team(Some(team));
        self.transferred(&Transferred { hosts, team: None });
    }

    /// Teams that have hosts.
    pub fn teams(&self) -> BTreeSet<Option<TeamId>> {
        self.teams.keys().copied().collect()
    }

    fn put(&mut self, host: Host) {
        self.by_key.insert(host.node_key, host.id);
        self.by_identifier.insert(fold_case(&host.identifier), host.id);
        self.existing.insert(host.id);
        self.teams.entry(host.team).or_default().insert(host.id);
        self.hosts.insert(host.id, host);
    }

    fn take(&mut self, id: HostId) -> Option<Host> {
        let host = self.hosts.remove(&id)?;
        self.by_key.remove(&host.node_key);
        self.by_identifier.remove(&fold_case(&host.identifier));
        self.existing.remove(id);
        if let Some(members) = self.teams.get_mut(&host.team) {
            members.remove(id);
            if members.is_empty() {
                self.teams.remove(&host.team);
            }
        }
        Some(host)
    }
}

impl From<Hosts> for Kept {
    fn from(hosts: Hosts) -> Self {
        let mut kept = Kept {
            hosts: hosts.hosts.values().cloned().collect(),
            deleted_identifiers: hosts.deleted_identifiers.iter().map(|(text, id)| (text.clone(), *id)).collect(),
            newest: hosts.newest,
        };
        kept.hosts.sort_by_key(|host| host.id);
        kept.deleted_identifiers.sort();
        kept
    }
}

impl From<Kept> for Hosts {
    fn from(kept: Kept) -> Self {
        let mut hosts = Hosts { newest: kept.newest, ..Hosts::default() };
        hosts.deleted_identifiers = kept.deleted_identifiers.into_iter().collect();
        for host in kept.hosts {
            hosts.put(host);
        }
        hosts
    }
}

fn fold_case(identifier: &str) -> String {
    identifier.to_lowercase()
}
