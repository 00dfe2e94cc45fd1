//! The commit rule on a log that does its worst: interleavings, crashes, lost acknowledgements, late landings, copies.

use std::sync::Arc;
use std::time::Duration;

use infra_log::memory::{Adversary, Faults};
use infra_world::ManualClock;
use proptest::prelude::*;

use crate::fixture::{SECRET, START, by, log_by, run, set_secrets, world};
use crate::story::{Stage, Wave, all_records, play, start, waves};
use crate::verdict::{agree, check};

fn faults() -> impl Strategy<Value = Faults> {
    prop_oneof![
        Just(Faults::slow()),
        Just(Faults::wild()),
        Just(Faults { lost_ack: 0.3, ..Faults::slow() }),
        Just(Faults { late: 0.3, ..Faults::slow() }),
        Just(Faults { duplicate: 0.5, gap: 0.0, ..Faults::slow() }),
        Just(Faults { gap: 0.0, lag: 0.9, max_yields: 6, ..Faults::none() }),
    ]
}

async fn story(seed: u64, faults: Faults, writers: usize, waves: &[Wave]) {
    let clock = ManualClock::at(START);
    let adversary = Adversary::on(log_by(clock.clone()), seed, Faults::none());
    let setup = start(Arc::new(adversary.handle()), &clock, 9).await;
    setup.execute(set_secrets(&[SECRET]), by("setup")).await.unwrap();
    drop(setup);
    adversary.set_faults(faults);
    let stage = Stage {
        writers,
        world: world(&clock),
        open: &|| Arc::new(adversary.handle()),
        truth: Arc::new(adversary.log().clone()),
        tick: &|| clock.advance(Duration::from_millis(1)),
    };
    let played = play(&stage, waves).await;
    adversary.set_faults(Faults::none());
    adversary.settle();
    let records = all_records(&*stage.truth).await;
    agree(&records, &played.ledgers).await;
    check(&records, &played.calls, "setup");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_all_agree_and_nothing_acknowledged_is_lost_or_stale(
        (writers, waves) in (2..4usize).prop_flat_map(|writers| (Just(writers), waves(writers))),
        seed: u64,
        faults in faults(),
    ) {
        run(story(seed, faults, writers, &waves));
    }
}
