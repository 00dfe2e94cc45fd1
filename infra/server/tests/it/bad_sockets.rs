//! What no sound client says: on the websockets of admins and of agents, and in carves.

use std::sync::OnceLock;

use infra_testkit::raw::{request, say};
use infra_testkit::stream::{FOLLOW, PUSH, RAW, SOCKJS};
use infra_testkit::{Event, Stream};
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::house::{House, SOON};

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    House::shared(&HOUSE, "bad-sockets", &[])
}

/// Everything until the socket ends; it must end.
async fn until_the_end(stream: &mut Stream, what: &str) -> Vec<Event> {
    let mut heard = Vec::new();
    loop {
        let event = stream.next(SOON).await;
        assert_ne!(event, Event::Silence, "{what}: the socket stays open after {heard:?}");
        if event.is_end() {
            return heard;
        }
        heard.push(event);
    }
}

/// Texts that no client says first.
fn nonsense() -> Vec<(&'static str, String)> {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    vec![
        ("nothing", String::new()),
        ("no JSON", "node_key=x".to_owned()),
        ("a NUL", "\0".to_owned()),
        ("a list", "[]".to_owned()),
        ("a number", "1e999999".to_owned()),
        ("a token of the wrong type", json!({"type": "auth", "data": {"token": [1]}}).to_string()),
        ("deep", deep.clone()),
        ("a deep token", format!(r#"{{"type":"auth","data":{{"token":{deep}}}}}"#)),
        ("a token of a megabyte", json!({"type": "auth", "data": {"token": "x".repeat(1 << 20)}}).to_string()),
        ("cut short", r#"{"type":"auth","data":{"tok"#.to_owned()),
    ]
}

#[tokio::test]
async fn streams_end_for_whoever_speaks_nonsense_and_go_on_for_all_others() {
    let house = house();
    let host = house.host("streams").await;
    let campaign = house.own_campaign(&[&host]).await;
    let mut reader = Stream::follow(&house.admin(), campaign, None).await.unwrap();
    for path in [RAW, SOCKJS, FOLLOW] {
        for (what, text) in nonsense() {
            let what = format!("{path}: {what}");
            let mut stream = Stream::open(&house.door, path, None).await.unwrap();
            let framed = if path == SOCKJS { json!([text]).to_string() } else { text };
            // A frame over the limit may end the socket while it is still being sent.
            let _ = stream.send_text(&framed).await;
            let heard = until_the_end(&mut stream, &what).await;
            assert!(heard.iter().all(|event| event.of("result").is_none()), "{what}: {heard:?}");
        }
        let mut stream = Stream::open(&house.door, path, None).await.unwrap();
        stream.send_bytes(vec![0xff; 512]).await.unwrap();
        until_the_end(&mut stream, "no UTF-8").await;
    }
    for (what, follow) in [
        ("a text", json!({"campaign_id": "1"})),
        ("below zero", json!({"campaign_id": -1})),
        ("a huge number", json!({"campaign_id": 1e300})),
        ("no number", json!({})),
        ("a position below zero", json!({"campaign_id": campaign, "after": -1})),
    ] {
        let mut stream = Stream::open(&house.door, FOLLOW, None).await.unwrap();
        stream.send(&json!({"type": "auth", "data": {"token": house.token}})).await.unwrap();
        stream.send(&json!({"type": "follow", "data": follow})).await.unwrap();
        let heard = until_the_end(&mut stream, what).await;
        assert!(heard[0].of("error").is_some(), "{what}: {heard:?}");
    }
    host.answer_live(campaign, json!([{"n": "1"}])).await.done();
    assert_eq!(reader.hear("result", SOON).await["rows"][0]["n"], "1");
}

/// What an agent hears on its channel after it said `hello`, until the channel ends.
async fn pushed(hello: &[u8]) -> Vec<Value> {
    // The frames by hand: a client's are masked, with zeros here.
    let house = house();
    let mut frame = vec![0x81, 0x80 | 127];
    frame.extend_from_slice(&(hello.len() as u64).to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(hello);
    let upgrade = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Content-Length", "0"),
    ];
    let head = String::from_utf8(request("GET", PUSH, &upgrade, b"")).unwrap().replace("Content-Length: 0\r\n", "");
    let heard = say(&house.door, &[head.as_bytes(), &frame].concat(), false, SOON).await.unwrap();
    assert!(heard.status == 101 && heard.ended, "{heard:?}");
    texts(&heard.body)
}

/// The texts of a server's short frames.
fn texts(mut frames: &[u8]) -> Vec<Value> {
    let mut found = Vec::new();
    while let [first, length, rest @ ..] = frames {
        let (length, rest) = match length {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            length => (usize::from(*length), rest),
        };
        if first & 0x0f == 1 {
            found.push(serde_json::from_slice(&rest[..length]).unwrap());
        }
        frames = &rest[length..];
    }
    found
}

#[tokio::test]
async fn the_channel_of_agents_takes_nonsense_for_no_key() {
    let house = house();
    let host = house.host("agent").await;
    for (what, text) in nonsense() {
        let said = pushed(text.as_bytes()).await;
        // A text that an object could be read from has no key, which is an invalid one; everything else says nothing.
        let object = what.contains("token") && !what.contains("deep") && text.len() < 16 * 1024;
        assert_eq!(said.iter().any(|said| said["node_invalid"] == true), object, "{what}: {said:?}");
        assert!(said.iter().all(|said| said.get("error").is_some()), "{what}: {said:?}");
    }
    let said = pushed(&[0xff; 64]).await;
    assert!(said.iter().all(|said| said.get("node_invalid").is_none()), "{said:?}");
    let forged = json!({"node_key": "forged"}).to_string();
    assert_eq!(pushed(forged.as_bytes()).await[0]["node_invalid"], true);
    let own = json!({"node_key": host.key()}).to_string();
    let mut channel = Stream::open(&house.door, PUSH, None).await.unwrap();
    channel.send_text(&own).await.unwrap();
    assert!(matches!(channel.next(SOON).await, Event::Message { kind, .. } if kind == "ready"));
}

#[tokio::test]
async fn carves_take_what_was_announced_and_nothing_else() {
    let host = house().host("carves").await;
    let bytes: Vec<u8> = (0..20_000_u32).map(|at| (at % 251) as u8).collect();
    let begun = host.carve_begin(bytes.len(), 8_192, "request-1").await.done();
    let session = begun["session_id"].as_str().unwrap().to_owned();
    let block =
        |id: Value, data: &str| json!({"block_id": id, "session_id": session, "request_id": "request-1", "data": data});
    let refused = async |what: &str, body: Value| {
        let reply = host.post("carve/block", &body).await;
        assert!(reply.refused() && (400..500).contains(&reply.status), "{what}: {} {}", reply.status, reply.text());
    };
    host.carve_block(&session, "request-1", 0, &bytes[..8_192]).await.done();
    for (what, id) in [
        ("below zero", json!(-1)),
        ("a fraction", json!(1.5)),
        ("a text", json!("one")),
        ("huge", json!(1e300)),
        ("out of turn", json!(2)),
        ("behind the last", json!(3)),
        ("over all numbers", json!(u64::MAX)),
    ] {
        refused(what, block(id, "AAAA")).await;
    }
    refused("no base64", block(json!(1), "!!!!")).await;
    refused("short", block(json!(1), "AAAA")).await;
    refused(
        "data of the wrong type",
        json!({"block_id": 1, "session_id": session, "request_id": "request-1", "data": [1]}),
    )
    .await;
    refused("40 MB", block(json!(1), &"A".repeat(44 << 20))).await;
    refused("of nobody", json!({"block_id": 1, "session_id": "none", "request_id": "request-1", "data": "AAAA"})).await;
    let reply = host.carve_block(&session, "another request", 1, &bytes[8_192..16_384]).await;
    assert!(reply.refused(), "{reply:?}");
    for (number, part) in bytes.chunks(8_192).enumerate() {
        host.carve_block(&session, "request-1", number, part).await.done();
    }
    // The same carve again, block by block, is the same carve: its data is what was sent.
    assert_eq!(host.carve(&bytes, 8_192, "request-1").await, session);
    let ended = house().admin().records("ledger").await.unwrap();
    let sum: String = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(ended.iter().any(|record| record["value"].to_string().contains(&sum)), "whole, as it was sent");
}
