//! Reading lists, hosts and their past.

use serde_json::{Value, json};

use crate::cli::Cli;
use crate::fake::Fake;

const HOSTS: &str = "GET /api/latest/fleet/hosts";

fn host(id: u64) -> Value {
    json!({"id": id, "display_name": format!("build-{id}"), "hostname": format!("build-{id}"), "status": "online",
        "os_version": "Debian 12", "osquery_version": "5.17.0", "primary_ip": "10.0.0.1", "team_name": null,
        "seen_time": "2026-11-22T10:00:00Z", "issues": {"total_issues_count": 0}})
}

/// A server with 1,201 hosts that pages by id.
fn paging_server() -> Fake {
    let fake = Fake::start();
    fake.on(HOSTS, |asked| {
        assert_eq!(asked.query["order_key"], "id");
        let per_page: usize = asked.query["per_page"].parse().unwrap();
        let after: u64 = asked.query.get("after").map_or(0, |after| after.parse().unwrap());
        let hosts: Vec<Value> = (after + 1..=1_201).take(per_page).map(host).collect();
        (200, json!({"hosts": hosts}))
    });
    fake
}

fn ids(out: &str) -> Vec<u64> {
    out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap()).collect()
}

#[test]
fn all_hosts_come_over_all_pages() {
    let fake = paging_server();
    let ran = Cli::with_token(&fake.address).run(&["get", "hosts", "--format", "json"]).expect(0);
    assert_eq!(ids(&ran.out), (1..=1_201).collect::<Vec<_>>());
    assert_eq!(fake.asked(HOSTS).len(), 3);
}

#[test]
fn a_limit_ends_the_reading() {
    let fake = paging_server();
    let ran = Cli::with_token(&fake.address).run(&["get", "hosts", "--format", "json", "--limit", "501"]).expect(0);
    assert_eq!(ids(&ran.out), (1..=501).collect::<Vec<_>>());
    assert_eq!(fake.asked(HOSTS).len(), 2);
}

#[test]
fn an_order_is_paged_by_number_and_filters_are_passed_on() {
    let fake = Fake::start();
    fake.on("GET /api/latest/fleet/labels", |_| {
        (200, json!({"labels": [{"id": 6, "name": "Other"}, {"id": 7, "name": "Ubuntu Linux"}]}))
    });
    fake.on("GET /api/latest/fleet/teams", |_| (200, json!({"teams": [{"id": 3, "name": "Servers"}]})));
    let of_label = "GET /api/latest/fleet/labels/7/hosts";
    fake.on(of_label, |asked| {
        let page: u64 = asked.query["page"].parse().unwrap();
        (200, json!({"hosts": (1..=500).map(|id| host(page * 500 + id)).take(if page < 2 { 500 } else { 1 }).collect::<Vec<_>>()}))
    });
    let arguments =
        ["get", "hosts", "--label", "Ubuntu Linux", "--team", "Servers", "--query", "build", "--status", "online"];
    let rest = ["--order-by", "hostname:desc", "--format", "json"];
    let ran = Cli::with_token(&fake.address).run(&[&arguments[..], &rest].concat()).expect(0);
    assert_eq!(ids(&ran.out), (1..=1_001).collect::<Vec<_>>());
    let asked = &fake.asked(of_label)[0].query;
    let of = |key: &str| asked.get(key).map(String::as_str);
    assert_eq!(
        [of("query"), of("status"), of("team_id"), of("order_key"), of("order_direction")],
        [Some("build"), Some("online"), Some("3"), Some("hostname"), Some("desc")]
    );
}

#[test]
fn a_server_that_does_not_page_is_read_once() {
    let fake = Fake::start();
    let labels: Vec<Value> = (1..=600).map(|id| json!({"id": id, "name": format!("l{id}")})).collect();
    fake.answers("GET /api/latest/fleet/labels", json!({"labels": labels}));
    let ran = Cli::with_token(&fake.address).run(&["get", "labels", "--format", "json"]).expect(0);
    assert_eq!(ids(&ran.out).len(), 600);
    assert_eq!(fake.asked("GET /api/latest/fleet/labels").len(), 1);
    fake.answers("GET /api/latest/fleet/labels", json!({"labels": null}));
    assert_eq!(Cli::with_token(&fake.address).run(&["get", "labels", "--format", "json"]).expect(0).out, "");
}

#[test]
fn hosts_as_a_table_and_as_csv() {
    let fake = Fake::start();
    fake.answers(HOSTS, json!({"hosts": [host(1), host(22)]}));
    let cli = Cli::with_token(&fake.address);
    let table = [
        "id  name      status  os         osquery  address   team  seen",
        "--  --------  ------  ---------  -------  --------  ----  --------------------",
        "1   build-1   online  Debian 12  5.17.0   10.0.0.1        2026-11-22T10:00:00Z",
        "22  build-22  online  Debian 12  5.17.0   10.0.0.1        2026-11-22T10:00:00Z",
        "",
    ];
    assert_eq!(cli.run(&["get", "hosts"]).expect(0).out, table.join("\n"));
    let csv = cli.run(&["get", "hosts", "--format", "csv"]).expect(0).out;
    assert_eq!(
        csv.lines().next(),
        Some(
            "id,display_name,hostname,status,os_version,osquery_version,primary_ip,team_name,seen_time,issues.total_issues_count"
        )
    );
    assert_eq!(csv.lines().nth(1), Some("1,build-1,build-1,online,Debian 12,5.17.0,10.0.0.1,,2026-11-22T10:00:00Z,0"));
}

#[test]
fn the_past_is_asked_for_and_said_beside_the_rows() {
    let fake = Fake::start();
    fake.answers(HOSTS, json!({"hosts": [host(1)], "complete_to": "2026-11-22T09:59:30Z"}));
    let ran = Cli::with_token(&fake.address).run(&["get", "hosts", "--as-of", "2026-11-22T10:00:00Z"]).expect(0);
    let ran =
        ran.says("as known at 2026-11-22T10:00:00Z (complete to 2026-11-22T09:59:30Z; what came later may be missing)");
    assert!(!ran.out.contains("as known"), "{ran:?}");
    assert_eq!(fake.asked(HOSTS)[0].query["as_of"], "2026-11-22T10:00:00Z");

    let one = "GET /api/latest/fleet/hosts/identifier/build-1";
    fake.answers(one, json!({"host": host(1), "complete_to": "2026-11-22T10:00:05Z"}));
    let ran = Cli::with_token(&fake.address)
        .run(&["get", "host", "build-1", "--as-of", "2026-11-22T12:00:00+02:00"])
        .expect(0);
    ran.says("as known at 2026-11-22T12:00:00+02:00 (complete to 2026-11-22T10:00:05Z)\n");
    assert_eq!(fake.asked(one)[0].query["as_of"], "2026-11-22T12:00:00+02:00");
}

#[test]
fn a_host_is_shown_by_its_members_and_a_missing_one_is_named() {
    let fake = Fake::start();
    fake.answers("GET /api/latest/fleet/hosts/12", json!({"host": host(12)}));
    let cli = Cli::with_token(&fake.address);
    let out = cli.run(&["get", "host", "id:12"]).expect(0).out;
    assert!(out.contains("display_name               build-12\n"), "{out}");
    fake.on("GET /api/latest/fleet/hosts/identifier/gone", |_| {
        (404, json!({"message": "Resource Not Found", "errors": [{"name": "base", "reason": "Host gone was not found in the datastore"}]}))
    });
    cli.run(&["get", "host", "gone"]).expect(2).says("there is no host `gone`");
}

#[test]
fn history_shows_what_changed_and_when() {
    let fake = Fake::start();
    fake.answers("GET /api/latest/fleet/hosts/identifier/build-1", json!({"host": host(1)}));
    let state = |section: &str, since: &str, until: Option<&str>, data: Value| json!({"section": section, "since": since, "until": until, "data": data});
    fake.answers(
        "GET /api/muster/v1/hosts/1/history",
        json!({"history": [
            state("os", "2026-11-22T10:00:00Z", None, json!({"name": "Debian", "version": "12.5"})),
            state("users", "2026-11-21T10:00:00Z", None, json!({"users": ["root", "bob"]})),
            state("os", "2026-11-20T10:00:00Z", Some("2026-11-22T10:00:00Z"), json!({"name": "Debian", "version": "12.4"})),
            state("users", "2026-11-20T10:00:00Z", Some("2026-11-21T10:00:00Z"), json!({"users": ["root"]})),
        ]}),
    );
    let expected = [
        "since                 section  change",
        "--------------------  -------  ------------------------------------------",
        "2026-11-22T10:00:00Z  os       version: 12.4 → 12.5",
        "2026-11-21T10:00:00Z  users    users: + bob",
        "2026-11-20T10:00:00Z  os       first seen: name=Debian version=12.4",
        "2026-11-20T10:00:00Z  users    first seen: users=root",
        "",
    ];
    let cli = Cli::with_token(&fake.address);
    let out = cli.run(&["host", "history", "build-1"]).expect(0).out;
    let squeezed = |line: &str| line.trim_end_matches('-').to_owned();
    assert_eq!(
        out.lines().map(squeezed).collect::<Vec<_>>(),
        expected[..6].iter().map(|line| squeezed(line)).collect::<Vec<_>>()
    );
    assert_eq!(cli.run(&["get", "host", "build-1", "--history"]).expect(0).out, out);
    let cut = json!({"history": [state("os", "2026-11-22T10:00:00Z", None, json!({}))], "more": true});
    fake.answers("GET /api/muster/v1/hosts/2/history", cut);
    cli.run(&["host", "history", "id:2"]).expect(0).says("there is more, older than this");
}

#[test]
fn a_host_is_asked_anew() {
    let fake = Fake::start();
    fake.answers("GET /api/latest/fleet/hosts/identifier/build-1", json!({"host": host(1)}));
    fake.answers("POST /api/latest/fleet/hosts/1/refetch", json!({}));
    let cli = Cli::with_token(&fake.address);
    cli.run(&["host", "refetch", "build-1"]).expect(0).says("`build-1` is asked at its next call");
    cli.run(&["host", "refetch", "id:1"]).expect(0);
    assert_eq!(fake.asked("POST /api/latest/fleet/hosts/1/refetch").len(), 2);
}

#[test]
fn parts_of_a_long_list_are_one_list() {
    let fake = Fake::start();
    fake.answers("GET /api/latest/fleet/hosts/identifier/build-1", json!({"host": host(1)}));
    let user = |uid: u32| json!({"uid": uid, "username": format!("user-{uid}")});
    let users = |of: std::ops::Range<u32>| of.map(user).collect::<Vec<_>>();
    let state = |since: &str, part: u32, users: Vec<Value>| {
        let data = if part == 0 { json!({"users": users}) } else { json!({"part": part, "users": users}) };
        json!({"section": "users", "since": format!("2026-11-2{since}T10:00:00Z"), "until": null, "data": data})
    };
    // Thirty users become forty, in two parts; then one part loses a user.
    fake.answers(
        "GET /api/muster/v1/hosts/1/history",
        json!({"history": [
            state("3", 2, users(21..40)), state("2", 0, vec![]), state("2", 1, users(0..20)), state("2", 2, users(20..40)),
            state("1", 0, users(0..39)),
        ]}),
    );
    let out = Cli::with_token(&fake.address).run(&["host", "history", "build-1"]).expect(0).out;
    let expected = [
        "2026-11-23T10:00:00Z  users    user removed: user-20 (uid=20)",
        "2026-11-22T10:00:00Z  users    user added: user-39 (uid=39)",
        "2026-11-21T10:00:00Z  users    first seen: 39 users",
    ];
    assert_eq!(out.lines().skip(2).collect::<Vec<_>>(), expected);
}

#[test]
fn users_queries_teams_and_activities_are_listed() {
    let fake = Fake::start();
    fake.answers("GET /api/latest/fleet/users", json!({"users": [
        {"id": 1, "name": "Ann", "email": "ann@example.com", "global_role": "admin", "api_only": false, "teams": []},
        {"id": 2, "name": "Bob", "email": "bob@example.com", "global_role": null, "api_only": false, "teams": [{"id": 3, "name": "Servers", "role": "observer"}]}]}));
    fake.answers(
        "GET /api/latest/fleet/queries",
        json!({"queries": [{"id": 5, "name": "uptime", "interval": 60, "query": "SELECT * FROM uptime"}], "count": 1}),
    );
    fake.answers("GET /api/latest/fleet/teams", json!({"teams": [{"id": 3, "name": "Servers", "host_count": 2, "user_count": 1, "secrets": [{"secret": "s3cret"}]}]}));
    fake.answers("GET /api/latest/fleet/activities", json!({"activities": [
        {"id": 9, "created_at": "2026-11-22T10:00:00Z", "actor_full_name": "Ann", "type": "created_team", "details": {"team_id": 3, "team_name": "Servers"}}]}));
    let cli = Cli::with_token(&fake.address);
    let lines =
        |what: &str| cli.run(&["get", what]).expect(0).out.lines().skip(2).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        lines("users"),
        [
            "1   Ann   ann@example.com  admin                false",
            "2   Bob   bob@example.com  observer in Servers  false"
        ]
    );
    assert_eq!(lines("queries"), ["5   uptime  60                           SELECT * FROM uptime"]);
    assert_eq!(lines("teams"), ["3   Servers  2      1"]);
    assert_eq!(lines("activities"), ["2026-11-22T10:00:00Z  Ann  created_team  team_id=3 team_name=Servers"]);
    let csv = cli.run(&["get", "teams", "--format", "csv"]).expect(0).out;
    assert!(!csv.contains("s3cret"), "{csv}");
    assert_eq!(fake.asked("GET /api/latest/fleet/activities")[0].query["order_direction"], "desc");
}
