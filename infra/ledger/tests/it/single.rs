//! One writer on a log that does what it is told.

use std::time::Duration;

use domain::{Refusal, label};
use infra_ledger::{CommandError, Follower};
use infra_log::{Log, Topic};
use std::sync::Arc;

use crate::fixture::{SECRET, by, clock_and_log, create_query, enrol, open, run, set_secrets};

#[test]
fn a_command_is_carried_out_once_and_answered_twice() {
    run(async {
        let (clock, log) = clock_and_log();
        let ledger = open(log.clone(), &clock, "one").await;
        let first = ledger.execute(create_query("processes"), by("c1")).await.unwrap();
        let again = ledger.execute(create_query("processes"), by("c1")).await.unwrap();
        assert_eq!(first.outcome, again.outcome);
        assert_eq!(first.outcome.unwrap().sequence, 1);
        assert!(first.fold.state.queries.by_name(None, "processes").is_some());
        assert_eq!(log.records(Topic::Ledger.only()).len(), 1);
        assert_eq!(ledger.position(), 1);
    });
}

#[test]
fn a_refusal_and_nothing_to_do_append_nothing() {
    run(async {
        let (clock, log) = clock_and_log();
        let ledger = open(log.clone(), &clock, "one").await;
        ledger.execute(create_query("processes"), by("c1")).await.unwrap();
        let taken = ledger.execute(create_query("processes"), by("c2")).await.unwrap_err();
        assert_eq!(taken, CommandError::Refused(Refusal::taken("Query", "processes")));
        ledger.execute(label::Command::Seed.into(), by("c3")).await.unwrap();
        let nothing = ledger.execute(label::Command::Seed.into(), by("c4")).await.unwrap();
        assert!(nothing.outcome.is_none());
        assert_eq!(log.records(Topic::Ledger.only()).len(), 2);
    });
}

#[test]
fn commands_that_wait_together_become_one_commit_enrolments_last() {
    run(async {
        let (clock, log) = clock_and_log();
        let ledger = open(log.clone(), &clock, "one").await;
        let enrolments =
            (0..100).map(|n| ledger.execute(enrol(&format!("host-{n}"), &format!("key-{n}")), by(format!("e{n}"))));
        let enrolments = futures::future::join_all(enrolments);
        let (hosts, secrets) = tokio::join!(enrolments, ledger.execute(set_secrets(&[SECRET]), by("s")));
        secrets.unwrap();
        // The secret came last and was decided first, or every enrolment would have been refused.
        assert!(hosts.iter().all(Result::is_ok));
        assert_eq!(ledger.fold().state.hosts.newest(), 100);
        assert_eq!(log.records(Topic::Ledger.only()).len(), 1);
    });
}

#[test]
fn a_follower_sees_what_was_written_before_it_asked() {
    run(async {
        let (clock, log) = clock_and_log();
        let ledger = open(log.clone(), &clock, "one").await;
        let follower = Follower::open(Arc::new(log.clone()), None).await.unwrap();
        let mut news = follower.watch();
        ledger.execute(create_query("processes"), by("c1")).await.unwrap();
        assert_eq!(*follower.read_to_end().await.unwrap(), *ledger.fold());
        ledger.execute(create_query("ports"), by("c2")).await.unwrap();
        // Without being asked, too.
        news.wait_for(|sequence| *sequence == 2).await.unwrap();
        assert_eq!(*follower.fold(), *ledger.fold());
    });
}

#[test]
fn a_closed_ledger_says_so() {
    run(async {
        let (clock, log) = clock_and_log();
        let ledger = open(log, &clock, "one").await;
        ledger.close().await;
        let error = ledger.execute(create_query("processes"), by("c1")).await.unwrap_err();
        assert_eq!(error, CommandError::Log("the ledger is closed".to_owned()));
        assert!(ledger.read_to_end().await.is_err());
    });
}

#[test]
fn an_outage_is_answered_and_over_when_it_is_over() {
    run(async {
        let (clock, log) = clock_and_log();
        let ledger = open(log.clone(), &clock, "one").await;
        log.stop_writes(true);
        let error = ledger.execute(create_query("processes"), by("c1")).await.unwrap_err();
        assert!(matches!(error, CommandError::Log(_)), "{error:?}");
        log.stop_writes(false);
        ledger.execute(create_query("processes"), by("c1")).await.unwrap();
        log.stop_reads(true);
        assert!(ledger.read_to_end().await.is_err());
        assert!(log.end(Topic::Ledger.only()).await.is_err());
        log.stop_reads(false);
        clock_still(&ledger).await;
    });
}

async fn clock_still(ledger: &infra_ledger::Ledger) {
    tokio::time::timeout(Duration::from_secs(10), ledger.read_to_end()).await.unwrap().unwrap();
}
