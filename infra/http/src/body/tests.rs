use std::io::Write as _;

use actix_web::test::TestRequest;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
struct Named {
    name: String,
}

async fn read(request: TestRequest) -> Result<Named, (u16, String)> {
    let (request, mut payload) = request.to_http_parts();
    let body = Body::<Named>::from_request(&request, &mut payload).await;
    body.map(|body| body.0).map_err(|problem| (problem.status().as_u16(), problem.reason().to_owned()))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn small() -> BodyLimits {
    BodyLimits { sent: 100, inflated: 1_000, patience: Duration::from_secs(5) }
}

const GOOD: &str = r#"{"name": "a", "unknown": 1}"#;

fn named(name: &str) -> Result<Named, (u16, String)> {
    Ok(Named { name: name.to_owned() })
}

fn refused(status: u16, reason: &str) -> Result<Named, (u16, String)> {
    Err((status, reason.to_owned()))
}

#[actix_web::test]
async fn a_body_is_json_whatever_type_it_claims() {
    for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
        assert_eq!(read(TestRequest::post().insert_header((CONTENT_TYPE, kind)).set_payload(GOOD)).await, named("a"));
    }
}

#[actix_web::test]
async fn missing_and_malformed_bodies_are_told_apart() {
    let expected = refused(400, "Expected JSON Body");
    for empty in ["", " \n"] {
        assert_eq!(read(TestRequest::post().set_payload(empty)).await, expected);
    }
    let deep = "[".repeat(10_000);
    for bad in ["{", "[]", r#"{"name": 7}"#, "{}", "nul", r#"{"name": "a"} x"#, &deep, "{\"name\": \"\u{1}\"}"] {
        let bad = bad.to_owned();
        assert_eq!(read(TestRequest::post().set_payload(bad)).await, refused(400, "json decoder error"));
    }
    let invalid = b"{\"name\": \"\xff\"}".to_vec();
    assert_eq!(read(TestRequest::post().set_payload(invalid)).await, refused(400, "json decoder error"));
}

#[actix_web::test]
async fn an_optional_body_may_be_missing() {
    for (sent, kept) in [("", serde_json::json!({})), (GOOD, serde_json::json!({"name": "a", "unknown": 1}))] {
        let (request, mut payload) = TestRequest::post().set_payload(sent).to_http_parts();
        let body = OptionalBody::<Value>::from_request(&request, &mut payload).await;
        assert_eq!(body.unwrap().0, kept);
    }
}

#[actix_web::test]
async fn rest_check_17_a_browser_must_say_that_it_sends_json() {
    let from = |kind: &'static str| {
        let request = TestRequest::post().insert_header((ORIGIN, "https://muster.example"));
        read(request.insert_header((CONTENT_TYPE, kind)).set_payload(GOOD))
    };
    assert_eq!(from("application/json").await, named("a"));
    for kind in ["text/plain", "application/json; charset=utf-8", ""] {
        assert_eq!(from(kind).await, refused(415, r#"Expected Content-Type "application/json""#), "{kind}");
    }
    let referred = TestRequest::post().insert_header((REFERER, "https://muster.example/x")).set_payload(GOOD);
    assert_eq!(read(referred).await.unwrap_err().0, 415);
}

#[actix_web::test]
async fn gzip_is_inflated() {
    let request = |bytes: Vec<u8>| TestRequest::post().insert_header((CONTENT_ENCODING, "gzip")).set_payload(bytes);
    assert_eq!(read(request(gzip(GOOD.as_bytes()))).await, named("a"));
    assert_eq!(read(request(GOOD.into())).await, refused(400, "the body is not gzip"));
    let mut cut = gzip(GOOD.as_bytes());
    cut.truncate(cut.len() - 9);
    assert_eq!(read(request(cut)).await, refused(400, "the body is not gzip"));
    let other = TestRequest::post().insert_header((CONTENT_ENCODING, "br")).set_payload(GOOD);
    assert_eq!(read(other).await.unwrap_err().0, 415);
}

#[actix_web::test]
async fn a_body_over_a_limit_is_refused_before_it_is_held() {
    let exact = format!("{{\"name\": \"{}\"}}", "x".repeat(88));
    assert_eq!(exact.len(), 100);
    assert!(read(TestRequest::post().app_data(small()).set_payload(exact.clone())).await.is_ok());
    let over = refused(413, "the body is over the limit of 100 bytes");
    assert_eq!(read(TestRequest::post().app_data(small()).set_payload(format!("{exact} "))).await, over);
    let announced = TestRequest::post().app_data(small()).set_payload(GOOD).insert_header((CONTENT_LENGTH, "1000000"));
    assert_eq!(read(announced).await, over);
}

#[actix_web::test]
async fn a_bomb_is_inflated_only_up_to_the_limit() {
    let bomb = gzip(&vec![b' '; 50_000_000]);
    assert!(bomb.len() < 60_000);
    assert_eq!(inflate(&bomb, 1_000), Err(BodyError::TooLarge { limit: 1_000 }));
    // Its end is damaged, but nobody gets that far.
    let mut endless = bomb.clone();
    *endless.last_mut().unwrap() ^= 1;
    assert_eq!(inflate(&endless, 1_000), Err(BodyError::TooLarge { limit: 1_000 }));
    let exact = gzip(&[b' '; 1_000]);
    assert_eq!(inflate(&exact, 1_000).unwrap().len(), 1_000);
    let sent = TestRequest::post()
        .app_data(small())
        .insert_header((CONTENT_ENCODING, "gzip"))
        .set_payload(gzip(&[b' '; 1_001]));
    assert_eq!(read(sent).await, refused(413, "the body is over the limit of 1000 bytes"));
}

#[actix_web::test]
async fn a_body_that_does_not_come_is_given_up() {
    type Chunks = Pin<Box<dyn futures::Stream<Item = Result<Bytes, actix_web::error::PayloadError>>>>;
    let stalled: Chunks = Box::pin(futures::stream::pending());
    let mut payload = Payload::Stream { payload: stalled };
    let limits = BodyLimits { patience: Duration::from_millis(10), ..small() };
    let request = TestRequest::post().to_http_request();
    assert_eq!(read_body(&request, &mut payload, limits).await, Err(BodyError::TooSlow));
    assert_eq!(Problem::from(BodyError::TooSlow).status().as_u16(), 408);
}
