//! Live queries, checks 9 to 18, 19, 40, 41, 43 and 48: the result stream of Fleet's clients.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use infra_testkit::host::talk::live_name;
use infra_testkit::stream::{NotOpened, RAW, SOCKJS};
use infra_testkit::wait::holds;
use infra_testkit::{Event, Stream, TestAdmin};
use serde_json::{Value, json};

use crate::house::{House, SOON};

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    House::shared(&HOUSE, "live-stream", &[])
}

/// Everything until the stream ends, or is silent for `bound`.
async fn rest(stream: &mut Stream, bound: Duration) -> Vec<Event> {
    let mut heard = Vec::new();
    loop {
        let event = stream.next(bound).await;
        let ended = event.is_end() || event == Event::Silence;
        heard.push(event);
        if ended {
            return heard;
        }
    }
}

fn error(said: &str) -> Event {
    Event::Message { kind: "error".to_owned(), data: said.into() }
}

#[tokio::test]
async fn live_check_09_totals_come_first_and_then_the_status() {
    let house = house();
    let host = house.host("nine").await;
    let mut stream = Stream::of(&house.admin(), house.campaign(&[&host]).await).await;
    let totals = json!({"count": 1, "online": 1, "offline": 0, "missing_in_action": 0});
    assert_eq!(stream.next(SOON).await, Event::Message { kind: "totals".to_owned(), data: totals });
    let status = json!({"expected_results": 1, "actual_results": 0, "count_of_hosts_with_results": 0,
        "count_of_hosts_with_no_results": 0, "status": "pending"});
    assert_eq!(stream.next(SOON).await, Event::Message { kind: "status".to_owned(), data: status });
}

#[tokio::test]
async fn live_check_10_sockjs_framing() {
    let house = house();
    let host = house.host("ten").await;
    let campaign = house.campaign(&[&host]).await;
    let mut stream = Stream::open(&house.door, SOCKJS, None).await.unwrap();
    assert_eq!(stream.next(SOON).await, Event::Opened);
    // Both messages in one array, as some clients send them.
    let auth = json!({"type": "auth", "data": {"token": house.token}}).to_string();
    let select = json!({"type": "select_campaign", "data": {"campaign_id": campaign}}).to_string();
    stream.send_text(&json!([auth, select]).to_string()).await.unwrap();
    assert_eq!(stream.hear("totals", SOON).await["count"], 1);
    host.answer_live(campaign, json!([{"a": "1"}])).await.done();
    assert_eq!(stream.hear("result", SOON).await["rows"][0]["a"], "1");

    let info = TestAdmin::with_token(&house.door, "").get("results/info").await.ok();
    assert_eq!((&info["websocket"], &info["cookie_needed"]), (&json!(true), &json!(false)));
    for fallback in ["xhr", "xhr_streaming", "xhr_send"] {
        let path = format!("results/000/abc/{fallback}");
        assert!(matches!(house.admin().post(&path, json!({})).await.status, 404 | 405), "{fallback}");
    }
}

#[tokio::test]
async fn live_check_11_what_is_wrong_with_the_two_messages_is_said() {
    let house = house();
    let host = house.host("eleven").await;
    let campaign = house.campaign(&[&host]).await;
    let opened = async || Stream::open(&house.door, RAW, None).await.unwrap();
    let after = async |token: &str, second: Value| {
        let mut stream = opened().await;
        stream.send(&json!({"type": "auth", "data": {"token": token}})).await.unwrap();
        stream.send(&second).await.unwrap();
        rest(&mut stream, SOON).await
    };
    let select = |id: Value| json!({"type": "select_campaign", "data": {"campaign_id": id}});
    let closed = Event::Closed(Some(1000));

    for token in ["", "forged"] {
        assert_eq!(after(token, select(json!(campaign))).await, [error("unauthorized"), closed.clone()]);
    }
    for first in [select(json!(campaign)), json!({"type": "auth", "data": "text"}), json!([1])] {
        let mut stream = opened().await;
        stream.send(&first).await.unwrap();
        assert_eq!(rest(&mut stream, SOON).await, std::slice::from_ref(&closed), "{first}");
    }
    let said = async |second: Value| after(&house.token, second).await;
    assert_eq!(said(select(json!(0))).await, [error("0 is not a valid campaign ID"), closed.clone()]);
    assert_eq!(said(json!({"type": "hello"})).await, [error("expected select_campaign"), closed.clone()]);
    for id in [json!("42"), json!(-1), json!(1.5)] {
        let wrong = [error("error unmarshaling select_campaign data"), closed.clone()];
        assert_eq!(said(select(id)).await, wrong);
    }
    let began = Instant::now();
    let unknown = said(select(json!(99_999))).await;
    assert!(matches!(&unknown[0], Event::Message { kind, .. } if kind == "error"), "{unknown:?}");
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    let other = house.user("admin").await;
    assert_eq!(after(&other.token, select(json!(campaign))).await, [error("forbidden"), closed]);
}

#[tokio::test]
async fn live_check_12_a_foreign_page_may_not_open_a_stream() {
    let house = house();
    let address = house.door.address().await;
    for path in [RAW, SOCKJS] {
        let open = async |origin: Option<&str>| Stream::open(&house.door, path, origin).await.map(drop);
        assert!(open(None).await.is_ok());
        assert!(open(Some(&format!("https://{address}"))).await.is_ok());
        for foreign in ["https://evil.example", "null", "https://127.0.0.1:1"] {
            assert!(matches!(open(Some(foreign)).await, Err(NotOpened(403))), "{foreign}");
        }
    }
}

#[tokio::test]
async fn live_check_13_rows_name_their_host_and_hold_text() {
    let house = house();
    let host = house.host("thirteen").await;
    let campaign = house.campaign(&[&host]).await;
    let mut stream = Stream::of(&house.admin(), campaign).await;
    host.answer_live(campaign, json!([{"a": "1", "b": null}, {"a": 2, "host_hostname": "liar"}])).await.done();
    let result = stream.hear("result", SOON).await;
    let name = &host.hostname;
    assert_eq!(result["distributed_query_execution_id"], campaign);
    assert_eq!(result["host"], json!({"id": house.id(&host).await, "hostname": name, "display_name": name}));
    let rows = result["rows"].as_array().unwrap();
    assert_eq!((&rows[0]["a"], &rows[1]["a"]), (&json!("1"), &json!("2")));
    for row in rows {
        assert_eq!((&row["host_hostname"], &row["host_display_name"]), (&json!(name), &json!(name)));
        assert!(row.as_object().unwrap().values().all(Value::is_string), "{row}");
    }
    assert_eq!(result["stats"], json!({"wall_time_ms": 3, "user_time": 1, "system_time": 0, "memory": 4096}));
    assert!(result.get("error").is_none());
}

#[tokio::test]
async fn live_checks_14_15_16_and_48_answers_are_counted_by_kind() {
    let house = house();
    let hosts = [house.host("rows").await, house.host("none").await, house.host("failed").await];
    let more = [house.host("text").await, house.host("odd").await, house.host("said").await];
    let all: Vec<_> = hosts.iter().chain(&more).collect();
    let campaign = house.campaign(&all).await;
    let name = live_name(campaign);
    let mut stream = Stream::of(&house.admin(), campaign).await;

    hosts[0].answer_live(campaign, json!([{"a": 7}])).await.done();
    assert_eq!(stream.hear("result", SOON).await["rows"][0]["a"], "7", "a number is its text");
    hosts[1].answer_live(campaign, json!([])).await.done();
    let empty = stream.hear("result", SOON).await;
    assert_eq!((&empty["rows"], empty.get("error")), (&json!([]), None));
    hosts[2].fail(&name, "no such table: foo").await.done();
    let failed = stream.hear("result", SOON).await;
    assert_eq!((&failed["rows"], &failed["error"]), (&json!([]), &json!("no such table: foo")));
    // A status that is text, beside statuses that make no sense.
    let odd = json!({"queries": {name.clone(): [], "fleet_label_query_1": []},
        "statuses": {name.clone(): "1", "fleet_label_query_1": {"x": true}}, "messages": {name.clone(): "as text"}});
    more[0].write(odd).await.done();
    assert_eq!(stream.hear("result", SOON).await["error"], "as text");
    let odd = json!({"queries": {name.clone(): [{"a": "1"}], "fleet_label_query_1": []},
        "statuses": {name.clone(): 0, "fleet_label_query_1": [1]}, "stats": {"fleet_label_query_1": "x"}});
    more[1].write(odd).await.done();
    assert_eq!(stream.hear("result", SOON).await["rows"][0]["a"], "1");
    let said = json!({"queries": {name.clone(): []}, "statuses": {name.clone(): 0}, "messages": {name: "a word"}});
    more[2].write(said).await.done();
    assert_eq!(stream.hear("result", SOON).await["error"], "a word", "a message is an error, whatever the status");

    let done = |status: &Value| status["actual_results"] == 6;
    let status = stream.hear_that("status", SOON, done).await;
    assert_eq!(
        status,
        json!({"expected_results": 6, "actual_results": 6, "count_of_hosts_with_results": 2,
        "count_of_hosts_with_no_results": 1, "status": "finished"})
    );
}

#[tokio::test]
async fn live_check_17_the_status_comes_in_its_time() {
    let house = house();
    let (first, late) = (house.host("first").await, house.host("late").await);
    let campaign = house.campaign(&[&first, &late]).await;
    let mut stream = Stream::of(&house.admin(), campaign).await;
    let mut statuses = Vec::new();
    let mut finished = None;
    first.answer_live(campaign, json!([])).await.done();
    late.answer_live(campaign, json!([])).await.done();
    let answered = Instant::now();
    while finished.is_none() {
        let event = stream.next(SOON).await;
        assert!(!event.is_end() && event != Event::Silence);
        if let Some(status) = event.of("status") {
            statuses.push(Instant::now());
            finished = (status["status"] == "finished").then(Instant::now);
        }
    }
    // Sent at a tick of five seconds; the rest is the machine's.
    assert!(finished.unwrap() - answered < Duration::from_secs(7));
    let pauses = statuses.windows(2).map(|two| two[1] - two[0]);
    assert!(pauses.filter(|pause| *pause < Duration::from_millis(4_500)).count() <= 1, "one extra is allowed");
}

#[tokio::test]
async fn live_check_18_and_40_closing_the_socket_ends_the_asking() {
    let house = house();
    let admin = house.admin();
    for (how, surplus) in [("a Close frame", false), ("a cut", false), ("a Close frame after a third message", true)] {
        let host = house.host("eighteen").await;
        let campaign = house.campaign(&[&host]).await;
        let mut stream = Stream::of(&admin, campaign).await;
        stream.hear("status", SOON).await;
        if surplus {
            stream.send(&json!({"type": "select_campaign", "data": {"campaign_id": campaign}})).await.unwrap();
        }
        assert!(host.asked_live().await.contains_key(&campaign));
        match how {
            "a cut" => drop(stream),
            _ => stream.close().await,
        }
        let ended = async || !host.asked_live().await.contains_key(&campaign);
        holds(&format!("{how} ends the asking"), Duration::from_secs(10), ended).await;
    }
}

#[tokio::test]
async fn live_check_19_a_client_that_speaks_like_fleetctl_gets_its_row() {
    let house = house();
    let (admin, host) = (house.admin(), house.host("nineteen").await);
    admin.get("status/live_query").await.ok();
    // It splits comma lists, so a list that was not given is one empty text; its frames end in a newline.
    let selected = json!({"hosts": [host.hostname], "labels": [""]});
    let body = json!({"query": "SELECT version FROM osquery_info", "query_id": null, "selected": selected});
    let started = admin.post("/api/latest/fleet/queries/run_by_identifiers", body).await.ok();
    let campaign = started["campaign"]["id"].as_u64().unwrap();
    let mut stream = Stream::open(&house.door, RAW, None).await.unwrap();
    let auth = json!({"type": "auth", "data": {"token": house.token}});
    let select = json!({"type": "select_campaign", "data": {"campaign_id": campaign}});
    stream.send_text(&format!("{auth}\n")).await.unwrap();
    stream.send_text(&format!("{select}\n")).await.unwrap();
    let asked = host.asked_live().await;
    assert_eq!(asked[&campaign], "SELECT version FROM osquery_info");
    host.answer_live(campaign, json!([{"version": "5.16.0"}])).await.done();
    assert_eq!(stream.hear("result", SOON).await["rows"][0]["version"], "5.16.0");
    // With --exit it ends when as many have answered as are online.
    let enough = |status: &Value| status["actual_results"].as_u64() >= status["expected_results"].as_u64();
    stream.hear_that("status", SOON, enough).await;
}

#[tokio::test]
async fn live_check_41_two_streams_of_one_campaign_each_get_everything() {
    let house = house();
    let admin = house.admin();
    let (one, two) = (house.host("one").await, house.host("two").await);
    let campaign = house.campaign(&[&one, &two]).await;
    let (mut first, mut second) = (Stream::of(&admin, campaign).await, Stream::of(&admin, campaign).await);
    one.answer_live(campaign, json!([{"n": "1"}])).await.done();
    assert_eq!(first.hear("result", SOON).await, second.hear("result", SOON).await);
    first.close().await;
    assert!(two.asked_live().await.contains_key(&campaign), "hosts are asked for the reader that stays");
    two.answer_live(campaign, json!([{"n": "2"}])).await.done();
    assert_eq!(second.hear("result", SOON).await["rows"][0]["n"], "2");
}

#[tokio::test]
async fn live_check_43_the_server_closes_with_a_valid_code() {
    let house = house();
    let mut raw = Stream::open(&house.door, RAW, None).await.unwrap();
    raw.select("forged", 1).await.unwrap();
    assert_eq!(rest(&mut raw, SOON).await.last(), Some(&Event::Closed(Some(1000))));
    let mut sockjs = Stream::open(&house.door, SOCKJS, None).await.unwrap();
    sockjs.select("forged", 1).await.unwrap();
    let heard = rest(&mut sockjs, SOON).await;
    assert!(heard.iter().any(|event| matches!(event, Event::Told(told) if told.starts_with("[1000,"))), "{heard:?}");
}

#[tokio::test]
async fn what_answered_before_the_reader_came_is_read_too() {
    let house = house();
    let host = house.host("early").await;
    let campaign = house.campaign(&[&host]).await;
    host.answer_live(campaign, json!([{"n": "1"}])).await.done();
    let mut stream = Stream::of(&house.admin(), campaign).await;
    assert_eq!(stream.hear("result", SOON).await["rows"][0]["n"], "1");
}
