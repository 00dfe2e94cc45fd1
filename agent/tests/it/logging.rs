//! Lines: what the schedule says reaches the server, once, whatever happens on the way.

use serde_json::Value;

use crate::host::Host;
use crate::server::{Server, World};

const DIFFERENTIAL: &str = r#"{"schedule":{"q":{"query":"SELECT v","interval":5}},"decorators":{"load":["SELECT d"]}}"#;

fn changes(world: &World) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    world.results.iter().map(|line| (text(&line["action"]), text(&line["columns"]["v"]))).collect()
}

fn change(action: &str, v: &str) -> (String, String) {
    (action.to_owned(), v.to_owned())
}

#[tokio::test]
async fn changes_reach_the_server_over_runs() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    server.world().config = DIFFERENTIAL.to_owned();
    let host = Host::start(&server, data.path()).await;
    host.tables.set("SELECT d", &[&[("site", "north")]]);
    host.tables.set("SELECT v", &[&[("v", "a")], &[("v", "b")]]);
    server.until(&host.time, |world| world.results.len() == 2).await;
    host.tables.set("SELECT v", &[&[("v", "b")], &[("v", "c")]]);
    server.until(&host.time, |world| world.results.len() == 4).await;
    {
        let world = server.world();
        assert_eq!(
            changes(&world),
            [change("added", "a"), change("added", "b"), change("removed", "a"), change("added", "c")]
        );
        assert_eq!(world.results[0]["hostIdentifier"], "4c4c4544");
        assert_eq!(world.results[0]["counter"], 0);
        assert_eq!(world.results[0]["decorations"]["site"], "north");
        assert!(world.results[2]["counter"].as_u64() > Some(0));
    }
    host.stop().await;
}

#[tokio::test]
async fn lines_outlive_an_outage_and_a_restart() {
    let (mut server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    server.world().config = DIFFERENTIAL.to_owned();
    let host = Host::start(&server, data.path()).await;
    let (tables, time) = (host.tables.clone(), host.time.clone());
    tables.set("SELECT v", &[&[("v", "before")]]);
    server.until(&time, |world| world.results.len() == 1).await;
    server.go_away().await;
    let state = agent::state::State::open(data.path()).unwrap();
    for v in ["during", "after"] {
        tables.set("SELECT v", &[&[("v", "before")], &[("v", v)]]);
        let last = || state.oldest_lines(agent::state::Kind::Result, 100, 1 << 20).unwrap().pop();
        while !last().is_some_and(|line| line.text.contains(&format!(r#"{{"v":"{v}"}},"action":"added""#))) {
            time.advance_to_next();
            tokio::task::yield_now().await;
        }
    }
    drop(state);
    host.kill().await;
    server.come_back();
    let host = Host::start_with(crate::host::config(&server, data.path()), tables, time).await;
    server.until(&host.time, |world| world.results.len() >= 4).await;
    host.stop().await;
    let expected =
        [change("added", "before"), change("added", "during"), change("removed", "during"), change("added", "after")];
    assert_eq!(changes(&server.world()), expected);
}

#[tokio::test]
async fn an_error_keeps_the_lines_and_its_absence_deletes_them() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    server.world().config = DIFFERENTIAL.to_owned();
    let host = Host::start(&server, data.path()).await;
    server.until(&host.time, |world| world.documents_sent == 1).await;
    // Nothing but results is posted from here on, so that each of these answers meets a post of them.
    server.world().config =
        r#"{"options":{"tls_disable_status_log":true},"schedule":{"q":{"query":"SELECT v","interval":5}}}"#.to_owned();
    server.until(&host.time, |world| world.documents_sent == 2).await;
    let statuses = server.world().statuses.len();
    server.until(&host.time, |world| world.reads > 20 && world.statuses.len() >= statuses).await;
    let kept = [
        (500, r#"{"error":"disk full"}"#),
        (200, r#"{"error":null}"#),
        (413, r#"{"error":"x"}"#),
        (503, ""),
        (502, "<html>"),
        (302, ""),
    ];
    server.world().instead.extend(kept.map(|(status, body)| ("log", status, body)));
    host.tables.set("SELECT v", &[&[("v", "kept")]]);
    server.until(&host.time, |world| !world.results.is_empty()).await;
    assert!(server.world().instead.is_empty());
    assert_eq!(changes(&server.world()), [change("added", "kept")]);
    // A success that osqueryd would believe too: the lines are gone.
    server.world().instead.push_back(("log", 200, r#"{"message":"x","errors":[]}"#));
    host.tables.set("SELECT v", &[&[("v", "kept")], &[("v", "lost")]]);
    server.until(&host.time, |world| world.instead.is_empty()).await;
    host.tables.set("SELECT v", &[&[("v", "kept")], &[("v", "lost")], &[("v", "next")]]);
    server.until(&host.time, |world| world.results.len() > 1).await;
    assert_eq!(changes(&server.world()), [change("added", "kept"), change("added", "next")]);
    host.stop().await;
}

#[tokio::test]
async fn a_post_that_is_too_large_is_split() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    server.world().config = DIFFERENTIAL.to_owned();
    server.world().most_lines = 1;
    let host = Host::start(&server, data.path()).await;
    let values: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    let rows: Vec<[(&str, &str); 1]> = values.iter().map(|v| [("v", v.as_str())]).collect();
    host.tables.set("SELECT v", &rows.iter().map(|row| &row[..]).collect::<Vec<_>>());
    server.until(&host.time, |world| world.results.len() >= 40).await;
    assert_eq!(changes(&server.world()), values.iter().map(|v| change("added", v)).collect::<Vec<_>>());
    // Once there is room again, posts grow.
    server.world().most_lines = 0;
    let before = server.world().posts;
    host.tables.set("SELECT v", &[]);
    server.until(&host.time, |world| world.results.len() == 80).await;
    let posts = server.world().posts - before;
    assert!(posts < 20, "{posts} posts");
    host.stop().await;
}

#[tokio::test]
async fn a_clean_stop_sends_what_waits() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let host = Host::start(&server, data.path()).await;
    server.until(&host.time, |world| world.config_requests.len() == 1).await;
    host.stop().await;
    let said: Vec<String> =
        server.world().statuses.iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect();
    assert!(said.iter().any(|message| message.starts_with("enrolled at https://127.0.0.1")), "{said:?}");
    assert_eq!(said.last().unwrap(), "musterd stops");
}
