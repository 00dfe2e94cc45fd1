//! Who may see the past: a fact of a host is for those who may see its team now, and could have then.

use std::time::Duration;

use domain::records::{Line, LineKind};
use domain::{HostId, QueryId};
use infra_log::{Draft, Log as _, Topic};
use infra_testkit::{Stream, TestAdmin};
use serde_json::{Value, json};

use crate::house::{Clockwork, House, SOON};

const HOUR: Duration = Duration::from_secs(3_600);

/// What somebody sees of one host and a label that it is in, as of a time or now.
async fn seen(reader: &TestAdmin, host: u64, name: &str, label: u64, time: Option<&str>) -> Value {
    let get = async |path: &str| match time {
        None => reader.get(path).await,
        Some(time) => reader.get(&format!("{path}?as_of={time}")).await,
    };
    let ids = |list: &Value| list.as_array().unwrap().iter().map(|host| host["id"].clone()).collect::<Value>();
    let labels = get("labels").await.ok();
    let listed = labels["labels"].as_array().unwrap().iter().find(|one| one["id"] == label).cloned();
    let one = get(&format!("labels/{label}")).await.ok();
    json!({
        "list": ids(&get("hosts").await.ok()["hosts"]),
        "count": get("hosts/count").await.ok()["count"],
        "one": get(&format!("hosts/{host}")).await.status,
        "called": get(&format!("hosts/identifier/{name}")).await.status,
        "members": ids(&get(&format!("labels/{label}/hosts")).await.ok()["hosts"]),
        "counted": listed.map(|label| label["count"].clone()),
        "of_label": one["label"]["count"],
    })
}

fn all(host: u64) -> Value {
    json!({"list": [host], "count": 1, "one": 200, "called": 200, "members": [host], "counted": 1, "of_label": 1})
}

fn nothing() -> Value {
    json!({"list": [], "count": 0, "one": 404, "called": 404, "members": [], "counted": 0, "of_label": 0})
}

#[tokio::test]
async fn a_past_fact_is_for_those_who_may_see_the_team_now_and_could_then() {
    let clockwork = Clockwork::open("past-rights", &[]);
    let house = &clockwork.house;
    let (left, secret) = house.team("left").await;
    let (joined, _) = house.team("joined").await;
    let host = house.host_with("moves", &secret).await;
    let id = house.id(&host).await;
    let (label, _) = house.label(&[&host]).await;
    let both = json!([{"id": left, "role": "observer"}, {"id": joined, "role": "observer"}]);
    let everywhere = house.admin();
    let (of_left, of_joined) = (house.member(left, "observer").await, house.member(joined, "observer").await);
    let made = json!({"name": "both", "email": "both@example.org", "password": "correct-horse-7-battery", "teams": both,
        "api_only": true, "admin_forced_password_reset": false});
    let made = house.admin().post("users/admin", made).await.ok();
    let of_both = TestAdmin::with_token(&house.door, made["token"].as_str().unwrap());
    let now = || house.parts.world.now().to_rfc3339();

    let reported = |name: &str| {
        let mut row = host.details()["system_info"].clone();
        row["computer_name"] = name.into();
        json!([row])
    };
    clockwork.pass(HOUR).await;
    everywhere.post(&format!("hosts/{id}/refetch"), json!({})).await.ok();
    host.asked().await;
    host.answer("fleet_detail_query_system_info", reported("in-left")).await.done();
    let before = now();
    clockwork.pass(HOUR).await;
    let moved = house.parts.world.now();
    house.admin().post("hosts/transfer", json!({"team_id": joined, "hosts": [id]})).await.ok();
    clockwork.pass(HOUR).await;
    everywhere.post(&format!("hosts/{id}/refetch"), json!({})).await.ok();
    host.asked().await;
    host.answer("fleet_detail_query_system_info", reported("in-joined")).await.done();
    let after = now();
    clockwork.pass(HOUR).await;

    let name = &host.hostname;
    for (who, reader, expected) in [
        ("global", &everywhere, [all(id), all(id), all(id)]),
        ("left", &of_left, [nothing(), nothing(), nothing()]),
        ("joined", &of_joined, [nothing(), all(id), all(id)]),
        ("both", &of_both, [all(id), all(id), all(id)]),
    ] {
        for (time, expected) in [Some(&*before), Some(&*after), None].into_iter().zip(expected) {
            assert_eq!(seen(reader, id, name, label, time).await, expected, "{who} at {time:?}");
        }
    }

    let path = format!("/api/muster/v1/hosts/{id}/history?section=identity");
    let history = async |reader: &TestAdmin| {
        let periods = reader.get(&path).await.ok()["history"].as_array().unwrap().clone();
        let told = |one: &Value| one["data"]["computer_name"].as_str().unwrap().to_owned();
        periods.iter().map(|one| (told(one), one["since"].clone())).collect::<Vec<_>>()
    };
    let names = |told: Vec<(String, Value)>| told.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(history(&everywhere).await), ["in-joined", "in-left", name]);
    assert_eq!(names(history(&of_both).await), ["in-joined", "in-left", name]);
    let of_joined = history(&of_joined).await;
    assert_eq!(of_joined[1], ("in-left".to_owned(), json!(moved.to_rfc3339())), "what held when it came, from then on");
    assert_eq!(names(of_joined), ["in-joined", "in-left"]);
    assert_eq!(of_left.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_campaign_is_for_those_who_could_see_its_hosts_when_it_began() {
    let house = House::open("past-campaigns", &[]);
    let (left, secret) = house.team("left").await;
    let (joined, _) = house.team("joined").await;
    let host = house.host_with("moves", &secret).await;
    let id = house.id(&host).await;
    let before = house.own_campaign(&[&host]).await;
    house.admin().post("hosts/transfer", json!({"team_id": joined, "hosts": [id]})).await.ok();
    let after = house.own_campaign(&[&host]).await;
    for (who, reader, expected) in [
        ("global", house.user("observer").await, vec![after, before]),
        ("left", house.member(left, "observer").await, vec![]),
        ("joined", house.member(joined, "observer").await, vec![after]),
    ] {
        let listed = reader.get("/api/muster/v1/campaigns").await.ok();
        let ids: Vec<u64> =
            listed["campaigns"].as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect();
        assert_eq!((&ids, &listed["count"]), (&expected, &json!(expected.len())), "{who}");
        for campaign in [before, after] {
            let status = if expected.contains(&campaign) { 200 } else { 404 };
            for read in ["", "/answers", "/errors"] {
                let answer = reader.get(&format!("/api/muster/v1/campaigns/{campaign}{read}")).await;
                assert_eq!(answer.status, status, "{who}: {campaign}{read}");
            }
            let mut stream = Stream::follow(&reader, campaign, None).await.unwrap();
            let kind = if status == 200 { "campaign" } else { "error" };
            assert!(stream.next(SOON).await.of(kind).is_some(), "{who}: {campaign}");
        }
    }
}

/// The host's log post of a scheduled query arrives now.
async fn result(house: &House, host: u64, query: u64, said: &str) {
    let recorded = house.parts.world.now();
    let taken = recorded.secs();
    let line = json!({"name": "pack/Global/x", "action": "snapshot", "snapshot": [{"said": said}], "unixTime": taken});
    let value = line.to_string().into_bytes();
    let (host, query) = (HostId(host as u32), Some(QueryId(query as u32)));
    let line = Line { kind: LineKind::Result, host, id: Line::id_of(host, &value, 0), recorded, query, value };
    let line = line.encode();
    let draft = Draft { key: None, headers: line.headers, value: line.value.into() };
    house.parts.log.append(Topic::Results.partition_of(u64::from(host.0)), vec![draft]).await.unwrap();
}

#[tokio::test]
async fn a_result_is_for_those_who_could_see_the_host_when_it_arrived() {
    let clockwork = Clockwork::open("past-reports", &[]);
    let house = &clockwork.house;
    let (left, secret) = house.team("left").await;
    let (joined, _) = house.team("joined").await;
    let host = house.host_with("moves", &secret).await;
    let id = house.id(&host).await;
    let query = house.query("SELECT 1", json!({"interval": 60, "logging": "snapshot"})).await;
    let everywhere = house.user("observer").await;
    let (of_left, of_joined) = (house.member(left, "observer").await, house.member(joined, "observer").await);
    // In the report of the query, and in that of the host: none for a host that is not theirs.
    let told = async |reader: &TestAdmin| {
        let said = |report: &Value| {
            let rows = report["results"].as_array().unwrap().iter();
            rows.map(|row| row["columns"]["said"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let of_query = said(&reader.get(&format!("queries/{query}/report")).await.ok());
        let of_host = reader.get(&format!("hosts/{id}/queries/{query}")).await;
        if of_host.status == 404 {
            assert_eq!(of_query, Vec::<String>::new());
            return None;
        }
        let of_host = of_host.ok();
        assert_eq!(said(&of_host), of_query);
        assert_eq!(of_host["last_fetched"].is_null(), of_query.is_empty(), "{of_host}");
        Some(of_query)
    };
    let words = |said: &str| Some(vec![said.to_owned()]);

    clockwork.pass(HOUR).await;
    result(house, id, query, "in-left").await;
    assert_eq!(told(&everywhere).await, words("in-left"));
    assert_eq!(told(&of_left).await, words("in-left"));
    assert_eq!(told(&of_joined).await, None);

    clockwork.pass(HOUR).await;
    house.admin().post("hosts/transfer", json!({"team_id": joined, "hosts": [id]})).await.ok();
    assert_eq!(told(&everywhere).await, words("in-left"));
    assert_eq!(told(&of_left).await, None);
    assert_eq!(told(&of_joined).await, Some(vec![]), "what it said elsewhere");

    clockwork.pass(HOUR).await;
    result(house, id, query, "in-joined").await;
    assert_eq!(told(&everywhere).await, words("in-joined"));
    assert_eq!(told(&of_left).await, None);
    assert_eq!(told(&of_joined).await, words("in-joined"));
}
