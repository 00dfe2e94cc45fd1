//! Readers at many places at once.

use super::{Fixture, draft, everything, text};
use crate::Topic;

/// A read starts wherever it is asked to, forwards and backwards.
pub async fn anywhere(fixture: &dyn Fixture) {
    let log = fixture.handle().await;
    let partition = Topic::Results.partition_of(3);
    let positions =
        log.append(partition, (0..50).map(|number| draft(format!("{number}"))).collect()).await.expect("append");
    for index in [0, 49, 10, 11, 12, 5, 5, 48, 0, 25, 24, 23] {
        let records = log.read(partition, positions[index], 1, 1 << 20).await.expect("read");
        assert_eq!(
            records.first().map(|record| (record.position, text(record).to_owned())),
            Some((positions[index], index.to_string()))
        );
    }
}

/// Readers that follow one partition at their own pace, while it grows, all see the same.
pub async fn many_readers(fixture: &dyn Fixture) {
    const RECORDS: usize = 200;
    let partition = Topic::Live.partition_of(6);
    let mut readers = Vec::new();
    for reader in 0..6 {
        let log = fixture.handle().await;
        readers.push(tokio::spawn(async move {
            let (mut seen, mut next) = (Vec::new(), log.start(partition).await.expect("start"));
            while seen.len() < RECORDS {
                let records = log.read(partition, next, 1 + 7 * reader, 1 << 20).await.expect("read");
                match records.last() {
                    Some(last) => next = last.position + 1,
                    None => log.changed(partition, next, std::time::Duration::from_secs(1)).await,
                }
                seen.extend(records);
            }
            seen
        }));
    }
    let writer = fixture.handle().await;
    for number in 0..RECORDS / 2 {
        let drafts = vec![draft(format!("{}", 2 * number)), draft(format!("{}", 2 * number + 1))];
        writer.append(partition, drafts).await.expect("append");
    }
    let truth = everything(&*writer, partition).await;
    assert_eq!(truth.len(), RECORDS);
    for reader in readers {
        assert_eq!(reader.await.expect("a reader failed"), truth);
    }
}
