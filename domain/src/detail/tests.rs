//! Rows as agents of the field send them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;

type Row = BTreeMap<String, String>;

const NOON: Timestamp = Timestamp::from_secs(1_790_000_000);

fn row(cells: &[(&str, &str)]) -> Row {
    cells.iter().map(|(column, text)| ((*column).to_owned(), (*text).to_owned())).collect()
}

fn ubuntu() -> Row {
    row(&[
        ("name", "Ubuntu"),
        ("version", "22.04.4 LTS (Jammy Jellyfish)"),
        ("major", "22"),
        ("minor", "4"),
        ("patch", "0"),
        ("build", ""),
        ("platform", "ubuntu"),
        ("platform_like", "debian"),
        ("codename", "jammy"),
        ("arch", "x86_64"),
    ])
}

fn ingest_one(known: &Known, name: &str, rows: &[Row]) -> Vec<Section> {
    ingest(known, &[Answer { name, rows, failed: false }], "198.51.100.7", NOON).sections
}

fn os(known: &Known, name: &str, one: Row) -> Os {
    match ingest_one(known, name, &[one]).remove(0) {
        Section::Os(os) => os,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ubuntu_host_is_called_by_its_own_version_text() {
    let os = os(&Known::default(), "os_version", ubuntu());
    assert_eq!(
        (os.os_version.as_str(), os.platform.as_str(), os.code_name.as_str()),
        ("Ubuntu 22.04.4 LTS", "ubuntu", "jammy")
    );
    assert_eq!(os.name, "", "the counted name comes from the other query");
}

#[test]
fn others_are_called_by_their_numbers() {
    let version = |cells: &[(&str, &str)]| os(&Known::default(), "os_version", row(cells)).os_version;
    let numbered =
        [("name", "CentOS Linux"), ("major", "8"), ("minor", "3"), ("patch", "2011"), ("platform", "centos")];
    assert_eq!(version(&numbered), "CentOS Linux 8.3.2011");
    let rolling = [
        ("name", "Arch Linux"),
        ("major", "0"),
        ("minor", "0"),
        ("patch", "0"),
        ("build", "rolling"),
        ("platform", "arch"),
    ];
    assert_eq!(version(&rolling), "Arch Linux rolling");
    let rapid =
        [("name", "macOS"), ("major", "14"), ("minor", "5"), ("patch", "0"), ("extra", "(a)"), ("platform", "darwin")];
    assert_eq!(version(&rapid), "macOS 14.5.0 (a)");
    let windows = [("name", "Windows 11"), ("major", "10"), ("minor", "0"), ("patch", "0"), ("platform", "windows")];
    assert_eq!(version(&windows), "");
}

#[test]
fn check_42_a_missing_column_leaves_what_is_stored() {
    let known = Known { os: Some(os(&Known::default(), "os_version", ubuntu())), ..Known::default() };
    let after = os(&known, "os_version", row(&[("name", "Ubuntu")]));
    assert_eq!(Some(after), known.os);
}

#[test]
fn the_counted_version_has_no_code_name() {
    let mut cells = ubuntu();
    cells.insert("kernel_version".to_owned(), "6.8.0-31-generic".to_owned());
    let os = os(&Known::default(), "os_unix_like", cells);
    assert_eq!(
        (os.name.as_str(), os.version.as_str(), os.kernel_version.as_str()),
        ("Ubuntu", "22.04.4 LTS", "6.8.0-31-generic")
    );
}

#[test]
fn none_or_two_rows_are_nothing_but_an_answer() {
    for rows in [vec![], vec![ubuntu(), ubuntu()]] {
        let ingested =
            ingest(&Known::default(), &[Answer { name: "os_version", rows: &rows, failed: false }], "", NOON);
        assert_eq!(ingested, Ingested { sections: vec![], detailed: true });
    }
    let failed = ingest(&Known::default(), &[Answer { name: "os_version", rows: &[ubuntu()], failed: true }], "", NOON);
    assert_eq!(failed, Ingested::default());
    let unknown =
        ingest(&Known::default(), &[Answer { name: "kubequery_info", rows: &[ubuntu()], failed: false }], "", NOON);
    assert_eq!(unknown, Ingested::default());
}

#[test]
fn text_where_a_number_belongs_drops_that_query_alone() {
    let system = |memory: &str| row(&[("hostname", "web-01"), ("physical_memory", memory), ("cpu_brand", "X")]);
    assert_eq!(ingest_one(&Known::default(), "system_info", &[system("lots")]), []);
    assert_eq!(ingest_one(&Known::default(), "system_info", &[system("-1")]), []);
    assert_eq!(ingest_one(&Known::default(), "uptime", &[row(&[("total_seconds", "abc")])]), []);
    let answers = [
        Answer { name: "uptime", rows: &[row(&[("total_seconds", "abc")])], failed: false },
        Answer { name: "system_info", rows: &[system("16777216000")], failed: false },
    ];
    let names: Vec<_> = ingest(&Known::default(), &answers, "", NOON).sections.iter().map(Section::name).collect();
    assert_eq!(names, ["hardware", "identity"]);
}

#[test]
fn placeholder_serials_are_no_serials() {
    let held = Identity { hardware_serial: "5Y4PQ22".to_owned(), ..Identity::default() };
    let known = Known { identity: Some(held), ..Known::default() };
    let serial = |text: &str| {
        let sections = ingest_one(&known, "system_info", &[row(&[("hardware_serial", text)])]);
        let identity = sections.into_iter().find_map(|section| match section {
            Section::Identity(identity) => Some(identity.hardware_serial),
            _ => None,
        });
        identity.unwrap()
    };
    assert_eq!(serial("-1"), "5Y4PQ22");
    for placeholder in ["Default string", "To be filled: SERIAL", "System Serial Number", ""] {
        assert_eq!(serial(placeholder), "", "{placeholder}");
    }
    assert_eq!(serial("XYZ-9"), "XYZ-9");
}

#[test]
fn flags_are_found_by_name_and_the_old_one_wins() {
    let flag = |name: &str, value: &str| row(&[("name", name), ("value", value)]);
    let read = |rows: &[Row]| ingest_one(&Known::default(), "osquery_flags", rows);
    let intervals = |distributed_interval, config_tls_refresh, logger_tls_period| {
        vec![Section::from(Intervals { distributed_interval, config_tls_refresh, logger_tls_period })]
    };
    let both = [flag("distributed_interval", "10"), flag("config_refresh", "60"), flag("config_tls_refresh", "0")];
    assert_eq!(read(&both), intervals(10, 0, 0));
    assert_eq!(read(&both[..2]), intervals(10, 60, 0));
    assert_eq!(read(&[flag("logger_tls_period", "4")]), intervals(0, 0, 4));
    assert_eq!(read(&[flag("logger_tls_period", "often")]), []);
}

fn network(known: &Known, answers: &[Answer<'_, Row>], from: &str) -> Network {
    let sections = ingest(known, answers, from, NOON).sections;
    sections
        .into_iter()
        .find_map(|section| if let Section::Network(network) = section { Some(network) } else { None })
        .unwrap()
}

#[test]
fn check_52_the_public_address_is_kept_even_without_a_primary_one() {
    let primary = [row(&[("address", "10.0.0.7"), ("mac", "aa:bb")])];
    let answer = |rows| Answer { name: "network_interface_unix", rows, failed: false };
    let first = network(&Known::default(), &[answer(&primary)], "198.51.100.7");
    assert_eq!(
        (first.primary_ip.as_str(), first.primary_mac.as_str(), first.public_ip.as_str()),
        ("10.0.0.7", "aa:bb", "198.51.100.7")
    );
    let known = Known { network: Some(first.clone()), ..Known::default() };
    let second = network(&known, &[answer(&[])], "203.0.113.9");
    assert_eq!(second, Network { public_ip: "203.0.113.9".to_owned(), ..first });
}

#[test]
fn a_host_without_a_table_of_routes_has_a_primary_address_still() {
    let address =
        |interface: &str, address: &str| row(&[("interface", interface), ("address", address), ("mac", "aa")]);
    let rows = [address("docker0", "172.17.0.1"), address("eth0", "2001:db8::7"), address("eth0", "10.0.0.7")];
    let answers = [
        Answer { name: "network_interface_unix", rows: &[], failed: true },
        Answer { name: "network_addresses_unix", rows: &rows, failed: false },
    ];
    let found = network(&Known::default(), &answers, "198.51.100.7");
    assert_eq!(
        (found.primary_ip.as_str(), found.addresses.len(), found.public_ip.as_str()),
        ("10.0.0.7", 3, "198.51.100.7")
    );
}

#[test]
fn free_space_is_news_by_a_step_or_once_a_day() {
    let held =
        Disks { gigs_disk_space_available: 50.0, percent_disk_space_available: 50.0, gigs_total_disk_space: 100.0 };
    let at = |available: f64, since: Timestamp| {
        let known = Known { disks: Some((held.clone(), since)), ..Known::default() };
        let cells = [("gigs_disk_space_available", available.to_string()), ("gigs_total_disk_space", "100".to_owned())];
        let cells: Vec<_> = cells.iter().map(|(column, text)| (*column, text.as_str())).collect();
        ingest_one(&known, "disk_space_unix", &[row(&cells)]) != [held.clone().into()]
    };
    let hour_ago = NOON.minus(Duration::from_secs(3_600));
    assert!(!at(49.8, hour_ago), "200 MB are no news");
    assert!(at(48.9, hour_ago));
    assert!(at(51.0, hour_ago));
    assert!(at(49.8, NOON.minus(Duration::from_secs(86_400))));
    assert!(!at(50.0, NOON.minus(Duration::from_secs(86_400))));
}

#[test]
fn a_start_is_news_when_it_is_another_one() {
    let booted = |known: &Known, uptime: i64| match ingest_one(
        known,
        "uptime",
        &[row(&[("total_seconds", &uptime.to_string())])],
    )
    .remove(0)
    {
        Section::Boot(boot) => boot.booted_at,
        other => panic!("{other:?}"),
    };
    let first = booted(&Known::default(), 7_200);
    assert_eq!(first.secs() % 60, 0);
    assert!(NOON.since(first) >= Duration::from_secs(7_200) && NOON.since(first) < Duration::from_secs(7_260));
    let known = Known { boot: Some(Boot { booted_at: first }), ..Known::default() };
    assert_eq!(booted(&known, 7_000), first);
    assert_eq!(booted(&known, 7_400), first);
    assert_ne!(booted(&known, 30), first);
    assert_eq!(ingest_one(&known, "uptime", &[row(&[("total_seconds", "99999999999999999")])]), []);
}

#[test]
fn users_are_the_list_that_was_reported_last() {
    let user = |name: &str, uid: &str, shell: &str| {
        row(&[("uid", uid), ("username", name), ("type", ""), ("groupname", name), ("shell", shell)])
    };
    let users = |rows: &[Row]| {
        ingest_one(&Known::default(), "users", rows).into_iter().find_map(|section| match section {
            Section::Users(users) => Some(users.users),
            _ => None,
        })
    };
    let (root, ann) = (user("root", "0", "/bin/bash"), user("ann", "1000", "/bin/zsh"));
    let read = users(&[root.clone(), ann.clone(), ann.clone()]).unwrap();
    let shown: Vec<_> = read.iter().map(|user| (&*user.username, user.uid, &*user.groupname, &*user.shell)).collect();
    assert_eq!(shown, [("ann", 1000, "ann", "/bin/zsh"), ("root", 0, "root", "/bin/bash")]);
    assert_eq!(users(std::slice::from_ref(&root)).unwrap().len(), 1);
    // Nothing is said by no rows, by text where a number belongs, or by a row without a name.
    assert_eq!(users(&[]), None);
    assert_eq!(users(&[root.clone(), user("ann", "many", "")]), None);
    assert_eq!(users(&[user("", "7", "")]), None);
    assert_eq!(users(&[root, user("", "7", "")]).unwrap().len(), 1);
    let failed = ingest(&Known::default(), &[Answer { name: "users", rows: &[ann], failed: true }], "", NOON);
    assert_eq!(failed, Ingested::default());
}

#[test]
fn each_family_is_asked_for_tables_that_it_has() {
    let names = |platform: &str| for_platform(platform).map(|query| query.name).collect::<Vec<_>>();
    assert_eq!(names(""), ["os_version", "osquery_info", "system_info"]);
    assert_eq!(names("chrome"), names(""));
    assert_eq!(names("windows"), ["os_version", "osquery_info", "system_info", "osquery_flags", "uptime", "users"]);
    assert_eq!(names("ubuntu").len(), ALL.len());
    assert_eq!(names("raspbian"), names("darwin"));
    assert!(ALL.iter().all(|query| !query.sql.is_empty()));
}
