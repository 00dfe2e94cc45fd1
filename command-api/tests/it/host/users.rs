//! The users of a host, few or very many.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::records::{Section, Users};
use domain::{settings, team};
use infra_log::{RECORD_LIMIT, Topic};
use serde_json::{Value, json};

use super::site::Site;

const QUERY: &str = "fleet_detail_query_users";

fn user(number: usize) -> Value {
    json!({"uid": number.to_string(), "username": format!("user-{number:05}"), "type": "", "groupname": "staff", "shell": "/bin/bash"})
}

fn rows(count: usize) -> Value {
    json!({QUERY: (0..count).map(user).collect::<Vec<_>>()})
}

/// The names of a host's users, from the newest state of every place in which they are kept.
fn names(site: &Site) -> Vec<String> {
    let mut states: BTreeMap<&str, Users> = BTreeMap::new();
    for report in site.reports() {
        let slot = report.section.slot();
        if let Section::Users(users) = report.section {
            states.insert(slot, users);
        }
    }
    let mut names: Vec<String> = states.into_values().flat_map(|state| state.users).map(|user| user.username).collect();
    names.sort();
    names
}

fn count(site: &Site) -> usize {
    site.reports().len()
}

#[actix_web::test]
async fn a_user_more_or_less_is_one_record() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.report(&key, 100).await;
    assert_eq!(names(&site), ["ann", "root"]);
    for list in [rows(3), rows(2)] {
        let before = count(&site);
        for _ in 0..2 {
            site.pass(Duration::from_secs(1));
            site.answer(&key, list.clone()).await.done();
        }
        assert_eq!(count(&site), before + 1);
    }
    assert_eq!(names(&site), ["user-00000", "user-00001"]);
}

#[actix_web::test]
async fn five_thousand_users_break_no_limit_and_one_more_is_one_small_record() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.report(&key, 100).await;
    let before = count(&site);
    site.answer(&key, rows(5_000)).await.done();
    assert_eq!(count(&site), before + 17, "sixteen parts, and the emptied whole");
    assert_eq!(names(&site).len(), 5_000);
    assert!(site.records(Topic::Hosts).iter().all(|record| record.value.len() < RECORD_LIMIT / 8));
    for (list, records) in [(rows(5_000), 0), (rows(5_001), 1), (rows(5_001), 0), (rows(5_000), 1)] {
        let before = count(&site);
        site.pass(Duration::from_secs(1));
        site.answer(&key, list).await.done();
        assert_eq!(count(&site), before + records);
    }
    let before = count(&site);
    site.answer(&key, rows(2)).await.done();
    assert_eq!(count(&site), before + 17, "the whole, and sixteen emptied parts");
    assert_eq!(names(&site), ["user-00000", "user-00001"]);
}

#[actix_web::test]
async fn eight_thousand_users_of_the_longest_names_are_cut_and_taken() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let long = |number: usize| {
        let name = format!("{number:05}{}", "\u{e9}".repeat(240));
        json!({"uid": number.to_string(), "username": name, "type": name, "groupname": name, "shell": name})
    };
    let list = json!({QUERY: (0..8_000).map(long).collect::<Vec<_>>()});
    site.answer(&key, list).await.done();
    assert!(site.records(Topic::Hosts).iter().all(|record| record.value.len() < RECORD_LIMIT));
    let left_out = site.reports().into_iter().map(|report| match report.section {
        Section::Users(users) => users.left_out as usize,
        _ => 0,
    });
    assert_eq!(left_out.sum::<usize>() + names(&site).len(), 8_000);
}

#[actix_web::test]
async fn another_process_takes_back_what_this_one_said() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.report(&key, 100).await;
    site.answer(&key, rows(5_000)).await.done();
    site.pass(Duration::from_secs(1));
    let twin = site.twin(site.app.settings.clone()).await;
    twin.answer(&key, rows(5_000)).await.done();
    assert_eq!(names(&site).len(), 5_000);
    twin.answer(&key, rows(1)).await.done();
    assert_eq!(names(&site), ["user-00000"]);
    let before = count(&site);
    let snapshots = site.snapshots();
    twin.app.registry.take_snapshots(&snapshots).await.unwrap();
    let third = site.restored(site.app.settings.clone()).await;
    third.answer(&key, rows(1)).await.done();
    assert_eq!(count(&site), before, "a snapshot knows what was said");
}

#[actix_web::test]
async fn hosts_are_asked_for_their_users_if_that_is_wanted() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let features = |on: bool| json!({"enable_host_users": on, "enable_software_inventory": true});
    let change = async |on: bool| {
        let sections = [("features".to_owned(), features(on).into())].into();
        site.decide(settings::Command::Change { sections }).await;
        site.pass(Duration::from_secs(2 * 3_600));
    };
    assert!(site.names(&key).await.contains(QUERY));
    change(false).await;
    let asked = site.names(&key).await;
    assert!(asked.contains("fleet_detail_query_uptime") && !asked.contains(QUERY), "{asked:?}");
    let before = count(&site);
    site.answer(&key, rows(3)).await.done();
    assert_eq!(count(&site), before, "what is not asked is not kept");
    change(true).await;
    assert!(site.names(&key).await.contains(QUERY));
    // A team has a word of its own.
    let team = site.add_team("servers", None).await;
    let settings = Some(std::sync::Arc::new(json!({"features": features(false)})));
    let keep = team::Change::Keep;
    site.decide(team::Command::Change { team, name: None, description: None, agent_options: keep, settings }).await;
    let hosts = [site.host(&key)].into_iter().collect();
    site.decide(domain::host::Command::Transfer { hosts, team: Some(team) }).await;
    site.pass(Duration::from_secs(2 * 3_600));
    let asked = site.names(&key).await;
    assert!(asked.contains("fleet_detail_query_uptime") && !asked.contains(QUERY), "{asked:?}");
}
