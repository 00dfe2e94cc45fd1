use std::io::Read as _;
use std::sync::Arc;

use domain::label::Membership;
use domain::query::{Logging, Spec};
use domain::records::Section;
use domain::{Digest, LabelId, Members, TeamId, label, query, settings};
use serde_json::{Value, json};

use super::site::{Site, enrolment};

pub fn spec(name: &str) -> Spec {
    Spec { name: name.to_owned(), query: format!("SELECT '{name}'"), interval: 60, ..Spec::default() }
}

async fn add(site: &Site, team: Option<TeamId>, spec: Spec) {
    site.decide(query::Command::Create { team, spec, author: None }).await;
}

async fn etagged(site: &Site, key: &str, etag: &str) -> String {
    let reply = site.post("config", json!({"node_key": key, "etag": etag})).await;
    assert_eq!(reply.status, 200);
    reply.text()
}

#[actix_web::test]
async fn check_11_a_config_is_a_bare_object_and_the_same_bytes_twice() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    add(&site, None, spec("b")).await;
    add(&site, None, spec("a")).await;
    let (first, second) = (site.config(&key).await, site.config(&key).await);
    assert_eq!(first.body, second.body);
    let config = first.json();
    assert!(config.get("error").is_none() && config.get("node_invalid").is_none());
    assert_eq!(config["options"]["distributed_interval"], 10);
    assert_eq!(first.headers.get("content-type").unwrap(), "application/json; charset=utf-8");
}

#[actix_web::test]
async fn an_unchanged_config_is_thirteen_bytes() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let full = site.config(&key).await;
    let etag = Digest::of(&full.body).to_string();
    assert_eq!(etagged(&site, &key, &etag).await, r#"{"etag":"ok"}"#);
    assert_eq!(etagged(&site, &key, "another").await, full.text());
    add(&site, None, spec("q")).await;
    let changed = etagged(&site, &key, &etag).await;
    assert!(changed.contains("SELECT 'q'"));
    assert_eq!(etagged(&site, &key, &Digest::of(&changed).to_string()).await, r#"{"etag":"ok"}"#);
}

#[actix_web::test]
async fn check_13_packs_of_all_and_of_the_own_team() {
    let site = Site::new().await;
    let (own, other) = (site.add_team("Own", None).await, site.add_team("Other", None).await);
    site.set_secret(Some(own), "own").await;
    add(&site, None, spec("global")).await;
    add(&site, Some(own), spec("own")).await;
    add(&site, Some(other), spec("other")).await;
    let key = site.post("enroll", enrolment("own", "a")).await.json()["node_key"].as_str().unwrap().to_owned();
    let config = site.config(&key).await.json();
    let packs: Vec<&String> = config["packs"].as_object().unwrap().keys().collect();
    assert_eq!(packs, ["Global", "team-1"]);
    assert_eq!(config["packs"]["team-1"]["queries"].as_object().unwrap().len(), 1);
}

#[actix_web::test]
async fn check_13_a_query_limited_to_a_label_reaches_only_its_hosts() {
    let site = Site::new().await;
    let (member, other) = (site.enroll("a").await, site.enroll("b").await);
    let members: Members = [site.host(&member)].into_iter().collect();
    let command = label::Command::Create {
        name: "chosen".to_owned(),
        description: String::new(),
        query: String::new(),
        platform: String::new(),
        membership: Membership::Manual,
        members,
        author: None,
    };
    let chosen = site.decide(command).await.state.labels.by_name("chosen").unwrap().id;
    add(&site, None, Spec { labels_include_any: vec![chosen], ..spec("limited") }).await;
    assert!(site.config(&member).await.json().get("packs").is_some());
    assert!(site.config(&other).await.json().get("packs").is_none());
}

#[actix_web::test]
async fn a_dynamic_label_limits_as_soon_as_the_host_answers() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let linux: LabelId = site.app.ledger.fold().state.labels.by_name("All Linux").unwrap().id;
    add(&site, None, Spec { labels_include_any: vec![linux], ..spec("limited") }).await;
    let has = async |site: &Site| site.config(&key).await.json().get("packs").is_some();
    assert!(!has(&site).await);
    site.answer(&key, json!({format!("fleet_label_query_{linux}"): [{"1": "1"}]})).await.done();
    assert!(has(&site).await);
    site.answer(&key, json!({format!("fleet_label_query_{linux}"): []})).await.done();
    assert!(!has(&site).await);
}

#[actix_web::test]
async fn check_15_gzip_only_when_asked_for() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let body = json!({"node_key": key}).to_string();
    let asking = async |accept: &'static str| {
        site.send(Site::request("/api/osquery/config", body.clone()).insert_header(("Accept-Encoding", accept))).await
    };
    let plain = site.config(&key).await;
    assert!(plain.headers.get("content-encoding").is_none());
    for accept in ["identity", "br", "gzip;q=0", "gzipped"] {
        assert_eq!(asking(accept).await.body, plain.body, "{accept}");
    }
    for accept in ["gzip", "deflate, gzip;q=0.5", "GZIP"] {
        let zipped = asking(accept).await;
        assert_eq!(zipped.headers.get("content-encoding").unwrap(), "gzip");
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&zipped.body[..]).read_to_end(&mut text).unwrap();
        assert_eq!(text, plain.body, "{accept}");
    }
}

#[actix_web::test]
async fn check_49_platform_and_version_stand_on_every_query() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    add(&site, None, Spec { platform: "windows".to_owned(), min_osquery_version: "5.0.0".to_owned(), ..spec("w") })
        .await;
    add(&site, None, Spec { logging: Logging::Differential, automations_enabled: true, ..spec("d") }).await;
    let queries = site.config(&key).await.json()["packs"]["Global"]["queries"].clone();
    assert_eq!(
        (&queries["w"]["platform"], &queries["w"]["version"], &queries["w"]["snapshot"]),
        (&json!("windows"), &json!("5.0.0"), &json!(true))
    );
    assert_eq!(
        (&queries["d"]["platform"], &queries["d"]["version"], &queries["d"]["removed"]),
        (&json!(""), &json!(""), &json!(true))
    );
}

#[actix_web::test]
async fn check_50_the_override_of_the_exact_platform_replaces_all() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let options = json!({"config": {"options": {"a": 1}}, "overrides": {"platforms": {"ubuntu": {"options": {"b": 2}}, "linux": {}}}});
    let sections = [("agent_options".to_owned(), Arc::new(options))].into();
    site.decide(settings::Command::Change { sections }).await;
    assert_eq!(site.config(&key).await.json(), json!({"options": {"b": 2}}));
}

#[actix_web::test]
async fn check_12_a_config_that_osqueryd_would_not_take_is_a_failure() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let deep = (0..40).fold(json!(1), |inner, _| json!({ "x": inner }));
    let sections = [("agent_options".to_owned(), Arc::new(json!({ "config": deep })))].into();
    site.decide(settings::Command::Change { sections }).await;
    let reply = site.config(&key).await;
    assert!(reply.error().contains("levels deep"), "{}", reply.text());
    assert!(!reply.is_node_invalid());
}

#[actix_web::test]
async fn what_the_config_says_of_intervals_is_known_of_the_host() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let host = site.host(&key);
    site.config(&key).await;
    let Some(Section::Intervals(intervals)) = site.section(host, "intervals") else { panic!() };
    assert_eq!(
        (intervals.distributed_interval, intervals.config_tls_refresh, intervals.logger_tls_period),
        (10, 0, 10)
    );
    let appends = site.appends();
    for _ in 0..5 {
        site.config(&key).await;
    }
    assert_eq!(site.appends(), appends);
    let _: Value = site.config(&key).await.json();
}
