use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::host::{Enrolled, Transferred};
use crate::label::{self, Membership};
use crate::role::Role;
use crate::{Command, Digest, Event, HostId, Sealed, Timestamp, team};

/// A small world: three teams, built-in labels, three labels of our own, hosts with a team and labels each.
struct World {
    state: State,
    members: BTreeMap<LabelId, BTreeSet<HostId>>,
}

const TEAMS: u32 = 3;
const CUSTOM: u32 = 3;

fn at(second: u32) -> Timestamp {
    Timestamp::from_secs(i64::from(second))
}

fn run(state: &mut State, command: impl Into<Command>) {
    for event in command.into().decide(state, at(1)).unwrap() {
        state.evolve(&event, at(1));
    }
}

/// Labels of the world: 1 is All Hosts, 2 and 3 are platforms, the last three are our own.
fn labels(state: &State) -> Vec<LabelId> {
    let builtin = [ALL_HOSTS, "macOS", "MS Windows"].map(|name| state.labels.by_name(name).unwrap().id);
    let custom = (0..CUSTOM).map(|number| state.labels.by_name(&format!("custom {number}")).unwrap().id);
    builtin.into_iter().chain(custom).collect()
}

/// One host: its team (0 is none) and which of the labels after "All Hosts" it has.
type Traits = (u32, [bool; 5]);

fn world(hosts: &[Traits]) -> World {
    let mut state = State::default();
    run(&mut state, label::Command::Seed);
    for number in 0..CUSTOM {
        let name = format!("custom {number}");
        let (description, query, platform) = (String::new(), "SELECT 1".to_owned(), String::new());
        let (membership, members) = (Membership::Dynamic, Members::default());
        run(
            &mut state,
            label::Command::Create { name, description, query, platform, membership, members, author: None },
        );
    }
    for number in 0..TEAMS {
        let (name, description) = (format!("team {number}"), String::new());
        let secrets = vec![(Digest::of(&name), Sealed { key: "k".into(), text: "t".into() })];
        run(
            &mut state,
            team::Command::Create { name, description, agent_options: None, settings: Default::default(), secrets },
        );
    }
    let labels = labels(&state);
    let mut members: BTreeMap<LabelId, BTreeSet<HostId>> = BTreeMap::new();
    for (index, (team, has)) in hosts.iter().enumerate() {
        let host = HostId(index as u32 + 1);
        let (identifier, platform) = (format!("h{index}"), String::new());
        let node_key = Digest::of(&identifier);
        let enrolled = Enrolled { host, identifier, node_key, team: None, platform, succeeds: None };
        state.evolve(&Event::from(enrolled), at(2));
        if *team > 0 {
            let moved = Transferred { hosts: [host].into_iter().collect(), team: Some(TeamId(*team)) };
            state.evolve(&Event::from(moved), at(3));
        }
        members.entry(labels[0]).or_default().insert(host);
        for (label, _) in labels[1..].iter().zip(has).filter(|(_, has)| **has) {
            members.entry(*label).or_default().insert(host);
        }
    }
    World { state, members }
}

impl World {
    fn members_of(&self, label: LabelId) -> Members {
        self.members.get(&label).into_iter().flatten().copied().collect()
    }

    fn resolve(&self, selection: &Selection, roles: &Roles) -> Vec<u32> {
        let visible = visible(&self.state, roles, Action::RunAnyQuery);
        let targets = selection.resolve(&self.state, &visible, |label| self.members_of(label));
        targets.iter().map(|host| host.0).collect()
    }

    /// The rule of the source, host by host, in the plainest way.
    fn is_meant(&self, host: HostId, selection: &Selection, roles: &Roles) -> bool {
        let team = self.state.hosts.get(host).unwrap().team;
        let seen = match roles {
            Roles::Global(role) => *role == Role::Admin,
            Roles::Teams(teams) => team.is_some_and(|team| teams.get(&team) == Some(&Role::Admin)),
        };
        let has = |label: &LabelId| self.members.get(label).is_some_and(|members| members.contains(&host));
        let builtin = |label: &&LabelId| self.state.labels.get(**label).unwrap().builtin;
        let all_hosts = selection.labels.iter().any(|label| self.state.labels.get(*label).unwrap().name == ALL_HOSTS);
        let own: Vec<&LabelId> = selection.labels.iter().filter(|label| !builtin(label)).collect();
        let platforms: Vec<&LabelId> = selection.labels.iter().filter(builtin).collect();
        let chosen = !selection.labels.is_empty() || !selection.teams.is_empty();
        let fits = (own.is_empty() || own.into_iter().any(has))
            && (platforms.is_empty() || platforms.into_iter().any(has))
            && (selection.teams.is_empty() || selection.teams.contains(&team));
        seen && (selection.hosts.contains(host) || all_hosts || (chosen && fits))
    }
}

fn select(hosts: &[u32], labels: &[LabelId], teams: &[u32]) -> Selection {
    Selection {
        hosts: hosts.iter().copied().map(HostId).collect(),
        labels: labels.to_vec(),
        teams: teams.iter().map(|team| (*team > 0).then_some(TeamId(*team))).collect(),
    }
}

#[test]
fn live_check_05_targets() {
    let (mac, win, a, b) = (0, 1, 2, 3);
    let has = |labels: &[usize]| std::array::from_fn(|index| labels.contains(&index));
    let hosts = [
        (0, has(&[mac, a])),
        (1, has(&[mac, b])),
        (1, has(&[win, a])),
        (2, has(&[win])),
        (0, has(&[])),
        (2, has(&[a])),
    ];
    let world = world(&hosts);
    let labels = labels(&world.state);
    let (all, mac, win, a, b) = (labels[0], labels[1], labels[2], labels[3], labels[4]);
    let admin = Roles::Global(Role::Admin);
    let meant = |hosts: &[u32], labels: &[LabelId], teams: &[u32]| world.resolve(&select(hosts, labels, teams), &admin);
    assert_eq!(meant(&[], &[a, b], &[]), [1, 2, 3, 6], "two labels of one's own: union");
    assert_eq!(meant(&[], &[a, mac], &[]), [1], "own and platform: intersection");
    assert_eq!(meant(&[], &[mac, win], &[]), [1, 2, 3, 4], "two platforms: union");
    assert_eq!(meant(&[], &[a, mac, win], &[1]), [3], "and a team: intersection");
    assert_eq!(meant(&[], &[], &[0]), [1, 5], "team 0 is no team");
    assert_eq!(meant(&[], &[], &[0, 2]), [1, 4, 5, 6], "with a team: union of both");
    assert_eq!(meant(&[], &[all], &[1]), [1, 2, 3, 4, 5, 6], "All Hosts overrides teams");
    assert_eq!(meant(&[5], &[a], &[1]), [3, 5], "a named host is in, whatever else was chosen");
    assert_eq!(meant(&[], &[], &[]), Vec::<u32>::new());
    assert_eq!(meant(&[99], &[], &[9]), Vec::<u32>::new(), "what does not exist adds nobody");
    let of_team_1 = Roles::Teams(BTreeMap::from([(TeamId(1), Role::Admin)]));
    assert_eq!(world.resolve(&select(&[1, 2], &[all], &[]), &of_team_1), [2, 3], "never a host of another team");
}

#[test]
fn live_check_39_labels_that_do_not_exist_are_named() {
    let world = world(&[]);
    let selection = select(&[1], &[labels(&world.state)[1], LabelId(99), LabelId(98)], &[]);
    assert_eq!(selection.unknown_labels(&world.state).collect::<Vec<_>>(), [LabelId(99), LabelId(98)]);
}

fn roles() -> impl Strategy<Value = Roles> {
    let role = prop_oneof![Just(Role::Admin), Just(Role::Observer)];
    let teams = prop::collection::btree_map((1..=TEAMS).prop_map(TeamId), role.clone(), 1..3);
    prop_oneof![role.prop_map(Roles::Global), teams.prop_map(Roles::Teams)]
}

proptest! {
    #[test]
    fn the_bitmaps_say_what_the_plain_rule_says(
        hosts in prop::collection::vec((0..=TEAMS, any::<[bool; 5]>()), 0..20),
        named in prop::collection::vec(1..25_u32, 0..4),
        chosen in prop::collection::vec(0..6_usize, 0..4),
        teams in prop::collection::vec(0..=TEAMS + 1, 0..3),
        roles in roles(),
    ) {
        let world = world(&hosts);
        let labels = labels(&world.state);
        let chosen: Vec<LabelId> = chosen.into_iter().map(|index| labels[index]).collect();
        let selection = select(&named, &chosen, &teams);
        let expected: Vec<u32> = (1..=hosts.len() as u32)
            .filter(|host| world.is_meant(HostId(*host), &selection, &roles))
            .collect();
        prop_assert_eq!(world.resolve(&selection, &roles), expected);
    }
}
