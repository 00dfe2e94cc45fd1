//! Distributed queries: one write with all answers, kept until the server has taken it.

use agent::queries::QueryError;
use agent_protocol::reply::Work;
use agent_protocol::request::QueryAnswer;

use crate::host::Host;
use crate::server::Server;

fn work(queries: &[(&str, &str)], discovery: &[(&str, &str)]) -> Work {
    let map =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(name, sql)| ((*name).to_owned(), (*sql).to_owned())).collect();
    Work { queries: map(queries), discovery: map(discovery), accelerate: None }
}

fn short(answers: &[QueryAnswer]) -> Vec<(&str, usize, Option<i64>, &str)> {
    answers
        .iter()
        .map(|answer| (answer.name.as_str(), answer.rows.len(), answer.status, answer.message.as_str()))
        .collect()
}

#[tokio::test]
async fn one_write_answers_all_the_failing_ones_too() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let host = Host::start(&server, data.path()).await;
    host.tables.set("SELECT 1", &[&[("1", "1")]]);
    host.tables.set("SELECT none", &[]);
    server.world().work.push_back(work(
        &[("rows", "SELECT 1"), ("empty", "SELECT none"), ("broken", "SELECT x"), ("undiscovered", "SELECT 1")],
        &[("rows", "SELECT 1"), ("undiscovered", "SELECT none")],
    ));
    server.until(&host.time, |world| !world.writes.is_empty()).await;
    {
        let world = server.world();
        assert_eq!(world.writes.len(), 1);
        let expected = [("broken", 0, Some(1), "no such table"), ("empty", 0, Some(0), ""), ("rows", 1, Some(0), "")];
        assert_eq!(short(&world.writes[0].queries), expected);
        assert_eq!(world.writes[0].queries[2].rows[0].get("1"), Some("1"));
    }
    // A discovery query that fails rejects the whole reply, and no work means no write.
    server.world().work.push_back(work(&[("a", "SELECT 1"), ("b", "SELECT 1")], &[("a", "SELECT x")]));
    let before = server.world().reads;
    server.until(&host.time, |world| world.reads > before + 3).await;
    assert_eq!(server.world().writes.len(), 1);
    host.stop().await;
}

#[tokio::test]
async fn answers_that_are_not_taken_go_out_with_the_next_write() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let host = Host::start(&server, data.path()).await;
    host.tables.set("SELECT 1", &[&[("1", "1")]]);
    server.world().work.push_back(work(&[("a", "SELECT 1"), ("b", "SELECT 1")], &[]));
    server.world().instead.extend([("distributed/write", 500, r#"{"error":"no"}"#); 3]);
    server.until(&host.time, |world| world.instead.is_empty()).await;
    // Refused together, they now go one by one: what the server cannot take must not hold the rest.
    server.until(&host.time, |world| world.writes.len() == 2).await;
    let names: Vec<_> = server.world().writes.iter().map(|write| write.queries[0].name.clone()).collect();
    assert_eq!(names, ["a", "b"]);
    server.world().work.push_back(work(&[("c", "SELECT 1"), ("d", "SELECT 1")], &[]));
    server.until(&host.time, |world| world.writes.len() == 3).await;
    assert_eq!(short(&server.world().writes[2].queries), [("c", 1, Some(0), ""), ("d", 1, Some(0), "")]);
    host.stop().await;
}

#[tokio::test]
async fn what_is_kept_goes_out_though_the_read_fails() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let host = Host::start(&server, data.path()).await;
    server.world().work.push_back(work(&[("a", "SELECT 1")], &[]));
    server.world().instead.extend([("distributed/write", 500, r#"{"error":"no"}"#); 3]);
    server.until(&host.time, |world| world.instead.is_empty()).await;
    // Three attempts a poll, so three polls read nothing.
    server.world().instead.extend([("distributed/read", 500, r#"{"error":"no"}"#); 9]);
    server.until(&host.time, |world| world.writes.len() == 1).await;
    assert!(!server.world().instead.is_empty(), "it went out only when the reads came back");
    host.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_never_taken_slows_no_other() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let host = Host::start(&server, data.path()).await;
    server.until_standing(|world| world.channels.len() == 1).await;
    server.world().indigestible = Some("bad");
    server.world().work.push_back(work(&[("bad", "SELECT 1")], &[]));
    server.until(&host.time, |world| world.refused_writes == 3).await;
    // The server asks for it again, with another, and nobody waits for the clock.
    for asked in 1..=3 {
        server.world().work.push_back(work(&[("bad", "SELECT 1"), ("good", "SELECT 1")], &[]));
        server.world().channels[0].send(r#"{"type":"come"}"#.to_owned()).unwrap();
        server.until_standing(|world| world.writes.len() == asked && world.refused_writes == 3 + asked).await;
    }
    host.stop().await;
}

#[tokio::test]
async fn a_discovery_query_over_its_limits_is_denied_too() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let host = Host::start(&server, data.path()).await;
    host.tables.fail("SELECT heavy", QueryError::over_limit("stopped after 30 seconds"));
    server.world().work.push_back(work(&[("a", "SELECT 1")], &[("a", "SELECT heavy")]));
    server.until(&host.time, |world| world.work.is_empty()).await;
    server.world().work.push_back(work(&[("heavy", "SELECT heavy")], &[]));
    server.until(&host.time, |world| world.writes.len() == 1).await;
    assert_eq!(short(&server.world().writes[0].queries), [("heavy", 0, Some(1), "distributed query is denylisted")]);
    host.stop().await;
}

#[tokio::test]
async fn a_query_over_its_limits_is_answered_once_and_then_denied() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let host = Host::start(&server, data.path()).await;
    host.tables.fail("SELECT heavy", QueryError::over_limit("stopped after 30 seconds"));
    for _ in 0..2 {
        server.world().work.push_back(work(&[("heavy", "SELECT heavy")], &[]));
    }
    server.until(&host.time, |world| world.writes.len() == 2).await;
    {
        let world = server.world();
        assert_eq!(short(&world.writes[0].queries), [("heavy", 0, Some(1), "stopped after 30 seconds")]);
        assert_eq!(short(&world.writes[1].queries), [("heavy", 0, Some(1), "distributed query is denylisted")]);
    }
    host.stop().await;
}

#[tokio::test]
async fn the_server_may_wish_faster_polls() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let host = Host::start(&server, data.path()).await;
    server.world().config = r#"{"options":{"distributed_interval":600}}"#.to_owned();
    server.until(&host.time, |world| world.documents_sent == 1 && world.reads == 2).await;
    server.world().work.push_back(Work { accelerate: Some(3600), ..Work::default() });
    server.until(&host.time, |world| world.work.is_empty()).await;
    let configs = server.world().config_requests.len();
    server.until(&host.time, |world| world.config_requests.len() > configs).await;
    let (reads, configs) = {
        let world = server.world();
        (world.reads, world.config_requests.len())
    };
    server.until(&host.time, |world| world.config_requests.len() > configs).await;
    // A minute or nearly passes between two configurations: about twelve reads at five seconds, none at ten minutes.
    assert!(server.world().reads >= reads + 8, "{} reads", server.world().reads - reads);
    host.stop().await;
}
