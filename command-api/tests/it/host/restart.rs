//! A process that starts again knows what the one before it knew.

use std::sync::Arc;
use std::time::Duration;

use command_api::registry::Registry;
use command_api::settings::Settings;
use domain::{CampaignId, LabelId, Members, Timestamp, campaign, host};
use infra_log::memory::{Adversary, Faults};
use infra_log::{Log, Topic};
use serde_json::json;

use super::site::{START, Site, ubuntu};

/// A host that reported, has a label, answered a live query, and was told of in a window.
async fn told() -> (Site, String, LabelId) {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.report(&key, 100).await;
    let linux = site.app.ledger.fold().state.labels.by_name("All Linux").unwrap().id;
    site.answer(&key, json!({format!("fleet_label_query_{linux}"): [{"1": "1"}]})).await.done();
    let targets: Members = [site.host(&key)].into_iter().collect();
    let life = Duration::from_secs(9_000);
    let start = campaign::Command::Start {
        sql: "SELECT 1".to_owned(),
        query: None,
        by: None,
        targets,
        attended: false,
        life,
        most: Default::default(),
    };
    site.decide(start).await;
    site.answer(&key, json!({"fleet_distributed_query_1": []})).await.done();
    site.pass(Duration::from_secs(30));
    site.app.registry.flush(site.now(), true).await.unwrap();
    site.app.registry.flush_answers().await.unwrap();
    (site, key, linux)
}

/// The next process knows what the one before it knew.
async fn knows_all(site: &Site, again: &Site, key: &str, linux: LabelId) {
    let host = site.host(key);
    let registry = &again.app.registry;
    assert!(registry.identity(host).is_some() && registry.identity(host) == site.app.registry.identity(host));
    assert!(registry.label_members(linux).contains(host));
    assert!(registry.answers_of(CampaignId(1)).contains(host));
    assert_eq!(registry.seen_at(host), START);
    assert!(again.names(key).await.is_empty());
    assert_eq!(again.config(key).await.body, site.config(key).await.body);
    let appends = again.appends();
    again.answer(key, json!({"fleet_detail_query_os_version": [ubuntu()]})).await.done();
    assert_eq!(again.appends(), appends, "an equal report is no news to the next process either");
}

#[actix_web::test]
async fn reports_labels_answers_and_times_survive() {
    let (site, key, linux) = told().await;
    let again = site.twin(Settings::default()).await;
    knows_all(&site, &again, &key, linux).await;
}

#[actix_web::test]
async fn a_start_from_snapshots_equals_one_without() {
    let (site, key, linux) = told().await;
    super::site::until("the process has read its own", || site.app.registry.seen_at(site.host(&key)) == START).await;
    site.app.registry.ready().await.unwrap();
    assert!(site.app.registry.take_snapshots(&site.snapshots()).await.unwrap() >= 2);
    assert_eq!(site.app.registry.take_snapshots(&site.snapshots()).await.unwrap(), 0, "nothing is new");
    // What the snapshots stand for is not read again: it is not there any more.
    for partition in Topic::Hosts.every().chain(Topic::Signals.every()) {
        let last = site.log.records(partition).len().saturating_sub(1) as u64;
        site.log.forget(partition, last);
    }
    let again = site.restored(Settings::default()).await;
    knows_all(&site, &again, &key, linux).await;
}

#[actix_web::test]
async fn what_came_after_the_snapshot_is_read() {
    let (site, key, linux) = told().await;
    site.app.registry.ready().await.unwrap();
    site.app.registry.take_snapshots(&site.snapshots()).await.unwrap();
    site.answer(&key, json!({format!("fleet_label_query_{linux}"): []})).await.done();
    let second = site.enroll("b").await;
    let again = site.restored(Settings::default()).await;
    assert!(!again.app.registry.label_members(linux).contains(site.host(&key)));
    assert_eq!(again.app.registry.identity(site.host(&second)).unwrap().hostname, "name-of-b");
}

#[actix_web::test]
async fn snapshots_of_another_log_are_not_used() {
    let (site, key, _) = told().await;
    site.app.registry.ready().await.unwrap();
    site.app.registry.take_snapshots(&site.snapshots()).await.unwrap();
    for partition in Topic::Hosts.every() {
        site.log.cut(partition, 0);
    }
    let again = site.restored(Settings::default()).await;
    assert_eq!(again.app.registry.identity(site.host(&key)), None);
}

#[actix_web::test]
async fn deleted_hosts_do_not_come_back() {
    let (site, key, linux) = told().await;
    let host = site.host(&key);
    site.app.registry.ready().await.unwrap();
    site.app.registry.take_snapshots(&site.snapshots()).await.unwrap();
    site.decide(host::Command::Delete { hosts: [host].into_iter().collect() }).await;
    for again in [site.twin(Settings::default()).await, site.restored(Settings::default()).await] {
        assert_eq!(again.app.registry.identity(host), None);
        assert!(again.app.registry.label_members(linux).is_empty());
        assert_eq!(again.app.registry.seen_at(host), Timestamp::EPOCH);
    }
}

#[actix_web::test]
async fn a_wish_reaches_every_node() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.report(&key, 100).await;
    let twin = site.twin(Settings { node: "two".to_owned(), ..Settings::default() }).await;
    site.pass(Duration::from_secs(60));
    let host = site.host(&key);
    site.app.registry.wish_refetch(&[host].into_iter().collect()).await.unwrap();
    super::site::until("the twin knows of the wish", || twin.app.registry.refetch_wished(host)).await;
    assert!(!twin.names(&key).await.is_empty());
}

#[actix_web::test]
async fn until_it_has_read_all_a_process_tells_hosts_to_wait() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.log.stop_reads(true);
    let log: Arc<dyn Log> = Arc::new(site.log.clone());
    let fresh = Registry::open(log, site.app.ledger.follower().clone(), site.app.world.clone(), &Settings::default());
    assert!(!fresh.is_ready());
    assert!(fresh.ready().await.is_err());
    assert!(!fresh.is_ready());
    site.log.stop_reads(false);
    fresh.ready().await.unwrap();
    assert!(fresh.is_ready() && fresh.identity(site.host(&key)).is_some());
}

/// Two nodes report different states of one host in turn, over a log that loses, repeats and delays: both come to the
/// state of the newest report, and no report that a node acknowledged is missing.
#[actix_web::test]
async fn two_registries_agree_on_an_adversarial_log() {
    for seed in 0..8 {
        let site = Site::new().await;
        let key = site.enroll("a").await;
        let host = site.host(&key);
        let adversary = Adversary::on(site.log.clone(), seed, Faults { read_failed: 0.002, ..Faults::wild() });
        let open = |node: &str| {
            let log: Arc<dyn Log> = Arc::new(adversary.handle());
            Registry::open(
                log,
                site.app.ledger.follower().clone(),
                site.app.world.clone(),
                &Settings { node: node.to_owned(), ..Settings::default() },
            )
        };
        let nodes = [open("one"), open("two")];
        let mut acknowledged = vec![];
        for step in 0..30_usize {
            site.pass(Duration::from_millis(700));
            let mut known = nodes[step % 2].known(host).os.unwrap_or_default();
            known.build = format!("build {}", step / 3 % 4);
            let section = domain::records::Section::from(known.clone());
            // A write that fails is sent again.
            for _ in 0..20 {
                if nodes[step % 2].report(host, vec![section.clone()], site.now()).await.is_ok() {
                    acknowledged.push((site.now(), section.clone()));
                    break;
                }
            }
        }
        adversary.settle();
        adversary.set_faults(Faults::none());
        for node in &nodes {
            node.ready().await.unwrap();
        }
        let newest = acknowledged.last().map(|(_, section)| section.to_json()).unwrap();
        for node in &nodes {
            assert_eq!(domain::records::Section::from(node.known(host).os.unwrap()).to_json(), newest, "seed {seed}");
        }
        let truth: Vec<_> = site.reports().into_iter().filter(|report| report.section.name() == "os").collect();
        let last = truth.iter().max_by_key(|report| report.recorded).unwrap();
        assert_eq!(last.section.to_json(), newest, "seed {seed}");
    }
}
