//! Live queries, checks 1 to 7, 39 and 47: who is asked what.

use std::sync::OnceLock;

use infra_testkit::TestHost;
use serde_json::{Value, json};

use crate::house::House;

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    House::shared(&HOUSE, "live-create", &[])
}

const RUN: &str = "queries/run";
const BY_NAMES: &str = "queries/run_by_identifiers";

/// What each host is asked by a campaign.
async fn asked(campaign: u64, hosts: &[&TestHost]) -> Vec<bool> {
    let mut asked = Vec::new();
    for host in hosts {
        asked.push(host.asked_live().await.contains_key(&campaign));
    }
    asked
}

#[tokio::test]
async fn live_check_01_sql_or_a_saved_query_and_the_saved_one_wins() {
    let house = house();
    let host = house.host("one").await;
    let target = json!({"hosts": [host.hostname]});
    for body in [json!({"selected": target}), json!({"query": "  ", "selected": target})] {
        let refused = house.admin().post(BY_NAMES, body).await;
        assert_eq!((refused.status, &refused.json["errors"][0]["name"]), (422, &json!("query")), "{}", refused.text);
    }
    let saved = house.query("SELECT 'saved'", json!({})).await;
    let body = json!({"query": "SELECT 'typed'", "query_id": saved, "selected": target});
    let campaign = house.start(BY_NAMES, body).await;
    assert_eq!(host.asked_live().await[&campaign], "SELECT 'saved'");
    assert_eq!(house.admin().post(BY_NAMES, json!({"query_id": 99_999, "selected": target})).await.status, 404);
}

#[tokio::test]
async fn live_check_02_who_is_not_found_is_told_or_passed_over() {
    let house = house();
    let host = house.host("two").await;
    let nobody = house.admin().post(BY_NAMES, json!({"query": "SELECT 1", "selected": {"hosts": ["nobody"]}})).await;
    assert_eq!((nobody.status, nobody.reason()), (400, "no hosts targeted"));
    for selected in [json!({}), Value::Null] {
        let nothing = house.admin().post(RUN, json!({"query": "SELECT 1", "selected": selected})).await;
        assert_eq!((nothing.status, nothing.reason()), (400, "no hosts targeted"));
    }
    let selected = json!({"hosts": [host.hostname], "labels": ["No such label", "Nor this"]});
    let labels = house.admin().post(BY_NAMES, json!({"query": "SELECT 1", "selected": selected})).await;
    assert_eq!((labels.status, labels.reason()), (400, "Invalid label name(s): No such label, Nor this."));
    let selected = json!({"hosts": ["nobody", host.uuid().to_lowercase()]});
    let campaign = house.start(BY_NAMES, json!({"query": "SELECT 1", "selected": selected})).await;
    assert_eq!(asked(campaign, &[&host]).await, [true]);
}

#[tokio::test]
async fn live_check_03_an_empty_host_name_names_nobody() {
    let house = house();
    let inside = house.host("inside").await;
    let mut nameless = TestHost::new(&house.door, &house.name("nameless"));
    // No serial number at all: an empty identifier would match it.
    let body = json!({"enroll_secret": house.secret, "host_identifier": nameless.identifier});
    nameless.enrol_as(body).await.done();
    let (_, label) = house.label(&[&inside]).await;
    let selected = json!({"hosts": [""], "labels": [label]});
    let campaign = house.start(BY_NAMES, json!({"query": "SELECT 1", "selected": selected})).await;
    assert_eq!(asked(campaign, &[&inside, &nameless]).await, [true, false]);
}

#[tokio::test]
async fn live_check_04_an_empty_label_names_nothing() {
    let house = house();
    let (host, other) = (house.host("four").await, house.host("other").await);
    let selected = json!({"hosts": [host.hostname], "labels": [""]});
    let campaign = house.start(BY_NAMES, json!({"query": "SELECT 1", "selected": selected})).await;
    assert_eq!(asked(campaign, &[&host, &other]).await, [true, false]);
}

#[tokio::test]
async fn live_check_05_labels_platforms_and_teams_are_combined() {
    let house = house();
    let (team, secret) = house.team("five").await;
    let (a, b, c) = (house.host("a").await, house.host("b").await, house.host_with("c", &secret).await);
    let d = house.host_with("d", &secret).await;
    // A built-in label is a platform: "Ubuntu Linux" has those who say so when they are asked.
    let ubuntu = house.label_named("Ubuntu Linux").await;
    for host in [&a, &c] {
        let mine = format!("fleet_label_query_{ubuntu}");
        house.admin().post(&format!("hosts/{}/refetch", house.id(host).await), json!({})).await.ok();
        assert!(host.asked().await.contains_key(&mine));
        host.answer(&mine, json!([{"1": "1"}])).await.done();
    }
    let ((ab, _), (bc, _)) = (house.label(&[&a, &b]).await, house.label(&[&b, &c]).await);
    let everyone = house.label_named("All Hosts").await;
    let d_id = house.id(&d).await;
    let all = [&a, &b, &c, &d];
    let check = async |selected: Value, wanted: [bool; 4]| {
        let campaign = house.start(RUN, json!({"query": "SELECT 1", "selected": selected})).await;
        assert_eq!(asked(campaign, &all).await, wanted, "{selected}");
        house.admin().post(&format!("/api/muster/v1/campaigns/{campaign}/stop"), json!({})).await.ok();
    };
    check(json!({"labels": [ab, bc]}), [true, true, true, false]).await;
    check(json!({"labels": [ab, bc, ubuntu]}), [true, false, true, false]).await;
    check(json!({"labels": [ab, bc, ubuntu], "teams": [team]}), [false, false, true, false]).await;
    check(json!({"labels": [ab, bc], "teams": [0]}), [true, true, false, false]).await;
    check(json!({"teams": [team]}), [false, false, true, true]).await;
    check(json!({"labels": [everyone], "teams": [team]}), [true, true, true, true]).await;
    check(json!({"hosts": [d_id], "labels": [ab], "teams": [0]}), [true, true, false, true]).await;

    let member = house.member(team, "admin").await;
    let mine = member.post(RUN, json!({"query": "SELECT 1", "selected": {"labels": [everyone]}})).await.ok();
    assert_eq!(asked(mine["campaign"]["id"].as_u64().unwrap(), &all).await, [false, false, true, true]);
    let others = json!({"query": "SELECT 1", "selected": {"hosts": [house.id(&a).await]}});
    let foreign = member.post(RUN, others).await;
    assert_eq!((foreign.status, foreign.reason()), (400, "no hosts targeted"));
}

#[tokio::test]
async fn live_checks_06_and_47_observers_run_what_is_marked_for_them() {
    let house = house();
    let host = house.host("six").await;
    let observer = house.user("observer").await;
    let target = json!({"hosts": [host.hostname]});
    let open = house.query("SELECT 'open'", json!({"observer_can_run": true})).await;
    let closed = house.query("SELECT 'closed'", json!({})).await;
    for body in [json!({"query": "SELECT 1", "selected": target}), json!({"query_id": closed, "selected": target})] {
        let refused = observer.post(BY_NAMES, body).await;
        assert_eq!((refused.status, refused.reason()), (403, "forbidden"));
    }
    // SQL of their own does not slip in beside the id.
    let body = json!({"query_id": open, "query": "SELECT 'own'", "selected": target});
    let started = observer.post(BY_NAMES, body).await.ok();
    let campaign = started["campaign"]["id"].as_u64().unwrap();
    assert_eq!(host.asked_live().await[&campaign], "SELECT 'open'");
}

#[tokio::test]
async fn live_check_07_all_versions_and_both_names_answer_alike() {
    let house = house();
    let host = house.host("seven").await;
    let body = json!({"query": "SELECT 1", "selected": {"hosts": [host.hostname]}});
    for version in ["v1", "2022-04", "latest"] {
        for name in ["run_by_identifiers", "run_by_names"] {
            let started = house.admin().post(&format!("/api/{version}/fleet/queries/{name}"), body.clone()).await.ok();
            let campaign = &started["campaign"];
            assert!(campaign["id"].as_u64().unwrap() > 0, "{started}");
            assert_eq!(campaign["Metrics"]["TotalHosts"], 1);
            assert_eq!(campaign["Metrics"]["OnlineHosts"], 1);
        }
    }
}

#[tokio::test]
async fn live_check_39_a_label_that_does_not_exist_widens_nothing() {
    let house = house();
    let (host, other) = (house.host("listed").await, house.host("unlisted").await);
    for selected in [json!({"labels": [99_999]}), json!({"labels": [99_999], "hosts": [house.id(&host).await]})] {
        let refused = house.admin().post(RUN, json!({"query": "SELECT 'wide'", "selected": selected})).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert!(refused.reason().contains("99999"), "{}", refused.text);
    }
    assert!(other.asked_live().await.values().all(|sql| sql != "SELECT 'wide'"));
}
