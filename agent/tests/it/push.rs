//! The push channel: "come" brings a read at once, and nothing depends on it.

use agent_protocol::reply::Work;

use crate::host::Host;
use crate::server::Server;

const COME: &str = r#"{"type":"come"}"#;

#[tokio::test]
async fn come_brings_a_read_while_the_clock_stands_still() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let host = Host::start(&server, data.path()).await;
    host.tables.set("SELECT 1", &[&[("1", "1")]]);
    server.until_standing(|world| world.channels.len() == 1).await;
    assert_eq!(server.world().push_hellos, [r#"{"node_key":"key-1"}"#]);
    assert_eq!(server.world().reads, 0);
    let queries = [("live".to_owned(), "SELECT 1".to_owned())].into();
    server.world().work.push_back(Work { queries, ..Work::default() });
    server.world().channels[0].send(COME.to_owned()).unwrap();
    server.until_standing(|world| world.writes.len() == 1).await;
    assert_eq!(server.world().reads, 1);
    server.world().channels[0].send(COME.to_owned()).unwrap();
    server.until_standing(|world| world.reads == 2 && world.pongs == 1).await;
    host.stop().await;
}

#[tokio::test]
async fn a_lost_channel_is_opened_again() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let host = Host::start(&server, data.path()).await;
    server.until_standing(|world| world.channels.len() == 1).await;
    server.world().channels.clear();
    server.until(&host.time, |world| world.push_hellos.len() == 2).await;
    let before = server.world().reads;
    server.world().channels[0].send(COME.to_owned()).unwrap();
    server.until_standing(|world| world.reads > before).await;
    host.stop().await;
}

#[tokio::test]
async fn a_come_while_a_write_waits_is_not_lost() {
    let (server, data) = (Server::start().await, tempfile::tempdir().unwrap());
    let host = Host::start(&server, data.path()).await;
    host.tables.set("SELECT 1", &[&[("1", "1")]]);
    server.until_standing(|world| world.channels.len() == 1).await;
    let queries = [("live".to_owned(), "SELECT 1".to_owned())].into();
    server.world().work.push_back(Work { queries, ..Work::default() });
    server.world().instead.push_back(("distributed/write", 500, r#"{"error":"not now"}"#));
    server.world().channels[0].send(COME.to_owned()).unwrap();
    server.until_standing(|world| world.instead.is_empty()).await;
    server.world().channels[0].send(COME.to_owned()).unwrap();
    server.until(&host.time, |world| world.writes.len() == 1).await;
    server.until_standing(|world| world.reads == 2).await;
    host.stop().await;
}
