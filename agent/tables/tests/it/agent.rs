//! The tables about the agent show what the agent hands in.

use agent_tables::{AgentInfo, Context, Engine, Flag, ScheduledStat};

use crate::support::{engine, row};

fn context() -> Context {
    Context {
        info: AgentInfo {
            version: "5.16.0".into(),
            instance_id: "an instance".into(),
            uuid: "4C4C4544-0000".into(),
            config_hash: "abc".into(),
            config_valid: true,
            start_time: 1_700_000_000,
            pid: 4242,
            ..AgentInfo::default()
        },
        schedule: vec![ScheduledStat {
            name: "pack/one".into(),
            query: "SELECT 1".into(),
            interval: 60,
            executions: 2,
            wall_time_ms: 2500,
            last_memory: 7,
            denylisted: true,
            ..ScheduledStat::default()
        }],
        flags: vec![Flag { name: "verbose".into(), kind: "bool".into(), value: "true".into(), ..Flag::default() }],
    }
}

#[test]
fn osquery_info_is_the_agents() {
    let engine = Engine::new(context()).unwrap();
    let info = &engine.query("SELECT * FROM osquery_info").unwrap().rows[0];
    for (column, value) in [
        ("version", "5.16.0"),
        ("instance_id", "an instance"),
        ("uuid", "4C4C4544-0000"),
        ("config_hash", "abc"),
        ("config_valid", "1"),
        ("start_time", "1700000000"),
        ("pid", "4242"),
        ("watcher", "-1"),
        ("extensions", "inactive"),
        ("platform_mask", "9"),
        ("build_platform", "linux"),
    ] {
        assert_eq!(&info[column], value, "{column}");
    }
    let system = &engine.query("SELECT uuid FROM system_info").unwrap().rows[0];
    assert_eq!(&system["uuid"], "4C4C4544-0000");
}

#[test]
fn osquery_schedule_and_flags_are_the_agents() {
    let engine = Engine::new(context()).unwrap();
    let stat = &engine.query("SELECT *, blacklisted FROM osquery_schedule").unwrap().rows[0];
    for (column, value) in [
        ("name", "pack/one"),
        ("interval", "60"),
        ("executions", "2"),
        ("wall_time", "2"),
        ("wall_time_ms", "2500"),
        ("last_memory", "7"),
        ("denylisted", "1"),
        ("blacklisted", "1"),
    ] {
        assert_eq!(&stat[column], value, "{column}");
    }
    let flag = &engine.query("SELECT * FROM osquery_flags").unwrap().rows[0];
    assert_eq!((&flag["name"], &flag["type"], &flag["value"], &flag["shell_only"]), ("verbose", "bool", "true", "0"));
}

#[test]
fn a_new_context_is_seen_by_the_next_query() {
    let engine = engine();
    assert!(engine.query("SELECT * FROM osquery_schedule").unwrap().rows.is_empty());
    engine.set_context(context());
    assert_eq!(engine.query("SELECT * FROM osquery_schedule").unwrap().rows.len(), 1);
}

#[test]
fn without_an_agent_the_process_is_this_one() {
    assert_eq!(&row("SELECT pid FROM osquery_info")["pid"], std::process::id().to_string());
}

#[test]
fn a_server_can_ask_which_tables_there_are() {
    let asked = |name: &str| {
        let sql =
            format!("SELECT 1 FROM osquery_registry WHERE active = true AND registry = 'table' AND name = '{name}'");
        engine().query(&sql).unwrap().rows.len()
    };
    assert_eq!((asked("deb_packages"), asked("orbit_info")), (1, 0));
}
