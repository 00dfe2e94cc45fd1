//! Random histories that could have happened: commands of every kind, decided on the state that the earlier ones left.
//!
//! Names, addresses, keys and hosts come from small pools, so that they collide as in life. What is refused is passed
//! over, which leaves a history of what was decided.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::host::Enrol;
use domain::label::Membership;
use domain::query::{Logging, Spec};
use domain::role::{Role, Roles};
use domain::team::Change;
use domain::user::Profile;
use domain::{
    CampaignId, CarveId, Command, Digest, Event, HostId, LabelId, Members, QueryId, Sealed, State, TeamId, Timestamp,
    UserId, campaign, carve, host, label, query, session, settings, team, user,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

/// The events of one command, and when they were decided.
#[derive(Clone, Debug)]
pub struct Decision {
    pub at: Timestamp,
    pub events: Vec<Event>,
}

/// What somebody wants, in numbers that [`command`] reads.
pub type Wish = [u8; 6];

pub fn wishes(most: usize) -> impl Strategy<Value = Vec<Wish>> {
    vec(any::<Wish>(), 0..most)
}

/// A history of up to `most` commands.
pub fn histories(most: usize) -> impl Strategy<Value = Vec<Decision>> {
    wishes(most).prop_map(|wishes| history(&wishes))
}

fn history(wishes: &[Wish]) -> Vec<Decision> {
    let mut state = State::default();
    let mut at = Timestamp::from_secs(1_772_442_000);
    let mut decisions = vec![];
    for wish in wishes {
        at = at.plus(pause(wish));
        let Ok(events) = command(wish).decide(&state, at) else { continue };
        if events.is_empty() {
            continue;
        }
        events.iter().for_each(|event| state.evolve(event, at));
        decisions.push(Decision { at, events });
    }
    decisions
}

/// From nothing to hours, mostly seconds.
fn pause(wish: &Wish) -> Duration {
    let step = if wish[5] > 240 { 7_200_000 } else { 97 };
    Duration::from_millis(u64::from(wish[5]) * step)
}

pub fn fold(state: &mut State, decisions: &[Decision]) {
    for decision in decisions {
        decision.events.iter().for_each(|event| state.evolve(event, decision.at));
    }
}

/// What a wish asks for. The first number picks the subject, the others the rest.
pub fn command(wish: &Wish) -> Command {
    let [subject, kind, a, b, c, _] = *wish;
    match subject % 24 {
        0..6 => host(kind, a, b, c).into(),
        6..9 => user(kind, a, b, c).into(),
        9..11 => session(kind, a, b).into(),
        11..14 => team(kind, a, b, c).into(),
        14 => settings(a, b).into(),
        15..17 => query(kind, a, b, c).into(),
        17..20 => label(kind, a, b, c).into(),
        20..22 => campaign(kind, a, b).into(),
        22 => carve(kind, a, b).into(),
        _ => Command::Together(vec![host(kind, b, a, c).into(), team(a, kind, c, b).into()]),
    }
}

fn digest(what: &str, number: u8) -> Digest {
    Digest::of(format!("{what} {number}"))
}

fn sealed(number: u8) -> Sealed {
    Sealed { key: "server/1".to_owned(), text: format!("text {number}") }
}

/// Of the first eight hosts, those whose bit is set.
fn hosts(bits: u8) -> Members {
    (0..8).filter(|bit| bits & (1 << bit) != 0).map(|bit| HostId(bit + 1)).collect()
}

fn some_team(number: u8) -> Option<TeamId> {
    (!number.is_multiple_of(4)).then(|| TeamId(u32::from(number % 4)))
}

fn host(kind: u8, a: u8, b: u8, c: u8) -> host::Command {
    match kind % 8 {
        0..5 => {
            let name = format!("host-{}", a % 6);
            host::Command::Enrol(Enrol {
                secret: digest("enroll secret", b % 6),
                identifier: if c.is_multiple_of(2) { name } else { name.to_uppercase() },
                // Keys are random: the same one is the same machine asking again.
                node_key: digest(&format!("node key of {}", a % 6), c % 32),
                platform: ["ubuntu", "darwin", ""][usize::from(b % 3)].to_owned(),
                cooldown: Duration::from_secs(u64::from(c % 3) * 60),
            })
        }
        5 | 6 => host::Command::Transfer { hosts: hosts(a), team: some_team(b) },
        _ => host::Command::Delete { hosts: [HostId(u32::from(a % 9))].into_iter().collect() },
    }
}

fn profile(number: u8) -> Profile {
    let position = number.is_multiple_of(3).then(|| sealed(number));
    Profile { name: sealed(number), email: sealed(number % 5), email_digest: digest("email", number % 5), position }
}

fn role(number: u8) -> Role {
    [Role::Admin, Role::Maintainer, Role::ObserverPlus, Role::Observer, Role::Gitops][usize::from(number % 5)]
}

fn roles(number: u8) -> Roles {
    match number % 3 {
        0 => Roles::Global(role(number / 3)),
        _ => Roles::Teams(teams(number)),
    }
}

fn teams(number: u8) -> BTreeMap<TeamId, Role> {
    (1..4).filter(|team| number & (1 << team) != 0).map(|team| (TeamId(team), role(number))).collect()
}

fn user(kind: u8, a: u8, b: u8, c: u8) -> user::Command {
    let user = UserId(u32::from(a % 5) + 1);
    let must_reset_password = c.is_multiple_of(2);
    let password = format!("$argon2id${c}");
    match kind % 10 {
        0 | 1 => user::Command::First { profile: profile(b), password },
        2 | 3 => {
            let (profile, roles, api_only) = (profile(b), roles(c), a.is_multiple_of(2));
            user::Command::Create { profile, password, roles, api_only, must_reset_password }
        }
        4 | 5 => user::Command::Change {
            user,
            profile: (b & 1 != 0).then(|| profile(b)),
            roles: (b & 2 != 0).then(|| roles(c)),
            must_reset_password: (b & 4 != 0).then_some(must_reset_password),
        },
        6 => user::Command::SetTeams { user, teams: teams(b) },
        7 => user::Command::SetPassword { user, password, must_reset_password },
        8 => user::Command::Delete { user },
        _ => user::Command::Erase { user },
    }
}

fn session(kind: u8, a: u8, b: u8) -> session::Command {
    let (user, token) = (UserId(u32::from(a % 5) + 1), digest("token", b % 12));
    match kind % 7 {
        0 | 1 => session::Command::Start { user, token },
        2 => session::Command::StartByEmail { email: digest("email", a % 5), token },
        3 | 4 => session::Command::Use { token },
        5 => session::Command::End { token },
        _ => session::Command::EndAll { user },
    }
}

fn team(kind: u8, a: u8, b: u8, c: u8) -> team::Command {
    let team = TeamId(u32::from(a % 4) + 1);
    let name = ["Servers", "servers ", "Desks", "Zoo"][usize::from(b % 4)].to_owned();
    let secrets =
        |count: u8| (0..count).map(|one| (digest("enroll secret", b.wrapping_add(one) % 6), sealed(one))).collect();
    match kind % 9 {
        0..3 => team::Command::Create {
            name,
            description: format!("team {c}"),
            agent_options: c.is_multiple_of(2).then(|| Arc::new(json!({"config": {"a": c}}))),
            settings: Arc::new(json!({"features": {"b": b}})),
            secrets: secrets(c % 3),
        },
        3 | 4 => team::Command::Change {
            team,
            name: (c & 1 != 0).then_some(name),
            description: (c & 2 != 0).then(|| format!("described {b}")),
            agent_options: match c % 3 {
                0 => Change::Keep,
                1 => Change::Set(None),
                _ => Change::Set(Some(Arc::new(json!({"config": {"a": b % 2}})))),
            },
            settings: (c & 4 != 0).then(|| Arc::new(json!({"features": {"b": b % 2}}))),
        },
        5 => team::Command::Delete { team },
        _ => team::Command::ReplaceSecrets { team: some_team(a), secrets: secrets(c % 4) },
    }
}

fn settings(a: u8, b: u8) -> settings::Command {
    let (name, value) = match a % 3 {
        0 => ("org_info", json!({"org_name": format!("org {}", b % 4)})),
        1 => ("server_settings", json!({"live_query_disabled": b.is_multiple_of(4)})),
        _ => ("agent_options", json!({"config": {"options": {"distributed_interval": b % 4}}})),
    };
    settings::Command::Change { sections: BTreeMap::from([(name.to_owned(), Arc::new(value))]) }
}

fn query(kind: u8, a: u8, b: u8, c: u8) -> query::Command {
    let id = |number: u8| QueryId(u32::from(number % 5) + 1);
    let spec = || Spec {
        name: format!("query {}", b % 4),
        description: format!("described {}", c % 3),
        query: format!("SELECT {}", c % 2),
        platform: ["", "linux", "darwin,windows"][usize::from(c % 3)].to_owned(),
        interval: u32::from(b) * 60,
        logging: [Logging::Snapshot, Logging::Differential, Logging::DifferentialIgnoreRemovals][usize::from(b % 3)],
        discard_data: c.is_multiple_of(5),
        observer_can_run: b.is_multiple_of(2),
        labels_include_any: (1..3)
            .filter(|label| c & (1 << label) != 0)
            .map(|label| LabelId(u32::from(a % 16) + label))
            .collect(),
        ..Spec::default()
    };
    match kind % 5 {
        0 | 1 => query::Command::Create { team: some_team(a), spec: spec(), author: Some(UserId(1)) },
        2 | 3 => query::Command::Change { query: id(a), spec: spec() },
        _ => query::Command::Delete {
            queries: if b.is_multiple_of(3) { vec![id(a), id(a.wrapping_add(1))] } else { vec![id(a)] },
        },
    }
}

fn label(kind: u8, a: u8, b: u8, c: u8) -> label::Command {
    let label = LabelId(u32::from(a % 18) + 1);
    let name = format!("label {}", b % 4);
    let (description, query, platform) = (format!("described {}", c % 3), format!("SELECT {}", c % 2), String::new());
    let membership = if b & 4 != 0 { Membership::Dynamic } else { Membership::Manual };
    let author = None;
    match kind % 9 {
        0 => label::Command::Seed,
        1 | 2 => label::Command::Create { name, description, query, platform, membership, members: hosts(c), author },
        3 | 4 => label::Command::Change {
            label,
            name: (c & 1 != 0).then_some(name),
            description: (c & 2 != 0).then_some(description),
            members: (c & 4 != 0).then(|| hosts(b)),
        },
        5 | 6 => {
            let members = (c & 1 != 0).then(|| hosts(a));
            label::Command::Apply { name, description, query, platform, membership, members, author }
        }
        7 => label::Command::Members { label, join: hosts(b), leave: hosts(c) },
        _ => label::Command::Delete { label },
    }
}

fn campaign(kind: u8, a: u8, b: u8) -> campaign::Command {
    let campaign = CampaignId(u32::from(a % 6) + 1);
    let life = Duration::from_secs(u64::from(b) * 120);
    match kind % 6 {
        0..3 => campaign::Command::Start {
            sql: format!("SELECT {b}"),
            query: b.is_multiple_of(3).then(|| QueryId(u32::from(a % 5))),
            by: Some(UserId(1)),
            targets: hosts(a),
            attended: b.is_multiple_of(2),
            life,
            most: campaign::Most { of_one_user: 3, in_all: 4 },
        },
        3 => campaign::Command::Extend { campaign, life },
        4 => campaign::Command::Stop { campaign, stats: None },
        _ => campaign::Command::Expire { stats: Default::default() },
    }
}

fn carve(kind: u8, a: u8, b: u8) -> carve::Command {
    let (block_size, carve_size) = (u64::from(a % 4) * 100, u64::from(b));
    let block_count = carve_size.div_ceil(block_size.max(1));
    let (carve_id, request_id) = (format!("guid {b}"), format!("request {b}"));
    let (carve, session) = (CarveId(u32::from(a % 5) + 1), digest("carve session", b % 8));
    match kind % 3 {
        0 | 1 => carve::Command::Begin {
            host: HostId(u32::from(a % 8) + 1),
            plan: carve::Plan { block_count, block_size, carve_size, carve_id, request_id },
            session,
        },
        _ => carve::Command::End {
            carve,
            outcome: match b.is_multiple_of(2) {
                true => carve::Outcome::Complete { sha256: digest("carved", b) },
                false => carve::Outcome::Broken { reason: format!("reason {b}") },
            },
        },
    }
}
