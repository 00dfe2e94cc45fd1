//! A log that lost its tail: everyone who had seen it raises the alarm and decides nothing more.

use std::sync::Arc;

use domain::Refusal;
use infra_ledger::{CommandError, Follower, Ledger};
use infra_log::memory::{Adversary, Faults};
use infra_log::{Draft, Log};
use infra_world::ManualClock;
use proptest::prelude::*;

use crate::fixture::{START, by, clock_and_log, create_query, log_by, open, run};
use crate::story::{LEDGER, start};

async fn is_halted(ledger: &Ledger) {
    assert!(ledger.read_to_end().await.is_err());
    let halted = ledger.fold().halted.clone().expect("the alarm");
    let refused = ledger.execute(create_query("after"), by("after")).await.unwrap_err();
    assert_eq!(refused, CommandError::Refused(Refusal::Halted(halted)));
    // What was decided before is told to whoever asks again.
    assert!(ledger.execute(create_query("0"), by("0")).await.is_ok());
}

async fn story(seed: u64, faults: Faults, commits: usize, lost: usize, regrown: usize) {
    let clock = ManualClock::at(START);
    let adversary = Adversary::on(log_by(clock.clone()), seed, faults);
    let handle = || Arc::new(adversary.handle()) as Arc<dyn Log>;
    let one = start(handle(), &clock, 1).await;
    let two = start(handle(), &clock, 2).await;
    for number in 0..commits {
        let writer = if number % 2 == 0 { &one } else { &two };
        writer.execute(create_query(&number.to_string()), by(number.to_string())).await.unwrap();
    }
    one.read_to_end().await.unwrap();
    two.read_to_end().await.unwrap();
    let records = adversary.log().records(LEDGER);
    let counting = crate::reference::counted(&records).unwrap();
    adversary.cut(LEDGER, counting[commits - lost].position);

    let fresh = start(handle(), &clock, 3).await;
    assert_eq!(fresh.fold().chain.sequence, (commits - lost) as u64);
    let grow = async |number: usize| {
        let name = format!("new {number}");
        fresh.execute(create_query(&name), by(&name)).await.unwrap();
    };
    for number in 0..regrown {
        grow(number).await;
    }
    // Shorter than it was, it shows; else as soon as it is longer in commits too.
    for old in [&one, &two] {
        let mut number = regrown;
        let shows = |old: &Ledger| {
            fresh.position() < old.position()
                || fresh.position() > old.position() && fresh.fold().chain.sequence > commits as u64
        };
        while old.fold().halted.is_none() && !shows(old) {
            grow(number).await;
            number += 1;
        }
    }
    for old in [&one, &two] {
        is_halted(old).await;
    }
    assert_eq!(fresh.read_to_end().await.unwrap().halted, None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cut_tail_raises_the_alarm_on_every_reader_that_had_seen_it(
        seed: u64,
        (commits, lost) in (2..8usize).prop_flat_map(|commits| (Just(commits), 1..commits)),
        regrown in 0..10usize,
        slow: bool,
    ) {
        let faults = if slow { Faults { gap: 0.0, ..Faults::slow() } } else { Faults::none() };
        run(story(seed, faults, commits, lost, regrown));
    }
}

#[test]
fn a_writer_that_meets_the_cut_with_its_own_append_promises_nothing() {
    run(async {
        let (clock, log) = clock_and_log();
        let script = crate::scripted::Scripted::new(log.clone());
        let ledger = open(script.clone(), &clock, "one").await;
        for name in ["0", "1", "2"] {
            ledger.execute(create_query(name), by(name)).await.unwrap();
        }
        script.sleep();
        // Its tail was waiting for the third record to be written; now it waits for nothing.
        ledger.read_to_end().await.unwrap();
        log.cut(LEDGER, 1);
        let answer = ledger.execute(create_query("3"), by("3")).await.unwrap_err();
        assert_eq!(answer, CommandError::Unknown);
        is_halted(&ledger).await;
        // The record breaks the chain for everyone: nothing is decided on half a ledger.
        let reader = Follower::open(Arc::new(log), None).await.unwrap();
        assert!(reader.fold().halted.is_some());
    });
}

#[test]
fn what_this_release_does_not_know_stops_deciding_and_not_serving() {
    run(async {
        let (clock, log) = clock_and_log();
        let ledger = open(log.clone(), &clock, "one").await;
        ledger.execute(create_query("0"), by("0")).await.unwrap();
        let head = ledger.fold().chain.head;
        let newer = serde_json::json!({
            "specversion": "1.0", "id": "x", "source": "muster/newer", "type": "muster.commit",
            "time": "2026-09-21T14:13:20Z", "recordedtime": "2026-09-21T14:13:20Z",
            "datacontenttype": "application/json", "sequence": 2, "prev": head,
            "data": {"commands": [{"commandid": "c", "actor": "system",
                "events": [{"type": "host.painted", "dataversion": 1, "data": {"colour": "green"}}]}]},
        });
        log.append(LEDGER, vec![Draft { value: newer.to_string().into(), ..Draft::default() }]).await.unwrap();
        is_halted(&ledger).await;
        let fold = ledger.fold();
        assert!(fold.halted.as_ref().unwrap().contains("host.painted"), "{:?}", fold.halted);
        assert!(fold.state.queries.by_name(None, "0").is_some(), "what was folded is served");
        assert_eq!(log.records(LEDGER).len(), 2, "nothing more was appended");
    });
}
