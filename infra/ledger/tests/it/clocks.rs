//! Whose time counts: no node with a wrong clock stamps a commit.

use std::time::Duration;

use domain::ledger::{Commit, Decided, Stamp};
use domain::{Actor, CommandId, Refusal, Timestamp};
use infra_ledger::{CommandError, Ledger};
use infra_log::memory::Memory;
use infra_log::{Draft, Log, Topic};
use infra_world::{Clock, ManualClock};

use crate::fixture::{START, by, create_query, log_by, open, run};

const LEDGER: infra_log::Partition = infra_log::Partition { topic: Topic::Ledger, index: 0 };
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// A log whose clock stands at [`START`], and a node whose clock stands elsewhere.
async fn scene(node: Timestamp) -> (ManualClock, ManualClock, Memory, Ledger) {
    let (logs, nodes) = (ManualClock::at(START), ManualClock::at(node));
    let log = log_by(logs.clone());
    let ledger = open(log.clone(), &nodes, "berlin").await;
    (logs, nodes, log, ledger)
}

async fn refused(ledger: &Ledger, id: &str) -> String {
    match ledger.execute(create_query(id), by(id)).await {
        Err(CommandError::Refused(Refusal::Halted(reason))) => reason,
        other => panic!("{other:?}"),
    }
}

async fn accepted(ledger: &Ledger, id: &str) -> Timestamp {
    ledger.execute(create_query(id), by(id)).await.unwrap().outcome.unwrap().recorded
}

#[test]
fn a_clock_within_two_seconds_is_right_enough() {
    for node in [START.plus(Duration::from_millis(1_900)), START.minus(Duration::from_millis(1_900))] {
        run(async {
            let (_, _, _, ledger) = scene(node).await;
            assert_eq!(accepted(&ledger, "a").await, node);
        });
    }
}

#[test]
fn a_clock_that_is_off_stamps_not_even_one_commit() {
    for (node, way) in [(START.plus(YEAR), "ahead of"), (START.minus(Duration::from_secs(3)), "behind")] {
        run(async {
            let (_, _, log, ledger) = scene(node).await;
            let reason = refused(&ledger, "a").await;
            assert!(reason.contains("berlin") && reason.contains(way), "{reason}");
            assert!(log.records(LEDGER).is_empty());
        });
    }
}

#[test]
fn a_clock_that_was_set_right_decides_again() {
    run(async {
        tokio::time::pause();
        let (logs, _, _, ledger) = scene(START.plus(Duration::from_secs(60))).await;
        refused(&ledger, "a").await;
        logs.advance(Duration::from_secs(60));
        refused(&ledger, "b").await;
        tokio::time::advance(Duration::from_secs(6)).await;
        accepted(&ledger, "c").await;
    });
}

#[test]
fn a_clock_that_jumps_is_found_out() {
    run(async {
        let (_, nodes, log, ledger) = scene(START).await;
        accepted(&ledger, "a").await;
        nodes.advance(YEAR);
        refused(&ledger, "b").await;
        assert_eq!(log.records(LEDGER).len(), 1);
    });
}

#[test]
fn a_clock_that_drifts_is_found_out_by_the_nodes_own_commit() {
    run(async {
        let (_, nodes, log, ledger) = scene(START).await;
        accepted(&ledger, "a").await;
        nodes.advance(Duration::from_secs(4));
        accepted(&ledger, "b").await;
        refused(&ledger, "c").await;
        assert_eq!(log.records(LEDGER).len(), 2);
    });
}

/// A commit of another node, stamped as that node's clock was.
async fn commit_of_another(log: &Memory, ledger: &Ledger, recorded: Timestamp) {
    let fold = ledger.read_to_end().await.unwrap();
    let stamp = Stamp {
        id: "1".to_owned(),
        source: "muster/paris".to_owned(),
        sequence: fold.chain.sequence + 1,
        prev: fold.chain.head,
        recorded,
    };
    let events = create_query("theirs").decide(&fold.state, recorded).unwrap();
    let decided = Decided { command: CommandId("theirs".to_owned()), actor: Actor::System, traceparent: None, events };
    let value = Commit { stamp, decided: vec![decided] }.encode();
    log.append(LEDGER, vec![Draft { value: value.into(), ..Draft::default() }]).await.unwrap();
    ledger.read_to_end().await.unwrap();
}

#[test]
fn a_head_from_the_future_names_its_node_and_stops_all_until_then() {
    run(async {
        let clock = ManualClock::at(START);
        let log = log_by(clock.clone());
        let ledger = open(log.clone(), &clock, "berlin").await;
        accepted(&ledger, "mine").await;
        commit_of_another(&log, &ledger, START.plus(Duration::from_secs(60))).await;
        let reason = refused(&ledger, "a").await;
        assert!(reason.contains("muster/paris") && reason.contains("60 s"), "{reason}");
        // What is known is told all the same.
        ledger.execute(create_query("mine"), by("mine")).await.unwrap();
        clock.advance(Duration::from_secs(50));
        accepted(&ledger, "b").await;
    });
}

#[test]
fn time_never_runs_back_along_the_ledger() {
    run(async {
        let clock = ManualClock::at(START);
        let log = log_by(clock.clone());
        let ledger = open(log.clone(), &clock, "berlin").await;
        let ahead = START.plus(Duration::from_secs(8));
        commit_of_another(&log, &ledger, ahead).await;
        assert_eq!(accepted(&ledger, "a").await, ahead);
        clock.advance(Duration::from_secs(9));
        assert_eq!(accepted(&ledger, "b").await, clock.now());
    });
}
