//! The rules of labels: unique names, built-in ones stay as they are, and nobody is put into a dynamic one by hand.

use super::{Changed, Created, Deleted, Label, Labels, MembersChanged, Membership, Redefined, builtin};
use crate::members::Members;
use crate::state::State;
use crate::{Event, LabelId, Refusal, Timestamp, UserId};

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

impl Labels {
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
}
