//! Group commit, counters, and appends when the file is busy.

use std::sync::Arc;

use infra_log::suite::{draft, everything};
use infra_log::{AppendError, Log, RECORD_LIMIT, Topic};

use super::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_that_wait_share_a_transaction() {
    let place = Place::new();
    let log = Arc::new(place.open());
    let partition = Topic::Ledger.only();
    // Somebody else holds the file while 300 callers come.
    let other = rusqlite::Connection::open(place.path().join("ledger.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let callers: Vec<_> = (0..300)
        .map(|number| {
            let log = log.clone();
            tokio::spawn(async move { log.append(partition, vec![draft(format!("{number}"))]).await.unwrap()[0] })
        })
        .collect();
    while log.counts().appends() < 300 {
        tokio::task::yield_now().await;
    }
    other.execute_batch("ROLLBACK").unwrap();
    let mut positions = Vec::new();
    for caller in callers {
        positions.push(caller.await.unwrap());
    }
    positions.sort_unstable();
    assert_eq!(positions, (0..300).collect::<Vec<_>>());
    assert_eq!((log.counts().appends(), log.counts().records()), (300, 300));
    // The first may have gone alone, and a few may have been counted just before they were queued.
    assert!(log.counts().transactions() <= 4, "{} transactions", log.counts().transactions());
    assert_eq!(everything(&*log, partition).await.len(), 300);
}

#[tokio::test]
async fn an_append_that_could_not_be_written_failed_and_left_nothing() {
    let place = Place::new();
    let log = place.open();
    let partition = Topic::Ledger.only();
    let other = rusqlite::Connection::open(place.path().join("ledger.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = log.append(partition, vec![draft("never")]).await; // when the writer has waited long enough
    assert!(matches!(refused, Err(AppendError::Failed(_))), "{refused:?}");
    assert_eq!(log.end(partition).await.unwrap(), 0);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(log.append(partition, vec![draft("once")]).await.unwrap(), [0]);
    assert_eq!(everything(&log, partition).await.len(), 1);
}

#[tokio::test]
async fn counters_count_what_is_tried() {
    let place = Place::new();
    let log = place.open();
    let partition = Topic::Results.partition_of(1);
    log.append(partition, vec![draft("a"), draft("b")]).await.unwrap();
    assert!(log.append(partition, vec![draft("x".repeat(RECORD_LIMIT + 1))]).await.is_err());
    log.read(partition, 0, 10, 1 << 20).await.unwrap();
    log.end(partition).await.unwrap();
    let counts = log.counts();
    assert_eq!((counts.appends(), counts.records(), counts.transactions()), (2, 3, 1));
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_stop_the_others() {
    let place = Place::new();
    let log = place.open();
    let partition = Topic::Ledger.only();
    for _ in 0..20 {
        tokio::select! {
            biased;
            _ = log.append(partition, vec![draft("gone")]) => {}
            () = tokio::task::yield_now() => {}
        }
        log.append(partition, vec![draft("here")]).await.unwrap();
    }
    let records = everything(&log, partition).await;
    assert_eq!(records.iter().filter(|record| record.value == "here").count(), 20);
    assert_eq!(records.len(), 40, "what was queued lands");
}

#[tokio::test]
async fn what_waits_is_written_before_the_log_is_closed() {
    let place = Place::new();
    let log = place.open();
    let partition = Topic::Live.partition_of(1);
    tokio::select! {
        biased;
        _ = log.append(partition, vec![draft("last words")]) => {}
        () = std::future::ready(()) => {} // polled once, the append is queued
    }
    drop(log);
    assert_eq!(everything(&place.open(), partition).await.len(), 1);
}
