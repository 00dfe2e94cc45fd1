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

/// The same for those who follow results; what they have missed is there when they come again.
#[tokio::test(flavor = "multi_thread")]
async fn streams_of_results_are_told_that_the_server_goes() {
    let house = tokio::task::spawn_blocking(|| House::open("stop-streams", &[])).await.unwrap();
    let host = house.host("asked").await;
    let (ours, fleets) = (house.own_campaign(&[&host]).await, house.campaign(&[&host]).await);
    let admin = house.admin();
    let mut follower = Stream::follow(&admin, ours, None).await.unwrap();
    let mut reader = Stream::of(&admin, fleets).await;
    follower.hear("campaign", SOON).await;
    reader.hear("status", SOON).await;
    let stopping = tokio::task::spawn_blocking(move || house.close());
    for stream in [&mut follower, &mut reader] {
        let end = loop {
            match stream.next(SOON).await {
                Event::Message { .. } | Event::Ping => {}
                other => break other,
            }
        };
        assert_eq!(end, Event::Closed(Some(1001)));
    }
    stopping.await.unwrap();
}
