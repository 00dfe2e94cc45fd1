//! What hosts said, as admins see it: the checks of the osquery remote API that need the whole.

use std::sync::OnceLock;
use std::time::Duration;

use infra_testkit::TestHost;
use serde_json::{Value, json};

use crate::house::{Clockwork, House};

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    House::shared(&HOUSE, "views", &[])
}

/// The host as the API shows it.
async fn shown(house: &House, id: u64) -> Value {
    house.admin().get(&format!("hosts/{id}")).await.ok()["host"].take()
}

/// A snapshot line of a saved query.
fn snapshot(name: &str, unix_time: i64, rows: Value) -> Value {
    json!({"name": format!("pack/Global/{name}"), "hostIdentifier": "x", "unixTime": unix_time, "snapshot": rows, "action": "snapshot"})
}

/// A saved query that hosts log snapshots of: its id and its name.
async fn scheduled(house: &House) -> (u64, String) {
    let name = house.name("scheduled");
    let body = json!({"name": name, "query": "SELECT 1", "interval": 60, "logging": "snapshot"});
    (house.admin().post("queries", body).await.ok()["query"]["id"].as_u64().unwrap(), name)
}

async fn report(house: &House, host: u64, query: u64) -> Value {
    house.admin().get(&format!("hosts/{host}/queries/{query}")).await.ok()
}

#[tokio::test]
async fn osquery_checks_02_and_39_one_identifier_is_one_host() {
    let house = house();
    let mut first = house.host("Case").await;
    let (id, old) = (house.id(&first).await, first.key().to_owned());
    first.identifier = first.identifier.to_uppercase();
    first.enrol(&house.secret).await.done();
    assert_ne!(first.key(), old);
    let mut stale = TestHost::new(&house.door, "stale");
    stale.take_key(&old);
    assert!(stale.config(None).await.node_invalid());
    assert!(first.config(None).await.acknowledged());
    assert_eq!(house.id(&first).await, id);
}

#[tokio::test]
async fn osquery_check_05_an_enrolment_alone_tells_who_the_host_is() {
    let house = house();
    let host = TestHost::enrolled(&house.door, &house.name("fresh"), &house.secret).await;
    let shown = shown(house, house.id(&host).await).await;
    let texts = |names: [&str; 6]| names.map(|name| shown[name].as_str().unwrap());
    assert_eq!(
        texts(["hostname", "uuid", "hardware_serial", "platform", "os_version", "osquery_version"]),
        [&*host.hostname, &*host.uuid(), &*host.serial(), "ubuntu", "Ubuntu 22.04.4 LTS", "5.16.0"]
    );
}

#[tokio::test]
async fn osquery_check_06_another_teams_secret_moves_the_host() {
    let house = house();
    let (one, to_one) = house.team("one").await;
    let (two, to_two) = house.team("two").await;
    let mut host = house.host_with("moves", &to_one).await;
    let id = house.id(&host).await;
    assert_eq!(shown(house, id).await["team_id"], one);
    host.enrol(&to_two).await.done();
    assert_eq!(shown(house, id).await["team_id"], two);
}

#[tokio::test]
async fn osquery_checks_19_and_41_the_newest_snapshot_is_the_report() {
    let clockwork = Clockwork::open("snapshots", &[]);
    let house = &clockwork.house;
    let host = house.host("snapshots").await;
    let ((query, name), id) = (scheduled(house).await, house.id(&host).await);
    // Seconds before the server's present; negative ones are ahead of it.
    let line = |ago: i64, rows: Value| snapshot(&name, house.parts.world.now().secs() - ago, rows);
    let rows = async || report(house, id, query).await["results"].clone();
    let columns = |value: &str| json!([{"columns": {"v": value}}]);
    let minute = Duration::from_secs(60);

    host.log("result", &[line(9, json!([{"v": "one"}, {"v": "two"}]))]).await.done();
    assert_eq!(rows().await, json!([{"columns": {"v": "one"}}, {"columns": {"v": "two"}}]));
    clockwork.pass(minute).await;
    let both = [line(7, json!([{"v": "newest"}])), line(8, json!([{"v": "older"}]))];
    host.log("result", &both).await.done();
    assert_eq!(rows().await, columns("newest"), "the newest of one post wins");
    host.log("result", &[line(20, json!([{"v": "late"}]))]).await.done();
    assert_eq!(rows().await, columns("newest"), "a late post replaces nothing");
    let fetched = report(house, id, query).await["last_fetched"].clone();
    clockwork.pass(minute).await;
    host.log("result", &[line(5, json!([]))]).await.done();
    let after = report(house, id, query).await;
    assert_eq!(after["results"], json!([]), "an empty snapshot clears them");
    assert!(after["last_fetched"].as_str() > fetched.as_str(), "and is a fetch: {fetched} {after}");

    // A clock that ran ahead freezes nothing: what comes later is newer.
    host.log("result", &[line(-1_000_000, json!([{"v": "ahead"}]))]).await.done();
    assert_eq!(rows().await, columns("ahead"));
    clockwork.pass(minute).await;
    host.log("result", &[line(1, json!([{"v": "set right"}]))]).await.done();
    assert_eq!(rows().await, columns("set right"));
}

#[tokio::test]
async fn osquery_checks_28_and_42_a_failed_or_partial_answer_takes_nothing_away() {
    let house = house();
    let host = house.host("partial").await;
    let id = house.id(&host).await;
    let before = shown(house, id).await;
    house.admin().post(&format!("hosts/{id}/refetch"), json!({})).await.ok();
    host.asked().await;
    host.fail("fleet_detail_query_system_info", "no such table").await.done();
    host.answer("fleet_detail_query_os_version", json!([{"name": "Ubuntu"}])).await.done();
    let after = shown(house, id).await;
    for column in ["hostname", "uuid", "platform", "os_version", "hardware_serial", "osquery_version"] {
        assert_eq!(after[column], before[column], "{column}");
    }
}

#[tokio::test]
async fn osquery_checks_43_and_44_labels_follow_the_answers_that_were_asked_for() {
    let house = house();
    let host = house.host("labels").await;
    let id = house.id(&host).await;
    let (ubuntu, macos) = (house.label_named("Ubuntu Linux").await, house.label_named("macOS").await);
    let everyone = house.label_named("All Hosts").await;
    house.admin().post(&format!("hosts/{id}/refetch"), json!({})).await.ok();
    let asked = host.asked().await;
    let name = |label: u64| format!("fleet_label_query_{label}");
    assert!(asked.contains_key(&name(ubuntu)));
    let rows = json!([{"1": "1"}]);
    let write = json!({"queries": {name(ubuntu): rows, name(everyone): [], name(99_999): rows}, "statuses": {}});
    host.write(write).await.done();
    let labels = async || {
        let shown = shown(house, id).await;
        let labels = shown["labels"].as_array().unwrap().iter();
        labels.map(|label| label["id"].as_u64().unwrap()).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(labels().await, [ubuntu, everyone].into(), "All Hosts does not depend on the answer");
    let listed = house.admin().get(&format!("labels/{ubuntu}/hosts")).await.ok();
    assert!(listed["hosts"].as_array().unwrap().iter().any(|host| host["id"] == id));
    assert!(!asked.contains_key(&name(macos)), "a label of another platform is not asked");
    host.answer(&name(macos), rows).await.done();
    assert!(!labels().await.contains(&macos), "it was not asked");
    house.admin().post(&format!("hosts/{id}/refetch"), json!({})).await.ok();
    host.asked().await;
    host.answer(&name(ubuntu), json!([])).await.done();
    assert_eq!(labels().await, [everyone].into(), "no rows is no member");
}

#[tokio::test]
async fn osquery_check_33_a_call_is_being_seen_and_silence_is_being_offline() {
    let clockwork = Clockwork::open("seen", &[]);
    let house = &clockwork.house;
    let host = house.host("seen").await;
    host.config(None).await.done();
    let id = house.id(&host).await;
    let status = async || shown(house, id).await["status"].clone();
    clockwork.tell_presence().await;
    assert_eq!(status().await, "online");
    clockwork.pass(Duration::from_secs(200)).await;
    assert_eq!(status().await, "offline");
    for call in ["config", "distributed/read", "distributed/write", "log"] {
        let before = shown(house, id).await["seen_time"].clone();
        clockwork.pass(Duration::from_secs(200)).await;
        host.post(call, &json!({"node_key": host.key(), "log_type": "status"})).await.done();
        clockwork.tell_presence().await;
        let after = shown(house, id).await;
        assert_eq!(after["status"], "online", "{call}");
        assert!(after["seen_time"].as_str() > before.as_str(), "{call}: {before} {}", after["seen_time"]);
    }
}

#[tokio::test]
async fn osquery_check_52_the_address_that_the_server_saw_is_the_public_one() {
    let house = house();
    let host = house.host("address").await;
    let id = house.id(&host).await;
    house.admin().post(&format!("hosts/{id}/refetch"), json!({})).await.ok();
    let asked = host.asked().await;
    let network =
        asked.keys().find(|name| name.contains("network_interface")).expect("hosts are asked about the network");
    let body =
        json!({"node_key": host.key(), "queries": {network: [{"address": "10.0.0.5", "mac": "aa:bb:cc:dd:ee:ff"}]}});
    let forged = [("X-Forwarded-For", "203.0.113.9, 10.0.0.1")];
    host.post_bytes("distributed/write", body.to_string().into_bytes(), &forged).await.done();
    let shown = shown(house, id).await;
    assert_eq!(
        (&shown["primary_ip"], &shown["public_ip"]),
        (&json!("10.0.0.5"), &json!("127.0.0.1")),
        "nobody is trusted"
    );
}
