//! Sixteen writers want the same thing at the same time; one has it.

use std::sync::Arc;

use domain::{Command, Refusal, State};
use futures::future::join_all;
use infra_ledger::{CommandError, Executed};
use infra_log::memory::{Adversary, Faults};
use infra_log::{Log, Topic};
use infra_world::ManualClock;

use crate::fixture::{START, by, create_query, log_by, run};
use crate::story::{create_user, start};
use crate::verdict::agree;

const WRITERS: usize = 16;

struct Prize {
    command: fn() -> Command,
    refusal: Refusal,
    /// How many have it.
    held: fn(&State) -> usize,
}

async fn one_wins(seed: u64, faults: Faults, prize: &Prize) {
    let clock = ManualClock::at(START);
    let adversary = Adversary::on(log_by(clock.clone()), seed, faults);
    let mut ledgers = vec![];
    for writer in 0..WRITERS {
        ledgers.push(start(Arc::new(adversary.handle()) as Arc<dyn Log>, &clock, writer).await);
    }
    let calls = ledgers.iter().zip(0..).map(|(ledger, n)| ledger.execute((prize.command)(), by(format!("{seed} {n}"))));
    let answers = join_all(calls).await;
    adversary.set_faults(Faults::none());
    adversary.settle();
    agree(&adversary.log().records(Topic::Ledger.only()), &ledgers).await;
    assert_eq!((prize.held)(&ledgers[0].fold().state), 1);

    let count = |wanted: fn(&Result<Executed, CommandError>, &Refusal) -> bool| {
        answers.iter().filter(|answer| wanted(answer, &prize.refusal)).count()
    };
    let won = count(|answer, _| answer.is_ok());
    let refused = count(|answer, refusal| matches!(answer, Err(CommandError::Refused(told)) if told == refusal));
    let given_up = count(|answer, _| matches!(answer, Err(CommandError::Unknown | CommandError::Log(_))));
    let unknown = count(|answer, _| matches!(answer, Err(CommandError::Unknown)));
    assert!(won == 1 || (won == 0 && unknown > 0), "seed {seed}: {won} won");
    assert_eq!(won + refused + given_up, WRITERS, "seed {seed}: {answers:?}");
}

fn one_wins_on_every_log(prize: &Prize) {
    for seed in 0..24 {
        run(one_wins(seed, Faults::none(), prize));
        run(one_wins(seed, Faults::slow(), prize));
        run(one_wins(seed, Faults::wild(), prize));
    }
}

#[test]
fn sixteen_writers_and_one_name_of_a_query() {
    one_wins_on_every_log(&Prize {
        command: || create_query("processes"),
        refusal: Refusal::taken("Query", "processes"),
        held: |state| state.queries.iter().count(),
    });
}

#[test]
fn sixteen_writers_and_one_address_of_a_user() {
    one_wins_on_every_log(&Prize {
        command: || create_user("anna@example.org"),
        refusal: Refusal::taken("User", "this email address"),
        held: |state| state.users.iter().count(),
    });
}
