use std::time::Duration;

use domain::{Members, host};
use serde_json::json;

use super::site::Site;

const WITH_KEY: [&str; 6] = ["config", "distributed/read", "distributed/write", "log", "carve/begin", "yara/rule"];

fn body(path: &str, key: serde_json::Value) -> serde_json::Value {
    let mut body =
        json!({"node_key": key, "log_type": "result", "block_count": 1, "block_size": 8192, "carve_size": 10});
    if path.is_empty() {
        body.as_object_mut().unwrap().remove("node_key");
    }
    body
}

#[actix_web::test]
async fn check_08_no_key_and_a_wrong_key_are_node_invalid() {
    let site = Site::new().await;
    site.enroll("a").await;
    for path in WITH_KEY {
        for key in [json!("unknown"), json!(""), json!(null)] {
            let reply = site.post(path, body(path, key.clone())).await;
            assert_eq!((reply.status, reply.is_node_invalid()), (401, true), "{path} {key}");
            let expected = if key == "unknown" { "invalid node key" } else { "missing node key" };
            assert_eq!(reply.error(), format!("authentication error: {expected}"), "{path} {key}");
        }
        assert!(site.post(path, body("", json!(null))).await.is_node_invalid(), "{path}");
        site.pass(Duration::from_secs(1));
    }
}

#[actix_web::test]
async fn a_ledger_without_hosts_invalidates_nobody() {
    let site = Site::new().await;
    let reply = site.config("a key of another log").await;
    assert_eq!((reply.status, reply.is_node_invalid()), (503, false));
    reply.error();
}

#[actix_web::test]
async fn a_key_that_another_node_gave_a_moment_ago_is_good() {
    let site = Site::new().await;
    let twin = site.twin(command_api::settings::Settings { node: "two".to_owned(), ..Default::default() }).await;
    for number in 0..20 {
        let key = site.enroll(&format!("host {number}")).await;
        assert_eq!(twin.config(&key).await.status, 200);
    }
}

#[actix_web::test]
async fn a_ledger_that_cannot_be_read_invalidates_nobody() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.log.stop_reads(true);
    let reply = site.config("unknown").await;
    assert_eq!((reply.status, reply.is_node_invalid()), (503, false));
    reply.error();
    assert_eq!(site.config(&key).await.status, 200, "those that are known are served from memory");
}

#[actix_web::test]
async fn a_flood_of_unknown_keys_is_told_to_wait() {
    let site = Site::new().await;
    site.enroll("a").await;
    let mut invalid = 0;
    for number in 0..40 {
        let reply = site.config(&format!("unknown {number}")).await;
        reply.error();
        invalid += usize::from(reply.is_node_invalid());
    }
    assert_eq!(invalid, 10);
    site.pass(Duration::from_secs(1));
    assert!(site.config("unknown").await.is_node_invalid());
}

#[actix_web::test]
async fn a_deleted_host_is_told_to_enrol_anew_and_becomes_another() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let host = site.host(&key);
    let hosts: Members = [host].into_iter().collect();
    site.decide(host::Command::Delete { hosts }).await;
    assert!(site.config(&key).await.is_node_invalid());
    let again = site.host(&site.enroll("a").await);
    assert_ne!(again, host);
    assert_eq!(site.app.ledger.fold().state.hosts.get(again).unwrap().succeeds, Some(host));
}

#[actix_web::test]
async fn check_01_both_spellings_answer_alike_and_take_only_post() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.report(&key, 100).await;
    for path in
        ["enroll", "config", "distributed/read", "distributed/write", "log", "carve/begin", "carve/block", "yara/x"]
    {
        let body = json!({"node_key": key, "log_type": "result", "session_id": "none", "block_id": 0}).to_string();
        let mut answers = vec![];
        for prefix in ["/api/osquery", "/api/v1/osquery"] {
            let reply = site.send(Site::request(&format!("{prefix}/{path}"), body.clone())).await;
            let mut json = reply.json();
            json.as_object_mut().unwrap().remove("uuid");
            answers.push((reply.status, json));
        }
        assert_eq!(answers[0], answers[1], "{path}");
    }
}

#[actix_web::test]
async fn check_37_other_methods_and_spellings_are_no_success() {
    use actix_web::http::Method;
    let site = Site::new().await;
    for path in
        ["enroll", "config", "distributed/read", "distributed/write", "log", "carve/begin", "carve/block", "yara/x"]
    {
        for method in [Method::GET, Method::PUT, Method::HEAD, Method::OPTIONS, Method::DELETE] {
            let reply = site.send(Site::request(&format!("/api/osquery/{path}"), "").method(method.clone())).await;
            assert_eq!(reply.status, 405, "{method} {path}");
            assert!(!reply.error().is_empty() && !reply.is_node_invalid(), "{method} {path}");
            assert!(!reply.headers.contains_key("allow"));
        }
        let reply = site.send(Site::request(&format!("/api/osquery/{path}/"), "{}")).await;
        assert_eq!(reply.status, 404, "{path}/");
        assert!(
            serde_json::from_slice::<serde_json::Value>(&reply.body).is_err(),
            "osqueryd must take it for a failure: {}",
            reply.text()
        );
        assert_eq!(site.send(Site::request(&format!("/api/latest/osquery/{path}"), "{}")).await.status, 404);
    }
}

#[actix_web::test]
async fn check_32_no_rule_is_told_without_a_key() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    assert_eq!(site.post("yara/rule", json!({})).await.status, 401);
    let reply = site.post("yara/rule", json!({"node_key": key})).await;
    assert_eq!(reply.status, 404);
    reply.error();
}
