//! Golden records of the topics beside the ledger: headers, an empty line, and the value.

use std::collections::BTreeSet;

use domain::records::{
    Activity, Address, Answer, AnswerState, Boot, Disks, Encoded, Hardware, Identity, Intervals, LabelAnswers, Line,
    LineKind, Network, Os, Report, Section, Signal, User, Users,
};
use domain::{Actor, CampaignId, CommandId, Digest, HostId, LabelId, QueryId, Timestamp};
use serde_json::{Value, json};

use super::hosts::members;
use super::{Sample, Schemas, minute, samples};

/// A sample's headers and value.
fn record(sample: &Sample) -> Encoded {
    let (headers, value) = match sample.text.strip_prefix('\n') {
        Some(value) => ("", value),
        None => sample.text.split_once("\n\n").unwrap_or_else(|| panic!("{}: no empty line", sample.name)),
    };
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
    Encoded { headers: headers.lines().map(header).collect(), value: value.as_bytes().to_vec() }
}

fn json(record: &Encoded) -> Value {
    serde_json::from_slice(&record.value).unwrap()
}

fn is_report(sample: &Sample) -> bool {
    sample.kind.starts_with("host.") && sample.kind.ends_with("_reported")
}

/// What a sample of a section says.
fn section(name: &str) -> Section {
    let text = str::to_owned;
    match name {
        "host.identity_reported.v1" => Section::from(Identity {
            hostname: text("lab-4"),
            computer_name: text("lab-4.example.org"),
            uuid: text("4c4c4544-0051-3510-8051-b7c04f4e3432"),
            hardware_serial: text("H5Q3XY2"),
            osquery_version: text("5.14.1"),
        }),
        "host.os_reported.v1" => Section::from(Os {
            platform: text("ubuntu"),
            platform_like: text("debian"),
            code_name: text("jammy"),
            build: text(""),
            os_version: text("Ubuntu 22.04.4 LTS"),
            name: text("Ubuntu"),
            version: text("22.04.4 LTS"),
            arch: text("x86_64"),
            kernel_version: text("5.15.0-105-generic"),
        }),
        "host.hardware_reported.v1" => Section::from(Hardware {
            cpu_type: text("x86_64"),
            cpu_subtype: text("158"),
            cpu_brand: text("Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz"),
            cpu_physical_cores: 6,
            cpu_logical_cores: 12,
            memory: 33_567_510_528,
            hardware_vendor: text("Dell Inc."),
            hardware_model: text("OptiPlex 7060"),
            hardware_version: text(""),
        }),
        "host.network_reported.v1" => {
            let mac = "8c:ec:4b:00:11:22";
            let address =
                |address: &str| Address { interface: text("enp0s31f6"), address: text(address), mac: text(mac) };
            Section::from(Network {
                primary_ip: text("192.0.2.17"),
                primary_mac: text(mac),
                public_ip: text("198.51.100.9"),
                addresses: vec![address("192.0.2.17"), address("fe80::8eec:4bff:fe00:1122")],
            })
        }
        "host.disks_reported.v1" => Section::from(Disks {
            gigs_disk_space_available: 312.25,
            percent_disk_space_available: 66.0,
            gigs_total_disk_space: 468.4,
        }),
        "host.boot_reported.v1" => Section::from(Boot { booted_at: minute(-9 * 24 * 60) }),
        "host.intervals_reported.v1" => {
            Section::from(Intervals { distributed_interval: 10, config_tls_refresh: 60, logger_tls_period: 10 })
        }
        "host.labels_reported.v1" => {
            Section::from(LabelAnswers { answered: [2, 4, 8].map(LabelId).into(), members: [4, 8].map(LabelId).into() })
        }
        "host.users_reported.v1" => {
            let user = |name: &str, uid: i64| User {
                username: text(name),
                uid,
                kind: text(""),
                groupname: text(name),
                shell: text("/bin/bash"),
            };
            Section::from(Users { part: 0, users: vec![user("anna", 1000), user("root", 0)], left_out: 0 })
        }
        "host.users_reported.v1.part" => {
            let admin = User {
                username: text("EXAMPLE\\admin"),
                uid: 500,
                kind: text("local"),
                groupname: text("Administrators"),
                shell: text("C:\\Windows\\system32\\cmd.exe"),
            };
            Section::from(Users { part: 3, users: vec![admin], left_out: 2 })
        }
        _ => panic!("{name} has no expectation: write down beside the others what it says"),
    }
}

#[test]
fn every_golden_report_says_what_it_always_said() {
    for sample in samples("records").iter().filter(|sample| is_report(sample)) {
        let record = record(sample);
        let report = Report::decode(&record.headers, &record.value).unwrap();
        assert_eq!(report.section, section(&sample.name), "{}", sample.name);
        assert_eq!((report.host, report.source.as_str()), (HostId(4), "muster/berlin-1"));
        let told = minute(if sample.kind.contains("labels") { 152 } else { 151 });
        assert_eq!(report.recorded.micros(), told.micros() + 7, "{}", sample.name);
        if sample.version == report.section.version() {
            assert_eq!(report.encode(), record, "{} is written otherwise than it was", sample.name);
        }
    }
}

#[test]
fn every_golden_signal_says_what_it_always_said() {
    for sample in samples("records").iter().filter(|sample| sample.kind == "muster.signal") {
        let record = record(sample);
        let signal = Signal::decode(&record.value).unwrap();
        let start = minute(160);
        let second = |seconds: i64| Timestamp::from_micros(start.micros() + seconds * 1_000_000);
        match sample.name.as_str() {
            "muster.signal.v1.presence" => {
                let Signal::Presence(told) = &signal else { panic!("{signal:?}") };
                assert_eq!((told.node.as_str(), told.from, told.until), ("berlin-1", start, second(30)));
                assert_eq!(told.seen(), [(HostId(2), start), (HostId(3), second(12)), (HostId(4), second(29))]);
                assert_eq!((&told.detailed, &told.labelled), (&members([4]), &members([4])));
                assert_eq!((&told.judged, &told.wrote), (&members([]), &members([2, 4])));
                assert!(!told.goodbye);
            }
            "muster.signal.v1.answered" => {
                assert_eq!(signal, Signal::Answered { campaign: CampaignId(1), hosts: members([2, 4]) });
            }
            "muster.signal.v1.refetch_wished" => {
                assert_eq!(signal, Signal::RefetchWished { hosts: members([3]), at: second(5) });
            }
            "muster.signal.v1.clock" => assert_eq!(signal, Signal::Clock { node: "berlin-1".to_owned() }),
            other => panic!("{other} has no expectation: write down beside the others what it says"),
        }
        assert_eq!(signal.encode(), record, "{}", sample.name);
    }
}

#[test]
fn every_golden_activity_says_what_it_always_said() {
    for sample in samples("records").iter().filter(|sample| sample.kind == "muster.activity") {
        let record = record(sample);
        let activity = Activity::decode(&record.value).unwrap();
        let (sequence, actor, command, kind, details) = match sample.name.as_str() {
            "muster.activity.v1" => {
                let details = json!({"team_id": 2, "team_name": "Servers"});
                (43, Actor::User(domain::UserId(1)), "drop-servers", "deleted_team", details)
            }
            "muster.activity.v1.without-details" => (44, Actor::Host(HostId(4)), "c-1", "began_carve", Value::Null),
            other => panic!("{other} has no expectation: write down beside the others what it says"),
        };
        let number = u32::from(sequence == 44);
        let (source, command, kind) = ("muster/berlin-1".to_owned(), CommandId(command.to_owned()), kind.to_owned());
        let recorded = minute(203);
        assert_eq!(activity, Activity { source, sequence, number, recorded, actor, command, kind, details });
        assert_eq!(activity.encode(), record, "{}", sample.name);
    }
}

#[test]
fn every_golden_line_and_answer_says_what_it_always_said() {
    let recorded = minute(165);
    for sample in samples("records") {
        let record = record(&sample);
        let (headers, value) = (&record.headers, &record.value);
        let written = match sample.name.as_str() {
            "result.logged.v1" | "status.logged.v1" => {
                let line = Line::decode(headers, value).unwrap();
                let result = sample.kind == "result.logged";
                let kind = if result { LineKind::Result } else { LineKind::Status };
                let (host, id) = (HostId(2), Line::id_of(HostId(2), value, 1));
                let query = result.then_some(QueryId(1));
                assert_eq!(line, Line { kind, host, id, recorded, query, value: value.clone() });
                line.encode()
            }
            "live.answered.v1" | "live.answered.v1.error" => {
                let answer = Answer::decode(headers, value).unwrap();
                let failed = sample.name.ends_with("error");
                let stats = r#"{"wall_time_ms":12,"user_time":3,"system_time":1,"memory":40960}"#;
                let expected = Answer {
                    campaign: CampaignId(1),
                    host: HostId(4),
                    recorded,
                    state: if failed { AnswerState::Error } else { AnswerState::Rows },
                    error: if failed { "no such table: usb_device".to_owned() } else { String::new() },
                    stats: if failed { "null".to_owned() } else { stats.to_owned() },
                    row_count: if failed { 0 } else { 2 },
                    cut: false,
                    rows: value.clone(),
                };
                assert_eq!(answer, expected);
                answer.encode()
            }
            other if !is_report(&sample) && !sample.kind.starts_with("muster.") => {
                panic!("{other} has no expectation: write down beside the others what it says")
            }
            _ => continue,
        };
        assert_eq!(written, record, "{}", sample.name);
    }
}

#[test]
fn every_golden_record_fits_its_frozen_schema() {
    let schemas = Schemas::new();
    for sample in samples("records") {
        let record = record(&sample);
        if is_report(&sample) {
            let envelope = json(&record);
            assert_eq!((&envelope["type"], &envelope["dataversion"]), (&json!(sample.kind), &json!(sample.version)));
            schemas.check(&sample.name, &sample.kind, sample.version, &envelope["data"]);
        } else if sample.kind.starts_with("muster.") {
            schemas.check(&sample.name, &sample.kind, sample.version, &json(&record));
        }
    }
}

#[test]
fn every_record_that_was_ever_written_has_a_golden_one() {
    let have: BTreeSet<String> =
        samples("records").iter().map(|one| format!("{}.v{}", one.kind, one.version)).collect();
    let reports = Section::schemas()
        .into_iter()
        .flat_map(|(kind, newest, _)| (1..=newest).map(move |version| format!("{kind}.v{version}")));
    let activities = (1..=Activity::schema().1).map(|version| format!("muster.activity.v{version}"));
    let lines = ["result.logged.v1", "status.logged.v1", "live.answered.v1"].map(str::to_owned);
    let missing: Vec<String> = reports.chain(activities).chain(lines).filter(|one| !have.contains(one)).collect();
    assert!(missing.is_empty(), "domain/tests/golden/records has no sample of {missing:?}");

    let (_, version, schema) = Signal::schema();
    let told = |one: &Sample| json(&record(one))["type"].as_str().map(str::to_owned);
    let samples = samples("records");
    let told: BTreeSet<String> =
        samples.iter().filter(|one| one.kind == "muster.signal" && one.version == version).filter_map(told).collect();
    for alternative in schema.as_value()["oneOf"].as_array().unwrap() {
        let kind = alternative["properties"]["type"]["const"].as_str().unwrap();
        assert!(told.contains(kind), "domain/tests/golden/records has no sample of the signal {kind:?}");
    }
}

#[test]
fn a_report_is_read_with_tolerance() {
    for sample in samples("records").iter().filter(|sample| is_report(sample)) {
        let Encoded { headers, value } = record(sample);
        let mut envelope: Value = serde_json::from_slice(&value).unwrap();
        envelope["dataversion"] = json!(sample.version + 1);
        envelope["data"]["surprise"] = json!([1]);
        let wider = Report::decode(&headers, envelope.to_string().as_bytes()).unwrap();
        assert_eq!(wider.section, section(&sample.name), "{}: a later field takes nothing away", sample.name);
        envelope["data"] = json!({});
        let empty = Report::decode(&headers, envelope.to_string().as_bytes()).unwrap();
        assert_eq!(empty.section.name(), wider.section.name(), "what is absent was not told");
    }
}

#[test]
fn a_record_without_what_it_is_found_by_is_not_read() {
    let samples = samples("records");
    let sample = |name: &str| record(samples.iter().find(|sample| sample.name == name).unwrap());
    let os = sample("host.os_reported.v1");
    for name in ["host", "section", "recorded"] {
        let headers: Vec<_> = os.headers.iter().filter(|(have, _)| have != name).cloned().collect();
        assert!(Report::decode(&headers, &os.value).is_err(), "{name}");
    }
    let renamed = |headers: &[(String, String)], name: &str, value: &str| {
        let put =
            |(have, old): &(String, String)| (have.clone(), if have == name { value.to_owned() } else { old.clone() });
        headers.iter().map(put).collect::<Vec<_>>()
    };
    assert!(Report::decode(&renamed(&os.headers, "section", "moods"), &os.value).is_err());
    assert!(Report::decode(&os.headers, b"{}").is_err());
    assert!(Signal::decode(br#"{"type":"yelled"}"#).is_err());
    let answer = sample("live.answered.v1");
    for (name, _) in answer.headers.iter().filter(|(name, _)| !name.starts_with("ce_")) {
        let headers: Vec<_> = answer.headers.iter().filter(|(have, _)| have != name).cloned().collect();
        assert!(Answer::decode(&headers, &answer.value).is_err(), "{name}");
    }
    assert!(Answer::decode(&renamed(&answer.headers, "state", "shrug"), &answer.value).is_err());
    let line = sample("result.logged.v1");
    for (name, value) in [("ce_type", "rumour.logged"), ("ce_id", "1"), ("host", "x"), ("recorded", ""), ("query", "x")]
    {
        assert!(Line::decode(&renamed(&line.headers, name, value), &line.value).is_err(), "{name}");
    }
}

#[test]
fn the_hash_of_a_report_is_that_of_its_state_as_it_stands() {
    for sample in samples("records").iter().filter(|sample| is_report(sample)) {
        let text = &sample.text;
        let data = &text[text.find(r#""data":"#).unwrap() + 7..text.len() - 1];
        let hash = record(sample).headers.into_iter().find(|(name, _)| name == "hash").unwrap().1;
        assert_eq!(Digest::of(data).to_string(), hash, "{}", sample.name);
    }
}
