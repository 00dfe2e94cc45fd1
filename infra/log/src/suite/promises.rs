//! Ends, waking, racing writers, and what retention takes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Fixture, draft, everything, text, texts};
use crate::{ReadError, Topic};

/// Longer than any check takes, shorter than anyone waits for one.
const LIMIT: Duration = Duration::from_secs(30);

/// What one handle was acknowledged lies below the end that another is told, and can be read by it.
pub async fn end_is_honest(fixture: &dyn Fixture) {
    let (writer, reader) = (fixture.handle().await, fixture.handle().await);
    let partition = Topic::Results.partition_of(5);
    let start = reader.start(partition).await.expect("start");
    let mut next = reader.end(partition).await.expect("end");
    assert_eq!((start, next), (next, start), "an empty partition starts at its end");
    for round in 0..30 {
        let position = writer.append(partition, vec![draft(format!("{round}"))]).await.expect("append")[0];
        let end = reader.end(partition).await.expect("end");
        assert!(end > position, "round {round}: end {end}, acknowledged {position}");
        let (records, after) = crate::read_to_end(&*reader, partition, next).await.expect("read");
        assert_eq!(texts(&records), [round.to_string()]);
        next = after;
    }
    // A writer sees what it was acknowledged without asking for an end.
    let position = writer.append(partition, vec![draft("mine")]).await.expect("append")[0];
    assert_eq!(texts(&writer.read(partition, position, 1, 1).await.expect("read")), ["mine"]);
}

/// A reader that waits is woken by a record, long before its patience ends.
pub async fn changed_wakes(fixture: &dyn Fixture) {
    let (writer, reader) = (fixture.handle().await, fixture.handle().await);
    let partition = Topic::Live.partition_of(9);
    let next = reader.end(partition).await.expect("end");
    let waiting = tokio::spawn(async move {
        loop {
            let records = reader.read(partition, next, 10, 1 << 20).await.expect("read");
            if !records.is_empty() {
                return records;
            }
            reader.changed(partition, next, 4 * LIMIT).await;
        }
    });
    tokio::task::yield_now().await;
    writer.append(partition, vec![draft("wake")]).await.expect("append");
    let records =
        tokio::time::timeout(LIMIT, waiting).await.expect("nobody woke the reader").expect("the reader failed");
    assert_eq!(texts(&records), ["wake"]);
}

/// A reader that waits in vain comes back.
pub async fn changed_is_patient(fixture: &dyn Fixture) {
    let log = fixture.handle().await;
    let partition = Topic::Live.partition_of(9);
    let next = log.end(partition).await.expect("end");
    let waiting = log.changed(partition, next, Duration::from_millis(20));
    tokio::time::timeout(LIMIT, waiting).await.expect("it waits for ever");
    assert_eq!(log.read(partition, next, 10, 1 << 20).await.expect("read"), []);
}

/// Writers that race lose nothing, double nothing, and each one's records keep their order.
pub async fn concurrent_appenders(fixture: &dyn Fixture) {
    const WRITERS: usize = 8;
    const APPENDS: usize = 25;
    let partition = Topic::Results.partition_of(4);
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let log = fixture.handle().await;
        writers.push(tokio::spawn(async move {
            let mut told = Vec::new();
            for number in 0..APPENDS {
                let drafts =
                    vec![draft(format!("{writer} {}", 2 * number)), draft(format!("{writer} {}", 2 * number + 1))];
                told.extend(log.append(partition, drafts).await.expect("append"));
            }
            told
        }));
    }
    let mut told = Vec::new();
    for writer in writers {
        told.push(writer.await.expect("a writer failed"));
    }
    let mut found: BTreeMap<usize, Vec<(usize, u64)>> = BTreeMap::new();
    for record in everything(&*fixture.handle().await, partition).await {
        let (writer, number) = text(&record).split_once(' ').expect("as written");
        found
            .entry(writer.parse().expect("a number"))
            .or_default()
            .push((number.parse().expect("a number"), record.position));
    }
    assert_eq!(found.len(), WRITERS);
    for (writer, records) in found {
        assert_eq!(records.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (0..2 * APPENDS).collect::<Vec<_>>());
        assert_eq!(records.iter().map(|(_, position)| *position).collect::<Vec<_>>(), told[writer]);
    }
}

/// A position past the end is an error: a reader must learn that the tail it has read is gone.
pub async fn past_the_end(fixture: &dyn Fixture) {
    let log = fixture.handle().await;
    let partition = Topic::Ledger.only();
    log.append(partition, vec![draft("one")]).await.expect("append");
    let end = log.end(partition).await.expect("end");
    let beyond = log.read(partition, end + 10, 10, 1 << 20).await;
    assert!(matches!(beyond, Err(ReadError::Failed(_))), "{beyond:?}");
}

/// What retention took is `Gone`, with the place to go on from; positions never start again.
pub async fn retention(fixture: &dyn Fixture) {
    let log = fixture.handle().await;
    let partition = Topic::Results.partition_of(6);
    let old = log.append(partition, vec![draft("old"), draft("older")]).await.expect("append");
    fixture.age(partition).await;
    let (start, end) = (log.start(partition).await.expect("start"), log.end(partition).await.expect("end"));
    assert_eq!(start, end, "an empty partition starts at its end");
    assert!(start > old[1]);
    let new = log.append(partition, vec![draft("new")]).await.expect("append")[0];
    assert!(new >= start);
    match log.read(partition, old[0], 10, 1 << 20).await {
        Err(ReadError::Gone { topic, asked, start }) => {
            assert!(topic.contains(partition.topic.name().trim_start_matches("muster.")), "{topic}");
            assert!(asked == old[0] && old[1] < start && start <= new);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(texts(&everything(&*log, partition).await), ["new"]);
    drop(log);
    if fixture.restart().await {
        let log = fixture.handle().await;
        assert_eq!(texts(&everything(&*log, partition).await), ["new"]);
        let newer = log.append(partition, vec![draft("newer")]).await.expect("append")[0];
        assert!(newer > new);
    }
}
