//! What each subject decides: given what happened, when somebody wants something, then that is recorded, or refused.

mod campaign;
mod carve;
mod host;
mod label;
mod query;
mod secrets;
mod session;
mod settings;
mod team;
mod together;
mod user;

use std::time::Duration;

use domain::team::{Created as TeamCreated, EnrollSecret, SecretsReplaced};
use domain::user::Profile;
use domain::{Command, Digest, Event, HostId, Members, Refusal, Sealed, State, TeamId, Timestamp};
use serde_json::json;

const START: Timestamp = Timestamp::from_secs(1_772_442_000);

/// What happened up to now.
#[derive(Clone)]
struct Given {
    state: State,
    now: Timestamp,
}

fn given<const N: usize>(events: [Event; N]) -> Given {
    Given { state: State::default(), now: START }.and(events)
}

impl Given {
    /// More that happens now.
    fn and<const N: usize>(mut self, events: [Event; N]) -> Given {
        events.iter().for_each(|event| self.state.evolve(event, self.now));
        self
    }

    fn after(mut self, span: Duration) -> Given {
        self.now = self.now.plus(span);
        self
    }

    fn when(self, command: impl Into<Command>) -> When {
        let outcome = command.into().decide(&self.state, self.now);
        When { given: self, outcome }
    }
}

/// What came of a command.
struct When {
    given: Given,
    outcome: Result<Vec<Event>, Refusal>,
}

impl When {
    /// It is decided so; the story can go on.
    #[track_caller]
    fn then<const N: usize>(self, events: [Event; N]) -> Given {
        assert_eq!(self.outcome.as_deref(), Ok(&events[..]));
        self.given.and(events)
    }

    /// It is refused, and nothing happened.
    #[track_caller]
    fn refused(self, refusal: Refusal) -> Given {
        assert_eq!(self.outcome, Err(refusal));
        self.given
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn not_found(kind: &'static str, what: &str) -> Refusal {
    Refusal::NotFound { kind, what: what.to_owned() }
}

fn taken(kind: &'static str, what: &str) -> Refusal {
    Refusal::Taken { kind, what: what.to_owned() }
}

fn invalid(field: &'static str, reason: &str) -> Refusal {
    Refusal::Invalid { field, reason: reason.to_owned() }
}

fn malformed(text: &str) -> Refusal {
    Refusal::Malformed(text.to_owned())
}

fn sealed(text: &str) -> Sealed {
    Sealed { key: "server/1".to_owned(), text: text.to_owned() }
}

fn members<const N: usize>(hosts: [u32; N]) -> Members {
    hosts.into_iter().map(HostId).collect()
}

fn team_created(id: u32, name: &str) -> Event {
    let (name, description) = (name.to_owned(), String::new());
    TeamCreated { team: TeamId(id), name, description, agent_options: None, settings: json!({}).into() }.into()
}

/// The secrets of a scope, as they are kept since `created_at`.
fn secrets_kept<const N: usize>(team: Option<u32>, secrets: [&str; N], created_at: Timestamp) -> Event {
    let kept = |text: &str| EnrollSecret { digest: Digest::of(text), sealed: sealed(text), created_at };
    SecretsReplaced { team: team.map(TeamId), secrets: secrets.map(kept).into() }.into()
}

/// A host of no team, called `host-ID`, with the key `key-ID`.
fn enrolled(id: u32) -> Event {
    domain::host::Enrolled {
        host: HostId(id),
        identifier: format!("host-{id}"),
        node_key: Digest::of(format!("key-{id}")),
        team: None,
        platform: "ubuntu".to_owned(),
        succeeds: None,
    }
    .into()
}

fn profile(name: &str) -> Profile {
    Profile { name: sealed(name), email: sealed(name), email_digest: Digest::of(name), position: None }
}
