//! Who a live query is asked of.
//!
//! Hosts that are named are in. Labels and teams narrow each other down: a host must be in one of the chosen labels, on
//! one of the chosen platforms (the built-in labels) and in one of the chosen teams, as far as any of these was chosen.
//! "All Hosts" overrides all of that. Whatever was chosen, nobody reaches a host that they may not see.
//!
//! Source: live-query §2.2.

use crate::label::ALL_HOSTS;
use crate::members::Members;
use crate::role::{Action, Roles};
use crate::state::State;
use crate::{LabelId, TeamId};

/// What was chosen, with ids that exist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    pub hosts: Members,
    pub labels: Vec<LabelId>,
    /// `None` stands for the hosts without a team.
    pub teams: Vec<Option<TeamId>>,
}

impl Selection {
    /// Labels that do not exist; with them the selection must be refused, or it would reach more hosts than was meant.
    pub fn unknown_labels<'a>(&'a self, state: &'a State) -> impl Iterator<Item = LabelId> + 'a {
        self.labels.iter().copied().filter(|label| state.labels.get(*label).is_none())
    }

    /// The hosts that are meant, of those that are `visible`. `members_of` knows who belongs to a label.
    pub fn resolve(&self, state: &State, visible: &Members, members_of: impl Fn(LabelId) -> Members) -> Members {
        let labels = || self.labels.iter().filter_map(|id| state.labels.get(*id));
        let any = |chosen: Vec<Members>| (!chosen.is_empty()).then(|| union(chosen));
        let all_hosts = labels().find(|label| label.builtin && label.name == ALL_HOSTS);
        let filtered = match all_hosts {
            Some(label) => Some(members_of(label.id)),
            None => {
                let custom = labels().filter(|label| !label.builtin).map(|label| members_of(label.id)).collect();
                let builtin = labels().filter(|label| label.builtin).map(|label| members_of(label.id)).collect();
                let teams = self.teams.iter().map(|team| state.hosts.of_team(*team)).collect();
                let groups = [any(custom), any(builtin), any(teams)];
                groups.into_iter().flatten().reduce(|one, other| one.and(&other))
            }
        };
        self.hosts.or(&filtered.unwrap_or_default()).and(visible).and(state.hosts.existing())
    }
}

/// The hosts with which these roles may do `action`.
pub fn visible(state: &State, roles: &Roles, action: Action) -> Members {
    match roles.teams_for(action) {
        None => state.hosts.existing().clone(),
        Some(teams) => union(teams.into_iter().map(|team| state.hosts.of_team(Some(team))).collect()),
    }
}

fn union(sets: Vec<Members>) -> Members {
    sets.into_iter().fold(Members::default(), |all, one| all.or(&one))
}

#[cfg(test)]
mod tests;
