//! What comes out of a stream.

use std::time::Duration;

use super::{Fixture, append, chain, entry, ids};
use crate::Page;

/// Entries come back whole, in order, from any place, and no more than asked for.
pub async fn in_order(fixture: &impl Fixture) {
    let streams = &*fixture.streams().await;
    append(streams, "a", chain(&[3, 4, 9])).await;
    assert_eq!(streams.read("a", None, 100).await.expect("read"), Page::Entries(chain(&[3, 4, 9])));
    assert_eq!(streams.read("a", None, 2).await.expect("read"), Page::Entries(chain(&[3, 4])));
    assert_eq!(ids(streams, "a", Some(3)).await, Some(vec![4, 9]));
    assert_eq!(ids(streams, "a", Some(9)).await, Some(vec![]));
    append(streams, "a", vec![entry(10, Some(9))]).await;
    assert_eq!(ids(streams, "a", Some(9)).await, Some(vec![10]));
}

/// What is there already is there once, and stays as it was.
pub async fn repeated(fixture: &impl Fixture) {
    let streams = &*fixture.streams().await;
    append(streams, "a", chain(&[3, 4])).await;
    let mut again = chain(&[3, 4, 5]);
    again[1].value = "something else".into();
    append(streams, "a", again).await;
    assert_eq!(streams.read("a", None, 100).await.expect("read"), Page::Entries(chain(&[3, 4, 5])));
}

/// Streams know nothing of each other.
pub async fn apart(fixture: &impl Fixture) {
    let streams = &*fixture.streams().await;
    append(streams, "a", chain(&[3, 4])).await;
    append(streams, "b", chain(&[2])).await;
    assert_eq!(ids(streams, "a", None).await, Some(vec![3, 4]));
    assert_eq!(ids(streams, "b", None).await, Some(vec![2]));
}

/// A reader that waits is woken, also one that waited before there was a stream.
pub async fn changed_wakes(fixture: &impl Fixture) {
    let streams = fixture.streams().await;
    for (id, after) in [(1, None), (2, Some(1))] {
        let reader = streams.clone();
        let waiting = tokio::spawn(async move {
            loop {
                reader.changed("a", after, Duration::from_secs(30)).await;
                if ids(&*reader, "a", after).await.is_some_and(|ids| !ids.is_empty()) {
                    return;
                }
            }
        });
        tokio::task::yield_now().await;
        append(&*streams, "a", vec![entry(id, after)]).await;
        tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("woken").expect("no panic");
    }
}

/// A wait ends when patience does, and at once when there is something.
pub async fn changed_is_patient(fixture: &impl Fixture) {
    let streams = &*fixture.streams().await;
    append(streams, "a", chain(&[1])).await;
    streams.changed("a", Some(1), Duration::from_millis(20)).await;
    streams.changed("none", None, Duration::from_millis(20)).await;
    let at_once = streams.changed("a", None, Duration::from_secs(3_600));
    tokio::time::timeout(Duration::from_secs(20), at_once).await.expect("at once");
}
