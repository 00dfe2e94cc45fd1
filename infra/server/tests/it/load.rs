//! Many hosts at once: live queries, check 34, and the osquery remote API, check 36.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::{Duration, Instant};

use actix_web::App;
use actix_web::rt::System;
use actix_web::test::{TestRequest, call_and_read_body, init_service};
use domain::Digest;
use domain::host::{Command, Enrol};
use futures::StreamExt as _;
use futures::future::join_all;
use infra_blobs::Purpose;
use infra_testkit::host::talk::{live_name, queries};
use infra_testkit::{Outcome, Reply, Stream, TestHost};
use serde_json::{Value, json};

use crate::house::{House, SOON};

/// Hosts that a live query asks.
const HOSTS: usize = 10_000;
/// How long osqueryd waits for an answer.
const DEADLINE: Duration = Duration::from_secs(16);

fn key(number: usize) -> String {
    format!("key of host {number}")
}

/// Enrols hosts as the endpoint does, without the way there.
async fn enrol(house: &House, count: usize) {
    let commands = &house.parts.commands;
    let secret = commands.vault.digest(Purpose::EnrollSecret, &house.secret);
    let enrolling = (0..count).map(|number| async move {
        let enrol = Enrol {
            secret,
            identifier: format!("host-{number}"),
            node_key: Digest::of(key(number)),
            platform: "ubuntu".to_owned(),
            cooldown: Duration::ZERO,
        };
        let by = command_api::by_system(commands);
        commands.ledger.execute(Command::Enrol(enrol).into(), by).await.unwrap();
    });
    futures::stream::iter(enrolling).buffer_unordered(1_000).collect::<()>().await;
}

/// Hosts without sockets: 10,000 TLS connections of a debug build would take minutes.
async fn answer_all(house: &House, campaign: u64) -> Duration {
    let app = App::new().app_data(house.parts.commands.clone()).configure(command_api::routes);
    let service = &init_service(app).await;
    let post = |path: &str, body: Value| {
        let request = TestRequest::post().uri(&format!("/api/osquery/{path}")).set_payload(body.to_string());
        async move {
            let began = Instant::now();
            let answer = call_and_read_body(service, request.to_request()).await;
            (Outcome::of(&answer), began.elapsed())
        }
    };
    let name = live_name(campaign);
    let hosts = (0..HOSTS).map(|number| {
        let (post, name) = (&post, &name);
        async move {
            let key = key(number);
            if number % 10 == 0 {
                let (Outcome::Done(work), _) = post("distributed/read", json!({"node_key": key})).await else {
                    panic!()
                };
                assert!(work["queries"].get(name).is_some());
            }
            let rows = if number % 3 == 0 { json!([]) } else { json!([{"n": number.to_string()}]) };
            let write = json!({"node_key": key, "queries": {name: rows}, "statuses": {name: 0}});
            let (outcome, took) = post("distributed/write", write.clone()).await;
            assert_eq!(outcome, Outcome::Done(json!({})));
            // The reply was lost: it says so again.
            if number % 20 == 0 {
                assert_eq!(post("distributed/write", write).await.0, Outcome::Done(json!({})));
            }
            took
        }
    });
    futures::stream::iter(hosts)
        .buffer_unordered(500)
        .fold(Duration::ZERO, async |slowest, took| slowest.max(took))
        .await
}

#[test]
fn live_check_34_ten_thousand_answers_are_told_once_each_and_the_counts_add_up() {
    System::new().block_on(Box::pin(ten_thousand_answers()));
}

async fn ten_thousand_answers() {
    let house = House::open("load", &[]);
    enrol(&house, HOSTS).await;
    let everyone = house.label_named("All Hosts").await;
    let body = json!({"query": "SELECT 1", "selected": {"labels": [everyone]}});
    let campaign = house.start("queries/run", body).await;
    let mut stream = Stream::of(&house.admin(), campaign).await;
    let reading = async {
        let (mut hosts, mut rows) = (BTreeSet::new(), BTreeSet::new());
        while hosts.len() < HOSTS {
            let result = stream.hear("result", Duration::from_secs(60)).await;
            let host = result["host"]["id"].as_u64().unwrap();
            assert!(hosts.insert(host), "host {host} was told twice");
            rows.extend(result["rows"][0]["n"].as_str().map(str::to_owned));
        }
        rows.len()
    };
    let (slowest, rows) = tokio::join!(answer_all(&house, campaign), Box::pin(reading));
    assert!(slowest < DEADLINE, "the slowest write took {slowest:?}");
    let (empty, with_rows) = (HOSTS.div_ceil(3), HOSTS - HOSTS.div_ceil(3));
    assert_eq!(rows, with_rows, "every host's own rows");
    let status = stream.hear_that("status", SOON, |status| status["actual_results"] == HOSTS).await;
    assert_eq!(
        (&status["count_of_hosts_with_results"], &status["count_of_hosts_with_no_results"], &status["status"]),
        (&json!(with_rows), &json!(empty), &json!("finished"))
    );
    let campaign = house.admin().get(&format!("/api/muster/v1/campaigns/{campaign}")).await.ok()["campaign"].clone();
    let counts =
        ["targeted", "rows", "empty", "error", "waiting", "offline"].map(|kind| campaign["hosts"][kind].clone());
    assert_eq!(counts, [HOSTS, with_rows, empty, 0, 0, 0].map(|count| json!(count)));
}

/// Everything that a host calls in its life; the longest wait.
async fn a_life(house: &House, number: usize) -> Duration {
    let mut host = TestHost::new(&house.door, &house.name("at-once"));
    let mut longest = Duration::ZERO;
    let mut timed = async |call: Pin<Box<dyn Future<Output = Reply> + '_>>| {
        let began = Instant::now();
        let reply = call.await;
        longest = longest.max(began.elapsed());
        reply
    };
    timed(Box::pin(host.enrol(&house.secret))).await.done();
    timed(Box::pin(host.config(None))).await.done();
    let asked = queries(&timed(Box::pin(host.read())).await.done());
    timed(Box::pin(host.write(host.usual_answers(&asked)))).await.done();
    for kind in ["result", "status"] {
        let lines: Vec<_> = (0..50).map(|line| json!({"name": "load", "message": "load", "line": line})).collect();
        timed(Box::pin(host.log(kind, &lines))).await.done();
    }
    let request = format!("request-{number}");
    let session = timed(Box::pin(host.carve_begin(20_000, 8_192, &request))).await.done()["session_id"].clone();
    for (block, bytes) in [8_192, 8_192, 3_616].into_iter().enumerate() {
        let call = host.carve_block(session.as_str().unwrap(), &request, block, &[7; 8_192][..bytes]);
        timed(Box::pin(call)).await.done();
    }
    longest
}

#[tokio::test]
async fn osquery_check_36_every_call_is_answered_in_time_while_many_hosts_call() {
    let house = House::open("at-once", &[]);
    let longest = join_all((0..60).map(|number| a_life(&house, number))).await.into_iter().max().unwrap();
    assert!(longest < DEADLINE, "somebody waited for {longest:?}");
}
