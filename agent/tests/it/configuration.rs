//! The configuration: fetched with its etag, kept on disk, never lost to an odd answer.

use sha2::{Digest, Sha256};

use crate::host::Host;
use crate::server::Server;

const ONE: &str = r#"{"schedule":{"q":{"query":"SELECT v","interval":5,"snapshot":true}}}"#;

#[tokio::test]
async fn the_document_goes_over_the_wire_once() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    server.world().config = ONE.to_owned();
    let host = Host::start(&server, data.path()).await;
    server.until(&host.time, |world| world.config_requests.len() >= 3).await;
    {
        let world = server.world();
        assert_eq!(world.documents_sent, 1);
        let etag = format!("{:x}", Sha256::digest(ONE));
        let etags: Vec<_> = world.config_requests[..3].iter().map(|request| request.etag.as_deref()).collect();
        assert_eq!(etags, [None, Some(etag.as_str()), Some(etag.as_str())]);
    }
    server.world().config = ONE.replace("\"q\"", "\"r\"");
    host.tables.set("SELECT v", &[]);
    server.until(&host.time, |world| world.results.iter().any(|line| line["name"] == "r")).await;
    assert_eq!(server.world().documents_sent, 2);
    host.stop().await;
}

#[tokio::test]
async fn a_restart_in_an_outage_keeps_the_schedule() {
    let (mut server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    server.world().config = ONE.to_owned();
    let host = Host::start(&server, data.path()).await;
    server.until(&host.time, |world| world.documents_sent == 1).await;
    server.until(&host.time, |world| world.config_requests.len() == 2).await;
    host.stop().await;
    server.go_away().await;
    let host = Host::start(&server, data.path()).await;
    host.tables.set("SELECT v", &[&[("v", "1")]]);
    for _ in 0..30 {
        host.time.advance_to_next();
        tokio::task::yield_now().await;
    }
    server.come_back();
    server.until(&host.time, |world| !world.results.is_empty()).await;
    assert_eq!(server.world().documents_sent, 1);
    host.stop().await;
}

#[tokio::test]
async fn a_kept_document_that_cannot_be_read_is_fetched_again() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    server.world().config = ONE.to_owned();
    let host = Host::start(&server, data.path()).await;
    server.until(&host.time, |world| world.config_requests.len() == 2).await;
    host.stop().await;
    agent::state::State::open(data.path()).unwrap().set(&[("config", "{")]).unwrap();
    let host = Host::start(&server, data.path()).await;
    server.until(&host.time, |world| world.documents_sent == 2).await;
    host.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_no_configuration_leaves_the_schedule_alone() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    server.world().config = ONE.to_owned();
    let host = Host::start(&server, data.path()).await;
    host.tables.set("SELECT v", &[]);
    server.until(&host.time, |world| !world.results.is_empty()).await;
    let odd = [
        (200, ""),
        (500, r#"{"message":"x","errors":[]}"#),
        (200, "<html>"),
        (200, "[]"),
        (502, ""),
        (200, r#"{"error":"x"}"#),
    ];
    server.world().instead.extend(odd.map(|(status, body)| ("config", status, body)));
    server.until(&host.time, |world| world.instead.is_empty()).await;
    let before = server.world().results.len();
    server.until(&host.time, |world| world.results.len() > before + 5).await;
    assert_eq!(server.world().documents_sent, 1);
    host.stop().await;
}
