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

#[tokio::test]
async fn a_campaign_that_every_fold_has_forgotten_is_read_from_its_address() {
    let clockwork = clockwork("forgotten");
    let house = &clockwork.house;
    // A session would end meanwhile, a token of a program does not.
    let admin = house.user("admin").await;
    let host = house.host("old").await;
    let body = json!({"query": "SELECT 1", "selected": {"hosts": [host.hostname]}});
    let start = async || {
        let made = admin.post("/api/muster/v1/campaigns", body.clone()).await.ok();
        made["campaign"]["id"].as_u64().unwrap()
    };
    let campaign = start().await;
    host.asked_live().await;
    host.answer_live(campaign, json!([{"n": "1"}])).await.done();
    let path = format!("/api/muster/v1/campaigns/{campaign}");
    admin.post(&format!("{path}/stop"), json!({})).await.ok();
    clockwork.pass(Duration::from_secs(25 * 3_600)).await;
    let newer = start().await;
    let state = &house.parts.ledger.fold().state;
    assert!(state.campaigns.is_forgotten(domain::CampaignId(u32::try_from(campaign).unwrap())));
    let shown = admin.get(&path).await.ok();
    assert_eq!((&shown["campaign"]["state"], &shown["campaign"]["hosts"]["rows"]), (&json!("stopped"), &json!(1)));
    let answers = admin.get(&format!("{path}/answers")).await.ok();
    assert_eq!(answers["answers"][0]["rows"], json!([{"n": "1"}]));
    let listed = admin.get("/api/muster/v1/campaigns").await.ok();
    let ids: Vec<u64> = listed["campaigns"].as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect();
    assert_eq!((ids, &listed["count"]), (vec![newer, campaign], &json!(2)));
    let changed = admin.post(&format!("{path}/extend"), json!({"hours": 1})).await;
    assert_eq!(changed.status, 400);
}
