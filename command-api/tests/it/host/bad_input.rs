//! What no sound host sends: each gets an answer that osqueryd takes for a failure, and blocks nobody for ever.

use std::io::Write as _;

use command_api::settings::{Limits, Settings};
use flate2::Compression;
use flate2::write::GzEncoder;
use infra_log::Topic;
use serde_json::{Value, json};

use super::site::Site;

const PATHS: [&str; 8] =
    ["enroll", "config", "distributed/read", "distributed/write", "log", "carve/begin", "carve/block", "yara/x"];

fn small() -> Limits {
    Limits { small: 4_096, enroll: 8_192, log: 20_000, write: 20_000, carve_block: 8_192, ..Limits::default() }
}

async fn limited() -> Site {
    Site::with(Settings { limits: small(), ..Settings::default() }).await
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[actix_web::test]
async fn check_10_malformed_bodies_are_failures() {
    let site = limited().await;
    site.enroll("a").await;
    let deep = format!("{{\"node_key\":{}{}}}", "[".repeat(1_500), "]".repeat(1_500));
    let control = "{\"node_key\":\"a\nb\"}".to_owned();
    let bodies = [
        "",
        " ",
        "{",
        "[]",
        "\"x\"",
        "7",
        "<html>",
        r#"{"node_key":"#,
        r#"{"node_key":[1]}"#,
        &deep,
        &control,
        "\0\0\0",
    ];
    for path in PATHS {
        for body in bodies {
            let reply = site.post_bytes(path, body.to_owned()).await;
            if matches!(path, "enroll" | "carve/block") && body == r#"{"node_key":[1]}"# {
                continue; // No key is looked for there.
            }
            assert!(!reply.error().is_empty(), "{path} {body:.40}");
            assert!(!reply.is_node_invalid(), "{path} {body:.40}");
        }
    }
}

#[actix_web::test]
async fn ten_thousand_levels_are_refused_wherever_they_stand() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for path in PATHS {
        let body = format!(
            r#"{{"node_key":"{key}","log_type":"result","data":[{{"name":{deep}}}],"queries":{{"q":{deep}}}}}"#
        );
        assert!(site.post_bytes(path, body).await.error().contains("deep"), "{path}");
    }
}

#[actix_web::test]
async fn check_38_null_is_an_empty_object_and_the_rest_is_not_looked_at() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    for path in ["config", "distributed/read", "distributed/write", "log", "yara/x"] {
        assert!(site.post_bytes(path, "null").await.is_node_invalid(), "{path}");
    }
    let body = format!(r#"{{"node_key":"{key}"}} and more {{"#);
    assert_eq!(site.post_bytes("config", body).await.status, 200);
}

#[actix_web::test]
async fn check_10_an_oversized_body_is_a_failure() {
    for path in PATHS {
        let site = limited().await;
        let key = site.enroll("a").await;
        let body = json!({"node_key": key, "log_type": "result", "session_id": "s", "block_id": 0, "padding": "x".repeat(40_000)}).to_string();
        for (body, encoding) in [(body.clone().into_bytes(), "identity"), (zipped(body.as_bytes()), "gzip")] {
            let request =
                Site::request(&format!("/api/osquery/{path}"), body).insert_header(("Content-Encoding", encoding));
            let reply = site.send(request).await;
            assert_eq!(reply.status, 413, "{path} {encoding} {}", reply.text());
            reply.error();
        }
    }
}

#[actix_web::test]
async fn a_gzip_bomb_is_a_failure_and_costs_no_more_than_the_limit() {
    let site = limited().await;
    site.enroll("a").await;
    let bomb = zipped(&vec![b' '; 16 << 20]);
    assert!(bomb.len() < 20_000);
    for path in PATHS {
        let request =
            Site::request(&format!("/api/osquery/{path}"), bomb.clone()).insert_header(("Content-Encoding", "gzip"));
        assert_eq!(site.send(request).await.status, 413, "{path}");
    }
    assert_eq!(site.app.intake.in_flight(), 0);
    // The largest limit, as it came and decompressed, and the end of both.
    let most = site.app.intake.most_in_flight();
    assert!(most < 2 * (20_000 + 512 * 1024), "{most}");
}

#[actix_web::test]
async fn a_post_that_is_always_too_large_is_taken_as_far_as_it_fits() {
    let site = limited().await;
    let key = site.enroll("a").await;
    let data: Vec<Value> = (0..200).map(|n| json!({"name": "q", "n": n, "padding": "x".repeat(200)})).collect();
    let body = json!({"node_key": key, "log_type": "result", "data": data});
    for _ in 0..2 {
        let reply = site.post("log", body.clone()).await;
        assert_eq!(reply.status, 413);
        reply.error();
        assert!(site.lines(Topic::Results).is_empty());
    }
    site.post("log", body).await.done();
    let kept: Vec<Value> =
        site.lines(Topic::Results).iter().map(|line| serde_json::from_slice(&line.value).unwrap()).collect();
    assert!(kept.len() > 50, "{}", kept.len());
    assert_eq!(kept[..], data[..kept.len()]);
    site.post("log", json!({"node_key": key, "log_type": "result", "data": [{"name": "small"}]})).await.done();
    assert_eq!(
        site.post("log", json!({"node_key": key, "log_type": "result", "data": data})).await.status,
        413,
        "its strikes are forgiven"
    );
}

#[actix_web::test]
async fn a_write_that_is_always_too_large_answers_what_fits_and_marks_it() {
    let site = limited().await;
    let key = site.enroll("a").await;
    let name = live_query(&site, &key).await;
    let rows: Vec<Value> = (0..200).map(|n| json!({"n": n.to_string(), "padding": "x".repeat(200)})).collect();
    let body = json!({"node_key": key, "queries": {name: rows}, "statuses": {name: 0}});
    for _ in 0..2 {
        assert_eq!(site.post("distributed/write", body.clone()).await.status, 413);
    }
    site.post("distributed/write", body).await.done();
    let answer = site.answers().remove(0);
    assert!(answer.cut && answer.row_count > 50);
    assert_eq!(serde_json::from_slice::<Vec<Value>>(&answer.rows).unwrap()[..], rows[..answer.row_count as usize]);
    assert!(!site.names(&key).await.contains("fleet_distributed_query_1"));
}

#[actix_web::test]
async fn a_post_of_another_kind_forgives_nothing() {
    let site = limited().await;
    let key = site.enroll("a").await;
    let data: Vec<Value> = (0..200).map(|n| json!({"name": "q", "n": n, "padding": "x".repeat(200)})).collect();
    let large = json!({"node_key": key, "log_type": "result", "data": data});
    let small = json!({"node_key": key, "log_type": "status", "data": [{"message": "fine"}]});
    for _ in 0..2 {
        assert_eq!(site.post("log", large.clone()).await.status, 413);
        site.post("log", small.clone()).await.done();
        site.post("distributed/write", json!({"node_key": key})).await.done();
    }
    site.post("log", large).await.done();
    assert!(site.lines(Topic::Results).len() > 50);
}

/// A body of so many items, of three bytes each.
fn crowd(path: &str, key: &str, items: usize) -> String {
    let items = vec!["{}"; items].join(",");
    match path {
        "log" => format!(r#"{{"data":[{items}],"log_type":"status","node_key":"{key}"}}"#),
        _ => format!(r#"{{"queries":{{"fleet_distributed_query_1":[{items}]}},"node_key":"{key}"}}"#),
    }
}

#[actix_web::test]
async fn of_who_has_no_key_nothing_else_is_read() {
    for path in ["log", "distributed/write"] {
        for key in ["unknown", ""] {
            let site = Site::new().await;
            site.enroll("a").await;
            let body = crowd(path, key, 350_000);
            let length = body.len();
            let reply = site.post_bytes(path, body).await;
            assert!(reply.is_node_invalid(), "{}", reply.text());
            let most = site.app.intake.most_in_flight();
            assert!(most <= length, "nothing but the bytes was held: {most}");
        }
        // What is wrong with the rest is not even seen.
        let site = Site::new().await;
        site.enroll("a").await;
        let reply =
            site.post(path, json!({"node_key": "unknown", "log_type": "result", "data": 7, "queries": 7})).await;
        assert!(reply.is_node_invalid(), "{}", reply.text());
    }
}

#[actix_web::test]
async fn of_too_many_items_as_many_are_taken_as_there_is_memory_for() {
    for path in ["log", "distributed/write"] {
        let limits = Limits { in_flight: 16 << 20, ..Limits::default() };
        let site = Site::with(Settings { limits, ..Settings::default() }).await;
        let key = site.enroll("a").await;
        live_query(&site, &key).await;
        let body = crowd(path, &key, 100_000);
        for _ in 0..2 {
            assert_eq!(site.post_bytes(path, body.clone()).await.status, 413);
        }
        site.post_bytes(path, body).await.done();
        // A quarter of the memory, at 1 KiB a line, or 256 bytes a row with its comma.
        let taken = match path {
            "log" => site.lines(Topic::Status).len(),
            _ => site.answers().remove(0).row_count as usize,
        };
        let most = if path == "log" { 4 << 10 } else { 16 << 10 };
        assert!((most / 2..=most).contains(&taken), "{path} {taken}");
        assert_eq!(site.app.intake.in_flight(), 0);
        assert!(site.app.intake.most_in_flight() > 4 << 20, "what is made of them counts");
    }
}

#[actix_web::test]
async fn a_root_of_too_many_members_is_refused() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let members: String = (0..2_000).map(|n| format!(r#""{n}":1,"#)).collect();
    for path in ["log", "distributed/write", "carve/block"] {
        let body = format!(r#"{{{members}"node_key":"{key}","log_type":"status"}}"#);
        assert!(site.post_bytes(path, body).await.error().contains("members"), "{path}");
    }
}

/// Starts a campaign that asks this host, and says the name of its query.
async fn live_query(site: &Site, key: &str) -> &'static str {
    let targets: domain::Members = [site.host(key)].into_iter().collect();
    let command = domain::campaign::Command::Start {
        sql: "SELECT 1".to_owned(),
        query: None,
        by: None,
        targets,
        attended: false,
        life: std::time::Duration::from_secs(60),
        most: Default::default(),
    };
    site.decide(command).await;
    "fleet_distributed_query_1"
}

#[actix_web::test]
async fn a_write_with_its_key_at_the_end_is_taken_too_however_large() {
    // What is compressed is looked into only so far.
    let proxied = Settings::default().trusted_proxies;
    for (zip, padding, trusted_proxies) in
        [(false, 4_000, proxied.clone()), (false, 4_000, vec![]), (true, 300, proxied), (true, 300, vec![])]
    {
        let site = Site::with(Settings { limits: small(), trusted_proxies, ..Settings::default() }).await;
        let key = site.enroll("a").await;
        let name = live_query(&site, &key).await;
        let rows: Vec<Value> = (0..200).map(|n| json!({"n": n.to_string(), "padding": "x".repeat(padding)})).collect();
        let rows = Value::from(rows).to_string();
        let details = json!({"fleet_detail_query_osquery_info": [{"version": "9.9.9"}]}).to_string();
        // As osqueryd writes it: what was found, what became of it, and the key behind all that.
        let (details, found) = (details.trim_start_matches('{').trim_end_matches('}'), format!(r#""{name}":{rows}"#));
        let body = format!(
            r#"{{"queries":{{{details},{found}}},"statuses":{{"{name}":1}},"messages":{{"{name}":"went wrong"}},"node_key":"{key}"}}"#
        );
        let send = async || {
            let (body, encoding) =
                if zip { (zipped(body.as_bytes()), "gzip") } else { (body.clone().into_bytes(), "identity") };
            site.send(
                Site::request("/api/osquery/distributed/write", body).insert_header(("Content-Encoding", encoding)),
            )
            .await
        };
        for _ in 0..2 {
            let reply = send().await;
            assert_eq!((reply.status, reply.is_node_invalid()), (413, false), "{}", reply.text());
        }
        send().await.done();
        let answer = site.answers().remove(0);
        assert_eq!((answer.error.as_str(), answer.cut), ("went wrong", true), "what stands behind the rows is read");
        assert!(!site.names(&key).await.contains(name), "and it is not asked again");
        assert_eq!(site.app.intake.in_flight(), 0);
    }
}

#[actix_web::test]
async fn lines_with_their_key_at_the_end_are_taken_too_however_many() {
    let site = limited().await;
    let key = site.enroll("a").await;
    let data: Vec<Value> = (0..200).map(|n| json!({"name": "q", "n": n, "padding": "x".repeat(4_000)})).collect();
    let body = format!(r#"{{"data":{},"log_type":"result","node_key":"{key}"}}"#, Value::from(data.clone()));
    for _ in 0..2 {
        let reply = site.post_bytes("log", body.clone()).await;
        assert_eq!((reply.status, reply.is_node_invalid()), (413, false), "{}", reply.text());
    }
    site.post_bytes("log", body).await.done();
    let kept: Vec<Value> =
        site.lines(Topic::Results).iter().map(|line| serde_json::from_slice(&line.value).unwrap()).collect();
    assert!((1..200).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept[..], data[..kept.len()]);
}

#[actix_web::test]
async fn a_key_that_cannot_be_found_invalidates_nobody() {
    let site = limited().await;
    let key = site.enroll("a").await;
    // More than is kept of an end stands behind the key.
    let (filler, rest) = ("x".repeat(30_000), "y".repeat(600_000));
    for path in ["log", "distributed/write"] {
        let body = format!(r#"{{"filler":"{filler}","node_key":"{key}","log_type":"status","rest":"{rest}"}}"#);
        for _ in 0..4 {
            let reply = site.post_bytes(path, body.clone()).await;
            assert_eq!((reply.status, reply.is_node_invalid()), (413, false), "{path} {}", reply.text());
        }
    }
    assert_eq!(site.config(&key).await.status, 200);
}

#[actix_web::test]
async fn bodies_in_flight_are_limited() {
    let limits = Limits { in_flight: 1_000, ..Limits::default() };
    let site = Site::with(Settings { limits, ..Settings::default() }).await;
    let reply = site.post("log", json!({"node_key": "k", "log_type": "result", "data": ["x".repeat(2_000)]})).await;
    assert_eq!((reply.status, reply.is_node_invalid()), (503, false));
    assert!(reply.error().contains("busy"));
    assert_eq!(site.app.intake.in_flight(), 0);
    assert_eq!(
        site.post("enroll", json!({"enroll_secret": super::site::SECRET, "host_identifier": "a"})).await.status,
        200
    );
}

#[actix_web::test]
async fn odd_numbers_and_texts_are_taken_as_they_are() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let line = r#"{"name":"q","unixTime":-99999999999999999999,"counter":1e999,"x":"\u0000\ud800","deep":[[[{}]]]}"#;
    let body = format!(r#"{{"node_key":"{key}","log_type":"result","data":[{line}]}}"#);
    site.post_bytes("log", body).await.done();
    assert_eq!(site.lines(Topic::Results).len(), 1);
    site.answer(&key, json!({"fleet_detail_query_system_info": [{"hostname": "a\u{0}b", "uuid": "x".repeat(9_000), "physical_memory": "1"}]})).await.done();
    let identity = site.app.registry.identity(site.host(&key)).unwrap();
    assert_eq!((identity.hostname.as_str(), identity.uuid.len()), ("ab", 255));
}
