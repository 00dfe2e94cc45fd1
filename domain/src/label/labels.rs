//! All labels, folded from the ledger.

use imbl::{HashMap, OrdMap};
use serde::{Deserialize, Serialize};

use super::{ALL_HOSTS, Changed, Created, Deleted, MembersChanged, Membership, Redefined};
use crate::members::Members;
use crate::{LabelId, Timestamp, UserId};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Label {
    pub id: LabelId,
    pub name: String,
    pub description: String,
    pub query: String,
    /// The exact platform of the hosts that are asked; empty for all.
    pub platform: String,
    pub builtin: bool,
    pub membership: Membership,
    pub author: Option<UserId>,
    /// Members of a manual label; those of a dynamic one are in what hosts report.
    pub members: Members,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// All labels, folded from the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Labels {
    labels: OrdMap<LabelId, Label>,
    by_name: HashMap<String, LabelId>,
    /// The id of the newest that ever was.
    pub(super) newest: u32,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    labels: Vec<Label>,
    newest: u32,
}

impl Labels {
    pub fn get(&self, id: LabelId) -> Option<&Label> {
        self.labels.get(&id)
    }

    /// By its exact name.
    pub fn by_name(&self, name: &str) -> Option<&Label> {
        self.labels.get(self.by_name.get(name)?)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Label> {
        self.labels.values()
    }

    pub(crate) fn created(&mut self, event: &Created, at: Timestamp) {
        self.newest = self.newest.max(event.label.0);
        self.by_name.insert(event.name.clone(), event.label);
        self.labels.insert(event.label, Label::created(event, at));
    }

    pub(crate) fn changed(&mut self, event: &Changed, at: Timestamp) {
        let Some(label) = self.labels.get_mut(&event.label) else { return };
        self.by_name.remove(&label.name);
        self.by_name.insert(event.name.clone(), event.label);
        label.change(event, at);
    }

    pub(crate) fn redefined(&mut self, event: &Redefined, at: Timestamp) {
        let Some(label) = self.labels.get_mut(&event.label) else { return };
        label.query = event.query.clone();
        label.platform = event.platform.clone();
        label.membership = event.membership;
        label.updated_at = at;
        if event.membership == Membership::Dynamic {
            label.members = Members::default();
        }
    }

    pub(crate) fn members_changed(&mut self, event: &MembersChanged, at: Timestamp) {
        if let Some(label) = self.labels.get_mut(&event.label) {
            label.change_members(event, at);
        }
    }

    pub(crate) fn deleted(&mut self, event: &Deleted) {
        if let Some(label) = self.labels.remove(&event.label) {
            self.by_name.remove(&label.name);
        }
    }

    pub(crate) fn hosts_deleted(&mut self, hosts: &Members) {
        let touched: Vec<LabelId> =
            self.iter().filter(|label| !label.members.and(hosts).is_empty()).map(|label| label.id).collect();
        for id in touched {
            if let Some(label) = self.labels.get_mut(&id) {
                label.members = label.members.without(hosts);
            }
        }
    }
}

impl Label {
    pub fn created(event: &Created, at: Timestamp) -> Label {
        Label {
            id: event.label,
            name: event.name.clone(),
            description: event.description.clone(),
            query: event.query.clone(),
            platform: event.platform.clone(),
            builtin: event.builtin,
            membership: event.membership,
            author: event.author,
            members: Members::default(),
            created_at: at,
            updated_at: at,
        }
    }

    pub fn change(&mut self, event: &Changed, at: Timestamp) {
        self.name = event.name.clone();
        self.description = event.description.clone();
        self.updated_at = at;
    }

    pub fn change_members(&mut self, event: &MembersChanged, at: Timestamp) {
        self.members = self.members.or(&event.joined).without(&event.left);
        self.updated_at = at;
    }

    /// Whether every host is a member, whatever it answers.
    pub fn is_all_hosts(&self) -> bool {
        self.builtin && self.name == ALL_HOSTS
    }
}

impl From<Labels> for Kept {
    fn from(labels: Labels) -> Self {
        Kept { labels: labels.labels.values().cloned().collect(), newest: labels.newest }
    }
}

impl From<Kept> for Labels {
    fn from(kept: Kept) -> Self {
        Labels {
            by_name: kept.labels.iter().map(|label| (label.name.clone(), label.id)).collect(),
            labels: kept.labels.into_iter().map(|label| (label.id, label)).collect(),
            newest: kept.newest,
        }
    }
}
