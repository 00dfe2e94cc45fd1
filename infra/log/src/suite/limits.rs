//! Sizes: of what is asked for, and of what is taken.

use super::{Fixture, draft, everything, texts};
use crate::{AppendError, Draft, RECORD_LIMIT, Topic, read_to_end};

/// A read keeps to its limits, gives at least one record, and the next one goes on without loss.
pub async fn read_limits(fixture: &dyn Fixture) {
    let log = fixture.handle().await;
    let partition = Topic::Results.partition_of(2);
    let written: Vec<String> = (0..10).map(|number| format!("{number}{}", "x".repeat(99))).collect();
    log.append(partition, written.iter().map(draft).collect()).await.expect("append");
    let end = log.end(partition).await.expect("end");
    for (max_records, max_bytes, most) in
        [(3, 1 << 20, 3), (1000, 250, 2), (1000, 1, 1), (1, 1 << 20, 1), (1000, 1 << 20, 10)]
    {
        let (mut seen, mut next) = (Vec::new(), log.start(partition).await.expect("start"));
        while next < end {
            let records = log.read(partition, next, max_records, max_bytes).await.expect("read");
            assert!(records.len() <= most, "{} records with limits {max_records} and {max_bytes}", records.len());
            next = records.last().map_or(end, |last| last.position + 1);
            seen.extend(records);
        }
        assert_eq!(texts(&seen), written, "limits {max_records} and {max_bytes}");
    }
    assert_eq!(read_to_end(&*log, partition, end).await.expect("read"), (vec![], end));
}

/// A record of exactly the limit is kept; one byte more is refused, with all that came along.
pub async fn record_limit(fixture: &dyn Fixture) {
    let log = fixture.handle().await;
    let partition = Topic::Live.partition_of(1);
    let sized = |value: usize| {
        let value: Vec<u8> = (0..value).map(|at| (at.wrapping_mul(2_654_435_761) >> 7) as u8).collect(); // hard to compress
        Draft { key: Some("key".into()), headers: vec![("name".into(), "é".into())], value: value.into() }
    };
    let largest = sized(RECORD_LIMIT - 3 - 4 - 2);
    assert_eq!(largest.size(), RECORD_LIMIT);
    log.append(partition, vec![largest.clone(), largest.clone(), largest.clone()]).await.expect("records of the limit");
    let refused = log.append(partition, vec![draft("small"), sized(RECORD_LIMIT - 8)]).await;
    assert!(matches!(refused, Err(AppendError::TooLarge { size }) if size == RECORD_LIMIT + 1), "{refused:?}");
    let records = everything(&*log, partition).await;
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|record| record.value == largest.value && record.key == largest.key));
}
