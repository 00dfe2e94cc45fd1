//! Live queries, checks 29, 30, 32, 33, 45, 50 and 51: the forms that wait.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use infra_testkit::TestHost;
use infra_testkit::wait::{holds, until};
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{House, SOON};

/// How long these forms wait here, in seconds.
const PERIOD: u64 = 3;

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    House::shared(&HOUSE, "live-sync", &["--live-query-wait-s", "3"])
}

/// Answers the next live query that comes.
async fn answer_one(host: &TestHost, rows: Value) {
    let campaign = until("the host is asked", SOON, async || host.asked_live().await.into_keys().next()).await;
    host.answer_live(campaign, rows).await.done();
}

#[tokio::test]
async fn live_check_29_it_waits_the_period_for_who_does_not_answer() {
    let house = house();
    let (there, silent) = (house.host("there").await, house.host("silent").await);
    let query = house.query("SELECT 1", json!({})).await;
    let ids = [house.id(&there).await, house.id(&silent).await];
    let (admin, path) = (house.admin(), format!("queries/{query}/run"));
    let began = Instant::now();
    let asking = admin.post(&path, json!({"host_ids": ids}));
    let (answer, ()) = tokio::join!(asking, answer_one(&there, json!([{"n": "1"}])));
    let answer = answer.ok();
    assert!(began.elapsed() >= Duration::from_secs(PERIOD) && began.elapsed() < Duration::from_secs(PERIOD + 5));
    assert_eq!(
        answer,
        json!({"query_id": query, "targeted_host_count": 2, "responded_host_count": 1,
        "results": [{"host_id": ids[0], "rows": [{"n": "1"}], "error": null}]})
    );
}

#[tokio::test]
async fn live_checks_30_and_50_it_returns_when_all_have_answered_with_plain_rows() {
    let house = house();
    let host = house.host("quick").await;
    let query = house.query("SELECT 1", json!({})).await;
    let id = house.id(&host).await;
    let (admin, path) = (house.admin(), format!("queries/{query}/run"));
    let began = Instant::now();
    let asking = admin.post(&path, json!({"host_ids": [id, id, id]}));
    let (answer, ()) = tokio::join!(asking, answer_one(&host, json!([{"n": "1"}])));
    let answer = answer.ok();
    assert!(began.elapsed() < Duration::from_secs(PERIOD), "{:?}", began.elapsed());
    assert_eq!((&answer["targeted_host_count"], &answer["responded_host_count"]), (&json!(1), &json!(1)));
    assert_eq!(answer["results"][0]["rows"], json!([{"n": "1"}]), "nothing is added to rows");
}

#[tokio::test]
async fn live_check_32_what_cannot_be_asked_is_refused() {
    let house = house();
    let (admin, host) = (house.admin(), house.host("refused").await);
    let (id, query) = (house.id(&host).await, house.query("SELECT 1", json!({})).await);
    for body in [json!({}), json!({"host_ids": []})] {
        assert_eq!(admin.post(&format!("queries/{query}/run"), body).await.status, 400);
    }
    for body in [json!({}), json!({"query": "  "})] {
        assert_eq!(admin.post(&format!("hosts/{id}/query"), body).await.status, 400);
    }
    assert_eq!(admin.post("hosts/99999/query", json!({"query": "SELECT 1"})).await.status, 400);
    let body = json!({"query_ids": [query], "host_ids": [99_999]});
    let several = admin.call(Method::GET, "queries/run", Some(body)).await.ok();
    assert_eq!(several["live_query_results"][0]["error"], "no hosts targeted");
}

#[tokio::test]
async fn live_check_33_a_client_that_goes_ends_its_campaign() {
    let house = house();
    let (admin, host) = (house.admin(), house.host("left").await);
    let path = format!("hosts/{}/query", house.id(&host).await);
    let asking = admin.post(&path, json!({"query": "SELECT 1"}));
    tokio::select! {
        _ = asking => panic!("nobody answered"),
        () = holds("the host is asked", SOON, async || !host.asked_live().await.is_empty()) => {}
    }
    let ended = async || host.asked_live().await.is_empty();
    holds("the asking ends with the client", Duration::from_secs(PERIOD - 1), ended).await;
}

#[tokio::test]
async fn live_check_45_several_queries_end_each_in_its_own_way() {
    let house = house();
    let (admin, host) = (house.admin(), house.host("several").await);
    let (id, query) = (house.id(&host).await, house.query("SELECT 1", json!({})).await);
    let body = json!({"query_ids": [query, 99_999], "host_ids": [id]});
    let asking = admin.call(Method::GET, "queries/run", Some(body));
    let (answer, ()) = tokio::join!(asking, answer_one(&host, json!([{"n": "1"}])));
    let answer = answer.ok();
    assert_eq!(answer["summary"], json!({"targeted_host_count": 1, "responded_host_count": 1}));
    let of = |id: u64| {
        let results = answer["live_query_results"].as_array().unwrap();
        results.iter().find(|entry| entry["query_id"] == id).unwrap().clone()
    };
    assert_eq!(of(query)["results"][0]["rows"], json!([{"n": "1"}]));
    assert!(of(99_999)["error"].as_str().unwrap().contains("99999"), "{answer}");
    assert_eq!(of(99_999)["results"], Value::Null);
    assert_eq!(admin.get("queries/run").await.status, 400);
}
