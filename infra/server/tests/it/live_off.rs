//! Live queries, checks 8 and 46: switched off by an admin.

use std::sync::OnceLock;

use reqwest::Method;
use serde_json::json;

use crate::house::House;

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    House::shared(&HOUSE, "live-off", &[])
}

async fn switch_off() {
    let change = json!({"server_settings": {"live_query_disabled": true}});
    house().admin().patch("config", change).await.ok();
}

#[tokio::test]
async fn live_check_08_switched_off_is_refused_and_so_is_its_status() {
    let (house, admin) = (house(), house().admin());
    let host = house.host("off").await;
    switch_off().await;
    let body = json!({"query": "SELECT 1", "selected": {"hosts": [host.hostname]}});
    assert_eq!(admin.post("queries/run_by_identifiers", body).await.status, 403);
    assert_eq!(admin.get("status/live_query").await.status, 403);
    assert_eq!(admin.get("status/result_store").await.status, 200);
}

#[tokio::test]
async fn live_check_46_the_forms_that_wait_say_that_it_is_switched_off() {
    let (house, admin) = (house(), house().admin());
    let host = house.host("off").await;
    let (id, query) = (house.id(&host).await, house.query("SELECT 1", json!({})).await);
    switch_off().await;
    let one = admin.post(&format!("queries/{query}/run"), json!({"host_ids": [id]})).await;
    assert_eq!(one.status, 403, "{}", one.text);
    let host = admin.post(&format!("hosts/{id}/query"), json!({"query": "SELECT 1"})).await.ok();
    assert!(host["error"].as_str().unwrap().contains("disabled"), "{host}");
    let body = json!({"query_ids": [query], "host_ids": [id]});
    let several = admin.call(Method::GET, "queries/run", Some(body)).await.ok();
    assert!(several["live_query_results"][0]["error"].as_str().unwrap().contains("disabled"), "{several}");
}
