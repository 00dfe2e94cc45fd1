//! Answers to details.

use std::time::Duration;

use domain::Members;
use domain::records::Section;
use serde_json::{Value, json};

use super::site::{Site, system, ubuntu};

async fn reported() -> (Site, String) {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.report(&key, 100).await;
    site.pass(Duration::from_secs(60));
    (site, key)
}

fn os(site: &Site, key: &str) -> Value {
    site.section(site.host(key), "os").unwrap().to_json()
}

fn network(site: &Site, key: &str) -> Value {
    site.section(site.host(key), "network").unwrap().to_json()
}

#[actix_web::test]
async fn details_become_sections() {
    let (site, key) = reported().await;
    let host = site.host(&key);
    let mut names: Vec<&str> = site.reports().iter().map(|report| report.section.name()).collect();
    names.sort_unstable();
    assert_eq!(names, ["boot", "disks", "hardware", "identity", "intervals", "labels", "network", "os", "os", "users"]);
    assert_eq!(os(&site, &key)["kernel_version"], "6.8.0-31-generic");
    let Some(Section::Hardware(hardware)) = site.section(host, "hardware") else { panic!() };
    assert_eq!((hardware.cpu_logical_cores, hardware.memory), (8, 16_777_216_000));
    assert_eq!(network(&site, &key)["primary_ip"], "10.0.0.7");
    assert_eq!(site.app.registry.identity(host).unwrap().hostname, "name-of-a");
}

#[actix_web::test]
async fn check_25_shapes_of_all_versions_are_taken() {
    let (site, key) = reported().await;
    for queries in [json!([{"version": "6.0.0"}]), json!(""), Value::Null] {
        for status in [json!(0), json!("0"), Value::Null] {
            let mut body = json!({"node_key": key, "queries": {"fleet_detail_query_osquery_info": queries}});
            if !status.is_null() {
                body["statuses"] = json!({"fleet_detail_query_osquery_info": status});
                body["stats"] = json!({"fleet_detail_query_osquery_info": {}});
            }
            site.post("distributed/write", body).await.done();
        }
    }
    assert_eq!(site.app.registry.identity(site.host(&key)).unwrap().osquery_version, "6.0.0");
}

#[actix_web::test]
async fn check_26_one_malformed_entry_loses_no_other() {
    let (site, key) = reported().await;
    let body = json!({
        "node_key": key,
        "queries": {"fleet_detail_query_os_version": {"no": "list"}, "fleet_detail_query_osquery_info": [{"version": "6.1.0"}], "fleet_label_query_x": [], "what": 3},
        "statuses": {"fleet_detail_query_os_version": true, "fleet_detail_query_osquery_info": 0},
        "messages": {"fleet_detail_query_os_version": [1]},
        "stats": {"fleet_detail_query_osquery_info": {"memory": -1, "user_time": 0.5}}
    });
    let before = os(&site, &key);
    site.post("distributed/write", body).await.done();
    assert_eq!(site.app.registry.identity(site.host(&key)).unwrap().osquery_version, "6.1.0");
    assert_eq!(os(&site, &key), before);
}

#[actix_web::test]
async fn check_27_cells_of_other_types_are_kept_as_text() {
    let (site, key) = reported().await;
    let mut row = system("a");
    row["cpu_physical_cores"] = json!(16);
    row["cpu_brand"] = json!(true);
    row["hardware_version"] = Value::Null;
    site.answer(&key, json!({"fleet_detail_query_system_info": [row]})).await.done();
    let Some(Section::Hardware(hardware)) = site.section(site.host(&key), "hardware") else { panic!() };
    assert_eq!(
        (hardware.cpu_physical_cores, hardware.cpu_brand.as_str(), hardware.hardware_version.as_str()),
        (16, "true", "")
    );
}

#[actix_web::test]
async fn check_28_a_failed_query_changes_nothing() {
    let (site, key) = reported().await;
    let before = site.reports().len();
    let names = [
        "os_version",
        "system_info",
        "network_interface_unix",
        "uptime",
        "disk_space_unix",
        "osquery_flags",
        "os_unix_like",
        "users",
    ];
    for rows in [
        json!([]),
        json!([{"name": "x", "hostname": "x", "address": "x", "total_seconds": "1", "uid": "1", "username": "x"}]),
    ] {
        let queries: serde_json::Map<_, _> =
            names.iter().map(|name| (format!("fleet_detail_query_{name}"), rows.clone())).collect();
        let statuses: serde_json::Map<_, _> = queries.keys().map(|name| (name.clone(), json!(1))).collect();
        site.post("distributed/write", json!({"node_key": key, "queries": queries, "statuses": statuses})).await.done();
    }
    assert_eq!(site.reports().len(), before);
}

#[actix_web::test]
async fn check_29_the_same_write_twice_is_one_state_and_one_set_of_events() {
    let (site, key) = reported().await;
    let mut row = ubuntu();
    row["version"] = json!("24.04.1 LTS (Noble Numbat)");
    let before = site.reports().len();
    for _ in 0..2 {
        site.answer(&key, json!({"fleet_detail_query_os_version": [row]})).await.done();
    }
    assert_eq!(site.reports().len(), before + 1);
    assert_eq!(os(&site, &key)["os_version"], "Ubuntu 24.04.1 LTS");
}

#[actix_web::test]
async fn check_42_a_missing_column_leaves_the_others_alone() {
    let (site, key) = reported().await;
    let before = os(&site, &key);
    site.answer(&key, json!({"fleet_detail_query_os_version": [{"name": "Ubuntu"}]})).await.done();
    assert_eq!(os(&site, &key), before);
    assert!(site.names(&key).await.is_empty(), "its platform is known still");
}

#[actix_web::test]
async fn check_46_any_accepted_write_ends_a_refetch_and_a_refused_one_does_not() {
    let (site, key) = reported().await;
    let host = site.host(&key);
    let hosts: Members = [host].into_iter().collect();
    site.app.registry.wish_refetch(&hosts).await.unwrap();
    site.pass(Duration::from_secs(1));
    for refused in [json!({"node_key": key, "queries": []}), json!({"node_key": key, "queries": 3})] {
        site.post("distributed/write", refused).await.error();
        assert!(site.app.registry.refetch_wished(host));
    }
    site.post("distributed/write", json!({"node_key": key})).await.done();
    assert!(!site.app.registry.refetch_wished(host));
    assert!(site.names(&key).await.is_empty());
}

#[actix_web::test]
async fn check_52_the_public_address_is_what_a_trusted_proxy_says() {
    let (site, key) = reported().await;
    let body = json!({"node_key": key, "queries": {"fleet_detail_query_network_interface_unix": []}}).to_string();
    let from = async |peer: &str| {
        let request = Site::request("/api/osquery/distributed/write", body.clone())
            .peer_addr(format!("{peer}:4000").parse().unwrap());
        site.send(request.insert_header(("X-Forwarded-For", "198.51.100.7, 10.0.0.1"))).await.done();
        network(&site, &key)["public_ip"].clone()
    };
    assert_eq!(from("127.0.0.1").await, "198.51.100.7");
    assert_eq!(from("192.0.2.9").await, "192.0.2.9");
    assert_eq!(network(&site, &key)["primary_ip"], "10.0.0.7");
}

#[actix_web::test]
async fn what_is_unknown_is_passed_over() {
    let (site, key) = reported().await;
    let appends = site.appends();
    site.answer(&key, json!({"fleet_detail_query_nonsense": [{"a": "b"}], "nonsense": [], "fleet_policy_query_9": [{"1": "1"}], "fleet_additional_query_x": [], "fleet_distributed_query_77": [{"a": "b"}]})).await.done();
    assert_eq!(site.appends(), appends);
}
