//! What costs nothing: counted, not believed.

use std::time::Duration;

use infra_log::{Log as _, Topic};
use infra_testkit::TestHost;
use infra_testkit::wait::until;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::house::{Clockwork, House, SOON};

/// What was spent so far: appends to the log, SQL statements, and transactions around them.
///
/// Both are counted where they leave for the store: nothing else in the server speaks to the log or to SQL.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spent {
    appends: u64,
    statements: u64,
    transactions: u64,
}

fn spent(house: &House) -> Spent {
    let (log, views) = (house.parts.log.counts(), house.parts.views.views.counts());
    Spent { appends: log.appends(), statements: views.statements(), transactions: log.transactions() + views.writes() }
}

/// Waits until the views have nothing more to do for what went before.
async fn settled(house: &House) -> Spent {
    let mut last = spent(house);
    let mut same = 0;
    until("the views have caught up", SOON, async || {
        let now = spent(house);
        same = if now == last { same + 1 } else { 0 };
        last = now;
        (same == 20).then_some(now)
    })
    .await
}

/// Does something and asserts that it cost nothing. Every half minute the server writes down who called; work in which
/// that happened is done once more.
async fn costs_nothing(house: &House, mut work: impl AsyncFnMut()) {
    let windows = async || house.parts.log.end(Topic::Signals.only()).await.unwrap();
    loop {
        let (before, window) = (settled(house).await, windows().await);
        work().await;
        // What it set off is over, too.
        let after = settled(house).await;
        if windows().await == window {
            return assert_eq!(after, before);
        }
    }
}

#[tokio::test]
async fn live_check_38_idle_reads_unchanged_configs_and_empty_posts_cost_nothing() {
    let house = House::open("counts", &[]);
    let host = house.host("idle").await;
    let document = host.config(None).await;
    let etag = hex(&Sha256::digest(&document.body));
    costs_nothing(&house, async || {
        for _ in 0..20 {
            assert_eq!(host.read().await.text(), r#"{"queries":{},"discovery":{}}"#);
            assert_eq!(host.config(Some(&etag)).await.text(), r#"{"etag":"ok"}"#);
            assert_eq!(host.config(None).await.body, document.body);
            for kind in ["result", "status"] {
                assert!(host.log(kind, &[]).await.acknowledged());
            }
        }
    })
    .await;

    // And what is not idle is seen by the same counters.
    let before = settled(&house).await;
    host.log("result", &[json!({"name": "x", "columns": {"a": "b"}})]).await.done();
    let appended = spent(&house);
    assert_eq!(appended.appends, before.appends + 1, "a line is an append");
    house.admin().get("hosts").await.ok();
    assert!(spent(&house).statements > before.statements, "a page of the dashboard is SQL");
}

#[tokio::test]
async fn equal_reports_append_nothing_and_a_changed_one_appends_its_section() {
    let clockwork = Clockwork::open("reports", &[]);
    let house = &clockwork.house;
    let host = house.host("report").await;
    let id = house.id(&host).await;
    let report = async |change: &dyn Fn(&mut Value)| {
        // A wish is newer than the answers that it is not content with.
        clockwork.clock.advance(Duration::from_secs(1));
        house.admin().post(&format!("hosts/{id}/refetch"), json!({})).await.ok();
        let asked = host.asked().await;
        assert!(!asked.is_empty(), "a refetch asks for everything");
        let mut write = host.usual_answers(&asked);
        change(&mut write["queries"]);
        let before = hosts_records(house).await;
        host.write(write).await.done();
        hosts_records(house).await - before
    };
    report(&|_| ()).await;
    for _ in 0..24 {
        clockwork.pass(Duration::from_secs(3_600)).await;
        assert_eq!(report(&|_| ()).await, 0, "nothing changed");
    }
    let renamed = report(&|queries| {
        queries["fleet_detail_query_system_info"][0]["hostname"] = "renamed.example".into();
    });
    assert_eq!(renamed.await, 1, "one section changed");
}

/// Records of `muster.hosts`.
async fn hosts_records(house: &House) -> usize {
    house.admin().records("hosts").await.unwrap().len()
}

/// SHA-256 in hex is what a document is named by.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_host_that_lost_its_replies_repeats_itself_at_no_cost_to_the_views() {
    let house = House::open("repeats", &[]);
    let host: TestHost = house.host("repeats").await;
    let campaign = house.own_campaign(&[&host]).await;
    host.answer_live(campaign, json!([{"n": "1"}])).await.done();
    costs_nothing(&house, async || {
        for _ in 0..5 {
            host.answer_live(campaign, json!([{"n": "1"}])).await.done();
        }
    })
    .await;
}
