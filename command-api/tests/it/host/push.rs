//! The push channel, over a real socket.

use std::time::Duration;

use actix_web::{App, HttpServer};
use domain::{Members, campaign};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::site::Site;

type Channel = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// A server on a free port of loopback.
async fn serve(site: &Site) -> (actix_web::dev::ServerHandle, String) {
    let app = site.app.clone();
    let server = HttpServer::new(move || App::new().app_data(app.clone()).configure(command_api::routes));
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    (handle, format!("ws://{address}/api/muster/v1/agent/push"))
}

async fn open(url: &str, hello: Value) -> Channel {
    let (mut channel, _) = connect_async(url).await.unwrap();
    channel.send(Message::text(hello.to_string())).await.unwrap();
    channel
}

/// The next message, as JSON; a close as its code.
async fn hear(channel: &mut Channel) -> Value {
    let next = async {
        loop {
            match channel.next().await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => return json!({"closed": frame.map(|frame| u16::from(frame.code))}),
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), next).await.unwrap()
}

async fn start(site: &Site, key: &str) {
    let targets: Members = [site.host(key)].into_iter().collect();
    let life = Duration::from_secs(600);
    site.decide(campaign::Command::Start {
        sql: "SELECT 1".to_owned(),
        query: None,
        by: None,
        targets,
        attended: false,
        life,
        most: Default::default(),
    })
    .await;
}

#[actix_web::test]
async fn a_live_query_and_a_refetch_call_the_host_at_once() {
    let site = Site::new().await;
    let (a, b) = (site.enroll("a").await, site.enroll("b").await);
    let (handle, url) = serve(&site).await;
    let mut channel = open(&url, json!({"node_key": a})).await;
    let mut other = open(&url, json!({"node_key": b})).await;
    assert_eq!(hear(&mut channel).await, json!({"type": "ready"}));
    assert_eq!(hear(&mut other).await, json!({"type": "ready"}));
    start(&site, &a).await;
    assert_eq!(hear(&mut channel).await, json!({"type": "come"}));
    site.app.registry.wish_refetch(&[site.host(&a)].into_iter().collect()).await.unwrap();
    assert_eq!(hear(&mut channel).await, json!({"type": "come"}));
    start(&site, &b).await;
    assert_eq!(hear(&mut other).await, json!({"type": "come"}), "the first thing that the other hears");
    channel.close(None).await.unwrap();
    super::site::until("the channel is gone", || site.app.registry.connected() == 1).await;
    handle.stop(false).await;
}

#[actix_web::test]
async fn who_comes_after_the_query_began_is_called_too() {
    let site = Site::new().await;
    let a = site.enroll("a").await;
    start(&site, &a).await;
    let (handle, url) = serve(&site).await;
    let mut channel = open(&url, json!({"node_key": a})).await;
    assert_eq!(hear(&mut channel).await, json!({"type": "ready"}));
    assert_eq!(hear(&mut channel).await, json!({"type": "come"}));
    handle.stop(false).await;
}

#[actix_web::test]
async fn a_bad_key_is_told_and_closed() {
    let site = Site::new().await;
    site.enroll("a").await;
    let (handle, url) = serve(&site).await;
    for hello in [json!({"node_key": "unknown"}), json!({})] {
        let mut channel = open(&url, hello.clone()).await;
        let said = hear(&mut channel).await;
        assert_eq!(said["node_invalid"], json!(true), "{hello}");
        assert!(said["error"].as_str().unwrap().starts_with("authentication error"));
        assert_eq!(hear(&mut channel).await, json!({"closed": 1008}));
    }
    handle.stop(false).await;
}

#[actix_web::test]
async fn what_is_no_key_says_nothing_about_one() {
    let site = Site::new().await;
    site.enroll("a").await;
    let (handle, url) = serve(&site).await;
    let deep = format!(r#"{{"node_key":{}{}}}"#, "[".repeat(7_000), "]".repeat(7_000));
    for hello in [r#"{"node_key": 7}"#, "[]", "\0", "no JSON", r#"{"node_key":"a"#, &deep] {
        let (mut channel, _) = connect_async(&url).await.unwrap();
        channel.send(Message::text(hello)).await.unwrap();
        let said = hear(&mut channel).await;
        assert!(said.get("error").is_some() && said.get("node_invalid").is_none(), "{hello:.40}: {said}");
        assert_eq!(hear(&mut channel).await, json!({"closed": 1013}), "{hello:.40}");
    }
    handle.stop(false).await;
}

#[actix_web::test]
async fn a_server_that_cannot_tell_says_try_again() {
    let site = Site::new().await;
    site.enroll("a").await;
    let (handle, url) = serve(&site).await;
    site.log.stop_reads(true);
    let mut channel = open(&url, json!({"node_key": "unknown"})).await;
    let said = hear(&mut channel).await;
    assert!(said.get("error").is_some() && said.get("node_invalid").is_none());
    assert_eq!(hear(&mut channel).await, json!({"closed": 1013}));
    handle.stop(false).await;
}
