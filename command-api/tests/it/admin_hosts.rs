use actix_web::http::Method;
use domain::role::Role;
use domain::{HostId, TeamId};
use serde_json::{Value, json};

use crate::admin_bench::Bench;

async fn three_hosts() -> Bench {
    let bench = Bench::new().await;
    bench.team("ops").await;
    bench.host("web-1", None).await;
    bench.host("web-2", Some("ops")).await;
    bench.host("db-1", Some("ops")).await;
    bench
}

fn existing(bench: &Bench) -> Vec<u32> {
    bench.state().hosts.existing().iter().map(|host| host.0).collect()
}

fn of_team(bench: &Bench, team: Option<u32>) -> Vec<u32> {
    bench.state().hosts.of_team(team.map(TeamId)).iter().map(|host| host.0).collect()
}

#[actix_web::test]
async fn a_host_is_deleted() {
    let bench = three_hosts().await;
    bench.delete("~/hosts/1", Value::Null).await.done();
    assert_eq!(existing(&bench), [2, 3]);
    assert_eq!(bench.delete("~/hosts/1", Value::Null).await.refusal().2, "Host 1 was not found in the datastore");
    assert_eq!(bench.delete("~/hosts/99999999999", Value::Null).await.status, 404);
}

#[actix_web::test]
async fn rest_check_43_many_hosts_are_deleted_by_ids_or_filters() {
    let bench = three_hosts().await;
    let delete = |body: Value| bench.post("~/hosts/delete", body);
    let refused = |text: &str| (400, "Bad request".to_owned(), text.to_owned());
    let both = "Cannot specify a list of ids and filters at the same time";
    assert_eq!(delete(json!({"ids": [1], "filters": {}})).await.refusal(), refused(both));
    assert_eq!(delete(json!({})).await.refusal(), refused("list of ids or filters must be specified"));
    assert_eq!(delete(json!({"filters": {"nme": "x"}})).await.refusal(), refused("unknown filter key: nme"));
    assert_eq!(delete(json!({"filters": {"query": ""}})).await.refusal(), refused("query must not be empty"));
    assert_eq!(delete(json!({"ids": [1, 99]})).await.status, 404);
    assert_eq!(existing(&bench), [1, 2, 3], "all or none");
    delete(json!({"filters": {"team_id": 1, "query": "DB"}})).await.done();
    assert_eq!(existing(&bench), [1, 2]);
    delete(json!({"ids": [1]})).await.done();
    delete(json!({"filters": {"status": "offline"}})).await.done();
    assert_eq!(existing(&bench), [2], "it is online");
    delete(json!({"filters": {}})).await.done();
    assert_eq!(existing(&bench), Vec::<u32>::new());
}

#[actix_web::test]
async fn rest_check_44_hosts_are_moved() {
    let bench = three_hosts().await;
    let transfer = |body: Value| bench.post("~/hosts/transfer", body);
    transfer(json!({"team_id": 1, "hosts": [1, 99]})).await.done();
    assert_eq!(of_team(&bench, Some(1)), [1, 2, 3], "an unknown host is passed over");
    transfer(json!({"team_id": null, "hosts": [2]})).await.done();
    assert_eq!(of_team(&bench, None), [2]);
    assert_eq!(transfer(json!({"team_id": 9, "hosts": [1]})).await.field().1, "team_id");
    transfer(json!({"team_id": 1, "hosts": []})).await.done();
    transfer(json!({"team_id": 1})).await.done();
    let filter = |body: Value| bench.post("~/hosts/transfer/filter", body);
    assert_eq!(filter(json!({"team_id": 1})).await.refusal().2, "filters must be specified");
    filter(json!({"team_id": null, "filters": {"query": "web"}})).await.done();
    assert_eq!(of_team(&bench, None), [1, 2]);
}

#[actix_web::test]
async fn hosts_are_moved_by_who_may_in_both_teams() {
    let bench = three_hosts().await;
    bench.team("dev").await;
    let ops = bench.in_team(TeamId(1), Role::Maintainer).await;
    let transfer = |team: Value, host: u32| {
        bench.send(Method::POST, "~/hosts/transfer", &ops, json!({"team_id": team, "hosts": [host]}))
    };
    assert_eq!(transfer(json!(2), 2).await.status, 403, "not its team to give to");
    assert_eq!(transfer(json!(1), 1).await.status, 403, "not its team to take from");
    assert_eq!(transfer(json!(1), 2).await.status, 200);
    let observer = bench.in_team(TeamId(1), Role::Observer).await;
    let none = json!({"team_id": 1, "filters": {"query": "no such host"}});
    let nothing = bench.send(Method::POST, "~/hosts/transfer/filter", &observer, none).await;
    assert_eq!(nothing.status, 200, "rights are those over the hosts that are meant");
    let some = json!({"team_id": 1, "filters": {"query": "web"}});
    assert_eq!(bench.send(Method::POST, "~/hosts/transfer/filter", &observer, some).await.status, 403);
}

#[actix_web::test]
async fn rest_check_45_a_refetch_asks_for_the_details() {
    let bench = Bench::new().await;
    let (host, key) = bench.host("web-1", None).await;
    bench.clock.advance(std::time::Duration::from_secs(600));
    let details = |asked: &Value| {
        asked["queries"].as_object().unwrap().keys().filter(|name| name.starts_with("fleet_detail_query_")).count()
    };
    bench.send(Method::POST, "~/hosts/1/refetch", &bench.global(Role::Observer).await, Value::Null).await.done();
    assert!(bench.app.registry.refetch_wished(host));
    assert!(details(&bench.check_in(&key).await) > 0);
    assert_eq!(bench.post("~/hosts/99/refetch", Value::Null).await.status, 404);
    bench.log.stop_writes(true);
    assert_eq!(bench.post("~/hosts/1/refetch", Value::Null).await.status, 503);
}

#[actix_web::test]
async fn rest_check_46_manual_labels_are_put_on_a_host() {
    let bench = Bench::new().await;
    bench.host("web-1", None).await;
    bench.post("~/labels", json!({"name": "mine"})).await.ok();
    bench.post("~/labels", json!({"name": "dynamic", "query": "SELECT 1"})).await.ok();
    let members = || bench.state().labels.by_name("mine").unwrap().members.contains(HostId(1));
    bench.post("~/hosts/1/labels", json!({"labels": ["mine", " "]})).await.done();
    assert!(members());
    bench.delete("~/hosts/1/labels", json!({"labels": ["mine"]})).await.done();
    assert!(!members());
    let text = "Couldn't add labels. Labels are dynamic: \"dynamic\", \"All Hosts\". Dynamic labels can not be assigned to hosts manually.";
    let dynamic = bench.post("~/hosts/1/labels", json!({"labels": ["mine", "dynamic", "All Hosts"]})).await.refusal();
    assert_eq!(dynamic, (400, "Bad request".into(), text.into()));
    assert!(!members(), "all or none");
    assert_eq!(
        bench.post("~/hosts/1/labels", json!({"labels": ["iOS"]})).await.status,
        400,
        "a built-in one is not ours to fill"
    );
    let unknown = bench.delete("~/hosts/1/labels", json!({"labels": ["a", "b"]})).await.refusal();
    assert_eq!(unknown.2, "Couldn't remove labels. Labels not found: \"a\", \"b\". All labels must exist.");
    bench.post("~/hosts/1/labels", json!({"labels": []})).await.done();
    assert_eq!(bench.post("~/hosts/99/labels", json!({"labels": []})).await.status, 404);
}
