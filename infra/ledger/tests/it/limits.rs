//! Commits stay under the record limit, however much waits.

use domain::Refusal;
use domain::query::{self, Spec};
use infra_ledger::CommandError;
use infra_log::{RECORD_LIMIT, Topic};

use crate::fixture::{by, clock_and_log, create_query, open, run};

fn large_query(name: &str, bytes: usize) -> domain::Command {
    let spec = Spec { name: name.to_owned(), query: "x".repeat(bytes), ..Spec::default() };
    query::Command::Create { team: None, spec, author: None }.into()
}

#[test]
fn what_one_record_does_not_hold_is_split() {
    run(async {
        let (clock, log) = clock_and_log();
        let ledger = open(log.clone(), &clock, "one").await;
        let calls = (0..30).map(|n| ledger.execute(large_query(&format!("query {n}"), 100_000), by(format!("{n}"))));
        let answers = futures::future::join_all(calls).await;
        assert!(answers.iter().all(Result::is_ok));
        let records = log.records(Topic::Ledger.only());
        assert!((3..30).contains(&records.len()), "{}", records.len());
        assert!(records.iter().all(|record| record.value.len() <= RECORD_LIMIT));
        assert_eq!(ledger.fold().state.queries.iter().count(), 30);
    });
}

#[test]
fn what_no_record_holds_is_refused_and_holds_up_nobody() {
    run(async {
        let (clock, log) = clock_and_log();
        let ledger = open(log.clone(), &clock, "one").await;
        let (large, small) = tokio::join!(
            ledger.execute(large_query("large", RECORD_LIMIT), by("large")),
            ledger.execute(create_query("small"), by("small")),
        );
        assert!(matches!(large, Err(CommandError::Refused(Refusal::Malformed(_)))), "{large:?}");
        small.unwrap();
        assert_eq!(ledger.fold().state.queries.iter().count(), 1);
    });
}
