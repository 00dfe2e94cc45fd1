//! Whatever hosts, and what is none, may send: on host endpoints each is refused in a way that osqueryd takes for failure,
//! or taken whole, and nobody is held up by it.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use infra_testkit::host::talk::gzip;
use infra_testkit::raw::{request, say};
use infra_testkit::{Door, Outcome, Reply, ServerProcess, TestAdmin, TestHost};
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Clockwork, House, SOON, fresh};

/// More than the server may ever need for what is sent here.
const MEMORY: u64 = 700 * 1024 * 1024;
const MIB: usize = 1024 * 1024;
/// What hosts call with a key, and once without one.
const KEYED: [&str; 5] = ["config", "distributed/read", "distributed/write", "log", "carve/begin"];

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    House::shared(&HOUSE, "bad-input", &[])
}

/// The host keeps what it has and tries again, and keeps its key.
#[track_caller]
fn assert_refused(what: &str, reply: &Reply) {
    assert!(matches!(reply.outcome, Outcome::Failed(_)), "{what}: {} {:?}", reply.status, reply.outcome);
    assert!((400..600).contains(&reply.status), "{what}: {}", reply.status);
}

/// Nesting that would end the stack of a parser that calls itself.
fn deep(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// Compressed blanks: one small member again and again.
fn bomb(size: usize) -> Vec<u8> {
    gzip(&vec![b' '; MIB]).repeat(size / MIB)
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_failures_on_every_host_endpoint() {
    let host = house().host("unreadable").await;
    let key = host.key();
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("no body", vec![]),
        ("no JSON", b"node_key=x".to_vec()),
        ("a list", b"[]".to_vec()),
        ("text", br#""x""#.to_vec()),
        ("a number", b"1e999999".to_vec()),
        ("cut short", format!(r#"{{"node_key":"{key}","data":[{{"a":"#).into_bytes()),
        ("cut in a string", format!(r#"{{"node_key":"{key}","a":"b"#).into_bytes()),
        ("a raw NUL", b"\0".to_vec()),
        ("NULs", vec![0; 4_096]),
        ("no UTF-8", vec![0xff; 512]),
    ];
    let no_keys: Vec<(&str, Vec<u8>)> = vec![
        ("a key of the wrong type", br#"{"node_key":["x"]}"#.to_vec()),
        ("a key that is a number", br#"{"node_key":18446744073709551616}"#.to_vec()),
    ];
    for path in KEYED {
        for (what, body) in &no_keys {
            assert_refused(&format!("{path}: {what}"), &host.post_bytes(path, body.clone(), &[]).await);
        }
    }
    for path in KEYED.into_iter().chain(["enroll", "carve/block"]) {
        for (what, body) in &bodies {
            let what = format!("{path}: {what}");
            assert_refused(&what, &host.post_bytes(path, body.clone(), &[]).await);
        }
    }
    assert!(host.read().await.acknowledged(), "and the host is served on");
}

#[tokio::test]
async fn members_of_the_wrong_type_are_failures() {
    let host = house().host("types").await;
    let with = |more: Value| {
        let mut body = json!({"node_key": host.key()});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let cases = [
        ("log", json!({"log_type": "result", "data": "text"})),
        ("log", json!({"log_type": "result", "data": {"a": 1}})),
        ("log", json!({"log_type": 7, "data": []})),
        ("log", json!({"log_type": "strange", "data": []})),
        ("log", json!({"data": []})),
        ("distributed/write", json!({"queries": []})),
        ("distributed/write", json!({"queries": "x", "statuses": 3})),
        ("carve/begin", json!({"block_count": -1, "block_size": 10, "carve_size": 10})),
        ("carve/begin", json!({"block_count": 1.5, "block_size": 10, "carve_size": 15})),
        ("carve/begin", json!({"block_count": 1, "block_size": 10, "carve_size": 1e300})),
        ("carve/begin", json!({"block_count": 3, "block_size": 10, "carve_size": 10})),
        ("carve/begin", json!({"block_count": 1, "block_size": 0, "carve_size": 0})),
        ("enroll", json!({"enroll_secret": 5, "host_identifier": "x"})),
        ("enroll", json!({"enroll_secret": house().secret, "host_identifier": ["x"]})),
    ];
    for (path, more) in cases {
        assert_refused(&format!("{path} {more}"), &host.post(path, &with(more)).await);
    }
    for body in [json!({}), json!(null), json!({"node_key": null}), json!({"node_key": ""})] {
        for path in KEYED.into_iter().filter(|path| *path != "carve/begin") {
            let reply = host.post(path, &body).await;
            assert!(reply.node_invalid(), "{path} {body}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn oddities_beside_what_counts_are_passed_over() {
    let host = house().host("odd").await;
    let key = host.key();
    let bodies = [
        ("unknown members", format!(r#"{{"node_key":"{key}","log_type":"status","data":[],"x":{{"y":[1,2]}}}}"#)),
        ("something after it", format!(r#"{{"node_key":"{key}","log_type":"status"}} and more"#)),
        (
            "huge numbers",
            format!(r#"{{"node_key":"{key}","log_type":"status","x":-1e999999,"y":{}}}"#, "9".repeat(5_000)),
        ),
        ("a NUL in text", format!(r#"{{"node_key":"{key}","log_type":"status","data":[{{"message":"a\u0000b"}}]}}"#)),
    ];
    for path in ["config", "distributed/read", "distributed/write", "log"] {
        for (what, body) in &bodies {
            let reply = host.post_bytes(path, body.clone().into_bytes(), &[]).await;
            assert!(reply.acknowledged(), "{path}: {what}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn nesting_without_end_ends_nothing() {
    let host = house().host("deep").await;
    let key = host.key();
    for path in KEYED.into_iter().chain(["enroll"]) {
        for levels in [1_000, 10_000, 100_000] {
            let body = format!(
                r#"{{"node_key":"{key}","log_type":"result","x":{0},"data":[{{"name":"a","columns":{0}}}]}}"#,
                deep(levels)
            );
            let reply = host.post_bytes(path, body.into_bytes(), &[]).await;
            assert!(
                reply.status > 0 && (reply.refused() || reply.acknowledged() || reply.node_invalid()),
                "{path}: {reply:?}"
            );
        }
    }
    let campaign = house().own_campaign(&[&host]).await;
    let name = infra_testkit::host::talk::live_name(campaign);
    let body = format!(r#"{{"node_key":"{key}","queries":{{"{name}":[{{"a":{}}}]}}}}"#, deep(10_000));
    host.post_bytes("distributed/write", body.into_bytes(), &[]).await;
    for (method, path) in [(Method::POST, "queries"), (Method::PATCH, "config"), (Method::POST, "labels")] {
        let url = format!("https://{}/api/latest/fleet/{path}", house().door.address().await);
        let client = house().door.client();
        let call =
            client.request(method, url).bearer_auth(&house().token).body(format!(r#"{{"name":{}}}"#, deep(10_000)));
        assert_eq!(call.send().await.unwrap().status(), 400, "{path}");
    }
    assert!(host.read().await.acknowledged());
}

#[tokio::test]
async fn compressed_bodies_that_are_none_are_failures() {
    let host = house().host("gzip").await;
    let body = json!({"node_key": host.key(), "log_type": "status", "data": [{"message": "x"}]}).to_string();
    let whole = gzip(body.as_bytes());
    let zipped = [("Content-Encoding", "gzip")];
    for path in KEYED.into_iter().chain(["enroll", "carve/block"]) {
        let plain = host.post_bytes(path, body.clone().into_bytes(), &zipped).await;
        assert_refused(&format!("{path}: plain text called gzip"), &plain);
        let cut = host.post_bytes(path, whole[..whole.len() / 2].to_vec(), &zipped).await;
        assert_refused(&format!("{path}: half a stream"), &cut);
    }
    assert!(host.post_bytes("log", whole, &zipped).await.acknowledged());
}

#[tokio::test]
async fn broken_requests_are_never_taken_for_whole_ones() {
    let house = house();
    let host = house.host("broken").await;
    let line = json!({"message": "must not be kept", "hostIdentifier": "broken"});
    let body = json!({"node_key": host.key(), "log_type": "status", "data": [line]}).to_string();
    let more = (body.len() + 100).to_string();
    let path = "/api/osquery/log";
    // It promises more than it says, and hangs up.
    say(&house.door, &request("POST", path, &[("Content-Length", &more)], body.as_bytes()), true, SOON).await.unwrap();
    let chunked = [("Transfer-Encoding", "chunked"), ("Content-Length", "5")];
    for chunks in ["zz\r\nnonsense", "ffffffffffffffffff\r\n{}", "-1\r\n{}\r\n"] {
        let mut bytes = request("POST", path, &chunked[..1], b"");
        let text = String::from_utf8(bytes).unwrap().replace("Content-Length: 0\r\n", "");
        bytes = [text.as_bytes(), chunks.as_bytes()].concat();
        let heard = say(&house.door, &bytes, true, SOON).await.unwrap();
        assert!(!(200..300).contains(&heard.status), "{chunks}: {heard:?}");
    }
    for nonsense in [&b"\0\0\0\0\r\n\r\n"[..], b"POST\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"] {
        let heard = say(&house.door, nonsense, true, SOON).await.unwrap();
        assert!(!(200..300).contains(&heard.status), "{heard:?}");
    }
    let kept = house.admin().records("status").await.unwrap();
    assert!(kept.iter().all(|record| record["value"]["message"] != "must not be kept"));
    assert!(host.read().await.acknowledged());
}

#[tokio::test]
async fn admins_who_send_nonsense_are_told_and_nothing_fails() {
    let house = house();
    let admin = house.admin();
    let cases = [
        (Method::POST, "queries", json!({"name": 5, "query": "SELECT 1"})),
        (Method::POST, "queries", json!({"name": "x", "query": "SELECT 1", "interval": -1})),
        (Method::POST, "queries", json!({"name": "x", "query": "SELECT 1", "interval": 1e300})),
        (Method::POST, "queries/run", json!({"query": "SELECT 1", "selected": {"hosts": ["1"]}})),
        (Method::POST, "queries/run", json!({"query": "SELECT 1", "selected": {"hosts": [-1]}})),
        (Method::POST, "queries/run", json!({"query": "SELECT 1", "selected": {"hosts": [99_999_999_999_u64]}})),
        (Method::POST, "hosts/transfer", json!({"team_id": "x", "hosts": [1]})),
        (Method::POST, "hosts/transfer", json!([])),
        (Method::POST, "labels", json!("text")),
        (Method::PATCH, "config", json!({"org_info": {"org_nam": "x"}})),
        (Method::PATCH, "config", json!({"server_settings": 5})),
        (Method::POST, "teams", json!({"name": null})),
        (Method::POST, "users/admin", json!({"email": {}})),
        (Method::POST, "/api/muster/v1/campaigns", json!({"query": "SELECT 1", "hours": -4})),
        (Method::POST, "/api/muster/v1/campaigns", json!({"query": "SELECT 1", "hours": 1_000_000_000})),
    ];
    for (method, path, body) in cases {
        let answer = admin.call(method, path, Some(body.clone())).await;
        assert!((400..500).contains(&answer.status), "{path} {body}: {} {}", answer.status, answer.text);
        assert!(answer.json["message"].is_string(), "{path} {body}: {}", answer.text);
    }
    for path in [
        "hosts?per_page=-1",
        "hosts?page=x",
        "hosts?order_direction=up",
        "hosts?as_of=x",
        "hosts?status=odd",
        "/api/muster/v1/log/results?from=-1",
        "/api/muster/v1/log/results?partition=99",
    ] {
        assert_eq!(admin.get(path).await.status, 400, "{path}");
    }
    for path in ["hosts/99999999999999999999", "hosts/-1", "labels/abc/hosts", "/api/muster/v1/log/nothing"] {
        assert_eq!(admin.get(path).await.status, 404, "{path}");
    }
    for path in ["hosts", "me", "queries/run_by_identifiers"] {
        assert_eq!(admin.call(Method::PUT, path, None).await.status, 405, "{path}");
    }
    // A NUL is a character like any other: kept, or refused, but never the end of the text.
    let nul = admin.post("queries", json!({"name": "nul\u{0}name", "query": "SELECT 1"})).await;
    assert!(nul.status < 500, "{}", nul.text);
}

#[tokio::test]
async fn forged_and_expired_tokens_open_nothing() {
    let clockwork = Clockwork::open("tokens", &[]);
    let house = &clockwork.house;
    let bearer = |token: &str| TestAdmin::with_token(&house.door, token);
    let mut near = house.token.clone();
    near.replace_range(..1, if near.starts_with('A') { "B" } else { "A" });
    let forged = ["x".to_owned(), near, "A".repeat(100_000), format!("{}=", house.token)];
    let reads = ["me", "hosts", "config", "/api/muster/v1/campaigns", "/api/muster/v1/log/ledger"];
    for token in &forged {
        for path in reads {
            // A header that is too long is refused before anybody looks at it.
            let answer = bearer(token).try_call(Method::GET, path, None).await;
            assert!(
                answer.is_err() || matches!(answer.as_ref().unwrap().status, 401 | 431 | 400),
                "{path}: {answer:?}"
            );
        }
    }
    assert_eq!(bearer("").get("me").await.status, 401);
    house.admin().get("me").await.ok();
    clockwork.pass(Duration::from_secs(6 * 86_400)).await;
    for path in reads {
        assert_eq!(house.admin().get(path).await.status, 401, "{path}");
    }
    let body = json!({"query": "SELECT 1", "selected": {"labels": ["All Hosts"]}});
    assert_eq!(house.admin().post("queries/run_by_identifiers", body).await.status, 401);
}

/// Sizes, against the real binary, so that its memory can be looked at.
#[tokio::test]
async fn sizes_are_bounded_and_no_host_is_blocked_for_ever() {
    let data = fresh("sizes").join("data");
    let door = Door::shut();
    let muster = Path::new(env!("CARGO_BIN_EXE_muster"));
    let server = ServerProcess::start(muster, &data, &["--log", "warn"], &door).await.unwrap();
    let admin = infra_testkit::crash::first_admin(&door, &data).await.unwrap();
    let secret = std::fs::read_to_string(data.join("enroll-secret")).unwrap().trim().to_owned();
    let host = TestHost::enrolled(&door, "sizes", &secret).await;
    let zipped = [("Content-Encoding", "gzip")];

    // Bombs, of a gigabyte each.
    for path in KEYED.into_iter().chain(["enroll", "carve/block"]) {
        assert_refused(&format!("{path}: a bomb"), &host.post_bytes(path, bomb(1_024 * MIB), &zipped).await);
    }
    let bombs = KEYED.map(|path| host.post_bytes(path, bomb(1_024 * MIB), &zipped));
    for reply in futures::future::join_all(bombs).await {
        assert_refused("five bombs at once", &reply);
    }
    // More than any of these calls has to say.
    for (path, size) in [("config", MIB), ("distributed/read", MIB), ("carve/begin", MIB), ("enroll", 2 * MIB)] {
        let body = json!({"node_key": host.key(), "filler": "x".repeat(size)});
        assert_refused(&format!("{path}: {size} bytes"), &host.post(path, &body).await);
    }

    // One line of 900 kB is one line.
    let line = |mark: usize, size: usize| json!({"name": "large", "mark": mark, "columns": {"v": "x".repeat(size)}});
    host.log("result", &[line(0, 900_000)]).await.done();
    host.log_gzip("result", &[line(1, 900_000)]).await.done();
    // A post over the limit is refused, and refused, and then taken as far as it goes: what is behind it must not wait.
    let post: Vec<Value> = (2..40).map(|mark| line(mark, 900_000)).collect();
    assert_refused("a post of 34 MB", &host.log("result", &post).await);
    assert_refused("the same again", &host.log("result", &post).await);
    host.log("result", &post).await.done();
    host.log("result", &[line(99, 10)]).await.done();
    let marks: std::collections::BTreeSet<u64> =
        admin.records("results").await.unwrap().iter().filter_map(|record| record["value"]["mark"].as_u64()).collect();
    assert!([0, 1, 2, 20, 30, 99].iter().all(|mark| marks.contains(mark)), "{marks:?}");

    assert!(host.read().await.acknowledged());
    let peak = server.peak_memory().unwrap();
    assert!(peak < MEMORY, "the server held {} MiB", peak / 1024 / 1024);
    assert!(server.stop().await.unwrap().success());
}
