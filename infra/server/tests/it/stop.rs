//! A stop waits for nobody who only listens.

use infra_testkit::{Event, Stream};
use serde_json::json;

use crate::house::{House, SOON};

/// The client never closes; the server says that it goes, and ends while the socket is still open.
#[tokio::test(flavor = "multi_thread")]
async fn push_channels_are_hung_up_with_a_close_frame() {
    let house = tokio::task::spawn_blocking(|| House::open("stop-push", &[])).await.unwrap();
    let host = house.host("listens").await;
    let mut channel = Stream::open(&house.door, "/api/muster/v1/agent/push", None).await.unwrap();
    channel.send(&json!({"node_key": host.key()})).await.unwrap();
    assert!(matches!(channel.next(SOON).await, Event::Message { kind, .. } if kind == "ready"));
    let stopping = tokio::task::spawn_blocking(move || house.close());
    assert_eq!(channel.next(SOON).await, Event::Closed(Some(1001)));
    stopping.await.unwrap();
}
