//! What was true then: `as_of`, and the history of a host.

use std::collections::BTreeMap;
use std::time::Duration;

use infra_testkit::TestHost;
use serde_json::{Value, json};

use crate::house::{Clockwork, House};

const HOUR: Duration = Duration::from_secs(3_600);
/// Where a machine's addresses stand in what it is asked.
const PRIMARY: &str = "fleet_detail_query_network_interface_unix";
const ADDRESSES: &str = "fleet_detail_query_network_addresses_unix";

/// The server's present, as a parameter.
fn now(house: &House) -> String {
    house.parts.world.now().to_rfc3339().replace('+', "%2B")
}

/// A read as of a time.
async fn at(house: &House, path: &str, time: &str) -> Value {
    let sign = if path.contains('?') { '&' } else { '?' };
    let answer = house.admin().get(&format!("{path}{sign}as_of={time}")).await.ok();
    assert!(answer["complete_to"].is_string(), "{path}: {answer}");
    answer
}

/// Asks the host about itself, as an admin does who wants to see a change.
async fn refetch(house: &House, host: &TestHost, id: u64) -> BTreeMap<String, String> {
    house.admin().post(&format!("hosts/{id}/refetch"), json!({})).await.ok();
    host.asked().await
}

/// The periods of a section of a host, newest first.
async fn history(house: &House, id: u64, section: &str) -> Vec<Value> {
    let path = format!("/api/muster/v1/hosts/{id}/history?section={section}");
    house.admin().get(&path).await.ok()["history"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_past_is_answered_as_it_was_known() {
    let clockwork = Clockwork::open("past", &[]);
    let (house, admin) = (&clockwork.house, clockwork.house.admin());
    let host = house.host("past").await;
    let id = house.id(&host).await;
    let (team, _) = house.team("later").await;
    let first = now(house);
    clockwork.pass(HOUR).await;
    refetch(house, &host, id).await;
    let mut row = host.details()["system_info"].clone();
    row["hostname"] = "renamed.example".into();
    row["computer_name"] = "renamed.example".into();
    host.answer("fleet_detail_query_system_info", json!([row])).await.done();
    admin.post("hosts/transfer", json!({"team_id": team, "hosts": [id]})).await.ok();
    let second = now(house);
    clockwork.pass(HOUR).await;
    let another = house.host("another").await;
    let members = json!({"name": "later", "hosts": ["renamed.example", another.hostname]});
    let label = admin.post("labels", members).await.ok()["label"]["id"].clone();
    clockwork.pass(HOUR).await;

    let one = format!("hosts/{id}");
    let name = |answer: &Value| answer["host"]["hostname"].clone();
    assert_eq!(name(&at(house, &one, &first).await), json!(host.hostname));
    assert_eq!(name(&at(house, &one, &second).await), "renamed.example");
    assert_eq!(name(&admin.get(&one).await.ok()), "renamed.example");
    assert_eq!(at(house, &one, &first).await["host"]["team_id"], Value::Null);
    assert_eq!(at(house, &one, &second).await["host"]["team_id"], team);
    assert_eq!(at(house, "hosts/count", &second).await["count"], 1);
    assert_eq!(admin.get("hosts/count").await.ok()["count"], 2);
    assert_eq!(at(house, "hosts", &second).await["hosts"].as_array().unwrap().len(), 1);
    let members = format!("labels/{label}/hosts");
    assert_eq!(at(house, &members, &second).await["hosts"], json!([]), "the label came later");
    assert_eq!(at(house, &members, &now(house)).await["hosts"].as_array().unwrap().len(), 2);
    for wrong in ["yesterday", "2026-01-01T00:00:00", "2999-01-01T00:00:00Z"] {
        assert_eq!(admin.get(&format!("hosts?as_of={wrong}")).await.status, 400, "{wrong}");
    }

    let periods = history(house, id, "identity").await;
    let names: Vec<&Value> = periods.iter().map(|one| &one["data"]["hostname"]).collect();
    assert_eq!(names, [&json!("renamed.example"), &json!(host.hostname)], "{periods:?}");
    assert_eq!(periods[0]["until"], Value::Null);
    assert_eq!(periods[0]["since"], periods[1]["until"]);
}

#[tokio::test]
async fn an_address_that_was_added_is_there_from_its_time_on() {
    let clockwork = Clockwork::open("past-address", &[]);
    let house = &clockwork.house;
    let host = house.host("addresses").await;
    let id = house.id(&host).await;
    let mac = "aa:bb:cc:00:11:22";
    let address = |interface: &str, address: &str| json!({"interface": interface, "address": address, "mac": mac});
    let (old, new) = (address("eth0", "10.0.0.7"), address("eth0", "192.0.2.77"));
    let report = async |primary: &str, all: Value| {
        clockwork.clock.advance(Duration::from_secs(1));
        let asked = refetch(house, &host, id).await;
        assert!(
            asked.contains_key(PRIMARY) && asked.contains_key(ADDRESSES),
            "hosts are asked about their network: {asked:?}"
        );
        let rows = json!({PRIMARY: [{"address": primary, "mac": mac}], ADDRESSES: all});
        host.write(json!({"queries": rows, "statuses": {PRIMARY: 0, ADDRESSES: 0}})).await.done();
    };
    report("10.0.0.7", json!([old])).await;
    let before = now(house);
    clockwork.pass(HOUR).await;
    report("10.0.0.7", json!([old, new])).await;
    let added = house.parts.world.now();
    clockwork.pass(HOUR).await;
    report("192.0.2.77", json!([new])).await;
    let moved = now(house);
    clockwork.pass(HOUR).await;

    let one = format!("hosts/{id}");
    assert_eq!(at(house, &one, &before).await["host"]["primary_ip"], "10.0.0.7");
    assert_eq!(at(house, &one, &moved).await["host"]["primary_ip"], "192.0.2.77");
    let periods = history(house, id, "network").await;
    let told: Vec<Value> = periods
        .iter()
        .map(|one| one["data"]["addresses"].as_array().unwrap().iter().map(|one| one["address"].clone()).collect())
        .collect();
    assert_eq!(told[..3], [json!(["192.0.2.77"]), json!(["10.0.0.7", "192.0.2.77"]), json!(["10.0.0.7"])]);
    assert_eq!(periods[1]["since"], added.to_rfc3339(), "with the time of the change");
    assert_eq!(periods[2]["until"], periods[1]["since"]);
}
