//! The ledger is read exactly: what this release does not know is not half-read.

use domain::Event;
use domain::ledger::{Commit, Fold, Verdict};
use serde_json::{Value, json};

use super::ledger::{chain, json, stored_events};

fn every_event() -> Vec<(String, u32, Value)> {
    chain().iter().flat_map(|sample| stored_events(&json(sample))).collect()
}

#[test]
fn an_event_with_a_field_that_is_not_known_is_not_read() {
    for (kind, version, data) in every_event() {
        for wider in widened(&data, &kind) {
            let read = Event::from_json(&kind, version, wider.clone());
            assert!(read.is_err(), "{kind} version {version} drops a field of {wider}");
        }
    }
}

/// The payload with one field more: at its top, and in each object below whose fields are ours.
fn widened(data: &Value, kind: &str) -> Vec<Value> {
    let ours = match kind {
        "user.created" | "user.changed" => &["/profile", "/profile/name", "/profile/email"][..],
        "enroll_secrets.replaced" => &["/secrets/0", "/secrets/0/sealed"],
        "query.created" | "query.changed" => &["/spec"],
        "campaign.ended" => &["/stats"],
        "carve.begun" => &["/plan"],
        "carve.ended" => &["/outcome/complete", "/outcome/broken"],
        _ => &[],
    };
    let wider = |pointer: &&str| {
        let mut wider = data.clone();
        wider.pointer_mut(pointer)?.as_object_mut()?.insert("surprise".to_owned(), json!(1));
        Some(wider)
    };
    [""].iter().chain(ours).filter_map(wider).collect()
}

#[test]
fn a_field_that_is_absent_is_never_anything_but_nothing() {
    for (kind, version, data) in every_event() {
        for field in data.as_object().unwrap().keys() {
            let mut narrower = data.clone();
            narrower.as_object_mut().unwrap().shift_remove(field);
            let mut nothing = data.clone();
            nothing[field] = Value::Null;
            let read = Event::from_json(&kind, version, narrower).ok();
            assert!(
                read.is_none() || read == Event::from_json(&kind, version, nothing).ok(),
                "{kind} version {version} makes up a value for {field}"
            );
        }
    }
}

#[test]
fn a_version_or_a_type_of_a_later_release_is_not_read() {
    for (kind, version, data) in every_event() {
        let newest = Event::NEWEST.iter().find(|(name, _)| *name == kind).unwrap().1;
        for other in [0, newest + 1] {
            assert!(Event::from_json(&kind, other, data.clone()).is_err(), "{kind} version {other}");
        }
        let error = Event::from_json(&format!("{kind}_anew"), version, data).unwrap_err();
        assert_eq!(error.reason, "this release does not know it");
    }
}

/// What is changed, and how.
type Change<'a> = (&'a str, &'a dyn Fn(&mut Value));

/// The golden ledger with its last commit changed: the fold before it, after it, and the verdict.
fn with_another_end(change: impl Fn(&mut Value)) -> (Fold, Fold, Verdict) {
    let mut fold = Fold::default();
    let mut chain = chain();
    let last = chain.pop().unwrap();
    chain.iter().for_each(|sample| assert_eq!(fold.apply(sample.text.as_bytes()), Verdict::Applies));
    let mut commit = json(&last);
    change(&mut commit);
    let before = fold.clone();
    let verdict = fold.apply(commit.to_string().as_bytes());
    (before, fold, verdict)
}

#[test]
fn the_fold_halts_at_what_it_cannot_read_and_stays_where_it_was() {
    let event = "/data/commands/0/events/0";
    let changes: [Change<'_>; 5] = [
        ("a type", &|commit| *commit.pointer_mut(&format!("{event}/type")).unwrap() = json!("host.painted")),
        ("a version", &|commit| *commit.pointer_mut(&format!("{event}/dataversion")).unwrap() = json!(99)),
        ("a field", &|commit| commit.pointer_mut(&format!("{event}/data")).unwrap()["colour"] = json!("red")),
        ("a part beside the payload", &|commit| commit.pointer_mut(event).unwrap()["more"] = json!({})),
        ("a part beside the commands", &|commit| commit["data"]["more"] = json!({})),
    ];
    for (what, change) in changes {
        let (before, mut fold, verdict) = with_another_end(change);
        assert!(matches!(verdict, Verdict::Broken(_)), "{what}");
        assert!(fold.halted.is_some(), "{what}");
        assert_eq!((fold.chain, &fold.state), (before.chain, &before.state), "{what}");
        assert!(matches!(fold.apply(b"{}"), Verdict::Broken(_)), "{what}: it stays halted");
        assert_eq!(fold.snapshot(), None, "{what}: a halted fold is no start for anybody");
    }
}

#[test]
fn what_a_commit_says_of_itself_may_grow() {
    let (before, fold, verdict) = with_another_end(|commit| {
        commit["correlationid"] = json!("c-1");
        commit["data"]["commands"][0]["causationid"] = json!("c-0");
    });
    assert_eq!((verdict, fold.chain.sequence), (Verdict::Applies, before.chain.sequence + 1));
    assert_eq!(fold.halted, None);
}

#[test]
fn a_commit_that_lands_twice_or_late_means_nothing() {
    let chain = chain();
    let mut fold = Fold::default();
    for (number, sample) in chain.iter().enumerate() {
        assert_eq!(fold.apply(sample.text.as_bytes()), Verdict::Applies);
        let before = fold.clone();
        for earlier in &chain[..=number] {
            assert_eq!(fold.apply(earlier.text.as_bytes()), Verdict::Void, "{}", earlier.name);
        }
        assert_eq!(fold, before);
    }
}

#[test]
fn a_chain_without_one_of_its_commits_is_broken() {
    let mut chain = chain();
    chain.remove(7);
    let mut fold = Fold::default();
    let verdicts: Vec<Verdict> = chain.iter().map(|sample| fold.apply(sample.text.as_bytes())).collect();
    assert!(verdicts[..7].iter().all(|verdict| *verdict == Verdict::Applies));
    assert!(verdicts[7..].iter().all(|verdict| matches!(verdict, Verdict::Broken(_))));
    assert_eq!(fold.chain.sequence, 7);
}

#[test]
fn a_byte_that_was_changed_shows_at_the_next_commit() {
    let chain = chain();
    let mut fold = Fold::default();
    let forged = chain[0].text.replace("anonymous", "user/1");
    assert_ne!(forged, chain[0].text);
    assert_eq!(fold.apply(forged.as_bytes()), Verdict::Applies);
    assert!(matches!(fold.apply(chain[1].text.as_bytes()), Verdict::Broken(_)));
    assert!(Commit::decode(forged.as_bytes()).is_ok());
}
