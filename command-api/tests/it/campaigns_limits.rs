//! What people may ask, and how much of the answers is held.

use actix_web::http::Method;
use command_api::settings::Limits;
use domain::campaign::Most;
use domain::role::Role;
use serde_json::{Value, json};

use crate::admin_bench::Bench;

/// An SQL of exactly so many bytes.
fn sql(bytes: usize) -> String {
    let around = "SELECT ''".len();
    format!("SELECT '{}'", "x".repeat(bytes - around))
}

#[actix_web::test]
async fn an_sql_over_the_limit_is_refused_wherever_it_comes_in() {
    let bench = Bench::within(Limits { sql: 1_000, ..Limits::default() }).await;
    bench.host("web-1", None).await;
    let told = "the SQL has 1001 bytes, which is over the limit of 1000";
    let selected = json!({"hosts": ["web-1"]});
    for (path, body) in [
        ("~/queries/run_by_identifiers", json!({"query": sql(1_001), "selected": selected})),
        ("/api/muster/v1/campaigns", json!({"query": sql(1_001), "selected": selected})),
        ("~/hosts/1/query", json!({"query": sql(1_001)})),
        ("~/queries", json!({"name": "q", "query": sql(1_001)})),
        ("~/spec/queries", json!({"specs": [{"name": "q", "query": sql(1_001)}]})),
        ("~/labels", json!({"name": "l", "query": sql(1_001)})),
        ("~/spec/labels", json!({"specs": [{"name": "l", "query": sql(1_001), "label_membership_type": "dynamic"}]})),
    ] {
        let refusal = bench.post(path, body).await.refusal();
        assert_eq!((refusal.0, refusal.2.as_str()), (422, told), "{path}");
    }
    let query = bench.post("~/queries", json!({"name": "q", "query": sql(1_000)})).await.ok()["query"]["id"].clone();
    assert_eq!(bench.patch(&format!("~/queries/{query}"), json!({"query": sql(1_001)})).await.refusal().2, told);
    bench.post("~/queries/run", json!({"query": sql(1_000), "selected": {"hosts": [1]}})).await.ok();
}

#[actix_web::test]
async fn so_many_live_queries_run_at_once_and_no_more() {
    let campaigns = Most { of_one_user: 2, in_all: 3 };
    let bench = Bench::within(Limits { campaigns, ..Limits::default() }).await;
    bench.host("web-1", None).await;
    let other = bench.global(Role::Maintainer).await;
    let start = async |token: &str| {
        let body = json!({"query": "SELECT 1", "selected": {"hosts": ["web-1"]}});
        bench.send(Method::POST, "/api/muster/v1/campaigns", token, body).await
    };
    start(&bench.admin).await.ok();
    start(&bench.admin).await.ok();
    let refusal = start(&bench.admin).await.refusal();
    assert_eq!(
        (refusal.0, refusal.2.as_str()),
        (429, "you run 2 live queries already, which is the limit of one user")
    );
    start(&other).await.ok();
    let refusal = start(&other).await.refusal();
    assert_eq!(
        (refusal.0, refusal.2.as_str()),
        (429, "3 live queries run already, which is the limit: wait, or stop some")
    );
    bench.post("/api/muster/v1/campaigns/1/stop", Value::Null).await.ok();
    start(&other).await.ok();
}

#[actix_web::test]
async fn answers_over_what_a_call_may_hold_are_cut_and_marked() {
    let bench = Bench::within(Limits { waited: 3_000, ..Limits::default() }).await;
    let keys = [bench.host("web-1", None).await.1, bench.host("web-2", None).await.1];
    bench.post("~/queries", json!({"name": "q", "query": "SELECT 1"})).await.ok();
    let rows: Vec<Value> = (0..20).map(|n| json!({"n": n.to_string(), "padding": "x".repeat(80)})).collect();
    let run = bench.post("~/queries/1/run", json!({"host_ids": [1, 2]}));
    let answers = async {
        bench.answer_soon(&keys[0], Ok(json!(rows))).await;
        bench.answer_soon(&keys[1], Ok(json!(rows))).await;
    };
    let results = tokio::join!(run, answers).0.ok()["results"].clone();
    assert_eq!((&results[0]["rows"], results[0].get("cut")), (&json!(rows), None), "the first one fits");
    let kept = results[1]["rows"].as_array().unwrap();
    assert_eq!(results[1]["cut"], true);
    assert!(!kept.is_empty() && kept.len() < rows.len(), "{}", kept.len());
    assert_eq!(kept[..], rows[..kept.len()]);
    // What the call held is given back.
    let again = bench.post("~/queries/1/run", json!({"host_ids": [1]}));
    let (again, _) = tokio::join!(again, bench.answer_soon(&keys[0], Ok(json!(rows))));
    assert_eq!(again.ok()["results"][0].get("cut"), None);
}

#[actix_web::test]
async fn calls_that_wait_share_what_all_of_them_may_hold() {
    let bench = Bench::within(Limits { waited_in_all: 1_000, ..Limits::default() }).await;
    let (_, key) = bench.host("web-1", None).await;
    let rows: Vec<Value> = (0..20).map(|n| json!({"n": n.to_string(), "padding": "x".repeat(80)})).collect();
    let ask = bench.post("~/hosts/1/query", json!({"query": "SELECT 1"}));
    let (answer, _) = tokio::join!(ask, bench.answer_soon(&key, Ok(json!(rows))));
    let answer = answer.ok();
    assert_eq!(answer["cut"], true);
    assert_eq!(answer["rows"].as_array().unwrap().len(), 9, "of about 108 bytes each");
}

#[actix_web::test]
async fn one_host_is_not_found_by_who_may_not_read_hosts() {
    let bench = Bench::new().await;
    let ops = bench.team("ops").await;
    bench.host("web-1", Some("ops")).await;
    let ask = async |token: String| {
        let answer = bench.send(Method::POST, "~/hosts/1/query", &token, json!({"query": "SELECT 1"})).await;
        let refusal = answer.refusal();
        (refusal.0, refusal.2)
    };
    let unknown = (400, "host not found: 1: no such host that you may see".to_owned());
    assert_eq!(ask(bench.global(Role::Gitops).await).await, unknown);
    assert_eq!(ask(bench.in_team(ops, Role::Gitops).await).await, unknown);
    let dev = bench.team("dev").await;
    assert_eq!(ask(bench.in_team(dev, Role::Maintainer).await).await, unknown);
    assert_eq!(ask(bench.global(Role::Observer).await).await.0, 403);
    assert_eq!(ask(bench.in_team(ops, Role::Observer).await).await.0, 403);
}
