use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use actix_web::http::Method;
use actix_web::test::TestRequest;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use domain::role::Role;
use domain::{CampaignId, TeamId};
use infra_http::Access;
use serde_json::{Value, json};

use crate::admin_bench::{Bench, WAIT};

/// Hosts 1 and 2 online, 3 offline; query 1 `q`.
async fn world() -> (Bench, [String; 3]) {
    let bench = Bench::new().await;
    let silent = bench.host("gone", None).await.1;
    bench.clock.advance(Duration::from_secs(600));
    let keys = [bench.host("web-1", None).await.1, bench.host("web-2", None).await.1, silent];
    bench.post("~/queries", json!({"name": "q", "query": "SELECT 1 AS n", "observer_can_run": true})).await.ok();
    (bench, keys)
}

const GONE: u32 = 1;
const WEB_1: u32 = 2;
const WEB_2: u32 = 3;
const ASK_WEB_1: &str = "~/hosts/2/query";
const ASK_WEB_2: &str = "~/hosts/3/query";

fn all_ended(bench: &Bench) -> bool {
    bench.state().campaigns.none_open()
}

#[actix_web::test]
async fn live_check_29_it_waits_the_period_for_who_does_not_answer() {
    let (bench, [key, ..]) = world().await;
    let started = Instant::now();
    let run = bench.post("~/queries/1/run", json!({"host_ids": [WEB_1, GONE]}));
    let (answer, asked) = tokio::join!(run, bench.answer_soon(&key, Ok(json!([{"n": "1"}]))));
    assert!(started.elapsed() >= WAIT);
    assert_eq!(asked.into_values().collect::<Vec<_>>(), ["SELECT 1 AS n"]);
    let expected = json!({
        "query_id": 1, "targeted_host_count": 2, "responded_host_count": 1,
        "results": [{"host_id": WEB_1, "rows": [{"n": "1"}], "error": null}]
    });
    assert_eq!(answer.ok(), expected, "rows without the two members of the stream");
    bench.ended(1).await;
    assert!(all_ended(&bench));
    assert!(bench.asked(&key).await.is_empty());
}

#[actix_web::test]
async fn live_check_30_it_returns_when_all_have_answered() {
    let (bench, [one, two, _]) = world().await;
    let started = Instant::now();
    let run = bench.post("~/queries/1/run", json!({"host_ids": [WEB_1, WEB_2, WEB_1]}));
    let no_rows = bench.answer_soon(&one, Ok(json!([])));
    let failed = bench.answer_soon(&two, Err("no such table: foo"));
    let (answer, _, _) = tokio::join!(run, no_rows, failed);
    assert!(started.elapsed() < WAIT, "nobody was waited for in vain");
    let answer = answer.ok();
    assert_eq!((&answer["targeted_host_count"], &answer["responded_host_count"]), (&json!(2), &json!(2)));
    let results = json!([
        {"host_id": WEB_1, "rows": [], "error": null},
        {"host_id": WEB_2, "rows": [], "error": "no such table: foo"}
    ]);
    assert_eq!(answer["results"], results);
}

#[actix_web::test]
async fn live_check_31_an_offline_host_is_not_asked() {
    let (bench, [.., gone]) = world().await;
    let started = Instant::now();
    let answer = bench.post(&format!("~/hosts/{GONE}/query"), json!({"query": " SELECT 1 "})).await.ok();
    assert!(started.elapsed() < WAIT);
    assert_eq!(answer, json!({"host_id": GONE, "rows": null, "query": "SELECT 1", "status": "offline"}));
    assert_eq!(bench.state().campaigns.iter().count(), 0);
    assert!(bench.asked(&gone).await.is_empty());
}

#[actix_web::test]
async fn rest_check_69_one_host_answers_or_is_waited_for() {
    let (bench, [key, ..]) = world().await;
    let ask = bench.post("~/hosts/identifier/WEB-1/query", json!({"query": "SELECT 1 AS n"}));
    let (answer, _) = tokio::join!(ask, bench.answer_soon(&key, Ok(json!([{"n": "1"}]))));
    let expected = json!({"host_id": WEB_1, "rows": [{"n": "1"}], "query": "SELECT 1 AS n", "status": "online"});
    assert_eq!(answer.ok(), expected);
    let ask = bench.post(ASK_WEB_1, json!({"query": "SELECT x"}));
    let (failed, _) = tokio::join!(ask, bench.answer_soon(&key, Err("no such column: x")));
    let failed = failed.ok();
    assert_eq!((&failed["error"], &failed["rows"]), (&json!("no such column: x"), &json!([])));
    let silent = bench.post(ASK_WEB_1, json!({"query": "SELECT 1"})).await.ok();
    assert_eq!((&silent["status"], &silent["error"]), (&json!("online"), &json!("timeout waiting for results")));
}

#[actix_web::test]
async fn live_check_32_what_cannot_be_asked_is_refused() {
    let (bench, _) = world().await;
    let refused = async |method: Method, path: &str, body: Value| {
        let answer = bench.send(method, path, &bench.admin, body).await;
        (answer.status, answer.refusal().2)
    };
    let empty = (400, "query_ids and host_ids are required".to_owned());
    for body in [json!({}), json!({"host_ids": []}), json!({"host_ids": null})] {
        assert_eq!(refused(Method::POST, "~/queries/1/run", body).await, empty);
    }
    for body in [json!({}), json!({"query_ids": [1]}), json!({"host_ids": [1], "query_ids": []})] {
        assert_eq!(refused(Method::GET, "~/queries/run", body).await, empty);
    }
    assert_eq!(refused(Method::GET, "~/queries/run?query_ids=1", Value::Null).await.1, "Expected JSON Body");
    assert_eq!(refused(Method::POST, "~/queries/99/run", json!({"host_ids": [1]})).await.0, 404);
    assert_eq!(refused(Method::POST, "~/queries/0/run", json!({"host_ids": [1]})).await.0, 422);
    assert_eq!(
        refused(Method::POST, "~/queries/1/run", json!({"host_ids": [99]})).await,
        (400, "no hosts targeted".into())
    );
    assert_eq!(
        refused(Method::POST, "~/hosts/1/query", json!({"query": " "})).await,
        (400, "query is required".into())
    );
    let (status, reason) = refused(Method::POST, "~/hosts/99/query", json!({"query": "SELECT 1"})).await;
    assert!(status == 400 && reason.starts_with("host not found: 99: "), "{reason}");
    let (status, reason) = refused(Method::POST, "~/hosts/identifier/nobody/query", json!({"query": "SELECT 1"})).await;
    assert!(status == 400 && reason.starts_with("host not found: nobody: "), "{reason}");
    let plain = bench.post("~/queries/x/run", json!({"host_ids": [1]})).await;
    assert_eq!((plain.status, plain.text.as_str()), (404, "404 page not found\n"));
}

#[actix_web::test]
async fn live_check_45_several_queries_end_each_in_its_own_way() {
    let (bench, [key, ..]) = world().await;
    let run =
        bench.send(Method::GET, "~/queries/run", &bench.admin, json!({"query_ids": [1, 99, 1], "host_ids": [WEB_1]}));
    let (answer, _) = tokio::join!(run, bench.answer_soon(&key, Ok(json!([{"n": "1"}]))));
    let answer = answer.ok();
    assert_eq!(answer["summary"], json!({"targeted_host_count": 1, "responded_host_count": 1}));
    let mut results = answer["live_query_results"].as_array().unwrap().clone();
    results.sort_by_key(|result| result["query_id"].as_u64());
    let expected = [
        json!({"query_id": 1, "results": [{"host_id": WEB_1, "rows": [{"n": "1"}], "error": null}]}),
        json!({"query_id": 99, "error": ": Query 99 was not found in the datastore", "results": null}),
    ];
    assert_eq!(results, expected);
    let nobody =
        bench.send(Method::GET, "~/queries/run", &bench.admin, json!({"query_ids": [1], "host_ids": [99]})).await.ok();
    assert_eq!(nobody["live_query_results"], json!([{"query_id": 1, "error": "no hosts targeted", "results": null}]));
}

#[actix_web::test]
async fn live_check_46_switched_off_is_said_where_an_answer_has_room_for_it() {
    let (bench, _) = world().await;
    bench.patch("~/config", json!({"server_settings": {"live_query_disabled": true}})).await.ok();
    assert_eq!(
        bench.post("~/queries/1/run", json!({"host_ids": [WEB_1]})).await.refusal(),
        (403, "Permission Denied".into(), String::new())
    );
    let off = json!(": disabled by administrator");
    let host = bench.post(ASK_WEB_1, json!({"query": "SELECT 1"})).await.ok();
    assert_eq!((&host["error"], &host["rows"]), (&off, &Value::Null));
    let many = bench
        .send(Method::GET, "~/queries/run", &bench.admin, json!({"query_ids": [1], "host_ids": [WEB_1]}))
        .await
        .ok();
    assert_eq!(
        (&many["live_query_results"][0]["error"], &many["live_query_results"][0]["results"]),
        (&off, &Value::Null)
    );
}

#[actix_web::test]
async fn rest_check_70_roles_in_the_forms_that_wait() {
    let (bench, [key, ..]) = world().await;
    bench.team("ops").await;
    bench.post("~/queries", json!({"name": "closed", "query": "SELECT 2"})).await.ok();
    let observer = bench.global(Role::Observer).await;
    let ask = |path: &'static str, body: Value| bench.send(Method::POST, path, &observer, body);
    assert_eq!(ask("~/queries/2/run", json!({"host_ids": [WEB_1]})).await.status, 403);
    assert_eq!(ask(ASK_WEB_1, json!({"query": "SELECT 1"})).await.status, 403);
    let many =
        bench.send(Method::GET, "~/queries/run", &observer, json!({"query_ids": [2], "host_ids": [WEB_1]})).await;
    assert_eq!(many.status, 403, "every query is forbidden");
    let run = ask("~/queries/1/run", json!({"host_ids": [WEB_1]}));
    let (answer, _) = tokio::join!(run, bench.answer_soon(&key, Ok(json!([]))));
    assert_eq!(answer.ok()["responded_host_count"], 1);
    let ops = bench.in_team(TeamId(1), Role::Admin).await;
    let foreign = bench.send(Method::POST, "~/hosts/2/query", &ops, json!({"query": "SELECT 1"})).await.refusal();
    assert!(foreign.0 == 400 && foreign.2.starts_with("host not found: 2: "), "{foreign:?}");
}

#[actix_web::test]
async fn two_waits_at_once_get_their_own_answers() {
    let (bench, [one, two, _]) = world().await;
    let first = bench.post(ASK_WEB_1, json!({"query": "SELECT 'first'"}));
    let second = bench.post(ASK_WEB_2, json!({"query": "SELECT 'second'"}));
    let answers = tokio::join!(
        first,
        second,
        bench.answer_soon(&one, Ok(json!([{"of": "first"}]))),
        bench.answer_soon(&two, Ok(json!([{"of": "second"}]))),
    );
    assert_eq!(answers.0.ok()["rows"], json!([{"of": "first"}]));
    assert_eq!(answers.1.ok()["rows"], json!([{"of": "second"}]));
}

/// On a real socket: in-process calls have no client that can go away.
#[actix_web::test]
async fn live_check_33_a_client_that_goes_ends_its_campaign() {
    let (bench, [key, ..]) = world().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (app, access) = (bench.app.clone(), Access::new(bench.app.ledger.follower().clone(), bench.app.world.clone()));
    let server = HttpServer::new(move || {
        App::new().app_data(app.clone()).app_data(Data::new(access.clone())).configure(command_api::routes)
    });
    let server = server.workers(1).h1_allow_half_closed(false).disable_signals().listen(listener).unwrap().run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let mut client = TcpStream::connect(address).unwrap();
    let body = json!({"query": "SELECT 1"}).to_string();
    let request = format!(
        "POST /api/latest/fleet/hosts/{WEB_1}/query HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
        bench.admin,
        body.len()
    );
    client.write_all(request.as_bytes()).unwrap();
    let asked = bench.asked_soon(&key).await;
    assert_eq!(asked.len(), 1);
    let started = Instant::now();
    drop(client);
    bench.ended(*asked.keys().next().unwrap() as u32).await;
    assert!(started.elapsed() < WAIT / 2, "it ended with its client, not with its time");
    assert!(bench.asked(&key).await.is_empty());
    assert_eq!(bench.app.registry.readers(CampaignId(1)), 0);
    handle.stop(false).await;
}

#[actix_web::test]
async fn a_call_that_is_repeated_under_its_key_is_told_what_was_answered() {
    let (bench, [key, ..]) = world().await;
    let run = || {
        let request = TestRequest::get()
            .uri("/api/latest/fleet/queries/run")
            .insert_header(("authorization", format!("Bearer {}", bench.admin)))
            .insert_header(("idempotency-key", "k1"))
            .set_payload(json!({"query_ids": [1, 2], "host_ids": [WEB_1]}).to_string());
        bench.serve(request)
    };
    bench.post("~/queries", json!({"name": "q2", "query": "SELECT 2 AS n"})).await.ok();
    let answer_both = async {
        while bench.state().campaigns.iter().count() < 2 || !all_ended(&bench) {
            for campaign in bench.asked(&key).await.into_keys() {
                bench.answer(&key, campaign, Ok(json!([{"n": "1"}]))).await;
            }
            tokio::task::yield_now().await;
        }
    };
    let (first, ()) = tokio::join!(run(), answer_both);
    let again = run().await;
    assert_eq!(again.ok(), first.ok());
    assert_eq!(bench.state().campaigns.iter().count(), 2, "one for each query, and no more for the repeat");
}
