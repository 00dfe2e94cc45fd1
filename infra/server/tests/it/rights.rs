//! Whoever may read no longer is sent nothing more, however long ago they came.

use std::sync::OnceLock;
use std::time::Duration;

use infra_testkit::stream::SOCKJS;
use infra_testkit::{Event, Stream, TestAdmin, TestHost};
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Clockwork, House, SOON};

const PASSWORD: &str = "correct-horse-7-battery";

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    House::shared(&HOUSE, "rights", &[])
}

/// Somebody who signed in as people do.
struct Person {
    id: u64,
    session: TestAdmin,
}

async fn person(house: &House, mut roles: Value) -> Person {
    let email = format!("{}@example.org", house.name("reader"));
    roles["name"] = "Reader".into();
    roles["email"] = email.clone().into();
    roles["password"] = PASSWORD.into();
    roles["admin_forced_password_reset"] = false.into();
    let made = house.admin().post("users/admin", roles).await.ok();
    let session = TestAdmin::login(&house.door, &email, PASSWORD).await.unwrap();
    Person { id: made["user"]["id"].as_u64().unwrap(), session }
}

/// A campaign of this person on this host.
async fn campaign(person: &Person, host: &TestHost) -> u64 {
    let body = json!({"query": "SELECT 1", "selected": {"hosts": [host.hostname]}});
    let made = person.session.post("/api/muster/v1/campaigns", body).await.ok();
    made["campaign"]["id"].as_u64().unwrap()
}

/// Both streams of a campaign, each with something read from it.
async fn streams(reader: &TestAdmin, campaign: u64) -> [Stream; 2] {
    let mut fleet = Stream::of(reader, campaign).await;
    fleet.hear("status", SOON).await;
    let mut ours = Stream::follow(reader, campaign, None).await.unwrap();
    ours.hear("campaign", SOON).await;
    [fleet, ours]
}

/// The error that a stream tells at its end, and the code of its Close frame. It tells no answer.
async fn end(stream: &mut Stream) -> (Value, Option<u16>) {
    let mut told = Value::Null;
    loop {
        match stream.next(SOON).await {
            Event::Message { kind, data } if kind == "error" => told = data,
            Event::Closed(code) => return (told, code),
            event => {
                assert!(event.of("result").is_none() && !event.is_end() && event != Event::Silence, "{event:?}");
            }
        }
    }
}

async fn all_end(streams: [Stream; 2], word: &str) {
    for mut stream in streams {
        assert_eq!(end(&mut stream).await, (json!(word), Some(1008)));
    }
}

#[tokio::test]
async fn a_lost_role_ends_what_it_let_in() {
    let house = house();
    let (team, secret) = house.team("lost").await;
    let (other, _) = house.team("other").await;
    let host = house.host_with("lost", &secret).await;
    let reader = person(house, json!({"teams": [{"id": team, "role": "maintainer"}]})).await;
    let campaign = campaign(&reader, &host).await;
    let open = streams(&reader.session, campaign).await;
    let elsewhere = json!({"teams": [{"id": other, "role": "maintainer"}]});
    house.admin().patch(&format!("users/{}", reader.id), elsewhere).await.ok();
    host.answer_live(campaign, json!([{"n": "1"}])).await.done();
    all_end(open, "forbidden").await;

    let mut again = Stream::of(&reader.session, campaign).await;
    assert_eq!(end(&mut again).await.0, "forbidden");
    let mut again = Stream::follow(&reader.session, campaign, None).await.unwrap();
    assert_eq!(end(&mut again).await.0, format!("there is no campaign {campaign} that you may read"));
    let path = format!("/api/muster/v1/campaigns/{campaign}");
    for (verb, body) in [("stop", Value::Null), ("extend", json!({"hours": 1}))] {
        assert_eq!(reader.session.post(&format!("{path}/{verb}"), body).await.status, 403, "{verb}");
    }
    for read in ["", "/answers", "/errors"] {
        assert_eq!(reader.session.get(&format!("{path}{read}")).await.status, 404, "{read}");
    }
}

#[tokio::test]
async fn a_deleted_account_reads_nothing_more() {
    let house = house();
    let host = house.host("deleted").await;
    let reader = person(house, json!({"global_role": "admin"})).await;
    let open = streams(&reader.session, campaign(&reader, &host).await).await;
    house.admin().delete(&format!("users/{}", reader.id)).await.ok();
    all_end(open, "unauthorized").await;
}

#[tokio::test]
async fn the_end_of_a_session_is_the_end_of_its_streams() {
    let house = house();
    let host = house.host("signed-out").await;
    let reader = person(house, json!({"global_role": "admin"})).await;
    let id = campaign(&reader, &host).await;
    let open = streams(&reader.session, id).await;
    reader.session.post("logout", Value::Null).await.ok();
    all_end(open, "unauthorized").await;
}

#[tokio::test]
async fn who_must_set_a_new_password_reads_nothing_until_then() {
    let house = house();
    let host = house.host("reset").await;
    let reader = person(house, json!({"global_role": "admin"})).await;
    let id = campaign(&reader, &host).await;
    let open = streams(&reader.session, id).await;
    let path = format!("users/{}/require_password_reset", reader.id);
    house.admin().post(&path, json!({"require": true})).await.ok();
    all_end(open, "unauthorized").await;
}

#[tokio::test]
async fn a_host_that_moves_takes_its_campaign_away_from_the_team_that_it_left() {
    let house = house();
    let (team, secret) = house.team("left").await;
    let (other, _) = house.team("joined").await;
    let host = house.host_with("moves", &secret).await;
    let reader = person(house, json!({"teams": [{"id": team, "role": "observer"}]})).await;
    let campaign = house.own_campaign(&[&host]).await;
    let mut stream = Stream::follow(&reader.session, campaign, None).await.unwrap();
    stream.hear("campaign", SOON).await;
    let moved = json!({"team_id": other, "hosts": [house.id(&host).await]});
    house.admin().post("hosts/transfer", moved).await.ok();
    assert_eq!(end(&mut stream).await, (json!("forbidden"), Some(1008)));
}

#[tokio::test]
async fn an_author_keeps_a_campaign_whose_hosts_are_deleted() {
    let house = house();
    let (team, secret) = house.team("keeps").await;
    let (host, gone) = (house.host_with("stays", &secret).await, house.host_with("goes", &secret).await);
    let reader = person(house, json!({"teams": [{"id": team, "role": "maintainer"}]})).await;
    let body = json!({"query": "SELECT 1", "selected": {"hosts": [host.hostname, gone.hostname]}});
    let made = reader.session.post("/api/muster/v1/campaigns", body).await.ok();
    let campaign = made["campaign"]["id"].as_u64().unwrap();
    let mut open = streams(&reader.session, campaign).await;
    let id = house.id(&gone).await;
    house.admin().delete(&format!("hosts/{id}")).await.ok();
    host.answer_live(campaign, json!([{"n": "1"}])).await.done();
    for stream in &mut open {
        assert_eq!(stream.hear("result", SOON).await["rows"][0]["n"], "1");
    }
    reader.session.post(&format!("/api/muster/v1/campaigns/{campaign}/stop"), Value::Null).await.ok();
}

#[tokio::test]
async fn sockjs_says_why_it_ends() {
    let house = house();
    let host = house.host("sockjs").await;
    let reader = person(house, json!({"global_role": "admin"})).await;
    let mut stream = Stream::open(&house.door, SOCKJS, None).await.unwrap();
    stream.select(&reader.session.token, campaign(&reader, &host).await).await.unwrap();
    stream.hear("status", SOON).await;
    house.admin().delete(&format!("users/{}", reader.id)).await.ok();
    loop {
        match stream.next(SOON).await {
            Event::Told(told) => {
                assert_eq!(told, r#"[1008,"your session has ended: sign in again"]"#);
                break;
            }
            event => assert!(!event.is_end() && event != Event::Silence, "{event:?}"),
        }
    }
    assert_eq!(end(&mut stream).await.1, Some(1008));
}

#[tokio::test]
async fn a_session_that_grows_too_old_ends_its_streams() {
    let clockwork = Clockwork::open("rights-old", &[]);
    let house = &clockwork.house;
    let host = house.host("old").await;
    let (reader, robot) = (person(house, json!({"global_role": "admin"})).await, house.user("admin").await);
    let open = streams(&reader.session, campaign(&reader, &host).await).await;
    clockwork.clock.advance(Duration::from_secs(6 * 86_400));
    robot.post("labels", json!({"name": "any change", "query": "SELECT 1"})).await.ok();
    all_end(open, "unauthorized").await;
}

#[tokio::test]
async fn a_log_that_is_followed_ends_with_the_right_to_read_it() {
    let house = house();
    for (change, said) in [
        (Some(json!({"global_role": "observer"})), "your account may no longer read this"),
        (None, "your session has ended: sign in again"),
    ] {
        let reader = person(house, json!({"global_role": "admin"})).await;
        let url = format!("https://{}/api/muster/v1/log/ledger?follow=true&from=start", house.door.address().await);
        let request = house.door.client().request(Method::GET, url).bearer_auth(&reader.session.token);
        let mut body = request.send().await.unwrap();
        assert_eq!(body.status(), 200);
        let first = body.chunk().await.unwrap().unwrap();
        assert!(first.starts_with(b"{"));
        let path = format!("users/{}", reader.id);
        match change {
            Some(change) => house.admin().patch(&path, change).await.ok(),
            None => house.admin().delete(&path).await.ok(),
        };
        let mut text = first.to_vec();
        let rest = async {
            while let Some(more) = body.chunk().await.unwrap() {
                text.extend(more);
            }
        };
        tokio::time::timeout(SOON, rest).await.expect("the log ends");
        let text = String::from_utf8(text).unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(last, json!({"error": said}));
        assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    }
}
