use std::time::Duration;

use command_api::settings::{HostIdentifier, Settings};
use domain::records::Section;
use serde_json::json;

use super::site::{SECRET, Site, enrolment};

#[actix_web::test]
async fn check_02_the_same_identifier_is_the_same_host_with_a_new_key() {
    let site = Site::new().await;
    let (first, host) = (site.enroll("a").await, 1);
    let second = site.enroll("a").await;
    assert_ne!(first, second);
    assert_eq!(first.len(), 32);
    assert_eq!(site.host(&second).0, host);
    assert_eq!(site.app.ledger.fold().state.hosts.len(), 1);
    assert!(site.config(&first).await.is_node_invalid());
    assert_eq!(site.config(&second).await.status, 200);
}

#[actix_web::test]
async fn check_03_a_bad_secret_is_refused() {
    let site = Site::new().await;
    for secret in ["wrong", "", "GLOBAL-SECRET"] {
        let reply = site.post("enroll", enrolment(secret, "a")).await;
        assert_eq!(reply.status, 401);
        assert!(reply.error().starts_with("enroll failed:"), "{}", reply.text());
        assert!(reply.is_node_invalid() && reply.json().get("node_key").is_none());
    }
    assert_eq!(site.app.ledger.fold().state.hosts.len(), 0);
}

#[actix_web::test]
async fn check_04_an_identifier_is_all_that_is_needed() {
    let site = Site::new().await;
    for identifier in ["", "  "] {
        let reply = site.post("enroll", json!({"enroll_secret": SECRET, "host_identifier": identifier})).await;
        assert_eq!((reply.status, reply.is_node_invalid()), (401, true));
    }
    let reply = site.post("enroll", json!({"enroll_secret": SECRET, "host_identifier": "bare"})).await;
    assert!(!reply.json()["node_key"].as_str().unwrap().is_empty());
    let long = site.post("enroll", json!({"enroll_secret": SECRET, "host_identifier": "x".repeat(256)})).await;
    assert!(long.error().contains("255 characters"), "{}", long.text());
}

#[actix_web::test]
async fn check_05_the_enrolment_fills_the_details() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let host = site.host(&key);
    let Some(Section::Identity(identity)) = site.section(host, "identity") else { panic!() };
    assert_eq!(
        (identity.hostname.as_str(), identity.uuid.as_str(), identity.hardware_serial.as_str()),
        ("name-of-a", "uuid-of-a", "sn-of-a")
    );
    assert_eq!(identity.osquery_version, "5.16.0");
    let Some(Section::Os(os)) = site.section(host, "os") else { panic!() };
    assert_eq!((os.platform.as_str(), os.os_version.as_str()), ("ubuntu", "Ubuntu 22.04.4 LTS"));
    assert_eq!(site.app.registry.find("NAME-of-A"), [host]);
    assert_eq!(site.app.registry.find("sn-of-a"), [host]);
    assert!(site.app.registry.find("").is_empty() && site.app.registry.find(&key).is_empty());
}

#[actix_web::test]
async fn check_06_the_secret_decides_the_team() {
    let site = Site::new().await;
    let team = site.add_team("Servers", None).await;
    site.set_secret(Some(team), "team-secret").await;
    let key = site.enroll("a").await;
    assert_eq!(site.app.ledger.fold().state.hosts.get(site.host(&key)).unwrap().team, None);
    let key = site.post("enroll", enrolment("team-secret", "a")).await.json()["node_key"].as_str().unwrap().to_owned();
    assert_eq!(site.app.ledger.fold().state.hosts.get(site.host(&key)).unwrap().team, Some(team));
}

#[actix_web::test]
async fn check_07_the_cooldown_spares_the_key_in_use() {
    let site = Site::with(Settings { enroll_cooldown: Duration::from_secs(60), ..Settings::default() }).await;
    let key = site.enroll("a").await;
    site.pass(Duration::from_secs(59));
    let reply = site.post("enroll", enrolment(SECRET, "a")).await;
    assert_eq!(reply.status, 401);
    assert!(reply.error().contains("60 s"), "{}", reply.text());
    assert_eq!(site.config(&key).await.status, 200);
    site.pass(Duration::from_secs(1));
    site.enroll("a").await;
}

#[actix_web::test]
async fn check_39_letter_case_does_not_make_another_host() {
    let site = Site::new().await;
    site.enroll("Host-A").await;
    site.enroll("hOST-a").await;
    let fold = site.app.ledger.fold();
    assert_eq!(fold.state.hosts.len(), 1);
    assert_eq!(fold.state.hosts.iter().next().unwrap().identifier, "hOST-a");
}

#[actix_web::test]
async fn clones_of_one_image_are_contested_and_nobody_gets_a_key() {
    let site = Site::new().await;
    let first = site.enroll("clone").await;
    let second = site.enroll("clone").await;
    assert_ne!(first, second);
    let third = site.post("enroll", enrolment(SECRET, "clone")).await;
    assert_eq!(third.status, 401);
    assert!(third.error().contains("several machines"), "{}", third.text());
    assert!(third.json().get("node_key").is_none());
    let appends = site.appends();
    assert!(site.post("enroll", enrolment(SECRET, "clone")).await.error().contains("several machines"));
    assert_eq!(site.appends(), appends, "one event tells the admin, not one for each attempt");
    assert_eq!(site.config(&second).await.status, 200);
    site.pass(Duration::from_secs(600));
    site.enroll("clone").await;
}

#[actix_web::test]
async fn the_operator_chooses_what_a_host_is_known_by() {
    for (choice, expected) in [
        (HostIdentifier::Provided, "a"),
        (HostIdentifier::Instance, "instance-of-a"),
        (HostIdentifier::Uuid, "info-uuid-of-a"),
        (HostIdentifier::Hostname, "name-of-a"),
    ] {
        let site = Site::with(Settings { host_identifier: choice, ..Settings::default() }).await;
        let key = site.enroll("a").await;
        let identifier = |key: &str| site.app.ledger.fold().state.hosts.get(site.host(key)).unwrap().identifier.clone();
        assert_eq!(identifier(&key), expected);
        let bare = site.post("enroll", json!({"enroll_secret": SECRET, "host_identifier": "bare"})).await;
        assert_eq!(identifier(bare.json()["node_key"].as_str().unwrap()), "bare", "the given one stands in");
    }
}

#[actix_web::test]
async fn no_secret_or_key_is_in_the_log() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.report(&key, 100).await;
    for topic in infra_log::Topic::ALL {
        for record in site.records(topic) {
            let text = String::from_utf8_lossy(&record.value).into_owned();
            assert!(!text.contains(&key) && !text.contains(SECRET), "{topic}: {text}");
        }
    }
}
