//! Latest results: ordered by the smaller of the host's clock and arrival, and not written again when nothing changed.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::records::{Encoded, Line, LineKind};
use domain::{HostId, QueryId, Timestamp};
use infra_log::{Draft, Log, Topic};
use infra_stores::Statement;
use projections::budget::PAGE_BYTES;
use projections::read::{result_of, result_page};
use serde_json::{Value, json};

use crate::rig::Rig;
use crate::teller::Teller;

const BASE: i64 = 1_780_000_000;
const DAY: i64 = 86_400;

/// A line of host 1 and query 1, that arrived `arrived` and was taken `taken` seconds after the beginning.
async fn line(rig: &Rig, arrived: i64, value: Value) {
    let (host, query) = (HostId(1), Some(QueryId(1)));
    let value = value.to_string().into_bytes();
    let recorded = Timestamp::from_secs(BASE + arrived);
    let line = Line { kind: LineKind::Result, host, id: Line::id_of(host, &value, 0), recorded, query, value };
    let Encoded { headers, value } = line.encode();
    rig.log
        .append(Topic::Results.partition_of(1), vec![Draft { key: None, headers, value: value.into() }])
        .await
        .unwrap();
    rig.fold().await;
}

fn snapshot(taken: i64, rows: Value) -> Value {
    json!({"name": "pack/Global/q", "action": "snapshot", "snapshot": rows, "unixTime": BASE + taken})
}

async fn stored(rig: &Rig) -> Value {
    let result = result_of(&rig.views, QueryId(1), HostId(1), Timestamp::EPOCH).await.unwrap().unwrap();
    json!([result.recorded.secs() - BASE, result.rows])
}

#[tokio::test]
async fn the_newest_snapshot_counts() {
    let rig = Rig::new().await;
    line(&rig, 100, snapshot(99, json!([{"a": "1"}]))).await;
    assert_eq!(stored(&rig).await, json!([100, [{"a": "1"}]]));
    // Number and null cells stay so.
    line(&rig, 200, snapshot(199, json!([{"a": 2, "b": null}]))).await;
    assert_eq!(stored(&rig).await, json!([200, [{"a": 2, "b": null}]]));
    // A buffered one comes late.
    line(&rig, 300, snapshot(150, json!([{"a": "late"}]))).await;
    assert_eq!(stored(&rig).await, json!([200, [{"a": 2, "b": null}]]));
    // A clock in the future freezes nothing.
    line(&rig, 400, snapshot(1_000_000, json!([{"a": "4"}]))).await;
    line(&rig, 500, snapshot(499, json!([]))).await;
    assert_eq!(stored(&rig).await, json!([500, []]));
}

#[tokio::test]
async fn what_did_not_change_is_not_written() {
    let rig = Rig::new().await;
    line(&rig, 100, snapshot(100, json!([{"a": "1"}]))).await;
    let before = rig.dump().await;
    line(&rig, 3700, snapshot(3700, json!([{"a": "1"}]))).await;
    assert_eq!(rig.dump().await, before);
    // Its time may not lie behind by more than a day.
    line(&rig, 100 + DAY, snapshot(100 + DAY, json!([{"a": "1"}]))).await;
    assert_eq!(stored(&rig).await, json!([100 + DAY, [{"a": "1"}]]));
}

#[tokio::test]
async fn rows_of_one_line_each_are_gathered() {
    let rig = Rig::new().await;
    let row =
        |taken: i64, a: &str| json!({"name": "q", "action": "snapshot", "columns": {"a": a}, "unixTime": BASE + taken});
    for a in ["1", "2", "3"] {
        line(&rig, 100, row(99, a)).await;
    }
    assert_eq!(stored(&rig).await, json!([100, [{"a": "1"}, {"a": "2"}, {"a": "3"}]]));
    line(&rig, 200, row(199, "4")).await;
    line(&rig, 200, row(150, "late")).await;
    assert_eq!(stored(&rig).await, json!([200, [{"a": "4"}]]));
    // The same post again, after a lost reply, is a set of its own.
    line(&rig, 201, row(199, "4")).await;
    assert_eq!(stored(&rig).await, json!([201, [{"a": "4"}]]));
    line(&rig, 300, snapshot(300, json!([{"a": "5"}]))).await;
    assert_eq!(stored(&rig).await, json!([300, [{"a": "5"}]]));
}

/// Taken, arrived, gathered, rows: worked out line by line.
type Latest = (i64, i64, bool, Vec<Value>);

#[tokio::test]
async fn the_latest_of_a_story_is_what_a_walk_through_it_says() {
    let story = Teller::story(91, 1500);
    let rig = Rig::new().await;
    rig.append(&story.writes).await;
    rig.fold().await;

    let mut latest: BTreeMap<(u32, u32), Latest> = BTreeMap::new();
    for line in &story.lines {
        let told: Value = serde_json::from_slice(&line.value).unwrap();
        let (is_row, rows) = match (&told["snapshot"], told["action"] == "snapshot") {
            (Value::Array(rows), _) => (false, rows.clone()),
            (_, true) => (true, vec![told["columns"].clone()]),
            _ => continue,
        };
        let clock = told["unixTime"].as_i64().or_else(|| told["unixTime"].as_str()?.parse().ok()).unwrap();
        let arrived = line.recorded.micros();
        let taken = arrived.min(clock * 1_000_000);
        let key = (line.query.unwrap().0, line.host.0);
        match latest.get_mut(&key) {
            Some((held, ..)) if taken < *held => {}
            Some((held, arrival, true, gathered)) if is_row && (taken, arrived) == (*held, *arrival) => {
                gathered.extend(rows)
            }
            Some((_, _, false, same)) if !is_row && *same == rows => {}
            _ => drop(latest.insert(key, (taken, arrived, is_row, rows))),
        }
    }
    assert!(latest.len() > 20);
    for ((query, host), (_, recorded, _, rows)) in latest {
        let read = result_of(&rig.views, QueryId(query), HostId(host), Timestamp::EPOCH).await.unwrap().unwrap();
        assert_eq!((read.recorded.micros(), read.rows), (recorded, rows), "query {query} on host {host}");
    }
}

#[tokio::test]
async fn results_of_an_earlier_shape_are_not_shown_and_are_swept() {
    use domain::query::{Command, Spec};
    let rig = Rig::new().await;
    let mut teller = Teller::new(92);
    let spec = |sql: &str| Spec { name: "q".into(), query: sql.into(), interval: 60, ..Spec::default() };
    for name in ["q", "kept"] {
        let spec = Spec { name: name.into(), ..spec("SELECT 1") };
        teller.decide(vec![Command::Create { team: None, spec, author: None }.into()]);
    }
    let shown = |at: Timestamp| {
        let views = rig.views.clone();
        async move { result_page(&views, QueryId(1), at, None, 10).await.unwrap().rows.len() }
    };
    let value =
        |query: &str| json!({"name": format!("pack/Global/{query}"), "action": "snapshot", "snapshot": [{"a": "1"}]});
    teller.now = teller.now.plus(Duration::from_secs(10));
    for query in [1, 2, 77] {
        teller.tell_line(HostId(1), Some(QueryId(query)), teller.now, value("q"));
    }
    teller.tell_line(HostId(2), Some(QueryId(1)), teller.now, value("q"));
    let created = teller.state.queries.get(QueryId(1)).unwrap().results_since;
    rig.append(&teller.writes).await;
    rig.fold().await;
    assert_eq!(shown(created).await, 2);

    let told = teller.writes.len();
    teller.now = teller.now.plus(Duration::from_secs(10));
    teller.decide(vec![Command::Change { query: QueryId(1), spec: spec("SELECT 2") }.into()]);
    let changed = teller.state.queries.get(QueryId(1)).unwrap().results_since;
    teller.tell_line(
        HostId(2),
        Some(QueryId(1)),
        teller.now,
        json!({"name": "q", "action": "snapshot", "snapshot": []}),
    );
    rig.append(&teller.writes[told..]).await;
    rig.fold().await;
    assert_eq!(shown(changed).await, 1);

    let rows = async || {
        let rows = rig
            .views
            .fetch(Statement::new("SELECT query, host FROM latest_result ORDER BY query, host"))
            .await
            .unwrap();
        rows.into_iter().map(|mut row| (row.take().unwrap(), row.take().unwrap())).collect::<Vec<(u32, u32)>>()
    };
    assert_eq!(rows().await, [(1, 1), (1, 2), (2, 1), (77, 1)]);
    projections::sweep_results(&rig.views).await.unwrap();
    // Query 77 is newer than anything that the view of queries knows: it is not swept.
    assert_eq!(rows().await, [(1, 2), (2, 1), (77, 1)]);

    let told = teller.writes.len();
    teller.decide(vec![Command::Delete { queries: vec![QueryId(1)] }.into()]);
    rig.append(&teller.writes[told..]).await;
    rig.fold().await;
    projections::sweep_results(&rig.views).await.unwrap();
    assert_eq!(rows().await, [(2, 1), (77, 1)]);
}

#[tokio::test]
async fn a_page_ends_where_its_bytes_are_used_up_and_says_that_there_is_more() {
    let rig = Rig::new().await;
    // A thousand rows of almost a KiB on each host: a MiB is what is kept of one. Another query has as many tiny rows,
    // of which each takes half a KiB to hold.
    let large: Vec<Value> = (0..1000).map(|number| json!({"n": number, "zeros": "0".repeat(1000)})).collect();
    let tiny: Vec<Value> = (0..1000).map(|_| json!({})).collect();
    let mut teller = Teller::new(93);
    for host in 1..=20 {
        let at = teller.now;
        teller.tell_line(HostId(host), Some(QueryId(1)), at, snapshot(0, json!(large)));
        teller.tell_line(HostId(host), Some(QueryId(2)), at, snapshot(0, json!(tiny)));
    }
    rig.append(&teller.writes).await;
    rig.fold().await;
    assert_eq!(paged(&rig, QueryId(1)).await, (vec![5, 5, 5, 5], (1..=20).collect()));
    assert_eq!(paged(&rig, QueryId(2)).await, (vec![16, 4], (1..=20).collect()));
}

/// How many hosts each page has, and which.
async fn paged(rig: &Rig, query: QueryId) -> (Vec<usize>, Vec<u32>) {
    let (mut after, mut pages, mut hosts) = (None, vec![], vec![]);
    loop {
        let page = result_page(&rig.views, query, Timestamp::EPOCH, after, 500).await.unwrap();
        assert!(page.rows.iter().map(|one| one.bytes).sum::<usize>() <= PAGE_BYTES);
        pages.push(page.rows.len());
        hosts.extend(page.rows.iter().map(|one| one.host.0));
        after = hosts.last().copied().map(HostId);
        if !page.more {
            break;
        }
    }
    (pages, hosts)
}
