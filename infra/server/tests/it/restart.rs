//! Live queries, checks 35 and 37, and what else must outlive a server or a slow reader.

use std::sync::Arc;
use std::time::Duration;

use domain::HostId;
use domain::ledger::Fold;
use infra_log::{Log as _, Topic};
use infra_testkit::{Stream, TestAdmin, TestHost, folder};
use infra_world::{ManualClock, SystemRandom, World};
use serde_json::{Value, json};

use crate::house::{House, SOON, fresh};

/// The results that a stream has to tell, up to `count` of them.
async fn results(stream: &mut Stream, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    while found.len() < count {
        found.push(stream.hear("result", SOON).await);
    }
    found
}

#[tokio::test]
async fn live_check_37_a_campaign_outlives_the_server_and_its_reader_goes_on_by_position() {
    let house = House::open("restart", &[]);
    let hosts = [house.host("a").await, house.host("b").await, house.host("c").await];
    let all: Vec<&TestHost> = hosts.iter().collect();
    let (ours, fleets) = (house.own_campaign(&all).await, house.campaign(&all).await);
    let mut stream = Stream::follow(&house.admin(), ours, None).await.unwrap();
    hosts[0].answer_live(ours, json!([{"n": "0"}])).await.done();
    hosts[1].answer_live(ours, json!([{"n": "1"}])).await.done();
    let seen = results(&mut stream, 2).await;
    let (token, keys) = (house.token.clone(), hosts.each_ref().map(|host| host.key().to_owned()));
    drop(stream);
    let data = house.close();

    let house = House::on(&data, &[], World::system());
    let hosts = keys.map(|key| {
        let mut host = TestHost::new(&house.door, "again");
        host.take_key(&key);
        host
    });
    assert!(!hosts[0].asked_live().await.contains_key(&ours), "who answered is not asked again");
    assert!(hosts[2].asked_live().await.contains_key(&ours), "who did not answer is");
    let admin = TestAdmin::with_token(&house.door, &token);
    let mut stream = Stream::follow(&admin, ours, seen[1]["position"].as_u64()).await.unwrap();
    hosts[2].answer_live(ours, json!([{"n": "2"}])).await.done();
    let more = results(&mut stream, 1).await;
    assert_eq!(more[0]["rows"][0]["n"], "2", "nothing twice, nothing missed");
    let mut whole = Stream::follow(&admin, ours, None).await.unwrap();
    let rows: Vec<Value> = results(&mut whole, 3).await.iter().map(|one| one["rows"][0]["n"].clone()).collect();
    assert_eq!(rows, [json!("0"), json!("1"), json!("2")], "in the same order for whoever comes later");

    // The reader of Fleet's stream may come back, too.
    let mut stream = Stream::of(&admin, fleets).await;
    hosts[0].answer_live(fleets, json!([{"n": "late"}])).await.done();
    assert_eq!(stream.hear("result", SOON).await["rows"][0]["n"], "late");
}

#[tokio::test]
async fn live_check_35_a_reader_that_does_not_read_holds_up_nobody_and_misses_nothing() {
    let house = House::open("slow-reader", &[]);
    let mut hosts = Vec::new();
    for _ in 0..40 {
        hosts.push(house.host("slow").await);
    }
    let all: Vec<&TestHost> = hosts.iter().collect();
    let (campaign, other) = (house.own_campaign(&all).await, house.own_campaign(&all[..1]).await);
    let mut lazy = Stream::follow(&house.admin(), campaign, None).await.unwrap();
    let mut eager = Stream::follow(&house.admin(), campaign, None).await.unwrap();
    let mut beside = Stream::follow(&house.admin(), other, None).await.unwrap();
    // Far more than sockets hold: 40 answers of 400 kB.
    let rows = |number: usize| json!([{"n": number.to_string(), "filler": "x".repeat(400_000)}]);
    for (number, host) in hosts.iter().enumerate() {
        host.answer_live(campaign, rows(number)).await.done();
        let told = eager.hear("result", SOON).await;
        assert_eq!(told["rows"][0]["n"], number.to_string(), "the other reader gets it at once");
    }
    hosts[0].answer_live(other, json!([{"n": "beside"}])).await.done();
    assert_eq!(beside.hear("result", SOON).await["rows"][0]["n"], "beside");
    let late: Vec<Value> = results(&mut lazy, 40).await.iter().map(|one| one["rows"][0]["n"].clone()).collect();
    assert_eq!(late, (0..40).map(|number| json!(number.to_string())).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_second_start_goes_on_where_the_first_stopped() {
    let house = House::open("second", &[]);
    let host = house.host("kept").await;
    let (team, _) = house.team("kept").await;
    let (id, key) = (house.id(&host).await, host.key().to_owned());
    house.admin().post("hosts/transfer", json!({"team_id": team, "hosts": [id]})).await.ok();
    let data = house.close();
    let house = House::on(&data, &[], World::system());
    let mut again = TestHost::new(&house.door, &host.identifier);
    again.take_key(&key);
    assert!(again.read().await.acknowledged());
    let found = house.admin().get(&format!("hosts/{id}")).await.ok();
    assert_eq!((&found["host"]["team_id"], &found["host"]["hostname"]), (&json!(team), &json!(host.hostname)));
    house.close();
}

/// Everything that a reader, a host and the Registry can tell of these hosts.
async fn told(house: &House, hosts: &[(u64, String)], pages: &[String]) -> Vec<String> {
    let (admin, registry) = (house.admin(), &house.parts.commands.registry);
    let mut told = Vec::new();
    for page in pages {
        told.push(format!("{page}: {}", admin.get(page).await.ok()));
    }
    for (id, key) in hosts {
        let host = HostId(u32::try_from(*id).unwrap());
        let (known, seen) = (registry.known(host), registry.seen_at(host));
        told.push(format!("{host}: {known:?} {seen:?} {}", registry.refetch_wished(host)));
        let mut client = TestHost::new(&house.door, "told");
        client.take_key(key);
        told.push(format!("{host} is told {}", client.config(None).await.text()));
        // A live query comes alone.
        for _ in 0..2 {
            told.push(format!("{host} is asked {:?}", client.asked().await));
        }
    }
    told
}

#[tokio::test]
async fn a_start_from_snapshots_equals_one_without() {
    let clock = ManualClock::at(World::system().now());
    let world = World::new(Arc::new(clock.clone()), Arc::new(SystemRandom));
    let house = House::on(&fresh("snapshots"), &[], world.clone());
    let admin = house.admin();
    let hosts = [house.host("a").await, house.host("b").await, house.host("gone").await];
    let mut ids = Vec::new();
    for host in &hosts {
        ids.push((house.id(host).await, host.key().to_owned()));
    }
    let (team, _) = house.team("moved").await;
    admin.post("hosts/transfer", json!({"team_id": team, "hosts": [ids[1].0]})).await.ok();
    let (label, _) = house.label(&[&hosts[0]]).await;
    let query = house.query("SELECT 1", json!({"interval": 60, "logging": "snapshot"})).await;
    let name = admin.get(&format!("queries/{query}")).await.ok()["query"]["name"].as_str().unwrap().to_owned();
    let line =
        json!({"name": format!("pack/Global/{name}"), "unixTime": 1, "snapshot": [{"n": "1"}], "action": "snapshot"});
    hosts[0].log("result", &[line]).await.done();
    let all: Vec<&TestHost> = hosts.iter().collect();
    let campaign = house.own_campaign(&all).await;
    hosts[0].answer_live(campaign, json!([{"n": "0"}])).await.done();
    admin.delete(&format!("hosts/{}", ids.pop().unwrap().0)).await.ok();
    house.user("observer").await;
    clock.advance(Duration::from_secs(1));
    admin.post(&format!("hosts/{}/refetch", ids[1].0), json!({})).await.ok();
    let with = house.close();

    let without = fresh("no-snapshots");
    for file in folder::files(&with) {
        let copy = without.join(file.strip_prefix(&with).unwrap());
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(&file, &copy).unwrap();
    }
    for kind in ["ledger", "presence", "registry-hosts", "registry-signals"] {
        assert!(
            !folder::files(&without.join("blobs/snapshots").join(kind)).is_empty(),
            "there is a snapshot of {kind}"
        );
    }
    std::fs::remove_dir_all(without.join("blobs/snapshots")).unwrap();

    let (with, without) = (House::on(&with, &[], world.clone()), House::on(&without, &[], world));
    let kept = async |house: &House| house.parts.snapshots.ledger(&*house.parts.log).await;
    let (restored, next) = kept(&with).await.expect("there was a snapshot");
    assert_eq!(kept(&without).await, None);
    let records = without.parts.log.read(Topic::Ledger.only(), 0, 10_000, usize::MAX).await.unwrap();
    let mut folded = Fold::default();
    for record in records.iter().filter(|record| record.position < next) {
        folded.apply(&record.value);
    }
    assert_eq!(restored, folded, "the fold that was kept is the fold of the log");

    let pages = ["hosts", "labels", "teams", "queries", "users", "/api/muster/v1/campaigns", "host_summary", "config"];
    let mut pages: Vec<String> = pages.map(str::to_owned).into();
    pages.extend(ids.iter().flat_map(|(id, _)| [format!("hosts/{id}"), format!("hosts/{id}/queries/{query}")]));
    pages.push(format!("labels/{label}/hosts"));
    pages.push(format!("/api/muster/v1/campaigns/{campaign}/answers"));
    let (one, other) = (told(&with, &ids, &pages).await, told(&without, &ids, &pages).await);
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one, other);
    }
    let told = |what: &str| one.iter().any(|one| one.contains(what));
    assert!(told("fleet_detail_query_os_version") && told("fleet_distributed_query_1") && told(r#""n":"0""#));
    with.close();
    without.close();
}
