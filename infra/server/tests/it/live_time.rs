//! Live queries, checks 17, 22, 27 and 31: what time does to them.

use std::time::{Duration, Instant};

use infra_testkit::Stream;
use infra_testkit::wait::holds;
use serde_json::json;

use crate::house::{Clockwork, SOON};

const LONG: Duration = Duration::from_secs(300);

/// Time is moved here, so each test has a server of its own.
fn clockwork(name: &str) -> Clockwork {
    Clockwork::open(&format!("live-time-{name}"), &[])
}

#[tokio::test]
async fn live_checks_17_22_and_31_offline_hosts_are_waited_for_only_where_that_makes_sense() {
    let clockwork = clockwork("offline");
    let house = &clockwork.house;
    let host = house.host("away").await;
    let id = house.id(&host).await;
    clockwork.pass(LONG).await;

    let began = Instant::now();
    let answer = house.admin().post(&format!("hosts/{id}/query"), json!({"query": "SELECT 1"})).await.ok();
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!((&answer["status"], &answer["rows"]), (&json!("offline"), &json!(null)));

    let campaign = house.campaign(&[&host]).await;
    let mut stream = Stream::of(&house.admin(), campaign).await;
    let status = stream.hear("status", Duration::from_secs(3)).await;
    assert_eq!((&status["status"], &status["expected_results"]), (&json!("finished"), &json!(0)));

    let asked = host.asked_live().await;
    assert_eq!(asked.into_keys().collect::<Vec<_>>(), [campaign], "nothing was queued by the form that does not wait");
    host.answer_live(campaign, json!([{"back": "yes"}])).await.done();
    assert_eq!(stream.hear("result", SOON).await["rows"][0]["back"], "yes");
}

#[tokio::test]
async fn live_check_27_a_campaign_that_nobody_reads_ends_after_a_minute() {
    let clockwork = clockwork("unread");
    let house = &clockwork.house;
    let host = house.host("unread").await;
    let (attended, ours) = (house.campaign(&[&host]).await, house.own_campaign(&[&host]).await);
    assert!(host.asked_live().await.contains_key(&attended));
    clockwork.pass(Duration::from_secs(61)).await;
    // The job that looks runs every five seconds.
    let ended = async || !host.asked_live().await.contains_key(&attended);
    holds("nobody reads it", SOON, ended).await;
    assert!(host.asked_live().await.contains_key(&ours), "ours lives without a reader");
    host.answer_live(attended, json!([])).await.done();
}

#[tokio::test]
async fn a_campaign_of_ours_ends_when_its_time_is_over() {
    let clockwork = clockwork("expires");
    let house = &clockwork.house;
    let host = house.host("late").await;
    let body = json!({"query": "SELECT 1", "hours": 2, "selected": {"hosts": [host.hostname]}});
    let campaign = house.start("/api/muster/v1/campaigns", body).await;
    clockwork.pass(Duration::from_secs(2 * 3_600 - 60)).await;
    assert!(host.asked_live().await.contains_key(&campaign), "who comes back late is asked");
    clockwork.pass(Duration::from_secs(61)).await;
    assert!(!host.asked_live().await.contains_key(&campaign));
    let path = format!("/api/muster/v1/campaigns/{campaign}");
    let expired = async || house.admin().get(&path).await.ok()["campaign"]["state"] == "expired";
    holds("it says that it expired", SOON, expired).await;
}
