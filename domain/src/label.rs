//! Labels: sets of hosts, by a query that hosts answer or by hand.

use imbl::{HashMap, OrdMap};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::members::Members;
use crate::state::State;
use crate::{Event, LabelId, Refusal, Timestamp, UserId};

mod apply;
pub mod builtin;

/// The label that every host has, whatever it answers.
pub const ALL_HOSTS: &str = "All Hosts";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// A host is a member when the query gives it a row.
    Dynamic,
    /// A host is a member when an admin says so.
    Manual,
}

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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Created {
    pub label: LabelId,
    pub name: String,
    pub description: String,
    pub query: String,
    pub platform: String,
    pub builtin: bool,
    pub membership: Membership,
    pub author: Option<UserId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    pub label: LabelId,
    pub name: String,
    pub description: String,
}

/// A label means something else from now on: what it asks, whom, and how hosts get in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Redefined {
    pub label: LabelId,
    pub query: String,
    pub platform: String,
    pub membership: Membership,
}

/// Hosts that joined or left a manual label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MembersChanged {
    pub label: LabelId,
    pub joined: Members,
    pub left: Members,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deleted {
    pub label: LabelId,
}

#[derive(Clone, Debug)]
pub enum Command {
    /// Makes the built-in labels that are missing.
    Seed,
    Create {
        name: String,
        description: String,
        query: String,
        platform: String,
        membership: Membership,
        members: Members,
        author: Option<UserId>,
    },
    Change {
        label: LabelId,
        name: Option<String>,
        description: Option<String>,
        members: Option<Members>,
    },
    /// Makes a label, or brings the one of that name to this form; a built-in one only if it has it already.
    Apply {
        name: String,
        description: String,
        query: String,
        platform: String,
        membership: Membership,
        /// `None` keeps the members that a manual label has.
        members: Option<Members>,
        author: Option<UserId>,
    },
    /// Adds and removes hosts by hand.
    Members {
        label: LabelId,
        join: Members,
        leave: Members,
    },
    Delete {
        label: LabelId,
    },
}

impl Command {
    #[expect(clippy::only_used_in_recursion, reason = "every subject decides by the same signature")]
    pub fn decide(&self, state: &State, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let labels = &state.labels;
        match self {
            Command::Seed => {
                let missing = builtin::ALL.iter().filter(|one| labels.by_name(one.name).is_none());
                Ok(missing.zip(labels.newest + 1..).map(|(one, id)| one.created(LabelId(id)).into()).collect())
            }
            Command::Create { name, description, query, platform, membership, members, author } => {
                labels.check_name(name, None)?;
                let label = LabelId(labels.newest + 1);
                let created = Created {
                    label,
                    name: name.clone(),
                    description: description.clone(),
                    query: query.clone(),
                    platform: platform.clone(),
                    builtin: false,
                    membership: *membership,
                    author: *author,
                };
                let mut events = vec![created.into()];
                let joined = members.and(state.hosts.existing());
                if *membership == Membership::Manual && !joined.is_empty() {
                    events.push(MembersChanged { label, joined, left: Members::default() }.into());
                }
                Ok(events)
            }
            Command::Change { label, name, description, members } => {
                labels.change(state, *label, name, description, members)
            }
            Command::Apply { name, description, query, platform, membership, members, author } => {
                let Some(held) = labels.by_name(name) else {
                    let (name, description, query) = (name.clone(), description.clone(), query.clone());
                    let (platform, members) = (platform.clone(), members.clone().unwrap_or_default());
                    let create = Command::Create {
                        name,
                        description,
                        query,
                        platform,
                        membership: *membership,
                        members,
                        author: *author,
                    };
                    return create.decide(state, now);
                };
                let redefined = Redefined {
                    label: held.id,
                    query: query.clone(),
                    platform: platform.clone(),
                    membership: *membership,
                };
                held.applied(state, description, redefined, members.as_ref())
            }
            Command::Members { label, join, leave } => {
                let held = labels.find(*label)?;
                if held.membership == Membership::Dynamic {
                    return Err(Refusal::invalid("hosts", "hosts of a dynamic label cannot be chosen by hand"));
                }
                let joined = join.and(state.hosts.existing()).without(&held.members);
                let left = leave.and(&held.members);
                let nothing = joined.is_empty() && left.is_empty();
                Ok(if nothing { vec![] } else { vec![MembersChanged { label: *label, joined, left }.into()] })
            }
            Command::Delete { label } => {
                if labels.find(*label)?.builtin {
                    return Err(Refusal::invalid("label_type", "a built-in label cannot be deleted"));
                }
                Ok(vec![Deleted { label: *label }.into()])
            }
        }
    }
}

/// All labels, folded from the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Labels {
    labels: OrdMap<LabelId, Label>,
    by_name: HashMap<String, LabelId>,
    newest: u32,
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

    fn find(&self, id: LabelId) -> Result<&Label, Refusal> {
        self.get(id).ok_or_else(|| Refusal::not_found("Label", id))
    }

    fn check_name(&self, name: &str, own: Option<LabelId>) -> Result<(), Refusal> {
        if name.trim().is_empty() {
            return Err(Refusal::invalid("name", "missing required argument"));
        }
        match self.by_name(name) {
            Some(holder) if holder.builtin && Some(holder.id) != own => Err(Refusal::invalid(
                "name",
                format!("cannot add label '{name}' because it conflicts with the name of a built-in label"),
            )),
            Some(holder) if Some(holder.id) != own => Err(Refusal::taken("Label", name)),
            _ => Ok(()),
        }
    }

    fn change(
        &self,
        state: &State,
        id: LabelId,
        name: &Option<String>,
        description: &Option<String>,
        members: &Option<Members>,
    ) -> Result<Vec<Event>, Refusal> {
        let held = self.find(id)?;
        if held.builtin {
            return Err(Refusal::invalid("label_type", "a built-in label cannot be changed"));
        }
        let mut events = vec![];
        let name = name.as_ref().unwrap_or(&held.name);
        let description = description.as_ref().unwrap_or(&held.description);
        self.check_name(name, Some(id))?;
        if *name != held.name || *description != held.description {
            events.push(Changed { label: id, name: name.clone(), description: description.clone() }.into());
        }
        if let Some(members) = members {
            if held.membership == Membership::Dynamic {
                return Err(Refusal::invalid("hosts", "hosts of a dynamic label cannot be chosen by hand"));
            }
            let wanted = members.and(state.hosts.existing());
            let (joined, left) = (wanted.without(&held.members), held.members.without(&wanted));
            if !joined.is_empty() || !left.is_empty() {
                events.push(MembersChanged { label: id, joined, left }.into());
            }
        }
        Ok(events)
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

#[cfg(test)]
mod tests;
