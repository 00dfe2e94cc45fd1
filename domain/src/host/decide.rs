//! The rules of enrolment, transfer and deletion.

use std::time::Duration;

use super::hosts::CONTEST_WINDOW;
use super::{ContestedIdentity, Deleted, Enrolled, Host, Identity, KeyReplaced, Transferred};
use crate::members::Members;
use crate::state::State;
use crate::{Digest, Event, HostId, KeyedDigest, Refusal, TeamId, Timestamp};

/// An identity that enrols this often inside the window belongs to clones of one image.
const CONTEST_COUNT: usize = 3;
/// How long a contested identity stays refused.
const CONTEST_COOLDOWN: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
pub enum Command {
    Enrol(Enrol),
    /// Moves hosts to a team, or to none. Hosts that do not exist are passed over.
    Transfer {
        hosts: Members,
        team: Option<TeamId>,
    },
    /// Deletes hosts. An id that does not exist is refused, so that a typing error is seen.
    Delete {
        hosts: Members,
    },
}

/// An enrolment, parsed: the identifier is chosen, cut and not empty.
#[derive(Clone, Debug)]
pub struct Enrol {
    pub secret: KeyedDigest,
    pub identifier: String,
    pub node_key: Digest,
    pub platform: String,
    /// Zero: no cooldown.
    pub cooldown: Duration,
}

impl Command {
    pub fn decide(&self, state: &State, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        match self {
            Command::Enrol(enrol) => enrol.decide(state, now),
            Command::Transfer { hosts, team } => transfer(state, hosts, *team),
            Command::Delete { hosts } => delete(state, hosts),
        }
    }
}

impl Enrol {
    fn decide(&self, state: &State, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let team = state.teams.scope_of_secret(&self.secret).ok_or(Refusal::BadEnrollSecret)?;
        match state.hosts.by_identifier(&self.identifier) {
            Identity::Live(host) => self.again(host, team, now),
            Identity::Unknown => Ok(self.enrolled(state, team, None)),
            Identity::Deleted(earlier) => Ok(self.enrolled(state, team, Some(earlier))),
        }
    }

    fn enrolled(&self, state: &State, team: Option<TeamId>, succeeds: Option<HostId>) -> Vec<Event> {
        vec![
            Enrolled {
                host: HostId(state.hosts.newest() + 1),
                identifier: self.identifier.clone(),
                node_key: self.node_key,
                team,
                platform: self.platform.clone(),
                succeeds,
            }
            .into(),
        ]
    }

    fn again(&self, host: &Host, team: Option<TeamId>, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        if host.node_key == self.node_key {
            return Ok(vec![]);
        }
        if host.contested_until.is_some_and(|until| now < until) {
            return Err(Refusal::Contested { identifier: self.identifier.clone() });
        }
        if now.since(host.last_enrolled_at) < self.cooldown {
            return Err(Refusal::Cooldown { seconds: self.cooldown.as_secs() });
        }
        let recent = host.enrolments.iter().filter(|at| now.since(**at) < CONTEST_WINDOW).count();
        if recent + 1 >= CONTEST_COUNT {
            // One event for the admin; the machine that asked is refused by whoever sees that it got no key.
            return Ok(vec![
                ContestedIdentity {
                    host: host.id,
                    identifier: self.identifier.clone(),
                    until: now.plus(CONTEST_COOLDOWN),
                }
                .into(),
            ]);
        }
        Ok(vec![
            KeyReplaced {
                host: host.id,
                identifier: self.identifier.clone(),
                node_key: self.node_key,
                team,
                platform: self.platform.clone(),
            }
            .into(),
        ])
    }
}

fn transfer(state: &State, hosts: &Members, team: Option<TeamId>) -> Result<Vec<Event>, Refusal> {
    if let Some(team) = team.filter(|team| state.teams.get(*team).is_none()) {
        return Err(Refusal::invalid("team_id", format!("team {team} does not exist")));
    }
    let moving = hosts.and(state.hosts.existing()).without(&state.hosts.of_team(team));
    Ok(if moving.is_empty() { vec![] } else { vec![Transferred { hosts: moving, team }.into()] })
}

fn delete(state: &State, hosts: &Members) -> Result<Vec<Event>, Refusal> {
    if let Some(unknown) = hosts.without(state.hosts.existing()).iter().next() {
        return Err(Refusal::not_found("Host", unknown));
    }
    Ok(if hosts.is_empty() { vec![] } else { vec![Deleted { hosts: hosts.clone() }.into()] })
}
