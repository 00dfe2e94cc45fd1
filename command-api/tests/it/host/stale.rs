//! A node that is behind: answers to what it has not heard of yet are lost by nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use command_api::settings::Settings;
use domain::{CampaignId, Members, campaign};
use infra_log::memory::Memory;
use infra_log::{AppendError, Draft, Log, Partition, Position, ReadError, Record, Topic};
use serde_json::json;

use super::site::Site;

const HOUR: Duration = Duration::from_secs(3_600);

/// A log whose ledger shows nothing new until its end is asked for, which is all that a log promises.
#[derive(Clone)]
struct Behind {
    log: Memory,
    hides: Arc<AtomicBool>,
}

impl Behind {
    fn hides(&self, partition: Partition) -> bool {
        partition.topic == Topic::Ledger && self.hides.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Log for Behind {
    async fn append(&self, partition: Partition, drafts: Vec<Draft>) -> Result<Vec<Position>, AppendError> {
        self.log.append(partition, drafts).await
    }

    async fn read(
        &self,
        partition: Partition,
        from: Position,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Record>, ReadError> {
        match self.hides(partition) {
            true => Ok(vec![]),
            false => self.log.read(partition, from, max_records, max_bytes).await,
        }
    }

    async fn changed(&self, partition: Partition, from: Position, patience: Duration) {
        self.log.changed(partition, from, patience).await;
        if self.hides(partition) {
            // Nothing tells it: only who asks for the end learns more.
            std::future::pending().await
        }
    }

    async fn end(&self, partition: Partition) -> Result<Position, ReadError> {
        if partition.topic == Topic::Ledger {
            self.hides.store(false, Ordering::Relaxed);
        }
        self.log.end(partition).await
    }

    async fn start(&self, partition: Partition) -> Result<Position, ReadError> {
        self.log.start(partition).await
    }
}

/// Two nodes; the second hears nothing more of the ledger until it asks. And a host that both know.
async fn world() -> (Site, Site, Behind, String) {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    let behind = Behind { log: site.log.clone(), hides: Arc::new(AtomicBool::new(false)) };
    let settings = Settings { node: "two".to_owned(), ..Settings::default() };
    let twin = site.twin_through(Arc::new(behind.clone()), settings).await;
    (site, twin, behind, key)
}

async fn start(site: &Site, key: &str) -> CampaignId {
    let targets: Members = [site.host(key)].into_iter().collect();
    let (sql, query, by) = ("SELECT 1".to_owned(), None, None);
    let command =
        campaign::Command::Start { sql, query, by, targets, attended: false, life: HOUR, most: Default::default() };
    site.decide(command).await.state.campaigns.newest()
}

async fn falls_behind(twin: &Site, behind: &Behind) {
    twin.app.ledger.read_to_end().await.unwrap();
    behind.hides.store(true, Ordering::Relaxed);
}

#[actix_web::test]
async fn an_answer_to_a_campaign_that_the_node_does_not_know_yet_is_kept() {
    let (site, twin, behind, key) = world().await;
    falls_behind(&twin, &behind).await;
    let campaign = start(&site, &key).await;
    assert!(twin.app.ledger.fold().state.campaigns.get(campaign).is_none(), "it is behind");
    twin.answer(&key, json!({"fleet_distributed_query_1": [{"n": "1"}]})).await.done();
    assert_eq!(site.answers().len(), 1);
}

#[actix_web::test]
async fn an_answer_to_a_campaign_that_was_extended_elsewhere_is_kept() {
    let (site, twin, behind, key) = world().await;
    let campaign = start(&site, &key).await;
    falls_behind(&twin, &behind).await;
    site.pass(HOUR / 2);
    site.decide(campaign::Command::Extend { campaign, life: 2 * HOUR }).await;
    site.pass(HOUR);
    twin.answer(&key, json!({"fleet_distributed_query_1": [{"n": "1"}]})).await.done();
    assert_eq!(site.answers().len(), 1);
}

#[actix_web::test]
async fn an_answer_that_nobody_can_judge_stays_with_its_host() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    site.log.stop_reads(true);
    let write = json!({"fleet_distributed_query_7": [{"n": "1"}]});
    let refused = site.answer(&key, write.clone()).await;
    assert_eq!((refused.status, refused.is_node_invalid()), (503, false));
    site.log.stop_reads(false);
    site.answer(&key, write).await.done();
    assert!(site.answers().is_empty(), "check 26: nobody asked");
}

#[actix_web::test]
async fn an_answer_to_a_campaign_that_is_known_asks_the_log_nothing() {
    let site = Site::new().await;
    let key = site.enroll("a").await;
    start(&site, &key).await;
    let campaign = start(&site, &key).await;
    site.decide(campaign::Command::Stop { campaign, stats: None }).await;
    site.log.stop_reads(true);
    site.answer(&key, json!({"fleet_distributed_query_1": [], "fleet_distributed_query_2": []})).await.done();
}
