use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::label::Membership;
use crate::query::{Logging, Query, Spec};
use crate::state::State;
use crate::{Command, Event, LabelId, Members, TeamId, Timestamp, label, query, settings, team};

const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

fn run(state: &mut State, command: impl Into<Command>) {
    let events: Vec<Event> = command.into().decide(state, NOW).unwrap();
    events.iter().for_each(|event| state.evolve(event, NOW));
}

fn add_query(state: &mut State, team: Option<TeamId>, spec: Spec) {
    run(state, query::Command::Create { team, spec, author: None });
}

fn add_team(state: &mut State, name: &str, agent_options: Option<Value>) {
    let (description, settings) = (String::new(), Arc::new(json!({})));
    let agent_options = agent_options.map(Arc::new);
    run(state, team::Command::Create { name: name.to_owned(), description, agent_options, settings, secrets: vec![] });
}

fn add_label(state: &mut State, name: &str) {
    let membership = Membership::Dynamic;
    let (description, query, platform) = (String::new(), "SELECT 1".to_owned(), String::new());
    let members = Members::default();
    run(
        state,
        label::Command::Create {
            name: name.to_owned(),
            description,
            query,
            platform,
            membership,
            members,
            author: None,
        },
    );
}

fn set_options(state: &mut State, options: Value) {
    let sections = [("agent_options".to_owned(), Arc::new(options))].into();
    run(state, settings::Command::Change { sections });
}

fn spec(name: &str) -> Spec {
    Spec { name: name.to_owned(), query: format!("SELECT '{name}'"), interval: 60, ..Spec::default() }
}

fn config_of(state: &State, team: Option<u32>, platform: &str, labels: &[u32]) -> Value {
    let plan = Plan::of(state);
    let scope = plan.scope(team.map(TeamId), platform, |label| labels.contains(&label.0));
    serde_json::from_slice(&plan.render(&scope).unwrap().body).unwrap()
}

#[test]
fn a_host_gets_the_global_pack_and_that_of_its_team() {
    let mut state = State::default();
    add_team(&mut state, "Workstations", None);
    add_team(&mut state, "Servers", None);
    add_query(&mut state, None, Spec { logging: Logging::Snapshot, ..spec("ssh keys") });
    let usb = Spec {
        logging: Logging::DifferentialIgnoreRemovals,
        automations_enabled: true,
        platform: "darwin,linux".to_owned(),
        min_osquery_version: "5.0.0".to_owned(),
        ..spec("usb")
    };
    add_query(&mut state, Some(TeamId(1)), usb);
    let config = config_of(&state, Some(1), "ubuntu", &[]);
    assert_eq!(
        config["packs"],
        json!({
            "Global": {"queries": {"ssh keys": {"query": "SELECT 'ssh keys'", "interval": 60, "platform": "", "version": "", "snapshot": true}}},
            "team-1": {"queries": {"usb": {"query": "SELECT 'usb'", "interval": 60, "platform": "darwin,linux", "version": "5.0.0", "removed": false}}},
        })
    );
    assert_eq!(config["options"]["distributed_interval"], 10);
    assert_eq!(config["decorators"]["load"].as_array().unwrap().len(), 2);
    assert_eq!(config_of(&state, None, "ubuntu", &[])["packs"].as_object().unwrap().len(), 1);
    assert!(config_of(&state, Some(2), "ubuntu", &[])["packs"].get("team-1").is_none());
}

#[test]
fn a_query_whose_results_nobody_wants_is_not_sent() {
    let mut state = State::default();
    add_query(&mut state, None, Spec { interval: 0, ..spec("unscheduled") });
    add_query(&mut state, None, Spec { discard_data: true, ..spec("discarded") });
    add_query(&mut state, None, Spec { logging: Logging::Differential, ..spec("differential") });
    assert!(config_of(&state, None, "", &[]).get("packs").is_none());
    add_query(&mut state, None, Spec { logging: Logging::Differential, automations_enabled: true, ..spec("wanted") });
    add_query(&mut state, None, spec("reported"));
    let names = |state: &State| {
        let config = config_of(state, None, "", &[]);
        config["packs"]["Global"]["queries"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(names(&state), ["reported", "wanted"]);
    let sections = [("server_settings".to_owned(), Arc::new(json!({"query_reports_disabled": true})))].into();
    run(&mut state, settings::Command::Change { sections });
    assert_eq!(names(&state), ["wanted"]);
}

#[test]
fn check_50_an_override_replaces_all_and_a_team_never_sees_global_options() {
    let mut state = State::default();
    set_options(
        &mut state,
        json!({"config": {"options": {"a": 1}}, "overrides": {"platforms": {"ubuntu": {"options": {"b": 2}}, "linux": {"c": 3}}}}),
    );
    add_team(&mut state, "Own", Some(json!({"config": {"options": {"d": 4}}})));
    add_team(&mut state, "Empty", Some(json!({})));
    add_team(&mut state, "None", None);
    assert_eq!(config_of(&state, None, "ubuntu", &[]), json!({"options": {"b": 2}}));
    assert_eq!(config_of(&state, None, "debian", &[]), json!({"options": {"a": 1}}));
    assert_eq!(config_of(&state, Some(1), "ubuntu", &[]), json!({"options": {"d": 4}}));
    assert_eq!(config_of(&state, Some(2), "ubuntu", &[]), json!({}));
    assert_eq!(config_of(&state, Some(3), "ubuntu", &[]), json!({"options": {"b": 2}}));
    assert_eq!(config_of(&state, Some(9), "debian", &[]), json!({"options": {"a": 1}}));
}

#[test]
fn labels_limit_queries() {
    let mut state = State::default();
    ["a", "b", "c"].iter().for_each(|name| add_label(&mut state, name));
    add_query(&mut state, None, Spec { labels_include_any: vec![LabelId(1), LabelId(2)], ..spec("limited") });
    for (labels, sent) in [(&[][..], false), (&[1], true), (&[2], true), (&[3], false), (&[2, 3], true)] {
        assert_eq!(config_of(&state, None, "", labels).get("packs").is_some(), sent, "{labels:?}");
    }
    let plan = Plan::of(&state);
    assert_eq!(plan.scope(None, "ubuntu", |_| true).labels, [LabelId(1), LabelId(2)], "the third matters to nobody");
}

#[test]
fn a_document_never_looks_like_a_refusal() {
    let mut state = State::default();
    set_options(&mut state, json!({"config": {"error": "x", "node_invalid": true, "etag": "ok", "views": {}}}));
    assert_eq!(config_of(&state, None, "", &[]), json!({"views": {}}));
}

#[test]
fn check_12_what_osqueryd_would_not_take_is_not_sent() {
    let mut state = State::default();
    let render = |state: &State| Plan::of(state).render(&Plan::of(state).scope(None, "", |_| true));
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!({ "x": inner }));
    set_options(&mut state, json!({"config": nested(32)}));
    assert!(render(&state).is_ok());
    set_options(&mut state, json!({"config": nested(33)}));
    assert!(render(&state).is_err());
    set_options(&mut state, json!({"config": {"x": "y".repeat(LARGEST)}}));
    assert!(render(&state).is_err());
}

#[test]
fn packs_of_the_options_stay_only_where_there_are_no_others() {
    let mut state = State::default();
    set_options(&mut state, json!({"config": {"packs": {"own": {"queries": {}}}}}));
    assert!(config_of(&state, None, "", &[])["packs"].get("own").is_some());
    add_query(&mut state, None, spec("q"));
    assert!(config_of(&state, None, "", &[])["packs"].get("own").is_none());
}

#[test]
fn intervals_are_read_from_what_is_sent() {
    let mut state = State::default();
    set_options(&mut state, json!({"config": {"options": {"distributed_interval": "30", "logger_tls_period": 5}}}));
    let plan = Plan::of(&state);
    let intervals = plan.render(&plan.scope(None, "", |_| false)).unwrap().intervals;
    assert_eq!((intervals.distributed_interval, intervals.config_tls_refresh, intervals.logger_tls_period), (30, 0, 5));
}

#[test]
fn names_of_the_log_lead_to_queries() {
    assert_eq!(scheduled_name("pack/Global/usb devices"), Some((None, "usb devices")));
    assert_eq!(scheduled_name("pack_team-7_usb"), Some((Some(TeamId(7)), "usb")));
    assert_eq!(scheduled_name("pack/team-7/a/b"), Some((Some(TeamId(7)), "a/b")));
    assert_eq!(scheduled_name("pack//Global//x"), Some((None, "x")));
    for other in
        ["usb", "pack/my pack/usb", "packGlobalx", "pack/Global/", "pack/Global_x", "pack/team-x/y", "pack/team-7", ""]
    {
        assert_eq!(scheduled_name(other), None, "{other}");
    }
}

// The document, told a second time: from the state alone, host by host, with no plan and no scope.
fn slow(state: &State, team: Option<TeamId>, platform: &str, labels: &BTreeSet<LabelId>) -> Value {
    let team = team.and_then(|id| state.teams.get(id));
    let options = match team.and_then(|team| team.agent_options.as_deref()) {
        Some(own) => own.clone(),
        None => state.settings.agent_options().clone(),
    };
    let replaced = options.pointer(&format!("/overrides/platforms/{platform}")).filter(|_| !platform.is_empty());
    let base = replaced.cloned().or_else(|| options.get("config").cloned()).unwrap_or(json!({}));
    let mut document: Map<String, Value> = base.as_object().cloned().unwrap_or_default();
    let mut packs = Map::new();
    let mut scopes = vec![("Global".to_owned(), None)];
    scopes.extend(team.map(|team| (format!("team-{}", team.id), Some(team.id))));
    for (name, of) in scopes {
        let wanted = |query: &&Query| {
            let spec = &query.spec;
            let for_report = spec.logging == Logging::Snapshot && !spec.discard_data;
            let scoped = spec.labels_include_any.is_empty()
                || spec.labels_include_any.iter().any(|label| labels.contains(label));
            query.team == of && spec.interval > 0 && (spec.automations_enabled || for_report) && scoped
        };
        let mut queries: Vec<&Query> = state.queries.iter().filter(wanted).collect();
        queries.sort_by_key(|query| query.spec.name.clone());
        let mut entries = Map::new();
        for query in queries {
            let spec = &query.spec;
            let (kind, on) = match spec.logging {
                Logging::Snapshot => ("snapshot", true),
                Logging::Differential => ("removed", true),
                Logging::DifferentialIgnoreRemovals => ("removed", false),
            };
            entries.insert(spec.name.clone(), json!({"query": spec.query, "interval": spec.interval, "platform": spec.platform, "version": spec.min_osquery_version, kind: on}));
        }
        if !entries.is_empty() {
            packs.insert(name, json!({"queries": entries}));
        }
    }
    if !packs.is_empty() {
        document.insert("packs".to_owned(), Value::Object(packs));
    }
    Value::Object(document)
}

#[derive(Clone, Debug)]
struct Story {
    global: u8,
    teams: Vec<u8>,
    queries: Vec<(u8, u8, bool, bool, u8, u8)>,
    hosts: Vec<(u8, u8, u8)>,
}

/// Options that differ from one another, with overrides of some platforms.
fn options(kind: u8) -> Option<Value> {
    Some(match kind % 5 {
        0 => return None,
        1 => json!({}),
        2 => json!({"config": {"options": {"kind": kind}}}),
        3 => {
            json!({"config": {"options": {"kind": kind}}, "overrides": {"platforms": {"ubuntu": {"options": {"ubuntu": kind}}, "darwin": {}}}})
        }
        _ => json!({"overrides": {"platforms": {"rhel": {"decorators": {}}, "linux": {"never": 1}}}}),
    })
}

const PLATFORMS: [&str; 5] = ["", "ubuntu", "darwin", "rhel", "debian"];

fn told(story: &Story) -> State {
    let mut state = State::default();
    ["a", "b", "c", "d"].iter().for_each(|name| add_label(&mut state, name));
    if let Some(options) = options(story.global) {
        set_options(&mut state, options);
    }
    for (number, kind) in story.teams.iter().enumerate() {
        add_team(&mut state, &format!("team {number}"), options(*kind));
    }
    for (number, (team, interval, automations, discard, logging, labels)) in story.queries.iter().enumerate() {
        let team = (*team > 0 && usize::from(*team) <= story.teams.len()).then(|| TeamId(u32::from(*team)));
        let logging =
            [Logging::Snapshot, Logging::Differential, Logging::DifferentialIgnoreRemovals][usize::from(logging % 3)];
        let labels_include_any = (1..=4).filter(|bit| labels & (1 << (bit - 1)) != 0).map(LabelId).collect();
        let spec = Spec {
            interval: u32::from(*interval),
            automations_enabled: *automations,
            discard_data: *discard,
            logging,
            labels_include_any,
            ..spec(&format!("q{number}"))
        };
        add_query(&mut state, team, spec);
    }
    state
}

fn story() -> impl Strategy<Value = Story> {
    let query = (0..4u8, 0..3u8, any::<bool>(), any::<bool>(), 0..3u8, 0..16u8);
    let host = (0..5u8, 0..5u8, 0..16u8);
    let parts = (
        0..5u8,
        prop::collection::vec(0..5u8, 0..4),
        prop::collection::vec(query, 0..12),
        prop::collection::vec(host, 1..12),
    );
    parts.prop_map(|(global, teams, queries, hosts)| Story { global, teams, queries, hosts })
}

proptest! {
    #[test]
    fn hosts_of_one_scope_have_one_document_and_it_is_the_right_one(story in story()) {
        let state = told(&story);
        let plan = Plan::of(&state);
        for (team, platform, bits) in &story.hosts {
            let team = (*team > 0).then(|| TeamId(u32::from(*team)));
            let platform = PLATFORMS[usize::from(*platform)];
            let labels: BTreeSet<LabelId> = (1..=4).filter(|bit| bits & (1 << (bit - 1)) != 0).map(LabelId).collect();
            let scope = plan.scope(team, platform, |label| labels.contains(&label));
            let fast = String::from_utf8(plan.render(&scope).unwrap().body).unwrap();
            prop_assert_eq!(fast, slow(&state, team, platform, &labels).to_string());
        }
    }

    /// Whatever changes a document also changes the revision, so no cache outlives it.
    #[test]
    fn an_older_revision_is_another_scope(story in story(), name in "[a-z]{3}") {
        let before = told(&story);
        let mut after = before.clone();
        add_query(&mut after, None, spec(&name));
        let scope = |state: &State| Plan::of(state).scope(None, "ubuntu", |_| true);
        prop_assert_ne!(scope(&before), scope(&after));
    }
}
