//! Live queries, checks 20 to 28, 48 and 49: the host's side.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use infra_testkit::Stream;
use infra_testkit::host::talk::live_name;
use serde_json::json;

use crate::house::{House, SOON};

/// A stretch in which something that must not come would have come.
const QUIET: Duration = Duration::from_millis(700);

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    House::shared(&HOUSE, "live-host", &[])
}

#[tokio::test]
async fn live_check_20_targeted_hosts_are_asked_within_a_second() {
    let house = house();
    let (asked, other) = (house.host("asked").await, house.host("other").await);
    let campaign = house.campaign(&[&asked]).await;
    let began = Instant::now();
    let work = asked.read().await.done();
    assert!(began.elapsed() < Duration::from_secs(1));
    let name = live_name(campaign);
    assert_eq!((&work["queries"][&name], &work["discovery"][&name]), (&json!("SELECT 1"), &json!("SELECT 1")));
    assert!(!other.asked_live().await.contains_key(&campaign));
}

#[tokio::test]
async fn live_checks_21_and_24_one_answer_counts_and_ends_the_asking() {
    let house = house();
    let (host, second) = (house.host("once").await, house.host("second").await);
    let campaign = house.campaign(&[&host, &second]).await;
    let mut stream = Stream::of(&house.admin(), campaign).await;
    assert!(host.asked_live().await.contains_key(&campaign));
    assert!(host.asked_live().await.contains_key(&campaign), "it is asked until it has answered");
    host.answer_live(campaign, json!([{"n": "1"}])).await.done();
    assert!(!host.asked_live().await.contains_key(&campaign));
    host.answer_live(campaign, json!([{"n": "1"}])).await.done();
    assert_eq!(stream.hear("result", SOON).await["rows"][0]["n"], "1");
    second.answer_live(campaign, json!([{"n": "2"}])).await.done();
    assert_eq!(stream.hear("result", SOON).await["rows"][0]["n"], "2", "the repeat is no second result");
    let status = stream.hear_that("status", SOON, |status| status["status"] == "finished").await;
    assert_eq!(status["actual_results"], 2);
}

#[tokio::test]
async fn live_check_23_two_campaigns_never_mix() {
    let house = house();
    let (a, b) = (house.host("a").await, house.host("b").await);
    let (of_a, of_b) = (house.campaign(&[&a]).await, house.campaign(&[&b]).await);
    let (mut to_a, mut to_b) = (Stream::of(&house.admin(), of_a).await, Stream::of(&house.admin(), of_b).await);
    // Each answers the other's campaign, too.
    for (host, own) in [(&a, of_a), (&b, of_b)] {
        let rows = json!([{"own": own.to_string()}]);
        let both = json!({"queries": {live_name(of_a): rows, live_name(of_b): rows}});
        host.write(both).await.done();
    }
    for (stream, own, host) in [(&mut to_a, of_a, &a), (&mut to_b, of_b, &b)] {
        let result = stream.hear("result", SOON).await;
        assert_eq!(
            (&result["distributed_query_execution_id"], &result["rows"][0]["own"]),
            (&json!(own), &json!(own.to_string()))
        );
        assert_eq!(result["host"]["hostname"], host.hostname);
        assert!(stream.next(QUIET).await.of("result").is_none());
    }
}

#[tokio::test]
async fn live_checks_25_and_26_what_was_not_asked_has_no_effect_and_spoils_nothing() {
    let house = house();
    let (asked, other) = (house.host("asked").await, house.host("not-asked").await);
    let campaign = house.campaign(&[&asked]).await;
    let mut stream = Stream::of(&house.admin(), campaign).await;
    other.answer_live(campaign, json!([{"from": "other"}])).await.done();

    let ended = house.campaign(&[&asked]).await;
    house.admin().post(&format!("/api/muster/v1/campaigns/{ended}/stop"), json!({})).await.ok();
    let rows = json!([{"from": "asked"}]);
    let (good, gone) = (live_name(campaign), live_name(ended));
    let write =
        json!({"queries": {live_name(99_999): rows, "fleet_distributed_query_x": rows, gone: rows, good: rows}});
    asked.write(write).await.done();
    assert_eq!(stream.hear("result", SOON).await["rows"][0]["from"], "asked", "the other's was dropped");
    let kept = house.admin().get(&format!("/api/muster/v1/campaigns/{ended}/answers")).await.ok();
    assert_eq!(kept["answers"], json!([]));
}

#[tokio::test]
async fn live_check_28_invalid_utf_8_becomes_readable_and_spoils_nothing() {
    let house = house();
    let host = house.host("bytes").await;
    let (one, two) = (house.campaign(&[&host]).await, house.campaign(&[&host]).await);
    let mut streams = [Stream::of(&house.admin(), one).await, Stream::of(&house.admin(), two).await];
    let body = json!({"node_key": host.key(), "queries": {live_name(one): [{"name": "caf@@"}], live_name(two): [{"name": "plain"}]}});
    let body = body.to_string().into_bytes();
    let at = body.windows(2).position(|two| two == b"@@").unwrap();
    let body = [&body[..at], b"\xe9\xff", &body[at + 2..]].concat();
    host.post_bytes("distributed/write", body, &[]).await.done();
    assert_eq!(streams[0].hear("result", SOON).await["rows"][0]["name"], "caf\u{fffd}\u{fffd}");
    assert_eq!(streams[1].hear("result", SOON).await["rows"][0]["name"], "plain");
}

#[tokio::test]
async fn live_check_49_a_status_without_an_entry_is_no_answer() {
    let house = house();
    let host = house.host("half").await;
    let campaign = house.campaign(&[&host]).await;
    let name = live_name(campaign);
    for write in
        [json!({"statuses": {&name: 0}}), json!({"queries": {}, "statuses": {&name: 1}, "messages": {&name: "x"}})]
    {
        host.write(write).await.done();
        assert!(host.asked_live().await.contains_key(&campaign), "it is asked again");
    }
    let shown = house.admin().get(&format!("/api/muster/v1/campaigns/{campaign}")).await.ok();
    assert_eq!(shown["campaign"]["hosts"]["waiting"], 1, "nothing was counted: {shown}");
}

#[tokio::test]
async fn an_answer_of_five_megabytes_comes_whole() {
    let house = house();
    let host = house.host("large").await;
    let campaign = house.own_campaign(&[&host]).await;
    let mut stream = Stream::follow(&house.admin(), campaign, None).await.unwrap();
    let row = json!({"value": "x".repeat(1_000)});
    let rows: Vec<_> = (0..5_200).map(|_| row.clone()).collect();
    host.answer_live(campaign, json!(rows)).await.done();
    let result = stream.hear("result", SOON).await;
    assert_eq!((result["rows"].as_array().unwrap().len(), &result["cut"]), (5_200, &json!(false)));
}
