//! The log cannot be written: hosts keep what they have, and are asked nothing.

use std::time::Duration;

use domain::{Members, campaign};
use infra_log::Topic;
use serde_json::json;

use super::site::{SECRET, Site, enrolment, ubuntu};

#[actix_web::test]
async fn check_09_a_failure_of_the_log_is_a_failure_that_keeps_the_key() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let host = site.host(&key);
    site.report(&key, 100).await;
    let targets: Members = [host].into_iter().collect();
    site.decide(campaign::Command::Start {
        sql: "SELECT 1".to_owned(),
        query: None,
        by: None,
        targets: targets.clone(),
        attended: false,
        life: Duration::from_secs(600),
        most: Default::default(),
    })
    .await;
    site.log.stop_writes(true);
    let mut changed = ubuntu();
    changed["version"] = json!("24.04");
    for (path, body) in [
        ("log", json!({"node_key": key, "log_type": "result", "data": [{"name": "q"}]})),
        ("distributed/write", json!({"node_key": key, "queries": {"fleet_detail_query_os_version": [changed]}})),
        ("distributed/write", json!({"node_key": key, "queries": {"fleet_distributed_query_1": [{"n": "1"}]}})),
        ("carve/begin", json!({"node_key": key, "block_count": 1, "block_size": 10, "carve_size": 10})),
        ("enroll", enrolment(SECRET, "b")),
    ] {
        let reply = site.post(path, body).await;
        assert_eq!((reply.status, reply.json().get("node_invalid").is_some()), (503, false), "{path} {}", reply.text());
        reply.error();
    }
    assert_eq!(site.config(&key).await.status, 200);
    site.log.stop_writes(false);
    site.post("log", json!({"node_key": key, "log_type": "result", "data": [{"name": "q"}]})).await.done();
    assert_eq!(site.lines(Topic::Results).len(), 1);
    site.answer(&key, json!({"fleet_distributed_query_1": [{"n": "1"}]})).await.done();
    assert_eq!(site.answers().len(), 1, "the answer that failed was not taken for given");
}

#[actix_web::test]
async fn nobody_is_asked_what_could_not_be_kept() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let targets: Members = [site.host(&key)].into_iter().collect();
    site.decide(campaign::Command::Start {
        sql: "SELECT 1".to_owned(),
        query: None,
        by: None,
        targets,
        attended: false,
        life: Duration::from_secs(600),
        most: Default::default(),
    })
    .await;
    site.log.stop_writes(true);
    site.app.registry.flush(site.now(), false).await.unwrap_err();
    assert!(site.names(&key).await.is_empty());
    site.log.stop_writes(false);
    site.app.registry.flush(site.now(), false).await.unwrap();
    assert_eq!(site.names(&key).await.len(), 1);
}

/// A hash that was noted when it was sent, and not when it was acknowledged, would swallow every later report.
#[actix_web::test]
async fn a_report_that_failed_is_news_when_it_comes_again() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.report(&key, 100).await;
    let mut changed = ubuntu();
    changed["version"] = json!("24.04");
    let write = json!({"node_key": key, "queries": {"fleet_detail_query_os_version": [changed]}});
    site.log.stop_writes(true);
    site.post("distributed/write", write.clone()).await.error();
    site.log.stop_writes(false);
    site.post("distributed/write", write).await.done();
    assert_eq!(site.section(site.host(&key), "os").unwrap().to_json()["os_version"], "Ubuntu 24.04");
}

#[actix_web::test]
async fn a_window_that_failed_is_told_later() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let host = site.host(&key);
    site.config(&key).await;
    site.log.stop_writes(true);
    site.pass(Duration::from_secs(30));
    site.app.registry.flush(site.now(), false).await.unwrap_err();
    site.pass(Duration::from_secs(30));
    site.log.stop_writes(false);
    site.app.registry.flush(site.now(), false).await.unwrap();
    let told = site.signals().iter().any(|signal| matches!(signal, domain::records::Signal::Presence(window) if window.seen().iter().any(|(seen, _)| *seen == host)));
    assert!(told);
}
