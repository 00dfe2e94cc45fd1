use std::time::Duration;

use actix_web::http::Method;
use command_api::campaigns::{expire, left};
use domain::role::Role;
use domain::{CampaignId, TeamId};
use serde_json::{Value, json};

use crate::admin_bench::Bench;

const HOUR: Duration = Duration::from_secs(3_600);

async fn started(bench: &Bench, path: &str, hosts: Value) -> u32 {
    let body = json!({"query": "SELECT 1", "selected": {"hosts": hosts}});
    bench.post(path, body).await.ok()["campaign"]["id"].as_u64().unwrap() as u32
}

async fn ours(bench: &Bench) -> u32 {
    started(bench, "/api/muster/v1/campaigns", json!(["web-1"])).await
}

fn is_open(bench: &Bench, id: u32) -> bool {
    bench.state().campaigns.get(CampaignId(id)).unwrap().ended.is_none()
}

#[actix_web::test]
async fn our_campaigns_take_hosts_labels_and_teams_by_name() {
    let bench = Bench::new().await;
    bench.team("ops").await;
    bench.host("web-1", None).await;
    bench.host("web-2", Some("ops")).await;
    let start = |selected: Value| {
        bench.post("/api/muster/v1/campaigns", json!({"query": "SELECT 1", "selected": selected, "hours": 3}))
    };
    let campaign = start(json!({"hosts": ["id:1"], "teams": ["OPS"]})).await.ok()["campaign"].clone();
    let hosts = json!({"targeted": 2, "rows": 0, "empty": 0, "error": 0, "waiting": 2, "offline": 0});
    assert_eq!(
        (&campaign["hosts"], &campaign["state"], &campaign["attended"]),
        (&hosts, &json!("running"), &json!(false))
    );
    assert_eq!(
        (&campaign["author"], &campaign["query"]),
        (&json!({"id": 1, "name": "Ada Lovelace"}), &json!("SELECT 1"))
    );
    let held = bench.state().campaigns.get(CampaignId(1)).unwrap().clone();
    assert_eq!(held.expires_at.since(held.started_at), 3 * HOUR);
    assert_eq!(start(json!({"teams": ["x", "y"]})).await.refusal().2, "Invalid team name(s): x, y.");
    for hours in [0, 169] {
        let long = json!({"query": "SELECT 1", "selected": {"hosts": ["web-1"]}, "hours": hours});
        assert_eq!(bench.post("/api/muster/v1/campaigns", long).await.status, 400);
    }
}

#[actix_web::test]
async fn a_campaign_is_stopped_and_extended() {
    let bench = Bench::new().await;
    let (_, key) = bench.host("web-1", None).await;
    let id = ours(&bench).await;
    let path = |verb: &str| format!("/api/muster/v1/campaigns/{id}/{verb}");
    bench.clock.advance(HOUR);
    bench.post(&path("extend"), json!({"hours": 48})).await.ok();
    let held = bench.state().campaigns.get(CampaignId(id)).unwrap().clone();
    assert_eq!(held.expires_at.since(held.started_at), 49 * HOUR);
    for hours in [0, 169] {
        assert_eq!(bench.post(&path("extend"), json!({"hours": hours})).await.status, 400);
    }
    assert_eq!(bench.asked(&key).await.len(), 1);
    for _ in 0..2 {
        assert_eq!(bench.post(&path("stop"), Value::Null).await.ok()["campaign"]["state"], "stopped");
    }
    assert!(bench.asked(&key).await.is_empty());
    assert_eq!(bench.post(&path("extend"), json!({"hours": 1})).await.status, 400, "it has ended");
    assert_eq!(bench.post("/api/muster/v1/campaigns/99/stop", Value::Null).await.status, 404);
}

#[actix_web::test]
async fn a_campaign_is_changed_by_its_author_and_by_who_may_ask_its_hosts_anything() {
    let bench = Bench::new().await;
    let ops = bench.team("ops").await;
    bench.team("dev").await;
    bench.host("web-1", Some("ops")).await;
    let query = json!({"name": "q", "query": "SELECT 1", "observer_can_run": true});
    bench.post("~/queries", query).await.ok();
    let observer = bench.in_team(ops, Role::Observer).await;
    let start = json!({"query_id": 1, "selected": {"hosts": ["web-1"]}});
    let extend = |token: String, id: u32| {
        let path = format!("/api/muster/v1/campaigns/{id}/extend");
        async {
            let (path, token) = (path, token);
            bench.send(Method::POST, &path, &token, json!({"hours": 30})).await.status
        }
    };
    bench.send(Method::POST, "/api/muster/v1/campaigns", &observer, start).await.ok();
    assert_eq!(extend(observer.clone(), 1).await, 200, "its own");
    let of_admin = ours(&bench).await;
    assert_eq!(extend(observer.clone(), of_admin).await, 403, "another's");
    assert_eq!(extend(bench.in_team(ops, Role::Maintainer).await, of_admin).await, 200);
    assert_eq!(extend(bench.in_team(TeamId(2), Role::Maintainer).await, of_admin).await, 403, "of another team");
}

#[actix_web::test]
async fn campaigns_end_when_their_time_is_over() {
    let bench = Bench::new().await;
    bench.host("web-1", None).await;
    let id = ours(&bench).await;
    bench.clock.advance(24 * HOUR - Duration::from_secs(1));
    expire(&bench.app).await;
    assert!(is_open(&bench, id));
    bench.clock.advance(Duration::from_secs(1));
    expire(&bench.app).await;
    assert!(!is_open(&bench, id));
}

#[actix_web::test]
async fn live_check_27_a_campaign_that_nobody_reads_ends_after_a_minute() {
    let bench = Bench::new().await;
    let (_, key) = bench.host("web-1", None).await;
    let (read, unread) =
        (started(&bench, "~/queries/run", json!([1])).await, started(&bench, "~/queries/run", json!([1])).await);
    let kept = ours(&bench).await;
    bench.app.registry.attended(CampaignId(read));
    bench.clock.advance(Duration::from_secs(59));
    expire(&bench.app).await;
    assert_eq!(bench.asked(&key).await.len(), 3);
    bench.clock.advance(Duration::from_secs(1));
    expire(&bench.app).await;
    assert_eq!([read, unread, kept].map(|id| is_open(&bench, id)), [true, false, true]);
    assert_eq!(bench.asked(&key).await.len(), 2);
}

#[actix_web::test]
async fn live_check_41_a_campaign_ends_with_its_last_reader() {
    let bench = Bench::new().await;
    let (_, key) = bench.host("web-1", None).await;
    let id = started(&bench, "~/queries/run", json!([1])).await;
    let campaign = CampaignId(id);
    bench.app.registry.attended(campaign);
    bench.app.registry.attended(campaign);
    left(&bench.app, campaign).await;
    assert_eq!((is_open(&bench, id), bench.asked(&key).await.len()), (true, 1), "one reader is left");
    left(&bench.app, campaign).await;
    assert_eq!((is_open(&bench, id), bench.asked(&key).await.len()), (false, 0));
    let kept = ours(&bench).await;
    bench.app.registry.attended(CampaignId(kept));
    left(&bench.app, CampaignId(kept)).await;
    assert!(is_open(&bench, kept), "ours live on without a reader");
}

#[actix_web::test]
async fn a_change_says_who_answered_and_never_a_count_that_is_not_known() {
    let bench = Bench::new().await;
    let keys = [bench.host("web-1", None).await.1, bench.host("web-2", None).await.1];
    let id = started(&bench, "/api/muster/v1/campaigns", json!(["web-1", "web-2"])).await;
    bench.asked(&keys[0]).await;
    bench.answer(&keys[0], u64::from(id), Ok(json!([{"n": "1"}]))).await;
    let extended = bench.post(&format!("/api/muster/v1/campaigns/{id}/extend"), json!({"hours": 48})).await.ok();
    let hosts = json!({"targeted": 2, "answered": 1, "waiting": 1, "offline": 0});
    assert_eq!((&extended["campaign"]["hosts"], extended["campaign"].get("rows")), (&hosts, None));
    let path = format!("/api/muster/v1/campaigns/{id}/stop");
    let stop = || bench.post(&path, Value::Null);
    let hosts = json!({"targeted": 2, "answered": 1, "waiting": 0, "offline": 1});
    assert_eq!(stop().await.ok()["campaign"]["hosts"], hosts);
    assert_eq!(stop().await.ok()["campaign"]["hosts"], json!({"targeted": 2}), "it ended before");
}
