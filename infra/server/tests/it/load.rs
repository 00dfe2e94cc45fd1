//! Live queries, check 34, in a size that a debug build takes: many hosts answer at once.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt as _;
use infra_testkit::{Stream, TestHost};
use serde_json::json;

use crate::house::{House, SOON};

const HOSTS: usize = 300;
/// Requests under way at once.
const AT_ONCE: usize = 32;

#[tokio::test]
async fn live_check_34_every_answer_is_told_once_and_the_counts_add_up() {
    let house = House::open("load", &[]);
    let enrolling = (0..HOSTS).map(|_| house.host("many"));
    let hosts: Vec<TestHost> = futures::stream::iter(enrolling).buffer_unordered(AT_ONCE).collect().await;
    let everyone = house.label_named("All Hosts").await;
    let body = json!({"query": "SELECT 1", "selected": {"labels": [everyone]}});
    let campaign = house.start("queries/run", body).await;
    let mut stream = Stream::of(&house.admin(), campaign).await;

    let answering =
        futures::stream::iter(hosts.iter().enumerate()).for_each_concurrent(AT_ONCE, |(number, host)| async move {
            assert!(host.asked_live().await.contains_key(&campaign));
            let rows = if number % 3 == 0 { json!([]) } else { json!([{"number": number.to_string()}]) };
            host.answer_live(campaign, rows.clone()).await.done();
            // The reply was lost: it says so again.
            if number % 5 == 0 {
                host.answer_live(campaign, rows).await.done();
            }
        });
    let reading = async {
        let mut told = BTreeSet::new();
        while told.len() < HOSTS {
            let result = stream.hear("result", Duration::from_secs(60)).await;
            let host = result["host"]["id"].as_u64().unwrap();
            assert!(told.insert(host), "host {host} was told twice");
        }
    };
    tokio::join!(answering, reading);
    let done = stream.hear_that("status", SOON, |status| status["status"] == "finished").await;
    assert_eq!(done["actual_results"], HOSTS);
    assert_eq!(done["count_of_hosts_with_results"], HOSTS - HOSTS.div_ceil(3));
    assert_eq!(done["count_of_hosts_with_no_results"], HOSTS.div_ceil(3));
}
