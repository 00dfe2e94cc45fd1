//! One file per day, and what remains of them.

use infra_log::suite::{draft, everything};
use infra_log::{Log, Partition, ReadError, Topic, read_to_end};

use super::Place;

async fn put(log: &dyn Log, partition: Partition, value: &str) -> u64 {
    log.append(partition, vec![draft(value)]).await.unwrap()[0]
}

async fn values(log: &dyn Log, partition: Partition) -> Vec<String> {
    everything(log, partition)
        .await
        .into_iter()
        .map(|record| String::from_utf8(record.value.to_vec()).unwrap())
        .collect()
}

#[tokio::test]
async fn every_topic_but_two_has_a_file_per_day() {
    let place = Place::new();
    let log = place.open();
    for topic in Topic::ALL {
        put(&log, topic.partition_of(1), "one").await;
    }
    place.hand.move_on(1);
    put(&log, Topic::Results.partition_of(1), "two").await;
    let expected = [
        "activity-2026-11-22.db",
        "ledger.db",
        "live-2026-11-22.db",
        "results-2026-11-22.db",
        "results-2026-11-23.db",
        "signals-2026-11-22.db",
        "status-2026-11-22.db",
    ];
    assert_eq!(place.files(), expected);
}

#[tokio::test]
async fn reads_go_over_days_and_records_have_the_clocks_time() {
    let place = Place::new();
    let log = place.open();
    let (one, other) = (Partition { topic: Topic::Results, index: 3 }, Partition { topic: Topic::Results, index: 4 });
    for day in 0..5 {
        put(&log, one, &format!("{day} a")).await;
        put(&log, one, &format!("{day} b")).await;
        if day == 2 {
            put(&log, other, "the only one").await;
        }
        place.hand.move_on(1);
    }
    let expected: Vec<String> = (0..5).flat_map(|day| [format!("{day} a"), format!("{day} b")]).collect();
    assert_eq!(values(&log, one).await, expected);
    assert_eq!(values(&log, other).await, ["the only one"]);
    let records = log.read(one, 1, 4, 1 << 20).await.unwrap();
    assert_eq!(records.iter().map(|record| record.position).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let days: Vec<String> = records.iter().map(|record| record.appended.to_rfc3339_secs()).collect();
    assert_eq!(days, ["2026-11-22T18:00:00Z", "2026-11-23T18:00:00Z", "2026-11-23T18:00:00Z", "2026-11-24T18:00:00Z"]);
    drop(log);
    assert_eq!(values(&place.open(), one).await, expected);
}

#[tokio::test]
async fn a_file_goes_when_its_last_moment_is_older_than_the_topic_keeps() {
    let place = Place::new();
    let log = place.open();
    let partition = Partition { topic: Topic::Status, index: 0 };
    for day in 0..4 {
        put(&log, partition, &format!("{day}")).await;
        place.hand.move_on(1);
    }
    // Status is kept for three days; it is 2026-11-26T18:00, so what came before the 23rd, 18:00, may go: the file of the 22nd.
    let expired = log.expire(place.hand.now()).await.unwrap();
    let names: Vec<_> = expired.files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert!(names.contains(&"status-2026-11-22.db") && !names.contains(&"status-2026-11-23.db"), "{names:?}");
    assert_eq!(log.start(partition).await.unwrap(), 1);
    assert_eq!(values(&log, partition).await, ["1", "2", "3"]);
    let gone = log.read(partition, 0, 10, 1 << 20).await;
    assert!(matches!(gone, Err(ReadError::Gone { asked: 0, start: 1, .. })), "{gone:?}");
    assert!(log.expire(place.hand.now()).await.unwrap().files.is_empty());
    assert_eq!(names.len(), 1 + 1, "live answers of the 22nd are two days old as well: {names:?}");
}

#[tokio::test]
async fn positions_go_on_when_retention_took_every_file_even_over_a_restart() {
    let place = Place::new();
    let partition = Partition { topic: Topic::Live, index: 0 };
    let log = place.open();
    let mut last = put(&log, partition, "one").await;
    for _ in 0..3 {
        place.hand.move_on(10);
        let expired = log.expire(place.hand.now()).await.unwrap();
        assert_eq!(expired.files.len(), 4, "all daily topics but activity");
        assert_eq!(values(&log, partition).await, Vec::<String>::new());
        let next = put(&log, partition, "next").await;
        assert_eq!(next, last + 1);
        last = next;
    }
    drop(log);
    let log = place.open();
    assert_eq!(put(&log, partition, "after").await, last + 1);
}

#[tokio::test]
async fn positions_are_not_given_again_when_somebody_took_the_newest_file() {
    let partition = Partition { topic: Topic::Results, index: 5 };
    for days_before in [0, 1] {
        let place = Place::new();
        let log = place.open();
        if days_before == 1 {
            put(&log, partition, "yesterday").await;
            place.hand.move_on(1);
        }
        let last = log.append(partition, (0..10).map(|number| draft(format!("{number}"))).collect()).await.unwrap()[9];
        drop(log);
        std::fs::remove_file(
            place.path().join(place.files().iter().rfind(|name| name.starts_with("results")).unwrap()),
        )
        .unwrap();

        let log = place.open();
        let next = put(&log, partition, "after").await;
        assert!(next > last, "{next} after {last}");
        assert_eq!(values(&log, partition).await.last().unwrap(), "after");
        let end = log.end(partition).await.unwrap();
        assert_eq!(read_to_end(&log, partition, last + 1).await.map_or(end, |(_, next)| next), end);
        drop(log);
        assert_eq!(put(&place.open(), partition, "later").await, next + 1);
    }
}

#[tokio::test]
async fn hosts_reports_go_after_400_days_and_the_ledger_stays() {
    let place = Place::new();
    let log = place.open();
    let hosts = Partition { topic: Topic::Hosts, index: 2 };
    for round in 0..3 {
        place.hand.move_on(100);
        log.append(hosts, (0..1500).map(|number| draft(format!("{round} {number}"))).collect()).await.unwrap();
        put(&log, Topic::Ledger.only(), "for ever").await;
    }
    place.hand.move_on(301); // the oldest are now 501 days old, then 401, then 301
    let expired = log.expire(place.hand.now()).await.unwrap();
    assert_eq!(expired.records, 3000);
    assert_eq!(log.start(hosts).await.unwrap(), 3000);
    assert_eq!(values(&log, hosts).await.len(), 1500);
    assert_eq!(values(&log, Topic::Ledger.only()).await.len(), 3);
    drop(log);
    let log = place.open();
    assert_eq!(log.start(hosts).await.unwrap(), 3000);
    place.hand.move_on(500);
    assert_eq!(log.expire(place.hand.now()).await.unwrap().records, 1500);
    drop(log);
    assert_eq!(put(&place.open(), hosts, "on").await, 4500);
}

#[tokio::test]
async fn a_clock_that_steps_back_writes_on_in_the_newest_file() {
    let place = Place::new();
    let log = place.open();
    let partition = Partition { topic: Topic::Status, index: 1 };
    place.hand.move_on(1);
    put(&log, partition, "tomorrow").await;
    place.hand.0.fetch_sub(86_400_000_000, std::sync::atomic::Ordering::Relaxed);
    put(&log, partition, "today").await;
    assert_eq!(values(&log, partition).await, ["tomorrow", "today"]);
    drop(log);
    assert_eq!(values(&place.open(), partition).await, ["tomorrow", "today"]);
}
