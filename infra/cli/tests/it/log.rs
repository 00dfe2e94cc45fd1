//! Reading the log.

use serde_json::{Value, json};

use crate::cli::Cli;
use crate::fake::{Fake, Reply};

fn event(position: u64, name: &str) -> Value {
    json!({"topic": "hosts", "partition": 4, "position": position, "appended": "2026-11-22T10:00:00Z", "key": "12", "headers": {},
        "value": {"specversion": "1.0", "type": format!("host.{name}_reported"), "subject": "host/12",
            "recordedtime": "2026-11-22T10:00:00Z", "data": {"name": name}}})
}

#[test]
fn events_are_lines_or_json() {
    let fake = Fake::start();
    let events = format!("{}\n\n{}\n", event(1, "os"), event(2, "network"));
    fake.answers_text("GET /api/muster/v1/log/hosts", &events);
    let cli = Cli::with_token(&fake.address);
    let out = cli.run(&["log", "tail", "hosts"]).expect(0).out;
    assert_eq!(
        out,
        "4/1  2026-11-22T10:00:00Z  host.os_reported  host/12  {\"name\":\"os\"}\n\
         4/2  2026-11-22T10:00:00Z  host.network_reported  host/12  {\"name\":\"network\"}\n"
    );
    let arguments = [
        "log",
        "tail",
        "muster.hosts",
        "--from",
        "12",
        "--partition",
        "4",
        "--limit",
        "2",
        "--follow",
        "--format",
        "json",
    ];
    let out = cli.run(&arguments).expect(0).out;
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, [event(1, "os"), event(2, "network")]);
    let asked: Vec<_> = fake.asked("GET /api/muster/v1/log/hosts").into_iter().map(|asked| asked.query).collect();
    assert_eq!((asked[0]["from"].as_str(), asked[0]["follow"].as_str()), ("start", "false"));
    let of = |key: &str| asked[1][key].as_str();
    assert_eq!([of("from"), of("partition"), of("limit"), of("follow")], ["12", "4", "2", "true"]);
}

#[test]
fn a_log_that_breaks_off_says_where_to_go_on() {
    let fake = Fake::start();
    fake.replies("GET /api/muster/v1/log/hosts", |_| Reply {
        breaks_off: true,
        ..Reply::of(200, format!("{}\n{{\"topic\": \"hos", event(7, "os")))
    });
    let ran = Cli::with_token(&fake.address).run(&["log", "tail", "hosts", "--follow"]).expect(2);
    assert_eq!(ran.out.lines().count(), 1, "{ran:?}");
    ran.says("the log broke off").says("--partition 4 --from 8");
}
