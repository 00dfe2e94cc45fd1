//! Bodies that arrive slowly, or in a crowd: memory stays bounded, and whoever has a key is heard.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::FromRequest as _;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::test::TestRequest;
use actix_web::web::Bytes;
use command_api::settings::{Limits, Settings};
use futures::channel::mpsc::{UnboundedSender, unbounded};
use serde_json::json;

use super::site::{SECRET, Site, until};

const KIB: usize = 1024;

/// Strangers have 512 KiB, small bodies 128 KiB, all together 1 MiB.
async fn site() -> Site {
    let limits = Limits { in_flight: 1024 * KIB, ..Limits::default() };
    Site::with(Settings { limits, trusted_proxies: vec![], ..Settings::default() }).await
}

type Reading = tokio::task::JoinHandle<Result<usize, u16>>;

/// A body that goes on as long as its test says: what sends its bytes, and how many were read or the status of a refusal.
struct Slow {
    sender: UnboundedSender<Result<Bytes, PayloadError>>,
    reading: Reading,
}

/// A body from a peer's port, that announces 64 MiB.
fn slow(site: &Site, port: u16, header: Option<&str>) -> Slow {
    let (sender, stream) = unbounded();
    let mut request = TestRequest::with_uri("/api/osquery/log")
        .method(Method::POST)
        .peer_addr(([192, 0, 2, 1], port).into())
        .insert_header(("Content-Length", (64 * KIB * KIB).to_string()));
    if let Some(key) = header {
        request = request.insert_header((AUTHORIZATION, format!("NodeKey {key}")));
    }
    let (request, app) = (request.to_http_request(), site.app.clone());
    let reading: Pin<Box<dyn Future<Output = _>>> = Box::pin(async move {
        let stream: Pin<Box<dyn futures::Stream<Item = _>>> = Box::pin(stream);
        let mut payload = Payload::Stream { payload: stream };
        let payload = actix_web::web::Payload::from_request(&request, &mut payload).await.unwrap();
        let body = app.intake.read(&app, &request, payload, 64 * KIB * KIB).await;
        body.map(|body| body.bytes.len()).map_err(|refused| refused.status.as_u16())
    });
    Slow { sender, reading: actix_web::rt::spawn(reading) }
}

impl Slow {
    fn send(&self, bytes: impl Into<Bytes>) {
        // Whoever was refused listens no more.
        let _ = self.sender.unbounded_send(Ok(bytes.into()));
    }

    /// Says nothing in so many bytes.
    fn pad(&self, kib: usize) {
        self.send(vec![b' '; kib * KIB]);
    }

    async fn end(self) -> Result<usize, u16> {
        drop(self.sender);
        self.reading.await.unwrap()
    }
}

async fn holds(site: &Site, kib: usize) {
    until(&format!("{kib} KiB are held"), || site.app.intake.in_flight() == kib * KIB).await;
}

#[actix_web::test]
async fn a_body_counts_as_it_arrives_not_as_it_is_announced() {
    let site = site().await;
    let body = slow(&site, 1, None);
    body.pad(5);
    holds(&site, 5).await;
    body.pad(100);
    holds(&site, 105).await;
    assert_eq!(body.end().await, Ok(105 * KIB));
    holds(&site, 0).await;
}

#[actix_web::test]
async fn a_body_that_does_not_come_is_given_up() {
    let limits = Limits { patience: Duration::from_millis(50), ..Limits::default() };
    let site = Site::with(Settings { limits, ..Settings::default() }).await;
    let body = slow(&site, 1, None);
    body.pad(100);
    assert_eq!(body.reading.await.unwrap(), Err(408));
    assert_eq!(site.app.intake.in_flight(), 0);
}

#[actix_web::test]
async fn strangers_who_fill_their_room_keep_nobody_out() {
    let site = site().await;
    let key = site.enroll("a").await;
    let crowd: Vec<Slow> = (0..20).map(|port| slow(&site, port, None)).collect();
    for stranger in &crowd {
        stranger.pad(100);
    }
    holds(&site, 500).await;
    // A known host, whose body begins with its key.
    let line = json!({"name": "q", "padding": "x".repeat(300 * KIB)});
    let post = format!(r#"{{"node_key":"{key}","log_type":"result","data":[{line}]}}"#);
    site.post_bytes("log", post).await.done();
    // One whose key comes last, like osqueryd's own writes.
    let post = format!(r#"{{"log_type":"result","data":[{line}],"node_key":"{key}"}}"#);
    site.post_bytes("log", post).await.done();
    assert_eq!(site.config(&key).await.status, 200);
    let enrolment = json!({"enroll_secret": SECRET, "host_identifier": "b"});
    assert_eq!(site.post("enroll", enrolment).await.status, 200);
}

#[actix_web::test]
async fn small_bodies_that_never_end_keep_nobody_out() {
    let site = site().await;
    let key = site.enroll("a").await;
    let crowd: Vec<Slow> = (0..200).map(|port| slow(&site, port, None)).collect();
    for stranger in &crowd {
        stranger.pad(8);
    }
    // 128 KiB are for small ones, 512 for strangers; who does not fit was sent away.
    let refused = || crowd.iter().filter(|stranger| stranger.reading.is_finished()).count();
    until("the rooms are full", || refused() == 200 - (128 + 512) / 8).await;
    holds(&site, 128 + 512).await;
    assert_eq!(site.config(&key).await.status, 200);
    let line = json!({"name": "q", "padding": "x".repeat(300 * KIB)});
    let post = format!(r#"{{"node_key":"{key}","log_type":"result","data":[{line}]}}"#);
    site.post_bytes("log", post).await.done();
}

#[actix_web::test]
async fn who_has_held_the_most_for_the_longest_makes_room() {
    let site = site().await;
    let (large, small) = (slow(&site, 1, None), slow(&site, 2, None));
    large.pad(300);
    small.pad(100);
    holds(&site, 400).await;
    let newcomer = slow(&site, 3, None);
    newcomer.pad(200);
    assert_eq!(large.reading.await.unwrap(), Err(503));
    holds(&site, 300).await;
    assert_eq!((small.end().await, newcomer.end().await), (Ok(100 * KIB), Ok(200 * KIB)));
    holds(&site, 0).await;
}

#[actix_web::test]
async fn a_known_host_is_never_sent_away() {
    let site = site().await;
    let key = site.enroll("a").await;
    let in_body = slow(&site, 1, None);
    let start = format!(r#"{{"node_key":"{key}","data":["#);
    in_body.send(format!("{start:1024}"));
    in_body.pad(299);
    let in_header = slow(&site, 2, Some(&key));
    in_header.pad(150);
    holds(&site, 450).await;
    for port in 3..13 {
        let stranger = slow(&site, port, None);
        stranger.pad(100);
        tokio::task::yield_now().await;
        drop(stranger.reading);
    }
    assert_eq!(in_header.end().await, Ok(150 * KIB));
    assert!(in_body.end().await.is_ok());
}
