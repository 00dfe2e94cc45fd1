//! What hosts are asked, and when.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{LabelId, Members, campaign, label};
use serde_json::json;

use super::site::{SECRET, Site};

const HOUR: Duration = Duration::from_secs(3_600);

fn kinds(names: &BTreeSet<String>) -> Vec<&str> {
    let kind = |prefix: &'static str| names.iter().any(|name| name.starts_with(prefix)).then_some(prefix);
    ["fleet_detail_query_", "fleet_label_query_", "fleet_no_policies_wildcard", "fleet_distributed_query_"]
        .into_iter()
        .filter_map(kind)
        .collect()
}

const ALL: [&str; 3] = ["fleet_detail_query_", "fleet_label_query_", "fleet_no_policies_wildcard"];

#[actix_web::test]
async fn check_20_an_idle_read_has_empty_objects() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.report(&key, 100).await;
    let reply = site.post("distributed/read", json!({"node_key": key})).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, r#"{"queries":{},"discovery":{}}"#));
}

#[actix_web::test]
async fn check_21_a_nameless_host_is_asked_what_every_system_knows() {
    let site = Site::new().await;
    let reply = site.post("enroll", json!({"enroll_secret": SECRET, "host_identifier": "bare"})).await;
    let key = reply.json()["node_key"].as_str().unwrap().to_owned();
    let read = site.post("distributed/read", json!({"node_key": key})).await.json();
    assert_eq!(read["accelerate"], json!(10));
    let details: Vec<&String> =
        read["queries"].as_object().unwrap().keys().filter(|name| name.starts_with("fleet_detail_")).collect();
    assert_eq!(
        details,
        ["fleet_detail_query_os_version", "fleet_detail_query_osquery_info", "fleet_detail_query_system_info"]
    );
    site.answer(&key, json!({"fleet_detail_query_os_version": [super::site::ubuntu()], "fleet_detail_query_system_info": [super::site::system("a")]})).await.done();
    let read = site.post("distributed/read", json!({"node_key": key})).await.json();
    assert!(read.get("accelerate").is_none());
    assert!(
        read["queries"].get("fleet_detail_query_uptime").is_some(),
        "now it is asked what its platform knows: {read}"
    );
}

#[actix_web::test]
async fn check_22_every_query_has_a_text_and_every_discovery_a_query() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let read = site.post("distributed/read", json!({"node_key": key})).await.json();
    let queries = read["queries"].as_object().unwrap();
    assert_eq!(queries.len(), 10 + 5 + 1, "details, labels of its platform, and the wildcard");
    assert!(queries.values().all(|sql| !sql.as_str().unwrap().is_empty()));
    assert!(read["discovery"].as_object().unwrap().keys().all(|name| queries.contains_key(name)));
    assert!(read.get("accelerate").is_none());
}

#[actix_web::test]
async fn check_23_details_labels_and_policies_rest_for_their_interval() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let first = site.report(&key, 100).await;
    assert_eq!(kinds(&first), ALL);
    assert!(site.names(&key).await.is_empty());
    site.pass(HOUR - Duration::from_secs(1));
    assert!(site.names(&key).await.is_empty());
    site.pass(HOUR + HOUR / 10);
    assert_eq!(site.report(&key, 100).await, first);
    // From now on the host keeps its place: 66 minutes from one to the next.
    site.pass(HOUR);
    assert!(site.names(&key).await.is_empty());
}

#[actix_web::test]
async fn check_23_a_refetch_shows_at_the_next_read() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let first = site.report(&key, 100).await;
    site.pass(Duration::from_secs(60));
    let hosts: Members = [site.host(&key)].into_iter().collect();
    site.app.registry.wish_refetch(&hosts).await.unwrap();
    assert!(site.app.registry.refetch_wished(site.host(&key)));
    site.pass(Duration::from_secs(1));
    assert_eq!(site.report(&key, 100).await, first);
    assert!(!site.app.registry.refetch_wished(site.host(&key)));
    assert!(site.names(&key).await.is_empty());
}

#[actix_web::test]
async fn check_24_where_there_are_no_policies_the_wildcard_is_asked_once() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let asked = site.read(&key).await;
    assert_eq!(asked["fleet_no_policies_wildcard"], "SELECT 1");
    assert!(!asked.keys().any(|name| name.starts_with("fleet_policy_query_")));
    site.answer(&key, json!({"fleet_no_policies_wildcard": [{"1": "1"}]})).await.done();
    site.pass(Duration::from_secs(600));
    assert!(!site.names(&key).await.contains("fleet_no_policies_wildcard"));
    site.pass(3 * HOUR);
    assert!(site.names(&key).await.contains("fleet_no_policies_wildcard"));
}

#[actix_web::test]
async fn what_was_handed_out_and_not_answered_rests_ever_longer() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    for minutes in [5, 10, 20, 40, 60, 60] {
        assert_eq!(kinds(&site.names(&key).await), ALL);
        assert!(site.names(&key).await.is_empty());
        site.pass(Duration::from_secs(minutes * 60 - 1));
        assert!(site.names(&key).await.is_empty(), "{minutes} minutes");
        site.pass(Duration::from_secs(1));
    }
}

#[actix_web::test]
async fn a_host_that_enrols_again_is_asked_again() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.report(&key, 100).await;
    site.pass(Duration::from_secs(30));
    let key = site.enroll("a").await;
    assert_eq!(kinds(&site.names(&key).await), ALL);
}

#[actix_web::test]
async fn a_live_query_goes_alone_and_then_waits_for_nobody() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let targets: Members = [site.host(&key)].into_iter().collect();
    let life = Duration::from_secs(3_600);
    let command = campaign::Command::Start {
        sql: "SELECT 7".to_owned(),
        query: None,
        by: None,
        targets,
        attended: false,
        life,
        most: Default::default(),
    };
    site.decide(command).await;
    let first = site.read(&key).await;
    assert_eq!(first.into_iter().collect::<Vec<_>>(), [("fleet_distributed_query_1".to_owned(), json!("SELECT 7"))]);
    let second = site.names(&key).await;
    assert_eq!(
        kinds(&second),
        [&ALL[..], &["fleet_distributed_query_"]].concat(),
        "an unanswered one holds up nothing"
    );
}

#[actix_web::test]
async fn labels_are_asked_of_hosts_of_their_platform() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let fold = site.app.ledger.fold();
    let asked = site.names(&key).await;
    let is_asked =
        |name: &str| asked.contains(&format!("fleet_label_query_{}", fold.state.labels.by_name(name).unwrap().id));
    assert!(is_asked("Ubuntu Linux") && is_asked("All Linux"));
    assert!(!is_asked("macOS") && !is_asked("MS Windows") && !is_asked("iOS"));
    assert!(!is_asked("All Hosts"), "nobody has to answer that");
}

/// Starts a campaign on one host, with an SQL of about so many bytes.
async fn ask(site: &Site, key: &str, bytes: usize) {
    let targets: Members = [site.host(key)].into_iter().collect();
    let (sql, life) = (format!("SELECT '{}'", "x".repeat(bytes)), HOUR);
    site.decide(campaign::Command::Start {
        sql,
        query: None,
        by: None,
        targets,
        attended: false,
        life,
        most: Default::default(),
    })
    .await;
}

#[actix_web::test]
async fn live_queries_that_do_not_fit_go_with_the_next_read() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.report(&key, 100).await;
    for _ in 0..10 {
        ask(&site, &key, 900_000).await;
    }
    let live = |numbers: std::ops::RangeInclusive<u32>| -> BTreeSet<String> {
        numbers.map(|number| format!("fleet_distributed_query_{number}")).collect()
    };
    assert_eq!(site.names(&key).await, live(1..=8));
    assert!(live(9..=10).is_subset(&site.names(&key).await), "before those that it was offered already");
    for number in 1..=8 {
        site.answer(&key, json!({format!("fleet_distributed_query_{number}"): []})).await.done();
    }
    assert_eq!(site.names(&key).await, live(9..=10));
}

#[actix_web::test]
async fn live_queries_that_are_never_answered_hold_up_no_details() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    for _ in 0..8 {
        ask(&site, &key, 900_000).await;
    }
    site.read(&key).await;
    assert_eq!(kinds(&site.names(&key).await), [&ALL[..], &["fleet_distributed_query_"]].concat());
}

#[actix_web::test]
async fn labels_that_do_not_fit_are_asked_in_portions_and_rest_when_all_are_answered() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.report(&key, 100).await;
    for number in 1..=10 {
        site.decide(label::Command::Create {
            name: format!("large {number}"),
            description: String::new(),
            query: format!("SELECT '{}'", "x".repeat(900_000)),
            platform: String::new(),
            membership: label::Membership::Dynamic,
            members: Members::default(),
            author: None,
        })
        .await;
    }
    site.pass(3 * HOUR);
    let asked = |names: &BTreeSet<String>| -> BTreeSet<u32> {
        names.iter().filter_map(|name| name.strip_prefix("fleet_label_query_")?.parse().ok()).collect()
    };
    let first = asked(&site.report(&key, 100).await);
    let second = asked(&site.report(&key, 100).await);
    let all: BTreeSet<u32> = {
        let fold = site.app.ledger.fold();
        let large = fold.state.labels.iter().filter(|label| label.name.starts_with("large"));
        large.map(|label| label.id.0).collect()
    };
    assert!(first.is_disjoint(&second), "{first:?} {second:?}");
    assert!(all.is_subset(&first.union(&second).copied().collect()), "{first:?} {second:?}");
    assert!(site.names(&key).await.is_empty(), "all are answered");
    let answered = site.section(site.host(&key), "labels").unwrap().to_json();
    let answered: BTreeSet<LabelId> = serde_json::from_value(answered["answered"].clone()).unwrap();
    assert!(all.iter().all(|id| answered.contains(&LabelId(*id))));
    site.pass(3 * HOUR);
    assert_eq!(asked(&site.names(&key).await), first, "from the beginning");
}
