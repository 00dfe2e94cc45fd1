//! Live queries, check 51: what is told of a live query that has ended.

use std::sync::OnceLock;

use infra_testkit::wait::until;
use infra_testkit::{Stream, TestHost};
use serde_json::{Value, json};

use crate::house::{House, SOON};

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    House::shared(&HOUSE, "live-told", &["--live-query-wait-s", "3"])
}

/// The one activity of a campaign's end.
async fn told(campaign: u64) -> Value {
    let told = async || {
        let all = house().admin().get("activities?per_page=10000").await.ok();
        let all = all["activities"].as_array().unwrap().clone();
        let is_it = |one: &Value| one["type"] == "live_query" && one["details"]["campaign_id"] == campaign;
        let mut found: Vec<Value> = all.into_iter().filter(is_it).collect();
        assert!(found.len() < 2, "told twice: {found:?}");
        found.pop()
    };
    until("the end is told", SOON, told).await
}

/// Answers the next live query that comes, and says which it was.
async fn answer_one(host: &TestHost) -> u64 {
    let campaign = until("the host is asked", SOON, async || host.asked_live().await.into_keys().next()).await;
    host.answer_live(campaign, json!([{"n": "1"}])).await.done();
    campaign
}

/// Hosts of the testkit say that a run cost them 1 ms of user time and no system time.
fn costs_of(runs: u64) -> Value {
    json!({
        "system_time_p50": 0, "system_time_p95": 0, "user_time_p50": 1, "user_time_p95": 1, "total_executions": runs
    })
}

#[tokio::test]
async fn live_check_51_the_end_of_a_stream_is_told_with_name_and_costs_of_saved_queries_alone() {
    let (house, admin) = (house(), house().admin());
    let (first, second) = (house.host("first").await, house.host("second").await);
    let query = house.query("SELECT 1 AS n", json!({})).await;
    let name = admin.get(&format!("queries/{query}")).await.ok()["query"]["name"].clone();
    let selected = json!({"hosts": [first.hostname, second.hostname]});
    let saved = json!({"query_id": query, "selected": selected});
    for (body, name, stats) in
        [(saved, Some(&name), Some(costs_of(2))), (json!({"query": "SELECT 1 AS n", "selected": selected}), None, None)]
    {
        let campaign = house.start("queries/run_by_identifiers", body).await;
        let mut stream = Stream::of(&admin, campaign).await;
        for host in [&first, &second] {
            assert_eq!(answer_one(host).await, campaign);
            stream.hear("result", SOON).await;
        }
        stream.close().await;
        let told = told(campaign).await;
        let details = &told["details"];
        assert_eq!((&details["targets_count"], &details["query_sql"]), (&json!(2), &json!("SELECT 1 AS n")));
        assert_eq!((details.get("query_name"), details.get("stats")), (name, stats.as_ref()));
        assert_eq!(told["actor_id"], 1, "told by who asked");
    }
}

#[tokio::test]
async fn live_check_51_so_is_the_end_of_a_call_that_waits() {
    let (house, admin) = (house(), house().admin());
    let host = house.host("waits").await;
    let query = house.query("SELECT 1 AS n", json!({})).await;
    let id = house.id(&host).await;
    let (path, body) = (format!("queries/{query}/run"), json!({"host_ids": [id]}));
    let (answer, campaign) = tokio::join!(admin.post(&path, body), answer_one(&host));
    answer.ok();
    let saved = told(campaign).await;
    assert_eq!(saved["details"]["stats"], costs_of(1));
    assert!(saved["details"]["query_name"].is_string());

    let (path, body) = (format!("hosts/{id}/query"), json!({"query": "SELECT 2 AS n"}));
    let (answer, campaign) = tokio::join!(admin.post(&path, body), answer_one(&host));
    answer.ok();
    let details = told(campaign).await["details"].clone();
    assert_eq!(details["query_sql"], "SELECT 2 AS n");
    assert_eq!((details.get("stats"), details.get("query_name")), (None, None));
}
