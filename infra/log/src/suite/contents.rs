//! What goes in comes out, in order, in its partition, for ever.

use super::{Fixture, draft, everything, texts};
use crate::{Draft, Topic};

/// Keys, headers and values come back byte for byte, in the order of the append, at rising positions.
pub async fn contents(fixture: &dyn Fixture) {
    let log = fixture.handle().await;
    let partition = Topic::Results.partition_of(7);
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let drafts = vec![
        Draft {
            key: Some("host-7".into()),
            headers: vec![header("ce_type", "result"), header("host", "7")],
            value: "{}".into(),
        },
        Draft { key: None, headers: vec![], value: "no key".into() },
        Draft { key: Some("".into()), headers: vec![header("empty", "")], value: "empty key".into() },
        Draft {
            key: None,
            headers: vec![header("name", "Zoë · 東京 · 🦀"), header("name", "twice")],
            value: "".into(),
        },
        Draft { key: Some(vec![0, 255, 254].into()), headers: vec![], value: vec![0, 159, 146, 150, 0].into() },
    ];
    let positions = log.append(partition, drafts.clone()).await.expect("append");
    assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");

    let records = everything(&*log, partition).await;
    assert_eq!(records.iter().map(|record| record.position).collect::<Vec<_>>(), positions);
    assert!(records.iter().all(|record| record.appended.micros() > 0));
    let back =
        records.into_iter().map(|record| Draft { key: record.key, headers: record.headers, value: record.value });
    assert_eq!(back.collect::<Vec<_>>(), drafts);
}

/// Partitions and topics know nothing of each other.
pub async fn partitions_apart(fixture: &dyn Fixture) {
    let log = fixture.handle().await;
    let partitions = [
        Topic::Ledger.only(),
        Topic::Results.partition_of(7),
        Topic::Results.partition_of(8),
        Topic::Live.partition_of(7),
    ];
    for (index, &partition) in partitions.iter().enumerate() {
        log.append(partition, vec![draft(format!("{index}"))]).await.expect("append");
    }
    for (index, &partition) in partitions.iter().enumerate() {
        assert_eq!(texts(&everything(&*log, partition).await), [index.to_string()], "{partition}");
    }
}

/// Many records in one append, and none.
pub async fn batches(fixture: &dyn Fixture) {
    let log = fixture.handle().await;
    let partition = Topic::Live.partition_of(3);
    assert!(log.append(partition, vec![]).await.expect("an empty append").is_empty());
    let drafts: Vec<Draft> = (0..700).map(|number| draft(format!("{number} {}", "x".repeat(9_000)))).collect();
    let positions = log.append(partition, drafts.clone()).await.expect("append");
    let records = everything(&*log, partition).await;
    assert_eq!(records.iter().map(|record| record.position).collect::<Vec<_>>(), positions);
    assert!(records.iter().zip(&drafts).all(|(record, draft)| record.value == draft.value));
}

/// Acknowledged records are there when the log is opened again, and positions go on where they were.
pub async fn survives_restart(fixture: &dyn Fixture) {
    let partitions = [Topic::Ledger.only(), Topic::Results.partition_of(1)];
    let mut before = Vec::new();
    for partition in partitions {
        let log = fixture.handle().await;
        before.push(log.append(partition, vec![draft("one"), draft("two")]).await.expect("append"));
    }
    if !fixture.restart().await {
        return;
    }
    for (partition, before) in partitions.into_iter().zip(before) {
        let log = fixture.handle().await;
        let after = log.append(partition, vec![draft("three")]).await.expect("append after a restart");
        assert!(after[0] > before[1], "{after:?} {before:?}");
        let records = everything(&*log, partition).await;
        assert_eq!(texts(&records), ["one", "two", "three"]);
        assert_eq!(records[0].position, before[0]);
    }
}
