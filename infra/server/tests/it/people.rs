//! What a host was at another time, and what became of it since.

use infra_testkit::TestHost;
use infra_testkit::wait::until;
use serde_json::{Value, json};

use crate::house::{House, SOON};

const USERS: &str = "fleet_detail_query_users";
const ADDRESSES: &str = "fleet_detail_query_network_addresses_unix";

fn user(name: &str, uid: u32) -> Value {
    json!({"uid": uid.to_string(), "username": name, "type": "", "groupname": name, "shell": "/bin/bash"})
}

fn address(address: &str) -> Value {
    json!({"interface": "eth0", "address": address, "mac": "02:00:00:00:00:01"})
}

/// What the API shows of a host's users and addresses.
async fn shown(house: &House, host: &TestHost, more: &str) -> (Vec<String>, Vec<String>) {
    let found = house.admin().get(&format!("hosts/identifier/{}{more}", host.hostname)).await.ok();
    let list = |members: &str, name: &str| {
        let items = found["host"][members].as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().map(|item| item[name].as_str().unwrap().to_owned()).collect()
    };
    (list("users", "username"), list("addresses", "address"))
}

async fn shows(house: &House, host: &TestHost, users: &[&str], addresses: &[&str]) {
    let told = async || {
        let (have, reached) = shown(house, host, "").await;
        (have == users && reached == addresses).then_some(())
    };
    until("the views have what the host said", SOON, told).await;
}

#[tokio::test]
async fn a_user_and_an_address_come_and_go_and_the_past_stays() {
    let house = House::open("past", &[]);
    let host = house.host("past").await;
    assert_eq!(shown(&house, &host, "").await, (vec![], vec![]));

    host.answer(USERS, json!([user("root", 0)])).await.done();
    host.answer(ADDRESSES, json!([address("10.0.0.7")])).await.done();
    shows(&house, &host, &["root"], &["10.0.0.7"]).await;
    let then = house.parts.world.now().to_rfc3339();
    host.answer(USERS, json!([user("root", 0), user("bob", 1001)])).await.done();
    host.answer(ADDRESSES, json!([address("10.0.0.7"), address("10.0.0.9")])).await.done();
    shows(&house, &host, &["bob", "root"], &["10.0.0.7", "10.0.0.9"]).await;

    let past = format!("?as_of={then}");
    assert_eq!(shown(&house, &host, &past).await, (vec!["root".to_owned()], vec!["10.0.0.7".to_owned()]));

    // The whole shape, on the host's page and in a list that asks for users.
    let id = house.id(&host).await;
    let found = house.admin().get(&format!("hosts/{id}")).await.ok();
    let bob = json!({"uid": 1001, "username": "bob", "type": "", "groupname": "bob", "shell": "/bin/bash"});
    assert_eq!((&found["host"]["users"][0], found["host"].get("users_left_out")), (&bob, None));
    assert_eq!(found["host"]["addresses"][1], address("10.0.0.9"));
    let list = house.admin().get(&format!("hosts?query={}&populate_users=true", host.hostname)).await.ok();
    assert_eq!(list["hosts"][0]["users"], found["host"]["users"]);
    let list = house.admin().get(&format!("hosts?query={}", host.hostname)).await.ok();
    assert_eq!(list["hosts"][0].get("users"), None);

    let history = async |section: &str| {
        let told = house.admin().get(&format!("/api/muster/v1/hosts/{id}/history?section={section}")).await.ok();
        told["history"].as_array().unwrap().clone()
    };
    let users = history("users").await;
    let names = |period: &Value| period["data"]["users"].as_array().unwrap().len();
    assert_eq!(users.iter().map(names).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((&users[0]["until"], &users[1]["until"]), (&Value::Null, &users[0]["since"]));
    assert!(users[1]["since"].as_str().unwrap() < &*then && &*then < users[0]["since"].as_str().unwrap());

    // Very many, and the one of them.
    let many: Vec<Value> = (0..5_000).map(|number| user(&format!("user-{number}"), number)).collect();
    host.answer(USERS, many.into()).await.done();
    let all = async || (shown(&house, &host, "").await.0.len() == 5_000).then_some(());
    until("the views have five thousand users", SOON, all).await;
    let parts = history("users").await;
    assert!(parts.iter().all(|period| period["section"] == "users"));
    assert_eq!(parts.iter().filter(|period| period["data"]["part"].is_u64()).count(), 16);
    assert_eq!(shown(&house, &host, &past).await.0, ["root"]);
    host.answer(USERS, json!([user("root", 0)])).await.done();
    shows(&house, &host, &["root"], &["10.0.0.7", "10.0.0.9"]).await;
    house.close();
}
