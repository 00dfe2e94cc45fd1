use std::time::Duration;

use command_api::settings::Settings;
use domain::records::{Presence, Signal};
use infra_log::Topic;
use serde_json::json;

use super::site::{START, Site};

fn windows(site: &Site) -> Vec<Presence> {
    let window = |signal| if let Signal::Presence(window) = signal { Some(window) } else { None };
    site.signals().into_iter().filter_map(window).collect()
}

#[actix_web::test]
async fn check_33_every_call_is_a_sign_of_life_and_silence_is_offline() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let host = site.host(&key);
    site.report(&key, 100).await;
    for (path, body) in [
        ("config", json!({"node_key": key})),
        ("distributed/read", json!({"node_key": key})),
        ("distributed/write", json!({"node_key": key})),
        ("log", json!({"node_key": key, "log_type": "result", "data": []})),
        ("carve/begin", json!({"node_key": key, "block_count": 1, "block_size": 10, "carve_size": 10})),
        ("yara/x", json!({"node_key": key})),
    ] {
        // Every 10 s and every 60 s: the shorter one counts, and a minute more.
        site.pass(Duration::from_secs(69));
        assert!(site.app.registry.online(site.now()).contains(host), "before {path}");
        site.post(path, body).await;
        assert_eq!(site.app.registry.seen_at(host), site.now(), "{path}");
    }
    site.pass(Duration::from_secs(70));
    assert!(!site.app.registry.online(site.now()).contains(host));
}

#[actix_web::test]
async fn windows_tell_who_called_and_what_they_did() {
    let site = Site::new().await;
    let (a, b, c) = (site.enroll("a").await, site.enroll("b").await, site.enroll("c").await);
    site.report(&a, 100).await;
    site.pass(Duration::from_secs(10));
    site.config(&b).await;
    site.pass(Duration::from_secs(20));
    site.app.registry.flush(site.now(), false).await.unwrap();
    let window = windows(&site).remove(0);
    assert_eq!((window.from, window.until), (START, START.plus(Duration::from_secs(30))));
    let ids = [site.host(&a), site.host(&b), site.host(&c)];
    assert_eq!(window.seen(), [(ids[0], START), (ids[1], START.plus(Duration::from_secs(10))), (ids[2], START)]);
    let only = |members: &domain::Members| members.iter().collect::<Vec<_>>();
    assert_eq!(
        (only(&window.detailed), only(&window.labelled), only(&window.judged), only(&window.wrote)),
        (vec![ids[0]], vec![ids[0]], vec![ids[0]], vec![ids[0]])
    );
    site.pass(Duration::from_secs(30));
    site.app.registry.flush(site.now(), true).await.unwrap();
    let last = windows(&site).pop().unwrap();
    assert!(last.is_empty() && last.goodbye && last.from == window.until, "a silent fleet is told too");
}

#[actix_web::test]
async fn a_server_without_hosts_says_nothing() {
    let site = Site::new().await;
    let appends = site.appends();
    for _ in 0..10 {
        site.pass(Duration::from_secs(30));
        site.app.registry.flush(site.now(), false).await.unwrap();
    }
    assert_eq!(site.appends(), appends);
}

#[actix_web::test]
async fn a_window_of_many_hosts_stays_small() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    for host in 1..=250_000 {
        site.app.registry.saw(domain::HostId(host), site.now());
    }
    site.config(&key).await;
    site.app.registry.flush(site.now(), false).await.unwrap();
    let windows = windows(&site);
    assert_eq!(windows.iter().map(|window| window.seen().len()).sum::<usize>(), 250_000);
    assert!(site.records(Topic::Signals).iter().all(|record| record.value.len() <= 256 * 1024));
}

#[actix_web::test]
async fn another_node_knows_who_is_online_and_what_was_answered() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let host = site.host(&key);
    site.report(&key, 100).await;
    site.pass(Duration::from_secs(30));
    site.app.registry.flush(site.now(), false).await.unwrap();
    let twin = site.twin(Settings { node: "two".to_owned(), ..Settings::default() }).await;
    assert!(twin.app.registry.online(site.now()).contains(host));
    assert_eq!(twin.app.registry.seen_at(host), START);
    assert!(twin.names(&key).await.is_empty(), "it was asked by the other");
}
