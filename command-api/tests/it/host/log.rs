use std::io::Write as _;
use std::time::Duration;

use domain::query;
use domain::records::{Line, LineKind};
use flate2::Compression;
use flate2::write::GzEncoder;
use infra_log::Topic;
use serde_json::{Value, json};

use super::config::spec;
use super::site::Site;

async fn post(site: &Site, key: &str, kind: &str, data: Value) {
    site.post("log", json!({"node_key": key, "log_type": kind, "data": data})).await.done();
}

fn values(site: &Site, topic: Topic) -> Vec<Value> {
    site.lines(topic).iter().map(|line| serde_json::from_slice(&line.value).unwrap()).collect()
}

fn zipped(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[actix_web::test]
async fn check_14_gzip_is_taken_and_broken_gzip_refused() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let body = json!({"node_key": key, "log_type": "result", "data": [{"name": "q"}]}).to_string();
    let send = async |bytes: Vec<u8>, encoding: &'static str| {
        site.send(Site::request("/api/osquery/log", bytes).insert_header(("Content-Encoding", encoding))).await
    };
    send(zipped(&body), "gzip").await.done();
    assert_eq!(site.lines(Topic::Results).len(), 1);
    for broken in [b"no gzip".to_vec(), zipped(&body)[..40].to_vec(), vec![]] {
        send(broken, "gzip").await.error();
    }
    send(body.clone().into_bytes(), "deflate").await.done();
    send(zipped(&body), "GZIP").await.error();
    assert_eq!(site.lines(Topic::Results).len(), 2);
}

#[actix_web::test]
async fn check_16_every_kind_of_line_is_kept_as_it_came() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let lines = json!([
        {"name": "pack/Global/usb", "hostIdentifier": "h", "unixTime": 1748858400, "epoch": 0, "counter": 3, "columns": {"vendor": "ACME"}, "action": "added"},
        {"name": "pack/Global/usb", "unixTime": "1748858400", "epoch": "0", "counter": "3", "columns": {"vendor": "ACME"}, "action": "removed"},
        {"name": "q", "diffResults": {"removed": [], "added": [{"a": "1"}]}},
        {"name": "q", "snapshot": [], "action": "snapshot"},
        {"name": "q", "columns": {"a": 1.5}, "numerics": true, "action": "snapshot"}
    ]);
    post(&site, &key, "result", lines.clone()).await;
    assert_eq!(json!(values(&site, Topic::Results)), lines);
    let status = json!([{"hostIdentifier": "h", "severity": "0", "filename": "x.cpp", "line": 5, "message": "m", "version": "5.16.0"}]);
    post(&site, &key, "status", status.clone()).await;
    assert_eq!(json!(values(&site, Topic::Status)), status);
    assert!(site.lines(Topic::Status).iter().all(|line| line.kind == LineKind::Status && line.host == site.host(&key)));
}

#[actix_web::test]
async fn check_17_invalid_utf_8_loses_no_line() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let mut body =
        format!(r#"{{"node_key":"{key}","log_type":"result","data":[{{"name":"a","snapshot":[{{"x":""#).into_bytes();
    body.extend(b"caf\xe9");
    body.extend(br#""}]},{"name":"b"}]}"#);
    site.post_bytes("log", body).await.done();
    let kept = values(&site, Topic::Results);
    assert_eq!((&kept[0]["snapshot"][0]["x"], &kept[1]["name"]), (&json!("caf\u{fffd}"), &json!("b")));
}

#[actix_web::test]
async fn check_18_an_unknown_kind_is_refused() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    for body in [
        json!({"node_key": key, "log_type": "wat", "data": [{}]}),
        json!({"node_key": key, "data": []}),
        json!({"node_key": key, "log_type": "", "data": []}),
    ] {
        let reply = site.post("log", body).await;
        assert!(reply.error().contains("log type") && !reply.is_node_invalid());
    }
}

#[actix_web::test]
async fn check_40_no_lines_and_odd_items() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let appends = site.appends();
    for data in [json!(null), json!([])] {
        post(&site, &key, "result", data).await;
    }
    site.post("log", json!({"node_key": key, "log_type": "status"})).await.done();
    assert_eq!(site.appends(), appends);
    post(&site, &key, "result", json!(["text", 3, null, [], {"no": "name"}, {"name": "kept"}])).await;
    assert_eq!(values(&site, Topic::Results), [json!({"name": "kept"})]);
    site.post("log", json!({"node_key": key, "log_type": "result", "data": {"name": "x"}})).await.error();
}

#[actix_web::test]
async fn check_35_a_post_that_is_sent_again_has_the_same_ids() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let data = json!([{"name": "a"}, {"name": "a"}, {"name": "b"}]);
    post(&site, &key, "result", data.clone()).await;
    site.pass(Duration::from_secs(5));
    post(&site, &key, "result", data).await;
    let ids: Vec<_> = site.lines(Topic::Results).iter().map(|line| line.id).collect();
    assert_eq!(ids[..3], ids[3..]);
    assert_ne!(ids[0], ids[1], "an unchanged row that is logged twice is two rows");
    assert_eq!(ids[0], Line::id_of(site.host(&key), br#"{"name":"a"}"#, 1));
}

#[actix_web::test]
async fn lines_know_their_saved_query() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let team = site.add_team("T", None).await;
    for team in [None, Some(team)] {
        site.decide(query::Command::Create { team, spec: spec("usb"), author: None }).await;
    }
    post(&site, &key, "result", json!([{"name": "pack/Global/usb"}, {"name": "pack_team-1_usb"}, {"name": "pack/Global/gone"}, {"name": "usb"}])).await;
    let queries: Vec<_> = site.lines(Topic::Results).iter().map(|line| line.query.map(|query| query.0)).collect();
    assert_eq!(queries, [Some(1), Some(2), None, None]);
}

#[actix_web::test]
async fn large_lines_are_kept_whole() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let lines = json!([{"name": "a", "columns": {"x": "x".repeat(900 * 1024)}}, {"name": "b", "columns": {"x": "y".repeat(3 * 1024 * 1024)}}, {"name": "c"}]);
    post(&site, &key, "result", lines.clone()).await;
    assert_eq!(json!(values(&site, Topic::Results)), lines);
}
