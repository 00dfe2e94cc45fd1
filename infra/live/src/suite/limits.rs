//! What a stream may forget, and that its readers notice.

use super::{Fixture, append, chain, entry, ids};
use crate::Entry;

/// A place that the stream does not know is a gap: before its beginning, after its end, or in a stream that is not there.
pub async fn lost(fixture: &impl Fixture) {
    let streams = &*fixture.streams().await;
    assert_eq!(ids(streams, "a", None).await, None, "nobody knows what was there");
    append(streams, "a", chain(&[3, 4, 5])).await;
    assert_eq!(ids(streams, "a", Some(9)).await, None, "ahead of the stream");
    fixture.lose().await;
    let streams = &*fixture.streams().await;
    assert_eq!(ids(streams, "a", Some(4)).await, None);
    append(streams, "a", vec![entry(6, Some(5)), entry(7, Some(6))]).await;
    assert_eq!(ids(streams, "a", Some(4)).await, None, "5 is missing");
    assert_eq!(ids(streams, "a", Some(5)).await, Some(vec![6, 7]), "nothing is missing");
    assert_eq!(ids(streams, "a", None).await, None, "6 is not the first");
}

/// An entry that was never appended ends what can be read; behind it is a gap.
pub async fn holes(fixture: &impl Fixture) {
    let streams = &*fixture.streams().await;
    append(streams, "a", vec![entry(1, None), entry(2, Some(1)), entry(4, Some(3)), entry(5, Some(4))]).await;
    assert_eq!(ids(streams, "a", None).await, Some(vec![1, 2]));
    assert_eq!(ids(streams, "a", Some(2)).await, None);
    assert_eq!(ids(streams, "a", Some(3)).await, Some(vec![4, 5]));
}

/// A stream over its limit drops its oldest entries.
pub async fn capped<F: Fixture>(fixture: &F) {
    let streams = &*fixture.streams().await;
    let quarter = F::STREAM_BYTES / 4;
    for id in 1..=6u64 {
        let prev = (id > 1).then(|| id - 1);
        append(streams, "a", vec![Entry { id, prev, value: vec![7; quarter].into() }]).await;
    }
    assert_eq!(ids(streams, "a", None).await, None);
    assert_eq!(ids(streams, "a", Some(1)).await, None);
    let newest = ids(streams, "a", Some(5)).await;
    assert_eq!(newest, Some(vec![6]));
    append(streams, "a", vec![entry(1, None)]).await;
    assert_eq!(ids(streams, "a", Some(5)).await, newest, "what was dropped does not come back");
}

/// A stream that nobody writes to goes; its readers go to the view, and a new one may begin.
pub async fn expires(fixture: &impl Fixture) {
    let streams = &*fixture.streams().await;
    append(streams, "a", chain(&[1, 2])).await;
    fixture.age().await;
    assert_eq!(ids(streams, "a", Some(1)).await, None);
    append(streams, "b", chain(&[1])).await;
    append(streams, "a", vec![entry(3, Some(2))]).await;
    assert_eq!(ids(streams, "a", Some(2)).await, Some(vec![3]));
}
