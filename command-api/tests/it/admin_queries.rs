use std::io::Write as _;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use domain::role::Role;
use domain::{QueryId, TeamId};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::admin_bench::Bench;

#[actix_web::test]
async fn rest_check_13_a_name_is_taken_once_in_its_scope() {
    let bench = Bench::new().await;
    bench.team("ops").await;
    let post = |body: Value| bench.post("~/queries", body);
    let query = post(json!({"name": "q", "query": "SELECT 1", "interval": 60})).await.ok()["query"].clone();
    assert_eq!(
        (&query["id"], &query["team_id"], &query["author_email"]),
        (&json!(1), &Value::Null, &json!("ada@example.com"))
    );
    assert_eq!(
        (&query["logging"], &query["interval"], &query["saved"]),
        (&json!("snapshot"), &json!(60), &json!(true))
    );
    let taken = post(json!({"name": "q", "query": "SELECT 2"})).await.refusal();
    assert_eq!(taken, (409, "Resource Already Exists".into(), r#"Query "q" already exists"#.into()));
    assert_eq!(post(json!({"name": "q", "query": "SELECT 2", "team_id": 1})).await.ok()["query"]["team_id"], 1);
    assert_eq!(post(json!({"name": "q", "query": "SELECT 2", "team_id": 0})).await.status, 409, "0 is global");
    assert_eq!(post(json!({"name": "q", "query": "SELECT 2", "team_id": 9})).await.field().1, "team_id");
}

#[actix_web::test]
async fn bad_queries_are_told_what_is_wrong() {
    let bench = Bench::new().await;
    let refused = |body: Value| async {
        let (status, message, reason) = bench.post("~/queries", body).await.refusal();
        assert_eq!((status, message.as_str()), (400, "Bad request"));
        reason.strip_prefix("query payload verification: ").unwrap().to_owned()
    };
    assert_eq!(refused(json!({"query": "SELECT 1"})).await, "query name cannot be empty");
    assert_eq!(refused(json!({"name": " ", "query": "SELECT 1"})).await, "query name cannot be empty");
    assert_eq!(refused(json!({"name": "q"})).await, "query's SQL query cannot be empty");
    let logging = "invalid logging value, must be one of 'snapshot', 'differential', 'differential_ignore_removals'";
    assert_eq!(refused(json!({"name": "q", "query": "SELECT 1", "logging": "all"})).await, logging);
    assert!(refused(json!({"name": "q", "query": "SELECT 1", "platform": "linux,amiga"})).await.contains("\"amiga\""));
    let label = json!({"name": "q", "query": "SELECT 1", "labels_include_any": ["none"]});
    assert_eq!(bench.post("~/queries", label).await.field().1, "labels_include_any");
}

#[actix_web::test]
async fn a_query_is_changed_by_parts_and_deleted_in_four_ways() {
    let bench = Bench::new().await;
    bench.team("ops").await;
    for (name, team) in [("a", 0), ("b", 0), ("c", 0), ("d", 0), ("a", 1)] {
        bench.post("~/queries", json!({"name": name, "query": "SELECT 1", "team_id": team})).await.ok();
    }
    let changed = bench
        .patch("~/queries/1", json!({"observer_can_run": true, "labels_include_any": ["macOS", "none"]}))
        .await
        .ok();
    assert_eq!((&changed["query"]["name"], &changed["query"]["observer_can_run"]), (&json!("a"), &json!(true)));
    assert_eq!(changed["query"]["labels_include_any"][0]["name"], "macOS", "an unknown label is passed over");
    assert_eq!(bench.patch("~/queries/1", json!({"name": "b"})).await.status, 409);
    assert_eq!(bench.patch("~/queries/99", json!({})).await.refusal().2, "Query 99 was not found in the datastore");
    let left = || bench.state().queries.iter().map(|query| query.id.0).collect::<Vec<_>>();
    bench.delete("~/queries/a", Value::Null).await.done();
    assert_eq!(left(), [2, 3, 4, 5], "the global one");
    assert_eq!(bench.delete("~/queries/a", Value::Null).await.status, 404, "never the one of a team");
    bench.delete("~/queries/id/2", Value::Null).await.done();
    assert_eq!(bench.post("~/queries/delete", json!({"ids": [3, 99]})).await.status, 404);
    assert_eq!(bench.post("~/queries/delete", json!({"ids": [3, 4, 3]})).await.ok(), json!({"deleted": 2}));
    assert_eq!(left(), [5]);
    assert_eq!(bench.post("~/queries/delete", json!({"ids": []})).await.ok(), json!({"deleted": 0}));
}

#[actix_web::test]
async fn rest_check_50_query_documents_are_applied_again_to_no_effect() {
    let bench = Bench::new().await;
    bench.team("ops").await;
    let apply = |specs: Value| bench.post("~/spec/queries", json!({"specs": specs}));
    let spec = json!([{"name": "q", "query": "SELECT 1", "interval": 60, "observer_can_run": true}, {"name": "q", "query": "SELECT 1", "team": "OPS"}]);
    apply(spec.clone()).await.done();
    let sequence = bench.app.ledger.fold().chain.sequence;
    apply(spec).await.done();
    assert_eq!(bench.app.ledger.fold().chain.sequence, sequence);
    let query = |id| bench.state().queries.get(QueryId(id)).unwrap().clone();
    assert_eq!((query(1).team, query(2).team, query(1).spec.interval), (None, Some(TeamId(1)), 60));
    let since = query(1).results_since;
    bench.clock.advance(std::time::Duration::from_secs(5));
    apply(json!([{"name": "q", "query": "SELECT 1", "description": "x"}])).await.done();
    assert_eq!((query(1).results_since, query(1).spec.interval), (since, 0), "what is left out has its default");
    apply(json!([{"name": "q", "query": "SELECT 2"}])).await.done();
    assert!(query(1).results_since > since, "other SQL ends the report");
    apply(json!([{"name": "twice", "query": "SELECT 1"}, {"name": "twice", "query": "SELECT 2"}])).await.done();
    assert_eq!(bench.state().queries.by_name(None, "twice").unwrap().spec.query, "SELECT 2");
    assert_eq!(apply(json!([{"name": "x", "query": "SELECT 1", "team": "dev"}])).await.status, 404);
    assert_eq!(apply(json!([{"name": "x", "query": "SELECT 1", "labels_include_any": ["none"]}])).await.status, 422);
    assert_eq!(apply(json!([{"name": "y", "query": "SELECT 1"}, {"name": ""}])).await.status, 400);
    assert!(bench.state().queries.by_name(None, "y").is_none(), "all or none");
    apply(json!([])).await.done();
}

#[actix_web::test]
async fn rest_check_18_documents_may_come_in_gzip() {
    let bench = Bench::new().await;
    let mut encoder = GzEncoder::new(vec![], Compression::fast());
    encoder.write_all(json!({"specs": [{"name": "q", "query": "SELECT 1"}]}).to_string().as_bytes()).unwrap();
    let request = TestRequest::post()
        .uri("/api/v1/fleet/spec/queries")
        .insert_header(("authorization", format!("Bearer {}", bench.admin)))
        .insert_header(("content-encoding", "gzip"))
        .set_payload(encoder.finish().unwrap());
    bench.serve(request).await.done();
    assert!(bench.state().queries.by_name(None, "q").is_some());
}

#[actix_web::test]
async fn a_team_role_writes_the_queries_of_its_team_alone() {
    let bench = Bench::new().await;
    let ops = bench.team("ops").await;
    bench.team("dev").await;
    let maintainer = bench.in_team(ops, Role::Maintainer).await;
    let post = |team: u32| {
        let body = json!({"name": format!("q{team}"), "query": "SELECT 1", "team_id": team});
        bench.send(Method::POST, "~/queries", &maintainer, body)
    };
    assert_eq!([post(0).await.status, post(1).await.status, post(2).await.status], [403, 200, 403]);
    bench.post("~/queries", json!({"name": "global", "query": "SELECT 1"})).await.ok();
    let delete = |path: &'static str| bench.send(Method::DELETE, path, &maintainer, Value::Null);
    assert_eq!(delete("~/queries/id/2").await.status, 403);
    assert_eq!(delete("~/queries/id/1").await.status, 200);
}

#[actix_web::test]
async fn one_idempotency_key_is_one_decision() {
    let bench = Bench::new().await;
    let post = |token: &str, key: &str, name: &str| {
        let request = TestRequest::post()
            .uri("/api/v1/fleet/queries")
            .insert_header(("authorization", format!("Bearer {token}")))
            .insert_header(("idempotency-key", key))
            .set_payload(json!({"name": name, "query": "SELECT 1"}).to_string());
        bench.serve(request)
    };
    let first = post(&bench.admin, "k1", "q").await.ok();
    assert_eq!(post(&bench.admin, "k1", "q").await.ok()["query"]["id"], first["query"]["id"]);
    assert_eq!(bench.state().queries.iter().count(), 1);
    assert_eq!(post(&bench.admin, "k2", "q").await.status, 409);
    let other = bench.global(Role::Maintainer).await;
    assert_eq!(post(&other, "k1", "r").await.ok()["query"]["name"], "r", "a key counts for its owner alone");
}
