//! Those who have written something see it when they read.

use std::time::Duration;

use domain::Timestamp;
use domain::host::Enrol;
use domain::{Command, Digest, HostId, Sealed};
use infra_log::{Log, Topic};
use projections::read::{self, HostFilter, NOW};
use projections::view;

use crate::rig::{ALL, PATIENCE, PRESENT, Rig};
use crate::teller::Teller;

fn enrol(name: &str) -> Command {
    let (secret, identifier, node_key) = (Digest::of("s"), name.to_owned(), Digest::of(name));
    domain::host::Command::Enrol(Enrol {
        secret,
        identifier,
        node_key,
        platform: String::new(),
        cooldown: Duration::ZERO,
    })
    .into()
}

#[tokio::test]
async fn what_was_written_before_is_read() {
    let rig = Rig::new().await;
    let running = rig.engine().await;
    let mut teller = Teller::new(61);
    let mut told = 0;
    for number in 1..=50u64 {
        teller.decide(vec![enrol(&format!("h{number}"))]);
        rig.append(&teller.writes[told..]).await;
        told = teller.writes.len();
        let settled = running.progress.settle(&[view::HOSTS], None, PATIENCE).await.unwrap();
        assert_eq!((settled.behind, settled.complete_to), (false, PRESENT));
        assert_eq!(read::host_count(&rig.views, NOW, &HostFilter::default()).await.unwrap(), number);
    }
    running.stop().await;
}

#[tokio::test]
async fn a_past_that_is_complete_is_not_waited_for() {
    let rig = Rig::new().await;
    let running = rig.engine().await;
    running.settled().await;
    rig.log.stop_reads(true);
    // The log does not answer any more, and need not.
    let settled = running.progress.settle(&ALL, Some(PRESENT), PATIENCE).await.unwrap();
    assert_eq!((settled.behind, settled.complete_to), (false, PRESENT));
    rig.clock.advance(Duration::from_secs(10));
    let beyond = PRESENT.plus(Duration::from_secs(5));
    assert!(running.progress.settle(&ALL, Some(beyond), PATIENCE).await.is_err());
    rig.log.stop_reads(false);
    let settled = running.progress.settle(&ALL, Some(beyond), PATIENCE).await.unwrap();
    assert!(!settled.behind && settled.complete_to >= beyond);
    running.stop().await;
}

#[tokio::test]
async fn views_that_are_behind_say_so() {
    let rig = Rig::new().await;
    let running = rig.engine().await;
    running.settled().await;
    let write = rig.views.write().await.unwrap(); // nobody else can write now
    let mut teller = Teller::new(62);
    teller.decide(vec![enrol("a")]);
    rig.append(&teller.writes).await;
    rig.clock.advance(Duration::from_secs(60));
    let settled = running.progress.settle(&[view::HOSTS], None, Duration::from_millis(50)).await.unwrap();
    assert!(settled.behind);
    assert_eq!(settled.complete_to, PRESENT);
    let settled = running
        .progress
        .settle(&[view::HOSTS], Some(PRESENT.plus(Duration::from_secs(1))), Duration::from_millis(50))
        .await
        .unwrap();
    assert!(settled.behind);
    // Another topic is not behind.
    assert!(!running.progress.settle(&[view::ANSWERS], None, PATIENCE).await.unwrap().behind);
    drop(write);
    assert!(!running.progress.settle(&[view::HOSTS], None, PATIENCE).await.unwrap().behind);
    running.stop().await;
}

#[tokio::test]
async fn progress_tells_the_place_in_each_partition() {
    let rig = Rig::new().await;
    rig.append(&Teller::story(63, 200).writes).await;
    let running = rig.engine().await;
    running.settled().await;
    for partition in Topic::Hosts.every() {
        let end = rig.log.end(partition).await.unwrap();
        assert_eq!(running.progress.reached(view::FACTS)[&partition].position, end);
    }
    assert_eq!(running.progress.reached(view::HOSTS).len(), 1);
    assert!(running.progress.reached("nothing").is_empty());
    assert_eq!(running.progress.complete_to(&[view::HOSTS, "nothing"]), Timestamp::EPOCH);
    running.stop().await;
}

#[tokio::test]
async fn a_stored_secret_is_nowhere_in_the_views() {
    let rig = Rig::new().await;
    let mut teller = Teller::new(64);
    let email = Sealed { key: "person/7".into(), text: "sealed-address".into() };
    let profile = domain::user::Profile {
        name: email.clone(),
        email: email.clone(),
        email_digest: Digest::of("e"),
        position: None,
    };
    let roles = domain::role::Roles::Global(domain::role::Role::Admin);
    let (password, api_only, must_reset_password) = ("$argon2id$hash".into(), false, false);
    teller
        .decide(vec![domain::user::Command::Create { profile, password, roles, api_only, must_reset_password }.into()]);
    teller.decide(vec![enrol("a")]);
    rig.append(&teller.writes).await;
    rig.fold().await;
    assert!(read::host_one(&rig.views, NOW, &read::TeamScope::All, HostId(1)).await.unwrap().is_some());
    rig.views.close().await;
    let bytes = std::fs::read(rig.folder.path().join("views.db")).unwrap();
    for secret in ["sealed-address", "$argon2id$hash", &Digest::of("a").to_string()] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
    }
}
