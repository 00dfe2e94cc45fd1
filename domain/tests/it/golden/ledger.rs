//! The golden ledger: a chain of commits that holds each event in each version. It is folded for ever.

use std::collections::BTreeSet;

use domain::ledger::{Commit, Fold, Verdict};
use domain::{Event, State, Timestamp, stored};
use serde_json::Value;

use super::{Sample, Schemas, samples};

/// What one commit did.
pub struct Step<'a> {
    pub before: &'a State,
    pub after: &'a State,
    /// When it was recorded.
    pub at: Timestamp,
}

/// The commits in the order of the chain.
pub fn chain() -> Vec<Sample> {
    let mut chain = samples("ledger");
    chain.sort_by_key(|sample| Commit::peek(sample.text.as_bytes()).unwrap().sequence);
    chain
}

/// Type, version and payload of each event of a commit, as it stands there.
pub fn stored_events(commit: &Value) -> Vec<(String, u32, Value)> {
    let commands = commit["data"]["commands"].as_array().unwrap();
    let events = commands.iter().flat_map(|command| command["events"].as_array().unwrap());
    let read = |event: &Value| {
        let version = event["dataversion"].as_u64().unwrap();
        (event["type"].as_str().unwrap().to_owned(), version as u32, event["data"].clone())
    };
    events.map(read).collect()
}

pub fn json(sample: &Sample) -> Value {
    serde_json::from_str(&sample.text).unwrap_or_else(|error| panic!("{}: {error}", sample.name))
}

#[test]
fn the_golden_ledger_folds_to_what_it_always_meant() {
    let expectations: [fn(&str, &Step<'_>) -> bool; 4] =
        [super::people::expect, super::organisation::expect, super::hosts::expect, super::live::expect];
    let mut fold = Fold::default();
    for sample in chain() {
        let before = fold.state.clone();
        let (head, next) = (fold.chain.head, fold.chain.sequence + 1);
        let verdict = fold.apply(sample.text.as_bytes());
        let hint = format!("{} must extend the chain: its sequence is {next}, its prev {head}", sample.name);
        assert_eq!(verdict, Verdict::Applies, "{hint}");
        let step = Step { before: &before, after: &fold.state, at: fold.recorded };
        let told = expectations.iter().any(|expect| expect(&sample.name, &step));
        assert!(told, "{} has no expectation: write down beside the others what it folds to", sample.name);
    }
}

#[test]
fn every_event_that_was_ever_written_has_a_golden_commit() {
    let written = |kind: &str, version: u32| format!("{kind}.v{version}");
    let mut missing: BTreeSet<String> = Event::NEWEST.iter().map(|(kind, version)| written(kind, *version)).collect();
    missing.extend(stored::retired_schemas().iter().map(|(kind, version, _)| written(kind, *version)));
    for sample in chain() {
        if sample.kind == "muster.commit" {
            continue;
        }
        let own = (sample.kind.clone(), sample.version);
        let events = stored_events(&json(&sample));
        let holds = events.iter().any(|(kind, version, _)| (kind, version) == (&own.0, &own.1));
        assert!(holds, "{} holds no event of the type and version that it is named after", sample.name);
        missing.remove(&written(&sample.kind, sample.version));
    }
    assert!(missing.is_empty(), "domain/tests/golden/ledger has no sample of {missing:?}");
}

#[test]
fn every_golden_commit_fits_the_frozen_schemas() {
    let schemas = Schemas::new();
    for sample in chain() {
        let commit = json(&sample);
        schemas.check(&sample.name, "muster.commit", 1, &commit);
        for (kind, version, data) in stored_events(&commit) {
            schemas.check(&sample.name, &kind, version, &data);
        }
    }
}

#[test]
fn what_is_in_its_newest_shape_is_written_again_byte_by_byte() {
    let schemas = Schemas::new();
    let mut upcast = 0;
    for sample in chain() {
        let commit = Commit::decode(sample.text.as_bytes()).unwrap();
        let again = commit.encode();
        let is_newest = |(kind, version, _): &(String, u32, Value)| Event::NEWEST.contains(&(kind, *version));
        if stored_events(&json(&sample)).iter().all(is_newest) {
            assert_eq!(String::from_utf8(again).unwrap(), sample.text, "{}", sample.name);
            continue;
        }
        upcast += 1;
        assert_eq!(Commit::decode(&again).unwrap(), commit, "{}", sample.name);
        for (kind, version, data) in stored_events(&serde_json::from_slice(&again).unwrap()) {
            assert!(Event::NEWEST.contains(&(&kind, version)), "{kind} is written in version {version}");
            schemas.check(&sample.name, &kind, version, &data);
        }
    }
    assert!(upcast > 0, "no golden commit is of an old version");
}
