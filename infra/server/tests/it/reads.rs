//! Reads with options that make no sense, pages that are too large, and views that are behind.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use domain::records::{Answer, AnswerState, Encoded, Line, LineKind};
use domain::{CampaignId, HostId, QueryId, Timestamp};
use infra_log::{Draft, Log as _, Topic, parts};
use infra_testkit::{TestAdmin, TestHost};
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::House;

/// What can be read as of a time, with the key of a list in it.
const PAST: [(&str, &str); 7] = [
    ("hosts", "hosts"),
    ("hosts/count", ""),
    ("hosts/{host}", ""),
    ("hosts/identifier/{name}", ""),
    ("labels", "labels"),
    ("labels/{label}", ""),
    ("labels/{label}/hosts", "hosts"),
];

struct Full {
    house: House,
    host: TestHost,
    team: u64,
    label: u64,
    query: u64,
    id: u64,
    campaign: u64,
}

/// A server with something in every list.
fn full() -> &'static Full {
    static FULL: OnceLock<Full> = OnceLock::new();
    FULL.get_or_init(|| {
        let house = House::open("reads", &[]);
        std::thread::scope(|scope| {
            let fill = move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(filled(house))
            };
            scope.spawn(fill).join().unwrap()
        })
    })
}

async fn filled(house: House) -> Full {
    let (team, secret) = house.team("full").await;
    let host = house.host_with("full", &secret).await;
    let (label, _) = house.label(&[&host]).await;
    let query = house.query("SELECT 1", json!({})).await;
    house.member(team, "observer").await;
    let (id, campaign) = (house.id(&host).await, house.own_campaign(&[&host]).await);
    Full { house, host, team, label, query, id, campaign }
}

impl Full {
    fn spell(&self, path: &str) -> String {
        path.replace("{host}", &self.id.to_string())
            .replace("{name}", &self.host.hostname)
            .replace("{label}", &self.label.to_string())
            .replace("{team}", &self.team.to_string())
            .replace("{query}", &self.query.to_string())
            .replace("{campaign}", &self.campaign.to_string())
    }

    async fn get(&self, path: &str, option: &str) -> infra_testkit::admin::Answer {
        self.house.admin().get(&format!("{}?{option}", self.spell(path))).await
    }
}

#[tokio::test]
async fn rest_checks_24_and_25_every_list_refuses_options_that_make_no_sense() {
    let full = full();
    let lists = [
        ("users", "users"),
        ("teams", "teams"),
        ("teams/{team}/users", "users"),
        ("queries", "queries"),
        ("labels", "labels"),
        ("hosts", "hosts"),
        ("labels/{label}/hosts", "hosts"),
        ("activities", "activities"),
        ("/api/muster/v1/campaigns", "campaigns"),
    ];
    let wrong = [
        ("per_page=0", "invalid per_page value"),
        ("per_page=-1", "invalid per_page value"),
        ("per_page=x", "non-int per_page value"),
        ("per_page=18446744073709551616", "non-int per_page value"),
        ("page=-1", "negative page value"),
        ("page=1.5", "non-int page value"),
        ("page=18446744073709551616", "non-int page value"),
        ("order_direction=asc", "order_key must be specified with order_direction"),
        ("order_key=id&order_direction=up", "unknown order_direction: up"),
        ("after=1", "order_key must be specified with after"),
    ];
    for (list, key) in lists {
        for (option, reason) in wrong {
            let answer = full.get(list, option).await;
            assert_eq!((answer.status, answer.reason()), (400, reason), "{list}?{option}");
        }
        let answer = full.get(list, "order_key=nonsense").await;
        assert_eq!((answer.status, answer.reason()), (422, "unknown order key: nonsense"), "{list}");
        let all = full.get(list, "per_page=9223372036854775807").await.ok();
        assert!(!all[key].as_array().unwrap().is_empty(), "{list}: {all}");
        let beyond = full.get(list, "page=9223372036854775807&per_page=9223372036854775807").await.ok();
        assert!(beyond[key].is_null() || beyond[key] == json!([]), "{list}: {beyond}");
        let more = full.get(list, "page=0&per_page=1&order_key=id&order_direction=desc").await.ok();
        assert_eq!(more[key].as_array().unwrap().len(), 1, "{list}: {more}");
    }
}

#[tokio::test]
async fn a_time_that_is_none_or_lies_ahead_is_refused_by_every_read_of_the_past() {
    let full = full();
    let ahead = full.house.parts.world.now().plus(Duration::from_secs(3_600)).to_rfc3339();
    let no_time = "is not a time with an offset";
    let wrong = [
        ("", no_time),
        ("yesterday", no_time),
        ("1700000000", no_time),
        ("2026-01-31", no_time),
        ("2026-01-31T12:00:00", no_time),
        ("2026-13-01T12:00:00Z", no_time),
        ("2026-01-31T12:00:00%2B99:00", no_time),
        (&ahead, "lies in the future"),
        ("9999-12-31T23:59:59Z", "lies in the future"),
    ];
    for (path, _) in PAST {
        for (time, reason) in wrong {
            let answer = full.get(path, &format!("as_of={time}")).await;
            assert!(answer.status == 400 && answer.reason().contains(reason), "{path} {time}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn before_the_first_event_there_was_nothing() {
    let full = full();
    for time in ["1999-12-31T23:59:59Z", "1999-12-31T23:59:59.5%2B05:30", "0001-01-01T00:00:00Z"] {
        for (path, key) in PAST {
            let answer = full.get(path, &format!("as_of={time}")).await;
            match path {
                "hosts/{host}" | "hosts/identifier/{name}" | "labels/{label}" => {
                    assert_eq!(answer.status, 404, "{path} at {time}: {}", answer.text);
                }
                "hosts/count" => assert_eq!(answer.ok()["count"], 0),
                _ => {
                    let answer = answer.ok();
                    assert!(answer[key].is_null() || answer[key] == json!([]), "{path} at {time}: {answer}");
                    let complete = Timestamp::parse_rfc3339(answer["complete_to"].as_str().unwrap()).unwrap();
                    assert!(complete > Timestamp::parse_rfc3339("2000-01-01T00:00:00Z").unwrap());
                }
            }
        }
    }
}

#[tokio::test]
async fn a_read_that_knows_the_present_only_says_so() {
    let full = full();
    let mut seen = 0;
    for route in query_api::ROUTES.iter().filter(|route| route.method == "get" && route.action.is_some()) {
        let path = route.path.replace("~/", "").replace("{identifier}", "{name}");
        if PAST.iter().any(|(past, _)| path == past.replace("{host}", "{id}").replace("{label}", "{id}")) {
            continue;
        }
        let path = path.replace("{id}", "1").replace("{query_id}", "1").replace("{topic}", "ledger");
        let answer = full.get(&path, "as_of=2026-01-31T12:00:00Z").await;
        assert!(answer.status == 400 && answer.reason().contains("as_of"), "{path}: {} {}", answer.status, answer.text);
        let spelt = full.get(&path, "as%5Fof=2026-01-31T12:00:00Z").await;
        assert_eq!((spelt.status, spelt.reason()), (400, answer.reason()), "{path}");
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

/// The body, and the header that tells of views that are behind.
async fn behind(admin: &TestAdmin, path: &str) -> (Value, Option<Timestamp>) {
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/api/latest/fleet/{path}") };
    let url = format!("https://{}{path}", admin.door.address().await);
    let request = admin.door.client().request(Method::GET, url).bearer_auth(&admin.token);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let header = answer.headers().get("Muster-Behind").map(|value| value.to_str().unwrap().to_owned());
    let header = header.map(|value| Timestamp::parse_rfc3339(&value).unwrap());
    (serde_json::from_str(&answer.text().await.unwrap()).unwrap(), header)
}

#[tokio::test]
async fn views_that_are_behind_are_waited_for_two_seconds_and_say_so() {
    let house = House::open("reads-behind", &[]);
    let admin = house.admin();
    // Nobody else can write while this is held.
    let held = house.parts.views.views.write().await.unwrap();
    let began = house.parts.world.now();
    admin.post("labels", json!({"name": "unseen", "query": "SELECT 1"})).await.ok();
    let names = |labels: &Value| labels["labels"].as_array().unwrap().iter().any(|label| label["name"] == "unseen");
    let asked = Instant::now();
    let (labels, header) = behind(&admin, "labels").await;
    assert!(asked.elapsed() >= Duration::from_secs(2) && asked.elapsed() < Duration::from_secs(8));
    assert!(!names(&labels));
    assert!(header.unwrap() < house.parts.world.now());
    assert!(labels.get("complete_to").is_none(), "of a past read alone");

    let asked = house.parts.world.now();
    let (labels, header) = behind(&admin, &format!("labels?as_of={}", asked.to_rfc3339())).await;
    assert!(!names(&labels));
    let complete = Timestamp::parse_rfc3339(labels["complete_to"].as_str().unwrap()).unwrap();
    assert!(complete < asked && header == Some(complete), "{complete} {header:?}");
    // What was complete before is not waited for.
    let quick = Instant::now();
    let before = complete.min(began).to_rfc3339();
    let (_, header) = behind(&admin, &format!("labels?as_of={before}")).await;
    assert!(quick.elapsed() < Duration::from_secs(2) && header.is_none());

    drop(held);
    let (labels, header) = behind(&admin, "labels").await;
    assert!(names(&labels) && header.is_none());
}

const CAMPAIGNS: &str = "/api/muster/v1/campaigns";

fn ids(listed: &Value) -> Vec<u64> {
    listed["campaigns"].as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_list_of_campaigns_that_is_behind_says_so() {
    let house = House::open("reads-campaigns", &[]);
    let admin = house.admin();
    let host = house.host("asked").await;
    let first = house.own_campaign(&[&host]).await;
    let (listed, header) = behind(&admin, CAMPAIGNS).await;
    assert_eq!((ids(&listed), header), (vec![first], None));
    let held = house.parts.views.views.write().await.unwrap();
    let second = house.own_campaign(&[&host]).await;
    let (listed, header) = behind(&admin, CAMPAIGNS).await;
    assert_eq!(ids(&listed), [first]);
    assert!(header.unwrap() < house.parts.world.now());
    drop(held);
    let (listed, header) = behind(&admin, CAMPAIGNS).await;
    assert_eq!((ids(&listed), header), (vec![second, first], None));
}

#[tokio::test]
async fn while_the_view_of_hosts_is_behind_a_new_team_reads_nothing_that_it_should_not() {
    let house = House::open("reads-moved", &[]);
    let (_, secret) = house.team("left").await;
    let (joined, _) = house.team("joined").await;
    let host = house.host_with("moves", &secret).await;
    let id = house.id(&host).await;
    let campaign = house.own_campaign(&[&host]).await;
    let reader = house.member(joined, "observer").await;
    let unseen = async || {
        let (listed, header) = behind(&reader, CAMPAIGNS).await;
        assert_eq!((ids(&listed), &listed["count"]), (vec![], &json!(0)));
        for read in ["", "/answers", "/errors"] {
            assert_eq!(reader.get(&format!("{CAMPAIGNS}/{campaign}{read}")).await.status, 404, "{read}");
        }
        header
    };
    assert_eq!(unseen().await, None);
    let held = house.parts.views.views.write().await.unwrap();
    house.admin().post("hosts/transfer", json!({"team_id": joined, "hosts": [id]})).await.ok();
    assert!(unseen().await.is_some());
    let everywhere = house.admin().get(&format!("{CAMPAIGNS}/{campaign}")).await;
    assert_eq!(everywhere.ok()["campaign"]["id"], campaign, "who sees all waits for no view of hosts");
    drop(held);
    assert_eq!(unseen().await, None);
    let after = house.own_campaign(&[&host]).await;
    assert_eq!(ids(&reader.get(CAMPAIGNS).await.ok()), [after]);
}

fn draft(Encoded { headers, value }: Encoded) -> Draft {
    Draft { key: None, headers, value: value.into() }
}

#[tokio::test]
async fn a_page_of_large_answers_ends_early_and_goes_on_without_loss() {
    let full = full();
    let house = &full.house;
    let mut ids = vec![];
    for number in 0..4 {
        let mut host = TestHost::new(&house.door, &house.name(&format!("large-{number}")));
        host.enrol(&house.secret).await.done();
        ids.push(house.id(&host).await);
    }
    let body = json!({"query": "SELECT 1", "selected": {"hosts": ids.iter().map(|id| format!("id:{id}")).collect::<Vec<_>>()}});
    let campaign = house.start("/api/muster/v1/campaigns", body).await;
    let rows = format!(r#"[{{"zeros":"{}"}}]"#, "0".repeat(3 << 20));
    for id in &ids {
        let answer = Answer {
            campaign: CampaignId(campaign as u32),
            host: HostId(*id as u32),
            recorded: house.parts.world.now(),
            state: AnswerState::Rows,
            error: String::new(),
            stats: "null".into(),
            row_count: 1,
            cut: false,
            rows: rows.clone().into_bytes(),
        };
        let partition = Topic::Live.partition_of(Answer::partition_key(answer.campaign));
        let records = parts::split(draft(answer.encode()), &answer.key()).unwrap();
        house.parts.log.append(partition, records).await.unwrap();
    }
    let (mut after, mut pages, mut told) = (Value::Null, vec![], vec![]);
    loop {
        let cursor = after.as_u64().map(|after| format!("&after={after}")).unwrap_or_default();
        let path = format!("/api/muster/v1/campaigns/{campaign}/answers?per_page=1000{cursor}");
        let page = house.admin().get(&path).await.ok();
        let answers = page["answers"].as_array().unwrap();
        pages.push(answers.len());
        told.extend(answers.iter().map(|answer| answer["host"]["id"].as_u64().unwrap()));
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!((pages, told), (vec![2, 2], ids));
}

#[tokio::test]
async fn a_report_that_is_too_large_says_that_it_was_clipped() {
    let full = full();
    let house = &full.house;
    let query = house.query("SELECT 1", json!({"interval": 60, "logging": "snapshot"})).await;
    let tiny = house.query("SELECT 2", json!({"interval": 60, "logging": "snapshot"})).await;
    let row = json!({"zeros": "0".repeat(900 << 10)});
    let mut ids = vec![];
    let report = async |query| house.admin().get(&format!("queries/{query}/report")).await.ok();
    for number in 0..20 {
        let mut host = TestHost::new(&house.door, &house.name(&format!("report-{number}")));
        host.enrol(&house.secret).await.done();
        let id = HostId(house.id(&host).await as u32);
        ids.push(id.0);
        for (query, rows) in [(query, json!([row])), (tiny, json!(vec![json!({}); 1000]))] {
            let line = json!({"name": "pack/Global/x", "action": "snapshot", "snapshot": rows, "unixTime": 1});
            let value = line.to_string().into_bytes();
            let line = Line {
                kind: LineKind::Result,
                host: id,
                id: Line::id_of(id, &value, 0),
                recorded: house.parts.world.now(),
                query: Some(QueryId(query as u32)),
                value,
            };
            let partition = Topic::Results.partition_of(u64::from(id.0));
            house.parts.log.append(partition, vec![draft(line.encode())]).await.unwrap();
        }
        if number == 9 {
            let whole = report(query).await;
            assert_eq!((whole["results"].as_array().unwrap().len(), &whole["report_clipped"]), (10, &json!(false)));
        }
    }
    let clipped = report(query).await;
    assert_eq!((clipped["results"].as_array().unwrap().len(), &clipped["report_clipped"]), (18, &json!(true)));
    // Text of 60 KB, but twenty thousand rows.
    let clipped = report(tiny).await;
    assert_eq!((clipped["results"].as_array().unwrap().len(), &clipped["report_clipped"]), (16_000, &json!(true)));
    let last = house.admin().get(&format!("hosts/{}/queries/{query}", ids[19])).await.ok();
    assert_eq!((last["results"].as_array().unwrap().len(), &last["report_clipped"]), (1, &json!(false)));
}
