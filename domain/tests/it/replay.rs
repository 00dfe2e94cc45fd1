//! What must hold of any history: folding it in parts is folding it at once, and what is stored comes back.

use std::collections::BTreeSet;

use domain::ledger::{Commit, Decided, Fold, Stamp, Verdict};
use domain::{Actor, CommandId, Event, State, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::golden::Schemas;
use crate::story::{Decision, Wish, command, fold, histories, wishes};

/// The place in a history that a fraction of 256 stands for.
fn place(cut: u8, length: usize) -> usize {
    usize::from(cut) * (length + 1) / 256
}

fn folded(decisions: &[Decision]) -> State {
    let mut state = State::default();
    fold(&mut state, decisions);
    state
}

/// A state as a snapshot keeps it, read back.
fn kept(state: &State) -> State {
    serde_json::from_slice(&serde_json::to_vec(state).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn replay_in_parts_equals_replay_at_once(decisions in histories(160), cut: u8) {
        let at_once = folded(&decisions);
        let (first, rest) = decisions.split_at(place(cut, decisions.len()));
        let half = folded(first);
        let mut restored = kept(&half);
        prop_assert_eq!(&restored, &half);
        fold(&mut restored, rest);
        prop_assert_eq!(&restored, &at_once);
        let text = |state: &State| serde_json::to_string(state).unwrap();
        prop_assert_eq!(text(&restored), text(&at_once), "one state has one text");
    }

    #[test]
    fn a_state_that_was_kept_decides_like_the_one_it_was_made_of(decisions in histories(120), wishes in wishes(40)) {
        let state = folded(&decisions);
        let restored = kept(&state);
        let now = decisions.last().map_or(Timestamp::EPOCH, |last| last.at);
        for wish in &wishes {
            prop_assert_eq!(command(wish).decide(&state, now), command(wish).decide(&restored, now));
        }
    }

    #[test]
    fn every_event_comes_back_as_it_was_stored(decisions in histories(120)) {
        for event in decisions.iter().flat_map(|decision| &decision.events) {
            prop_assert_eq!(Event::from_json(event.name(), event.version(), event.to_json()), Ok(event.clone()));
        }
    }

    #[test]
    fn a_state_is_whole_after_any_history(decisions in histories(160)) {
        let mut state = State::default();
        let mut had_admin = false;
        for decision in &decisions {
            fold(&mut state, std::slice::from_ref(decision));
            whole(&state)?;
            let has_admin = state.users.iter().any(|user| user.roles.global() == Some(domain::role::Role::Admin));
            prop_assert!(has_admin || !had_admin, "the last admin is gone after {decision:?}");
            had_admin = has_admin;
        }
    }

    #[test]
    fn void_commits_change_nothing_and_a_snapshot_goes_on_where_it_was_taken(
        decisions in histories(60),
        repeats in proptest::collection::vec(any::<(u8, u8)>(), 0..40),
        cut: u8,
    ) {
        let records = ledger(&decisions);
        let mut plain = Fold::default();
        records.iter().for_each(|record| assert_eq!(plain.apply(record), Verdict::Applies));

        let mut fold = Fold::default();
        for (number, record) in records.iter().enumerate() {
            prop_assert_eq!(fold.apply(record), Verdict::Applies);
            for (after, which) in repeats.iter().filter(|(after, _)| place(*after, records.len()) == number) {
                let late = &records[place(*which, number).min(number)];
                prop_assert_eq!(fold.apply(late), Verdict::Void, "{} repeated after {}", which, after);
            }
            if place(cut, records.len()) == number {
                let restored = Fold::restore(&fold.snapshot().unwrap());
                prop_assert_eq!(restored.as_ref(), Ok(&fold));
                fold = restored.unwrap();
            }
        }
        prop_assert_eq!(fold, plain);
    }

    #[test]
    fn writers_that_race_leave_one_history(moves in proptest::collection::vec(any::<(u8, u8, Wish)>(), 0..80)) {
        let mut log: Vec<Vec<u8>> = vec![];
        let mut writers = vec![(Fold::default(), 0_usize); 3];
        let mut at = Timestamp::from_secs(1_772_442_000);
        let mut acknowledged = vec![];
        for (number, (writer, reads, wish)) in moves.iter().enumerate() {
            let (fold, read) = &mut writers[usize::from(writer % 3)];
            // Some read to the end, some stay behind what the others wrote.
            let until = (*read + usize::from(reads % 4)).min(log.len());
            log[*read..until].iter().for_each(|record| assert!(!matches!(fold.apply(record), Verdict::Broken(_))));
            *read = until;
            at = at.plus(std::time::Duration::from_secs(1));
            let now = at.max(fold.recorded);
            let Ok(events) = command(wish).decide(&fold.state, now) else { continue };
            let id = CommandId(format!("move {number}"));
            let record = commit(fold, now, id.clone(), events.clone()).encode();
            let wins = fold.chain == at_end(&log).chain;
            log.push(record);
            if wins {
                acknowledged.push((id, events));
            }
        }
        let reader = at_end(&log);
        prop_assert_eq!(&reader.halted, &None);
        prop_assert_eq!(reader.chain.sequence, acknowledged.len() as u64, "each that extended the head counts");
        for (fold, read) in &mut writers {
            log[*read..].iter().for_each(|record| drop(fold.apply(record)));
            prop_assert_eq!(&*fold, &reader);
        }
        for (id, events) in acknowledged {
            prop_assert_eq!(&reader.outcome_of(&id).unwrap().events[..], &events[..]);
        }
    }
}

fn at_end(log: &[Vec<u8>]) -> Fold {
    let mut fold = Fold::default();
    log.iter().for_each(|record| drop(fold.apply(record)));
    fold
}

fn commit(fold: &Fold, recorded: Timestamp, command: CommandId, events: Vec<Event>) -> Commit {
    let (sequence, prev) = (fold.chain.sequence + 1, fold.chain.head);
    let stamp = Stamp { id: command.0.clone(), source: "muster/a".to_owned(), sequence, prev, recorded };
    Commit { stamp, decided: vec![Decided { command, actor: Actor::System, traceparent: None, events }] }
}

/// The records of a history, one commit for each decision.
fn ledger(decisions: &[Decision]) -> Vec<Vec<u8>> {
    let mut fold = Fold::default();
    let mut records = vec![];
    for (number, decision) in decisions.iter().enumerate() {
        let id = CommandId(format!("command {number}"));
        let record = commit(&fold, decision.at, id, decision.events.clone()).encode();
        assert_eq!(fold.apply(&record), Verdict::Applies);
        records.push(record);
    }
    records
}

/// What holds of a state at any time: everything is found by what it is called, and points at what exists.
fn whole(state: &State) -> Result<(), TestCaseError> {
    let team_exists = |team: Option<domain::TeamId>| team.is_none_or(|team| state.teams.get(team).is_some());
    for host in state.hosts.iter() {
        prop_assert_eq!(state.hosts.by_key(&host.node_key), Some(host));
        prop_assert_eq!(state.hosts.by_identifier(&host.identifier), domain::host::Identity::Live(host));
        prop_assert!(state.hosts.of_team(host.team).contains(host.id) && state.hosts.existing().contains(host.id));
        prop_assert!(team_exists(host.team) && host.id.0 <= state.hosts.newest());
        prop_assert!(host.succeeds.is_none_or(|earlier| state.hosts.get(earlier).is_none() && earlier < host.id));
    }
    prop_assert_eq!(state.hosts.existing().len(), state.hosts.len() as u64);
    let in_teams = state.hosts.teams().into_iter().map(|team| state.hosts.of_team(team).len()).sum::<u64>();
    prop_assert_eq!(in_teams, state.hosts.existing().len(), "each host is in one team, or in none");
    for user in state.users.iter() {
        prop_assert_eq!(state.users.by_email(&user.profile.email_digest), Some(user));
        if let domain::role::Roles::Teams(teams) = &user.roles {
            prop_assert!(teams.keys().all(|team| team_exists(Some(*team))));
        }
        let sessions: BTreeSet<_> = state.sessions.of_user(user.id).map(|session| session.id).collect();
        prop_assert_eq!(sessions.len(), state.sessions.of_user(user.id).count());
    }
    for team in state.teams.iter() {
        prop_assert_eq!(state.teams.by_name(&team.name.to_uppercase()), Some(team));
    }
    for team in state.teams.iter().map(|team| Some(team.id)).chain([None]) {
        for secret in state.teams.secrets(team) {
            prop_assert_eq!(state.teams.scope_of_secret(&secret.digest), Some(team));
        }
    }
    for query in state.queries.iter() {
        prop_assert_eq!(state.queries.by_name(query.team, &query.spec.name), Some(query));
        prop_assert!(team_exists(query.team));
        prop_assert!(query.spec.labels_include_any.iter().all(|label| state.labels.get(*label).is_some()));
    }
    for label in state.labels.iter() {
        prop_assert_eq!(state.labels.by_name(&label.name), Some(label));
        prop_assert!(label.members.without(state.hosts.existing()).is_empty());
        prop_assert!(label.members.is_empty() || label.membership == domain::label::Membership::Manual);
    }
    prop_assert!(state.campaigns.open().all(|campaign| campaign.ended.is_none()));
    Ok(())
}

/// Histories that are the same at every run.
fn fixed_histories() -> Vec<Vec<Decision>> {
    let mut runner = TestRunner::deterministic();
    (0..60).map(|_| histories(400).new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn the_histories_hold_every_event_and_each_fits_its_frozen_schema() {
    let schemas = Schemas::new();
    let mut seen = BTreeSet::new();
    for event in fixed_histories().iter().flatten().flat_map(|decision| &decision.events) {
        seen.insert(event.name());
        schemas.check("a random history", event.name(), event.version(), &event.to_json());
    }
    let missing: Vec<&str> = Event::NEWEST.iter().map(|(name, _)| *name).filter(|name| !seen.contains(name)).collect();
    assert!(missing.is_empty(), "no history holds {missing:?}: let story.rs wish for them");
}
