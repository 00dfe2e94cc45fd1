//! What costs nothing, counted.

use std::time::Duration;

use domain::Digest;
use serde_json::{Value, json};

use super::site::{Site, ubuntu_rows};

#[actix_web::test]
async fn an_idle_host_makes_no_appends() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.report(&key, 100).await;
    let etag = Digest::of(site.config(&key).await.body).to_string();
    let appends = site.appends();
    for _ in 0..300 {
        site.pass(Duration::from_secs(10));
        assert!(site.names(&key).await.is_empty());
        assert_eq!(site.post("config", json!({"node_key": key, "etag": etag})).await.text(), r#"{"etag":"ok"}"#);
        site.post("log", json!({"node_key": key, "log_type": "result", "data": []})).await.done();
        site.post("log", json!({"node_key": key, "log_type": "status", "data": []})).await.done();
    }
    assert_eq!(site.appends(), appends);
}

/// A running host for a day: a file of 200 MB comes and goes, the clock jitters, answers come late.
#[actix_web::test]
async fn a_stable_host_reports_24_times_and_writes_once() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let booted = site.now().secs() - 7_200;
    site.report(&key, 7_200).await;
    let sections = site.reports().len();
    let members = [site.host(&key)].into_iter().collect();
    for hour in 1..=24_i64 {
        site.pass(Duration::from_secs(3_600));
        site.app.registry.wish_refetch(&members).await.unwrap();
        site.pass(Duration::from_secs(1));
        let asked = site.names(&key).await;
        assert!(asked.len() > 10);
        // It answers up to two minutes late, and what it says of itself jitters by seconds.
        let uptime = site.now().secs() - booted + hour % 3 - 1;
        site.pass(Duration::from_secs(u64::try_from(hour * 7 % 120).unwrap()));
        let mut rows: serde_json::Map<String, Value> =
            asked.iter().map(|name| (name.clone(), ubuntu_rows(name, uptime.unsigned_abs()))).collect();
        let free = 200.25 - if hour % 2 == 0 { 0.2 } else { 0.0 };
        rows["fleet_detail_query_disk_space_unix"] = json!([{"percent_disk_space_available": (free / 4.94).to_string(), "gigs_disk_space_available": free.to_string(), "gigs_total_disk_space": "494.0"}]);
        site.answer(&key, rows.into()).await.done();
    }
    let written: Vec<&str> = site.reports()[..].iter().skip(sections).map(|report| report.section.name()).collect();
    assert!(
        written.iter().all(|name| *name == "disks") && written.len() <= 1,
        "free space once a day at most: {written:?}"
    );
}

#[actix_web::test]
async fn what_really_changed_is_written_and_nothing_else() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.report(&key, 100).await;
    let before = site.reports().len();
    let asked = |change: (&str, Value)| {
        let names = [
            "os_version",
            "osquery_info",
            "system_info",
            "osquery_flags",
            "uptime",
            "network_interface_unix",
            "network_addresses_unix",
            "disk_space_unix",
            "os_unix_like",
            "users",
        ];
        let rows: serde_json::Map<String, Value> = names
            .iter()
            .map(|name| {
                (
                    format!("fleet_detail_query_{name}"),
                    if *name == change.0 { change.1.clone() } else { ubuntu_rows(name, 100) },
                )
            })
            .collect();
        Value::from(rows)
    };
    for (change, section) in [
        (("users", json!([{"uid": "0", "username": "root", "shell": "/bin/bash"}])), "users"),
        (("osquery_info", json!([{"version": "5.17.0"}])), "identity"),
        (
            (
                "network_addresses_unix",
                json!([{"interface": "eth0", "address": "10.0.0.8", "mac": "aa:bb:cc:00:11:22"}]),
            ),
            "network",
        ),
        (
            (
                "disk_space_unix",
                json!([{"percent_disk_space_available": "30", "gigs_disk_space_available": "150", "gigs_total_disk_space": "494.0"}]),
            ),
            "disks",
        ),
    ] {
        let count = site.reports().len();
        site.answer(&key, asked(change)).await.done();
        let new: Vec<_> = site.reports().into_iter().map(|report| report.section.name()).collect();
        assert_eq!(new.len(), count + 1, "{section}");
        // And back.
        site.answer(&key, asked(("", json!([])))).await.done();
        assert_eq!(site.reports().len(), count + 2, "{section}");
        site.pass(Duration::from_secs(1));
    }
    assert_eq!(site.reports().len(), before + 8);
}

#[actix_web::test]
async fn every_section_is_written_again_within_thirty_days() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let report = async || {
        let os = json!({"fleet_detail_query_os_version": [super::site::ubuntu()]});
        site.answer(&key, os).await.done();
        site.reports().iter().filter(|report| report.section.name() == "os").count()
    };
    assert_eq!(report().await, 1);
    site.pass(Duration::from_secs(26 * 86_400));
    assert_eq!(report().await, 1);
    site.pass(Duration::from_secs(4 * 86_400));
    assert_eq!(report().await, 2);
    assert_eq!(report().await, 2);
}
