//! Live queries, from the host's side.

use std::time::Duration;

use command_api::settings::{Limits, Settings};
use domain::records::{AnswerState, Signal};
use domain::{CampaignId, HostId, Members, campaign};
use serde_json::{Value, json};

use super::site::Site;

async fn start(site: &Site, keys: &[&str]) -> CampaignId {
    let targets: Members = keys.iter().map(|key| site.host(key)).collect();
    let life = Duration::from_secs(3_600);
    let command = campaign::Command::Start {
        sql: "SELECT 1".to_owned(),
        query: None,
        by: None,
        targets,
        attended: false,
        life,
        most: Default::default(),
    };
    site.decide(command).await.state.campaigns.iter().next_back().unwrap().id
}

async fn write(site: &Site, key: &str, rows: Value, status: Value, message: &str) {
    let name = "fleet_distributed_query_1";
    let body = json!({"node_key": key, "queries": {name: rows}, "statuses": {name: status}, "messages": {name: message}, "stats": {name: {"wall_time_ms": 3}}});
    site.post("distributed/write", body).await.done();
}

async fn is_asked(site: &Site, key: &str) -> bool {
    site.names(key).await.contains("fleet_distributed_query_1")
}

#[actix_web::test]
async fn check_48_a_live_query_is_offered_until_it_is_answered_and_not_after() {
    let site = Site::new().await;
    let (a, b) = (site.enroll("a").await, site.enroll("b").await);
    start(&site, &[&a]).await;
    for _ in 0..3 {
        assert!(is_asked(&site, &a).await);
        assert!(!is_asked(&site, &b).await);
    }
    write(&site, &a, json!([{"n": "1"}]), json!(0), "").await;
    assert!(!is_asked(&site, &a).await);
    let answers = site.answers();
    assert_eq!(answers.len(), 1);
    assert_eq!(
        (answers[0].campaign, answers[0].host, answers[0].state, answers[0].row_count),
        (CampaignId(1), site.host(&a), AnswerState::Rows, 1)
    );
    assert_eq!(answers[0].rows, br#"[{"n":"1"}]"#);
    assert_eq!(serde_json::from_str::<Value>(&answers[0].stats).unwrap()["wall_time_ms"], 3);
}

#[actix_web::test]
async fn check_35_only_the_first_answer_counts() {
    let site = Site::new().await;
    let a = site.enroll("a").await;
    start(&site, &[&a]).await;
    write(&site, &a, json!([{"n": "first"}]), json!(0), "").await;
    let appends = site.appends();
    write(&site, &a, json!([{"n": "second"}]), json!(0), "").await;
    assert_eq!(site.appends(), appends);
    assert_eq!(site.answers().len(), 1);
}

#[actix_web::test]
async fn check_47_a_failure_is_an_error_with_the_hosts_words() {
    let site = Site::new().await;
    let keys = [site.enroll("a").await, site.enroll("b").await, site.enroll("c").await, site.enroll("d").await];
    start(&site, &keys.each_ref().map(String::as_str)).await;
    write(&site, &keys[0], json!([]), json!(1), "no such table: foo").await;
    write(&site, &keys[1], json!([{"n": "1"}]), json!("2"), "").await;
    write(&site, &keys[2], json!([]), json!(true), "odd").await;
    write(&site, &keys[3], json!(""), json!("0"), "").await;
    let said = |host: HostId| {
        site.answers()
            .into_iter()
            .find(|answer| answer.host == host)
            .map(|answer| (answer.state, answer.error))
            .unwrap()
    };
    assert_eq!(said(site.host(&keys[0])), (AnswerState::Error, "no such table: foo".to_owned()));
    assert_eq!(said(site.host(&keys[1])), (AnswerState::Error, "unknown error".to_owned()));
    assert_eq!(said(site.host(&keys[2])), (AnswerState::Error, "odd".to_owned()));
    assert_eq!(said(site.host(&keys[3])), (AnswerState::Empty, String::new()));
}

#[actix_web::test]
async fn nobody_answers_for_another() {
    let site = Site::new().await;
    let (a, b) = (site.enroll("a").await, site.enroll("b").await);
    start(&site, &[&a]).await;
    write(&site, &b, json!([{"n": "forged"}]), json!(0), "").await;
    assert!(site.answers().is_empty());
    assert!(is_asked(&site, &a).await);
}

#[actix_web::test]
async fn a_campaign_that_is_over_asks_nobody() {
    let site = Site::new().await;
    let a = site.enroll("a").await;
    start(&site, &[&a]).await;
    site.pass(Duration::from_secs(3_600));
    assert!(!is_asked(&site, &a).await, "its time is over though nobody has ended it yet");
    write(&site, &a, json!([{"n": "late"}]), json!(0), "").await;
    assert!(site.answers().is_empty());
    let campaign = start(&site, &[&a]).await;
    site.decide(campaign::Command::Stop { campaign, stats: None }).await;
    assert!(!site.names(&a).await.contains("fleet_distributed_query_2"));
}

#[actix_web::test]
async fn an_answer_over_the_limit_is_cut_marked_and_whole() {
    let limits = Limits { answer: 100_000, ..Limits::default() };
    let site = Site::with(Settings { limits, ..Settings::default() }).await;
    let a = site.enroll("a").await;
    start(&site, &[&a]).await;
    let rows: Vec<Value> = (0..1_000).map(|n| json!({"n": n.to_string(), "text": "x".repeat(500)})).collect();
    write(&site, &a, json!(rows), json!(0), "").await;
    let answer = site.answers().remove(0);
    assert!(answer.cut && answer.rows.len() <= 100_000);
    let kept: Vec<Value> = serde_json::from_slice(&answer.rows).unwrap();
    assert_eq!((kept.len() as u64, &kept[..]), (answer.row_count, &rows[..kept.len()]));
    assert!(!is_asked(&site, &a).await, "it is acknowledged");
}

#[actix_web::test]
async fn a_five_megabyte_answer_is_kept_in_parts() {
    let site = Site::new().await;
    let a = site.enroll("a").await;
    start(&site, &[&a]).await;
    let rows: Vec<Value> = (0..5_000).map(|n| json!({"n": n.to_string(), "text": "y".repeat(1_000)})).collect();
    write(&site, &a, json!(rows), json!(0), "").await;
    let records: usize = infra_log::Topic::Live.every().map(|partition| site.log.records(partition).len()).sum();
    assert!(records >= 5, "{records}");
    let answer = site.answers().remove(0);
    assert!(!answer.cut);
    assert_eq!(serde_json::from_slice::<Vec<Value>>(&answer.rows).unwrap(), rows);
}

#[actix_web::test]
async fn rows_with_invalid_utf_8_stay_readable() {
    let site = Site::new().await;
    let a = site.enroll("a").await;
    start(&site, &[&a]).await;
    let mut body = format!(r#"{{"node_key":"{a}","queries":{{"fleet_distributed_query_1":[{{"n":""#).into_bytes();
    body.extend(b"x\xff\xfey");
    body.extend(br#""},{"n":"fine"}]}}"#);
    site.post_bytes("distributed/write", body).await.done();
    assert_eq!(
        String::from_utf8(site.answers().remove(0).rows).unwrap(),
        "[{\"n\":\"x\u{fffd}\u{fffd}y\"},{\"n\":\"fine\"}]"
    );
}

#[actix_web::test]
async fn other_nodes_learn_who_answered_within_a_flush() {
    let site = Site::new().await;
    let twin = site.twin(Settings { node: "two".to_owned(), ..Settings::default() }).await;
    let (a, b) = (site.enroll("a").await, site.enroll("b").await);
    start(&site, &[&a, &b]).await;
    twin.app.ledger.read_to_end().await.unwrap();
    assert!(is_asked(&twin, &a).await);
    write(&site, &a, json!([]), json!(0), "").await;
    site.app.registry.flush_answers().await.unwrap();
    let host = site.host(&a);
    assert!(
        site.signals().iter().any(
            |signal| matches!(signal, Signal::Answered { campaign: CampaignId(1), hosts } if hosts.contains(host))
        )
    );
    super::site::until("the twin knows", || twin.app.registry.answers_of(CampaignId(1)).contains(host)).await;
    assert!(!is_asked(&twin, &a).await);
    assert!(is_asked(&twin, &b).await);
    let appends = site.appends();
    site.app.registry.flush_answers().await.unwrap();
    assert_eq!(site.appends(), appends, "nothing new is no append");
}

#[actix_web::test]
async fn live_check_38_without_a_campaign_a_read_looks_at_none() {
    let site = Site::new().await;
    let keys = [site.enroll("a").await, site.enroll("b").await, site.enroll("c").await];
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    for key in &keys {
        site.report(key, 100).await;
    }
    for _ in 0..40 {
        let campaign = start(&site, &keys).await;
        site.decide(campaign::Command::Stop { campaign, stats: None }).await;
    }
    let (looked, appends) = (site.app.registry.campaigns_looked_at(), site.appends());
    let everybody_reads = async || {
        for key in &keys {
            site.names(key).await;
        }
    };
    for _ in 0..50 {
        everybody_reads().await;
    }
    assert_eq!(site.app.registry.campaigns_looked_at(), looked, "campaigns that ended are not looked at");
    assert_eq!(site.appends(), appends);
    start(&site, &keys[..1]).await;
    everybody_reads().await;
    assert_eq!(site.app.registry.campaigns_looked_at(), looked + 3, "one that is open is, once a call");
}
