//! Bringing a label that exists to the form of a document.

use super::{Changed, Label, MembersChanged, Membership, Redefined};
use crate::members::Members;
use crate::state::State;
use crate::{Event, Refusal};

impl Label {
    /// What brings this label to another form of the same name.
    pub(super) fn applied(
        &self,
        state: &State,
        description: &str,
        redefined: Redefined,
        members: Option<&Members>,
    ) -> Result<Vec<Event>, Refusal> {
        let means_the_same = self.query == redefined.query
            && self.platform == redefined.platform
            && self.membership == redefined.membership;
        if self.builtin {
            let equal = means_the_same && self.description == description;
            let refused = || Refusal::invalid("label_type", "a built-in label cannot be changed");
            return if equal { Ok(vec![]) } else { Err(refused()) };
        }
        let manual = redefined.membership == Membership::Manual;
        let mut events = vec![];
        if self.description != description {
            let description = description.to_owned();
            events.push(Changed { label: self.id, name: self.name.clone(), description }.into());
        }
        if !means_the_same {
            events.push(redefined.into());
        }
        if let Some(wanted) = members.filter(|_| manual) {
            // Hosts that got in by an answer are not members by hand.
            let held = if self.membership == Membership::Manual { self.members.clone() } else { Members::default() };
            let wanted = wanted.and(state.hosts.existing());
            let (joined, left) = (wanted.without(&held), held.without(&wanted));
            if !joined.is_empty() || !left.is_empty() {
                events.push(MembersChanged { label: self.id, joined, left }.into());
            }
        }
        Ok(events)
    }
}
