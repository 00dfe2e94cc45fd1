use std::time::Duration;

use domain::label::Membership;
use domain::{HostId, LabelId, label};
use serde_json::json;

use super::site::Site;

fn id(site: &Site, name: &str) -> LabelId {
    site.app.ledger.fold().state.labels.by_name(name).unwrap().id
}

fn members(site: &Site, label: LabelId) -> Vec<HostId> {
    site.app.registry.label_members(label).iter().collect()
}

async fn answer(site: &Site, key: &str, label: LabelId, rows: serde_json::Value, status: i64) {
    let name = format!("fleet_label_query_{label}");
    site.post(
        "distributed/write",
        json!({"node_key": key, "queries": {name.clone(): rows}, "statuses": {name: status}}),
    )
    .await
    .done();
}

#[actix_web::test]
async fn check_28_a_row_makes_a_member_and_none_ends_it() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let linux = id(&site, "All Linux");
    for (rows, status, expected) in [
        (json!([{"1": "1"}]), 0, 1),
        (json!([]), 0, 0),
        (json!([{"1": "1"}, {"1": "1"}]), 0, 1),
        (json!([{"1": "1"}]), 1, 0),
    ] {
        answer(&site, &key, linux, rows.clone(), status).await;
        assert_eq!(members(&site, linux).len(), expected, "{rows} with status {status}");
        site.pass(Duration::from_secs(1));
    }
}

#[actix_web::test]
async fn check_43_what_the_host_was_not_asked_changes_nothing() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let command = label::Command::Create {
        name: "by hand".to_owned(),
        description: String::new(),
        query: String::new(),
        platform: String::new(),
        membership: Membership::Manual,
        members: Default::default(),
        author: None,
    };
    site.decide(command).await;
    let appends = site.appends();
    for label in [id(&site, "macOS"), id(&site, "by hand"), LabelId(999)] {
        answer(&site, &key, label, json!([{"1": "1"}]), 0).await;
        assert!(members(&site, label).is_empty(), "{label}");
    }
    assert_eq!(site.appends(), appends);
}

#[actix_web::test]
async fn check_44_all_hosts_never_leaves() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let all = id(&site, "All Hosts");
    for (rows, status) in [(json!([]), 0), (json!([]), 1)] {
        answer(&site, &key, all, rows, status).await;
        assert_eq!(members(&site, all), [site.host(&key)]);
    }
}

#[actix_web::test]
async fn deleted_hosts_and_labels_leave_no_members() {
    let site = Site::new().await;
    let (a, b) = (site.enroll("a").await, site.enroll("b").await);
    let linux = id(&site, "All Linux");
    for key in [&a, &b] {
        answer(&site, key, linux, json!([{"1": "1"}]), 0).await;
    }
    let (first, second) = (site.host(&a), site.host(&b));
    site.decide(domain::host::Command::Delete { hosts: [first].into_iter().collect() }).await;
    assert_eq!(members(&site, linux), [second]);
    assert!(members(&site, LabelId(999)).is_empty());
}
