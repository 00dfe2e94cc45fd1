//! What a writer tells when the log does not tell it.

use std::sync::Arc;
use std::time::Duration;

use domain::Refusal;
use infra_ledger::{CommandError, Follower, Ledger, Timing};
use infra_log::Topic;
use infra_log::memory::Memory;
use infra_world::ManualClock;

use crate::fixture::{by, clock_and_log, create_query, open, run, world};
use crate::reference::counted;
use crate::scripted::{Fate, Scripted};

struct Scene {
    clock: ManualClock,
    log: Memory,
    script: Scripted,
    ledger: Ledger,
}

async fn scene(deadline: Duration) -> Scene {
    let (clock, log) = clock_and_log();
    let script = Scripted::new(log.clone());
    let timing = Timing { deadline, ..Timing::default() };
    let ledger = Ledger::open_with(Arc::new(script.clone()), world(&clock), "one".to_owned(), None, timing);
    let ledger = ledger.await.unwrap();
    Scene { clock, log, script, ledger }
}

const LONG: Duration = Duration::from_secs(10);

impl Scene {
    /// Commits that count, by the keys in them.
    fn counted(&self) -> Vec<String> {
        let commits = counted(&self.log.records(Topic::Ledger.only())).unwrap();
        commits.into_iter().flat_map(|commit| commit.commands).map(|(id, _)| id.0).collect()
    }

    async fn all_agree(&self) {
        let fresh = Follower::open(Arc::new(self.log.clone()), None).await.unwrap();
        assert_eq!(*self.ledger.read_to_end().await.unwrap(), *fresh.fold());
    }
}

#[test]
fn a_lost_acknowledgement_is_found_by_reading() {
    run(async {
        let scene = scene(LONG).await;
        scene.script.next([Fate::LostAck]);
        let executed = scene.ledger.execute(create_query("a"), by("a")).await.unwrap();
        assert_eq!(executed.outcome.unwrap().sequence, 1);
        assert_eq!(scene.log.records(Topic::Ledger.only()).len(), 1);
        scene.all_agree().await;
    });
}

#[test]
fn a_record_that_vanished_is_appended_again_until_one_copy_counts() {
    run(async {
        let scene = scene(LONG).await;
        scene.script.next([Fate::Vanished, Fate::Failed, Fate::Vanished, Fate::Late]);
        let executed = scene.ledger.execute(create_query("a"), by("a")).await.unwrap();
        assert_eq!(executed.outcome.unwrap().sequence, 1);
        scene.script.land().await;
        scene.ledger.execute(create_query("b"), by("b")).await.unwrap();
        assert_eq!(scene.counted(), ["a", "b"]);
        assert_eq!(scene.log.records(Topic::Ledger.only()).len(), 3, "the late copy is there and void");
        scene.all_agree().await;
    });
}

#[test]
fn what_may_land_yet_is_unknown_and_landed_it_is_answered_once() {
    run(async {
        let scene = scene(Duration::from_millis(200)).await;
        scene.script.always(Some(Fate::Late));
        let given_up = scene.ledger.execute(create_query("a"), by("a")).await.unwrap_err();
        assert_eq!(given_up, CommandError::Unknown);
        scene.script.always(None);
        scene.script.land().await;
        let again = scene.ledger.execute(create_query("a"), by("a")).await.unwrap();
        assert_eq!(again.outcome.unwrap().sequence, 1);
        while scene.script.late() > 0 {
            scene.script.land().await;
        }
        assert_eq!(scene.counted(), ["a"]);
        scene.all_agree().await;
    });
}

#[test]
fn what_was_overtaken_while_it_was_late_is_decided_again_and_void_when_it_lands() {
    run(async {
        let scene = scene(LONG).await;
        let other = open(scene.log.clone(), &scene.clock, "other").await;
        scene.script.next([Fate::Late, Fate::Overtaken(other.clone(), "theirs")]);
        let executed = scene.ledger.execute(create_query("mine"), by("mine")).await.unwrap();
        assert_eq!(executed.outcome.unwrap().sequence, 2);
        scene.script.land().await;
        assert_eq!(scene.counted(), ["other 0", "mine"]);
        scene.all_agree().await;
        assert_eq!(*other.read_to_end().await.unwrap(), *scene.ledger.fold());
    });
}

#[test]
fn a_refusal_is_not_told_while_the_same_command_may_land() {
    run(async {
        let scene = scene(LONG).await;
        let other = open(scene.log.clone(), &scene.clock, "other").await;
        // The name is taken, but by whom? Only once the place of the late record is taken too it is by the other.
        scene.script.next([Fate::Late, Fate::Overtaken(other, "a")]);
        let refused = scene.ledger.execute(create_query("a"), by("mine")).await.unwrap_err();
        assert_eq!(refused, CommandError::Refused(Refusal::taken("Query", "a")));
        scene.script.land().await;
        assert_eq!(scene.counted(), ["other 0"]);
    });
}

#[test]
fn a_race_that_is_always_lost_is_contended_and_leaves_nothing() {
    run(async {
        let scene = scene(Duration::from_millis(300)).await;
        let other = open(scene.log.clone(), &scene.clock, "other").await;
        scene.script.always(Some(Fate::Overtaken(other, "")));
        let lost = scene.ledger.execute(create_query("mine"), by("mine")).await.unwrap_err();
        assert_eq!(lost, CommandError::Contended);
        assert!(scene.counted().len() > 1, "it was tried again and again");
        assert!(!scene.counted().contains(&"mine".to_owned()));
    });
}

#[test]
fn a_log_that_surely_refuses_is_told_as_such() {
    run(async {
        let scene = scene(LONG).await;
        scene.script.always(Some(Fate::Failed));
        let failed = scene.ledger.execute(create_query("a"), by("a")).await.unwrap_err();
        assert!(matches!(failed, CommandError::Log(_)), "{failed:?}");
        scene.script.always(None);
        scene.ledger.execute(create_query("b"), by("b")).await.unwrap();
        assert_eq!(scene.counted(), ["b"]);
    });
}

#[test]
fn a_late_record_and_then_only_failures_stay_unknown() {
    run(async {
        let scene = scene(LONG).await;
        scene.script.next([Fate::Late]);
        scene.script.always(Some(Fate::Failed));
        let unknown = scene.ledger.execute(create_query("a"), by("a")).await.unwrap_err();
        assert_eq!(unknown, CommandError::Unknown);
        scene.script.land().await;
        assert_eq!(scene.counted(), ["a"]);
    });
}

#[test]
fn neither_no_nor_nothing_to_do_is_believed_from_a_fold_that_sleeps() {
    run(async {
        let scene = scene(LONG).await;
        let other = open(scene.log.clone(), &scene.clock, "other").await;
        scene.script.sleep();
        scene.ledger.execute(create_query("a"), by("a")).await.unwrap();
        let drop_query = domain::query::Command::Delete { queries: vec![domain::QueryId(1)] };
        other.execute(drop_query.into(), by("drop")).await.unwrap();
        assert!(scene.ledger.fold().state.queries.by_name(None, "a").is_some(), "the fold sleeps");
        let executed = scene.ledger.execute(create_query("a"), by("again")).await.unwrap();
        assert_eq!(executed.outcome.unwrap().sequence, 3);

        let interval = |value: u8| crate::story::Want::Interval(value).command();
        scene.ledger.execute(interval(1), by("set 1")).await.unwrap();
        other.execute(interval(0), by("set 0")).await.unwrap();
        let executed = scene.ledger.execute(interval(1), by("set 1 again")).await.unwrap();
        assert_eq!(executed.outcome.unwrap().sequence, 6, "it was 0 by then");
    });
}
