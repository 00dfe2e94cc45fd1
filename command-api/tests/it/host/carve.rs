use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use command_api::carves;
use command_api::settings::{Limits, Settings};
use domain::carve::{Carve, Outcome};
use domain::{CarveId, Digest};
use serde_json::{Value, json};

use super::site::{Reply, Site};

async fn begin(site: &Site, key: &str, blocks: u64, block_size: u64, size: u64) -> Reply {
    let body = json!({"node_key": key, "block_count": blocks, "block_size": block_size, "carve_size": size, "carve_id": "guid", "request_id": "r"});
    site.post("carve/begin", body).await
}

async fn send(site: &Site, session: &str, request: &str, block: u64, data: &[u8]) -> Reply {
    let body = json!({"session_id": session, "request_id": request, "block_id": block, "data": STANDARD.encode(data)});
    site.post("carve/block", body).await
}

async fn begun(site: &Site) -> (String, String) {
    let key = site.enroll("a").await;
    let reply = begin(site, &key, 3, 10, 25).await;
    assert_eq!(reply.json()["success"], json!(true));
    (key, reply.json()["session_id"].as_str().unwrap().to_owned())
}

fn carve(site: &Site) -> Carve {
    site.app.ledger.fold().state.carves.get(CarveId(1)).unwrap().clone()
}

async fn stored(site: &Site) -> Vec<u8> {
    let mut whole = vec![];
    for number in site.app.blobs.parts(&carves::key(CarveId(1))).await.unwrap() {
        whole.extend(site.app.blobs.get_part(&carves::key(CarveId(1)), number).await.unwrap().unwrap());
    }
    whole
}

#[actix_web::test]
async fn check_30_blocks_in_order_make_the_file() {
    let site = Site::new().await;
    let (_, session) = begun(&site).await;
    for (block, data) in [&b"0123456789"[..], b"abcdefghij", b"ABCDE"].iter().enumerate() {
        let reply = send(&site, &session, "r", block as u64, data).await;
        assert_eq!((reply.status, reply.json()), (200, json!({"success": true})));
    }
    let whole = b"0123456789abcdefghijABCDE";
    assert_eq!(stored(&site).await, whole);
    assert_eq!(carve(&site).ended.unwrap().1, Outcome::Complete { sha256: Digest::of(whole) });
}

#[actix_web::test]
async fn check_30_inconsistent_sizes_are_refused() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    for (blocks, block_size, size) in [
        (1, 10, 25),
        (4, 10, 25),
        (0, 10, 0),
        (1, 0, 5),
        (1, 1 << 40, 5),
        (1 << 40, 1, 1 << 40),
        (1, 40 << 20, 40 << 20),
    ] {
        let reply = begin(&site, &key, blocks, block_size, size).await;
        assert!(!reply.error().is_empty() && !reply.is_node_invalid(), "{blocks} {block_size} {size}");
    }
    for size in [json!("x"), json!(1.5), json!(-1), Value::Null] {
        let body = json!({"node_key": key, "block_count": 1, "block_size": 10, "carve_size": size});
        site.post("carve/begin", body).await.error();
    }
    assert_eq!(site.app.ledger.fold().state.carves.iter().count(), 0);
}

#[actix_web::test]
async fn check_30_a_wrong_block_alters_nothing() {
    let site = Site::new().await;
    let (_, session) = begun(&site).await;
    send(&site, &session, "r", 0, b"0123456789").await;
    for (reply, why) in [
        (send(&site, &session, "other", 1, b"abcdefghij").await, "wrong request"),
        (send(&site, "unknown", "r", 1, b"abcdefghij").await, "unknown session"),
        (send(&site, &session, "r", 2, b"ABCDE").await, "out of turn"),
        (send(&site, &session, "r", 3, b"").await, "out of range"),
        (send(&site, &session, "r", u64::MAX, b"x").await, "far out of range"),
        (send(&site, &session, "r", 1, b"abcdefghijk").await, "oversize"),
        (send(&site, &session, "r", 1, b"short").await, "short"),
        (send(&site, &session, "r", 0, b"9876543210").await, "another first block"),
        (
            site.post(
                "carve/block",
                json!({"session_id": session, "request_id": "r", "block_id": 1, "data": "no base64!"}),
            )
            .await,
            "no base64",
        ),
    ] {
        assert!(!reply.error().is_empty(), "{why}");
        assert_eq!(stored(&site).await, b"0123456789", "{why}");
    }
    assert_eq!(send(&site, &session, "r", 1, b"abcdefghij").await.status, 200);
}

#[actix_web::test]
async fn check_30_a_repeat_of_a_block_is_harmless() {
    let site = Site::new().await;
    let (_, session) = begun(&site).await;
    for (block, data) in [&b"0123456789"[..], b"abcdefghij", b"ABCDE"].iter().enumerate() {
        for _ in 0..2 {
            assert_eq!(send(&site, &session, "r", block as u64, data).await.status, 200);
        }
    }
    assert_eq!(stored(&site).await.len(), 25);
    assert!(matches!(carve(&site).ended, Some((_, Outcome::Complete { .. }))));
}

#[actix_web::test]
async fn check_31_a_block_needs_no_node_key() {
    let site = Site::new().await;
    let (_, session) = begun(&site).await;
    let body = json!({"session_id": session, "request_id": "r", "block_id": 0, "data": STANDARD.encode("0123456789"), "node_key": {"odd": 1}});
    assert_eq!(site.post("carve/block", body).await.status, 200);
}

#[actix_web::test]
async fn check_35_a_begin_that_is_sent_again_is_the_same_carve() {
    let site = Site::new().await;
    let (key, session) = begun(&site).await;
    site.pass(Duration::from_secs(2));
    assert_eq!(begin(&site, &key, 3, 10, 25).await.json()["session_id"], json!(session));
    assert_eq!(site.app.ledger.fold().state.carves.iter().count(), 1);
    let other = site.enroll("b").await;
    assert_ne!(begin(&site, &other, 3, 10, 25).await.json()["session_id"], json!(session));
}

#[actix_web::test]
async fn a_carve_goes_on_where_another_process_left_it() {
    let site = Site::new().await;
    let (_, session) = begun(&site).await;
    send(&site, &session, "r", 0, b"0123456789").await;
    let twin = site.twin(Settings { node: "two".to_owned(), ..Settings::default() }).await;
    assert_eq!(send(&twin, &session, "r", 1, b"abcdefghij").await.status, 200);
    assert_eq!(send(&twin, &session, "r", 2, b"ABCDE").await.status, 200);
    site.app.ledger.read_to_end().await.unwrap();
    assert!(matches!(carve(&site).ended, Some((_, Outcome::Complete { .. }))));
}

#[actix_web::test]
async fn a_carve_that_is_never_whole_ends_within_a_day() {
    let site = Site::new().await;
    let (_, session) = begun(&site).await;
    send(&site, &session, "r", 0, b"0123456789").await;
    site.pass(Duration::from_secs(24 * 3_600 - 1));
    carves::sweep(&site.app, site.now()).await;
    assert_eq!(carve(&site).ended, None);
    site.pass(Duration::from_secs(1));
    carves::sweep(&site.app, site.now()).await;
    assert!(matches!(carve(&site).ended, Some((_, Outcome::Broken { .. }))));
    assert!(stored(&site).await.is_empty());
    assert!(send(&site, &session, "r", 1, b"abcdefghij").await.error().contains("ended"));
}

#[actix_web::test]
async fn a_block_larger_than_the_server_takes_is_refused_at_the_beginning() {
    let site =
        Site::with(Settings { limits: Limits { carve_block: 8192, ..Limits::default() }, ..Settings::default() }).await;
    let key = site.enroll("a").await;
    assert!(begin(&site, &key, 1, 8193, 8193).await.error().contains("carver_block_size"));
    assert_eq!(begin(&site, &key, 1, 8192, 8192).await.status, 200);
}
