use actix_web::http::Method;
use actix_web::test::TestRequest;
use domain::ledger::Commit;
use domain::role::Role;
use domain::{CampaignId, TeamId};
use infra_log::Topic;
use serde_json::{Value, json};

use crate::admin_bench::{Answer, Bench};

/// Hosts 1 `web-1` (no team), 2 `web-2` and 3 `db-1` of team `ops`; label `mine` holds 1 and 3; queries 1 `open` for
/// observers, 2 `closed`.
async fn world() -> (Bench, [String; 3]) {
    let bench = Bench::new().await;
    bench.team("ops").await;
    let keys = [
        bench.host("web-1", None).await.1,
        bench.host("web-2", Some("ops")).await.1,
        bench.host("db-1", Some("ops")).await.1,
    ];
    bench.post("~/labels", json!({"name": "mine", "host_ids": [1, 3]})).await.ok();
    bench.post("~/queries", json!({"name": "open", "query": "SELECT 'open'", "observer_can_run": true})).await.ok();
    bench.post("~/queries", json!({"name": "closed", "query": "SELECT 'closed'"})).await.ok();
    (bench, keys)
}

/// The hosts that a started campaign asks.
fn targets(bench: &Bench, started: &Answer) -> Vec<u32> {
    let id = started.ok()["campaign"]["id"].as_u64().unwrap() as u32;
    bench.state().campaigns.get(CampaignId(id)).unwrap().targets.iter().map(|host| host.0).collect()
}

fn label(bench: &Bench, name: &str) -> u32 {
    bench.state().labels.by_name(name).unwrap().id.0
}

const SQL: &str = "SELECT 1";

#[actix_web::test]
async fn live_check_01_sql_or_a_saved_query_and_the_saved_one_wins() {
    let (bench, [key, ..]) = world().await;
    let run = |mut body: Value| {
        body["selected"] = json!({"hosts": [1]});
        bench.post("~/queries/run", body)
    };
    let neither = (422, "query".to_owned(), "one of query or query_id must be specified".to_owned());
    assert_eq!(run(json!({})).await.field(), neither);
    assert_eq!(run(json!({"query": " "})).await.field(), neither);
    run(json!({"query": SQL, "query_id": 2})).await.ok();
    assert_eq!(bench.asked(&key).await.into_values().collect::<Vec<_>>(), ["SELECT 'closed'"]);
    for id in [0, 99] {
        assert_eq!(run(json!({"query_id": id})).await.status, 404);
    }
    assert_eq!(bench.post("~/queries/run", Value::Null).await.refusal().2, "Expected JSON Body");
    let text_ids = json!({"query": SQL, "selected": {"hosts": ["1"]}});
    assert_eq!(bench.post("~/queries/run", text_ids).await.refusal().2, "json decoder error");
}

#[actix_web::test]
async fn live_check_02_who_is_not_found_is_told_or_passed_over() {
    let (bench, _) = world().await;
    let by_ids = |selected: Value| bench.post("~/queries/run", json!({"query": SQL, "selected": selected}));
    let by_names =
        |selected: Value| bench.post("~/queries/run_by_identifiers", json!({"query": SQL, "selected": selected}));
    let nobody = (400, "Bad request".to_owned(), "no hosts targeted".to_owned());
    for selected in [
        json!({}),
        Value::Null,
        json!({"hosts": [99]}),
        json!({"teams": [99]}),
        json!({"labels": [label(&bench, "macOS")]}),
    ] {
        assert_eq!(by_ids(selected).await.refusal(), nobody);
    }
    let unknown = by_names(json!({"hosts": ["web-1"], "labels": ["mine", "x", "y"]})).await.refusal();
    assert_eq!(unknown.2, "Invalid label name(s): x, y.");
    assert_eq!(targets(&bench, &by_names(json!({"hosts": ["no-such-host", "WEB-1", "sn-DB-1"]})).await), [1, 3]);
    assert_eq!(bench.state().campaigns.iter().count(), 1, "what was refused left nothing behind");
}

#[actix_web::test]
async fn live_check_03_an_empty_host_name_names_nobody() {
    let (bench, _) = world().await;
    let by_names =
        |selected: Value| bench.post("~/queries/run_by_identifiers", json!({"query": SQL, "selected": selected}));
    assert_eq!(targets(&bench, &by_names(json!({"hosts": [""], "labels": ["mine"]})).await), [1, 3]);
    assert_eq!(targets(&bench, &by_names(json!({"hosts": ["", " "], "labels": ["All Hosts"]})).await), [1, 2, 3]);
}

#[actix_web::test]
async fn live_check_04_an_empty_label_names_nothing() {
    let (bench, [key, ..]) = world().await;
    let by_names =
        |selected: Value| bench.post("~/queries/run_by_identifiers", json!({"query": SQL, "selected": selected}));
    assert_eq!(targets(&bench, &by_names(json!({"hosts": ["web-2"], "labels": [""]})).await), [2]);
    assert_eq!(targets(&bench, &by_names(json!({"hosts": ["web-2"], "labels": null})).await), [2]);
    assert_eq!(by_names(json!({"hosts": [key]})).await.status, 400, "a node key is no name");
}

#[actix_web::test]
async fn live_check_05_nobody_reaches_a_host_of_another_team() {
    let (bench, _) = world().await;
    let all = json!({"query": SQL, "selected": {"hosts": [1, 2], "labels": [label(&bench, "All Hosts")]}});
    let maintainer = bench.in_team(TeamId(1), Role::Maintainer).await;
    let started = bench.send(Method::POST, "~/queries/run", &maintainer, all).await;
    assert_eq!(targets(&bench, &started), [2, 3]);
    let foreign = json!({"query": SQL, "selected": {"hosts": [1]}});
    let refused = bench.send(Method::POST, "~/queries/run", &maintainer, foreign).await.refusal();
    assert_eq!((refused.0, refused.2.as_str()), (400, "no hosts targeted"));
    let team_and_label = json!({"query": SQL, "selected": {"labels": [label(&bench, "mine")], "teams": [1]}});
    assert_eq!(targets(&bench, &bench.post("~/queries/run", team_and_label).await), [3]);
    let without_team = json!({"query": SQL, "selected": {"teams": [0]}});
    assert_eq!(targets(&bench, &bench.post("~/queries/run", without_team).await), [1]);
}

#[actix_web::test]
async fn live_check_06_observers_run_what_is_marked_for_them() {
    let (bench, [key, ..]) = world().await;
    let statuses = async |token: &str| {
        let mut statuses = vec![];
        for question in [json!({"query_id": 1}), json!({"query_id": 2}), json!({"query": SQL})] {
            let mut body = question;
            body["selected"] = json!({"hosts": [2]});
            statuses.push(bench.send(Method::POST, "~/queries/run", token, body).await.status);
        }
        statuses
    };
    let expected = [
        (Role::Admin, [200, 200, 200]),
        (Role::Maintainer, [200, 200, 200]),
        (Role::ObserverPlus, [200, 200, 200]),
        (Role::Observer, [200, 403, 403]),
        (Role::Gitops, [403, 403, 403]),
    ];
    for (role, expected) in expected {
        assert_eq!(statuses(&bench.global(role).await).await, expected, "{role:?}");
        assert_eq!(statuses(&bench.in_team(TeamId(1), role).await).await, expected, "{role:?} of the team");
    }
    // 47: an observer's own SQL beside the id does not slip in.
    let observer = bench.person("sly@example.com", domain::role::Roles::Global(Role::Observer), false).await.1;
    let both = json!({"query": "SELECT 'own'", "query_id": 1, "selected": {"hosts": [1]}});
    bench.send(Method::POST, "~/queries/run", &observer, both).await.ok();
    assert_eq!(bench.asked(&key).await.into_values().collect::<Vec<_>>(), ["SELECT 'open'"]);
}

#[actix_web::test]
async fn a_query_of_a_team_is_run_by_those_who_may_read_it() {
    let (bench, _) = world().await;
    bench.team("dev").await;
    let query = json!({"name": "of ops", "query": "SELECT 'secret of ops'", "team_id": 1, "observer_can_run": true});
    let id = bench.post("~/queries", query).await.ok()["query"]["id"].clone();
    bench.host("dev-1", Some("dev")).await;
    let run = json!({"query_id": id, "selected": {"teams": [1, 2]}});
    let dev = bench.in_team(TeamId(2), Role::Maintainer).await;
    assert_eq!(bench.send(Method::POST, "~/queries/run", &dev, run.clone()).await.status, 403);
    let ops = bench.in_team(TeamId(1), Role::Observer).await;
    assert_eq!(bench.send(Method::POST, "~/queries/run", &ops, run).await.status, 200);
}

#[actix_web::test]
async fn live_check_07_all_versions_and_both_names_answer_alike() {
    let (bench, _) = world().await;
    let body = json!({"query": SQL, "selected": {"hosts": ["web-1"], "labels": [""]}});
    let mut shapes = vec![];
    for path in [
        "/api/v1/fleet/queries/run_by_identifiers",
        "/api/2022-04/fleet/queries/run_by_identifiers",
        "~/queries/run_by_names",
    ] {
        let mut campaign = bench.post(path, body.clone()).await.ok()["campaign"].clone();
        assert!(campaign["id"].as_u64().unwrap() > 0);
        campaign["id"] = Value::Null;
        shapes.push(campaign);
    }
    assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{shapes:?}");
    let metrics =
        json!({"TotalHosts": 1, "OnlineHosts": 1, "OfflineHosts": 0, "MissingInActionHosts": 0, "NewHosts": 1});
    assert_eq!(shapes[0]["Metrics"], metrics);
}

#[actix_web::test]
async fn rest_check_63_the_metrics_tell_who_is_there() {
    let (bench, keys) = world().await;
    bench.clock.advance(std::time::Duration::from_secs(31 * 86_400));
    let admin = bench.post("~/queries/run", json!({"query": SQL, "selected": {"hosts": [1]}})).await;
    assert_eq!(admin.status, 401, "the session slept as well");
    let token = bench.global(Role::Admin).await;
    bench.check_in(&keys[1]).await;
    let all = json!({"query": SQL, "selected": {"hosts": [1, 2, 3]}});
    let metrics = bench.send(Method::POST, "~/queries/run", &token, all).await.ok()["campaign"]["Metrics"].clone();
    assert_eq!(
        metrics,
        json!({"TotalHosts": 3, "OnlineHosts": 1, "OfflineHosts": 2, "MissingInActionHosts": 2, "NewHosts": 0})
    );
}

#[actix_web::test]
async fn live_check_08_switched_off_is_refused_without_a_reason() {
    let (bench, _) = world().await;
    bench.patch("~/config", json!({"server_settings": {"live_query_disabled": true}})).await.ok();
    let run = |path: &str, hosts: Value| {
        let (path, body) = (path.to_owned(), json!({"query": SQL, "selected": {"hosts": hosts}}));
        async {
            let (path, body) = (path, body);
            bench.post(&path, body).await
        }
    };
    let answers = [
        run("~/queries/run", json!([1])).await,
        run("~/queries/run_by_identifiers", json!(["web-1"])).await,
        run("/api/muster/v1/campaigns", json!(["web-1"])).await,
    ];
    for answer in answers {
        let body = answer.json();
        assert_eq!((answer.status, &body["message"], body.get("errors")), (403, &json!("Permission Denied"), None));
    }
}

#[actix_web::test]
async fn live_check_39_a_label_that_does_not_exist_widens_nothing() {
    let (bench, _) = world().await;
    for selected in [json!({"labels": [999]}), json!({"labels": [999], "hosts": [1]})] {
        let refused = bench.post("~/queries/run", json!({"query": SQL, "selected": selected})).await.refusal();
        assert_eq!((refused.0, refused.2.as_str()), (400, "Invalid label id(s): 999."));
    }
    assert!(bench.state().campaigns.none_open());
}

/// The headers that other routes of commands know: the same key is the same campaign, and traces are recorded.
#[actix_web::test]
async fn one_idempotency_key_is_one_campaign() {
    let bench = Bench::new().await;
    bench.host("web-1", None).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let start = |key: &str| {
        let body = json!({"query": "SELECT 1", "selected": {"hosts": ["web-1"]}});
        let request = TestRequest::post()
            .uri("/api/latest/fleet/queries/run_by_identifiers")
            .insert_header(("authorization", format!("Bearer {}", bench.admin)))
            .insert_header(("idempotency-key", key))
            .insert_header(("traceparent", trace))
            .set_payload(body.to_string());
        bench.serve(request)
    };
    let first = start("k1").await.ok()["campaign"]["id"].clone();
    assert_eq!(start("k1").await.ok()["campaign"]["id"], first);
    assert_ne!(start("k2").await.ok()["campaign"]["id"], first);
    assert_eq!(bench.state().campaigns.iter().count(), 2);
    let last = bench.log.records(Topic::Ledger.only()).pop().unwrap();
    let commit = Commit::decode(&last.value).unwrap();
    assert_eq!(commit.decided[0].traceparent.as_deref(), Some(trace));
}
