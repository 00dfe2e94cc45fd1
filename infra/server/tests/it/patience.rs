//! Live queries, checks 42 and 44: what sockets do while nobody says anything.

use std::time::{Duration, Instant};

use infra_testkit::stream::{FOLLOW, RAW, SOCKJS};
use infra_testkit::{Event, Stream};
use serde_json::json;

use crate::house::{House, SOON};

/// Long enough for a limit of thirty seconds to be seen, not longer.
const LIMIT: Duration = Duration::from_secs(36);

/// What comes first that is neither progress nor a campaign's state.
async fn next_sign(stream: &mut Stream) -> Event {
    loop {
        match stream.next(LIMIT).await {
            Event::Message { .. } | Event::Opened => {}
            event => return event,
        }
    }
}

#[tokio::test]
async fn live_checks_42_and_44_quiet_streams_are_kept_alive_and_silent_clients_are_not() {
    let house = House::open("patience", &[]);
    let host = house.host("quiet").await;
    let campaign = house.campaign(&[&host]).await;
    let admin = house.admin();
    let mut raw = Stream::of(&admin, campaign).await;
    let mut sockjs = Stream::open(&house.door, SOCKJS, None).await.unwrap();
    sockjs.select(&admin.token, campaign).await.unwrap();
    let ours = house.own_campaign(&[&host]).await;
    let mut follow = Stream::follow(&admin, ours, None).await.unwrap();
    let open = async |path| Stream::open(&house.door, path, None).await.unwrap();
    let (mut mute, mut mute_sockjs, mut mute_ours) = (open(RAW).await, open(SOCKJS).await, open(FOLLOW).await);
    let mut half = open(RAW).await;
    half.send(&json!({"type": "auth", "data": {"token": admin.token}})).await.unwrap();

    let began = Instant::now();
    let kept = async { tokio::join!(next_sign(&mut raw), next_sign(&mut sockjs), next_sign(&mut follow)) };
    let shut = async {
        tokio::join!(next_sign(&mut mute), next_sign(&mut mute_sockjs), next_sign(&mut mute_ours), next_sign(&mut half))
    };
    let (kept, shut) = tokio::join!(Box::pin(kept), Box::pin(shut));
    assert_eq!(kept, (Event::Ping, Event::Beat, Event::Ping));
    assert!(matches!(shut.0, Event::Closed(Some(1000))), "{:?}", shut.0);
    assert!(matches!(shut.1, Event::Told(_)), "{:?}", shut.1);
    assert!(shut.2.is_end() && shut.3.is_end(), "{:?} {:?}", shut.2, shut.3);
    assert!(began.elapsed() < LIMIT);

    // Who was kept alive still gets what there is to get.
    host.answer_live(campaign, json!([{"n": "1"}])).await.done();
    assert_eq!(raw.hear("result", SOON).await["rows"][0]["n"], "1");
    assert_eq!(sockjs.hear("result", SOON).await["rows"][0]["n"], "1");
}
