//! The way of a host through the whole server, call by call, and where what it said can be found afterwards.

use std::path::Path;

use infra_testkit::wait::until;
use infra_testkit::{Door, TestAdmin, TestHost};
use serde_json::{Value, json};

use crate::house::{House, SOON};

/// Both spellings of every path.
const PREFIXES: [&str; 2] = ["/api/osquery", "/api/v1/osquery"];

/// A server to walk through.
pub struct Site<'a> {
    pub door: &'a Door,
    pub admin: &'a TestAdmin,
    pub secret: &'a str,
    pub data: &'a Path,
}

/// What a host was given on the way, and must keep to itself.
pub struct Given {
    pub key: String,
    pub carve_session: String,
}

#[tokio::test]
async fn a_host_enrols_is_configured_asked_heard_and_its_file_is_carved() {
    let house = House::open("walk", &[]);
    let admin = house.admin();
    let site = Site { door: &house.door, admin: &admin, secret: &house.secret, data: &house.data };
    for (number, prefix) in PREFIXES.into_iter().enumerate() {
        walk(&site, number, prefix).await;
    }
    house.close();
}

/// Call by call, with one spelling of the paths.
pub async fn walk(site: &Site<'_>, number: usize, prefix: &str) -> Given {
    let call = |path: &str| format!("{prefix}/{path}");
    let admin = site.admin;
    let mut host = TestHost::new(site.door, &format!("walk-{number}"));

    // Enrol.
    let body =
        json!({"enroll_secret": site.secret, "host_identifier": host.identifier, "host_details": host.details()});
    let key = host.post(&call("enroll"), &body).await.done()["node_key"].as_str().unwrap().to_owned();
    host.take_key(&key);
    host.settle().await;
    let found = admin.get(&format!("hosts/identifier/{}", host.hostname)).await.ok();
    let id = found["host"]["id"].as_u64().unwrap();

    // Configuration: whole, unchanged, and whole again once a query is scheduled.
    let config = async |etag: &str| {
        let reply = host.post(&call("config"), &json!({"node_key": key, "etag": etag})).await;
        let etag: String =
            <sha2::Sha256 as sha2::Digest>::digest(&reply.body).iter().map(|b| format!("{b:02x}")).collect();
        (reply.done(), etag)
    };
    let (first, etag) = config("").await;
    assert!(first["options"].is_object(), "{first}");
    assert_eq!(config(&etag).await.0, json!({"etag": "ok"}));
    let name = format!("processes {number}");
    let query = json!({"name": name, "query": "SELECT * FROM processes", "interval": 300, "logging": "snapshot"});
    let query = admin.post("queries", query).await.ok()["query"]["id"].as_u64().unwrap();
    let (second, _) = config(&etag).await;
    let entry = &second["packs"]["Global"]["queries"][&name];
    assert_eq!((&entry["query"], &entry["interval"]), (&json!("SELECT * FROM processes"), &json!(300)), "{second}");

    // A live query.
    let selected = json!({"query": "SELECT 1", "selected": {"hosts": [host.hostname]}});
    let campaign = admin.post("/api/muster/v1/campaigns", selected).await.ok()["campaign"]["id"].as_u64().unwrap();
    let asked = host.post(&call("distributed/read"), &json!({"node_key": key})).await.done();
    let live = infra_testkit::host::talk::live_name(campaign);
    assert_eq!(asked["queries"][&live], "SELECT 1");
    let write = json!({"node_key": key, "queries": {live.clone(): [{"1": "1"}]}, "statuses": {live: 0}});
    host.post(&call("distributed/write"), &write).await.done();
    let answers = admin.get(&format!("/api/muster/v1/campaigns/{campaign}/answers")).await.ok();
    assert_eq!(
        (&answers["answers"][0]["host"]["id"], &answers["answers"][0]["rows"]),
        (&json!(id), &json!([{"1": "1"}]))
    );

    // Logs: a snapshot, what came and went since the last run, and a status line.
    let rows = json!([{"pid": "1", "name": "init"}]);
    let line = json!({"name": format!("pack/Global/{name}"), "hostIdentifier": host.identifier, "unixTime": 1_790_000_000,
        "snapshot": rows, "action": "snapshot"});
    let change = |action: &str| {
        json!({"name": format!("pack/Global/{name}"), "hostIdentifier": host.identifier,
        "unixTime": 1_790_000_001, "columns": {"pid": "2", "name": "kthreadd"}, "action": action, "epoch": 0, "counter": 1})
    };
    let (added, removed) = (change("added"), change("removed"));
    let status = json!({"hostIdentifier": host.identifier, "severity": "1", "message": format!("warned {number}")});
    for (kind, lines) in [("result", vec![&line, &added, &removed]), ("status", vec![&status])] {
        let post = json!({"node_key": key, "log_type": kind, "data": lines});
        assert_eq!(host.post(&call("log"), &post).await.done(), json!({}));
    }
    for (topic, line) in [("results", &line), ("results", &added), ("results", &removed), ("status", &status)] {
        let records = admin.records(topic).await.unwrap();
        assert_eq!(records.iter().filter(|record| record["value"] == *line).count(), 1, "{topic}");
    }
    let report = admin.get(&format!("hosts/{id}/queries/{query}")).await.ok();
    assert_eq!(report["results"], json!([{"columns": {"pid": "1", "name": "init"}}]), "{report}");

    // A carve, in three blocks.
    let file: Vec<u8> = (0..20_000_u32).map(|at| (at % 251) as u8).collect();
    let carve_session = host.carve(&file, 8_192, &format!("request-{number}")).await;
    let whole = async || stored(&site.data.join("blobs"), &file).then_some(());
    until("the blocks of the carve are among the blobs", SOON, whole).await;

    // And a key that nobody has.
    let wrong = host.post(&call("config"), &json!({"node_key": "forged"})).await;
    assert!(wrong.node_invalid() && wrong.status == 401, "{wrong:?}");
    Given { key, carve_session }
}

/// Whether some files of one folder, in order, are exactly these bytes.
fn stored(blobs: &Path, bytes: &[u8]) -> bool {
    let mut folders: std::collections::BTreeMap<&Path, Vec<u8>> = Default::default();
    let files = infra_testkit::folder::files(&blobs.join("carves"));
    for file in &files {
        folders.entry(file.parent().unwrap()).or_default().extend(std::fs::read(file).unwrap());
    }
    folders.values().any(|whole| whole == bytes)
}

#[tokio::test]
async fn other_paths_and_verbs_do_nothing() {
    let house = House::open("verbs", &[]);
    let host = house.host("verbs").await;
    let body = json!({"node_key": host.key()}).to_string();
    for path in ["/api/latest/osquery/config", "/api/2022-04/osquery/config", "/api/osquery/config/", "/api/osquery/x"]
    {
        let reply = host.post_bytes(path, body.clone().into_bytes(), &[]).await;
        assert_eq!((reply.status, reply.refused()), (404, true), "{path}: {reply:?}");
    }
    for verb in ["GET", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH"] {
        let verb: reqwest::Method = verb.parse().unwrap();
        for path in ["config", "enroll", "log", "distributed/read", "distributed/write", "carve/begin", "yara/x"] {
            let reply = host.call(verb.clone(), path, body.clone().into_bytes(), &[]).await.unwrap();
            assert_eq!(reply.status, 405, "{verb} {path}");
        }
    }
    let _: Value = house.admin().get("me").await.ok();
}
