//! A day of hourly reports of the machine that runs this test: what musterd's own tables say of it, while a large file and
//! a login come and go. Only what really changed is appended.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use agent_tables::{AgentInfo, Context, Engine, Flag};
use infra_testkit::TestHost;
use infra_testkit::wait::holds;
use serde_json::{Map, Value, json};

use crate::house::{Clockwork, House, SOON};

const HOUR: Duration = Duration::from_secs(3_600);
const FILE_BYTES: usize = 200_000_000;
/// The details, each with the section that it is the source of; `system_info` has two.
const STABLE: [(&str, &str); 9] = [
    ("os_version", "os"),
    ("os_unix_like", "os"),
    ("osquery_info", "identity"),
    ("system_info", "identity"),
    ("system_info", "hardware"),
    ("osquery_flags", "intervals"),
    ("network_interface_unix", "network"),
    ("network_addresses_unix", "network"),
    ("users", "users"),
];

type Rows = BTreeMap<String, Value>;

/// This machine, as its agent sees it.
struct Machine {
    engine: Engine,
    /// Hours that passed on the server's clock and not here. The machine is as much older as the test pretends; nothing
    /// else that it says depends on the time.
    hours: u64,
}

impl Machine {
    fn new() -> Machine {
        let flag = |(name, value): (&str, &str)| Flag { name: name.into(), value: value.into(), ..Flag::default() };
        let flags = [("distributed_interval", "10"), ("config_refresh", "60"), ("logger_tls_period", "10")].map(flag);
        let info = AgentInfo { version: "5.16.0".into(), build_platform: "linux".into(), ..AgentInfo::default() };
        let context = Context { info, flags: flags.into(), ..Context::default() };
        Machine { engine: Engine::new(context).unwrap(), hours: 0 }
    }

    /// `null` if the query fails, as some do on some machines.
    fn rows(&self, sql: &str) -> Value {
        self.engine.query(sql).map(|output| json!(output.rows)).unwrap_or_default()
    }

    fn answer(&self, name: &str, sql: &str) -> Value {
        let mut rows = self.rows(sql);
        if name == "fleet_detail_query_uptime" {
            let seconds: u64 = rows[0]["total_seconds"].as_str().unwrap().parse().unwrap();
            rows[0]["total_seconds"] = (seconds + self.hours * HOUR.as_secs()).to_string().into();
        }
        rows
    }

    /// Answers everything that is asked; says what was said.
    async fn report(&self, host: &TestHost) -> Rows {
        let mut said = Rows::new();
        loop {
            let asked = host.asked().await;
            if asked.is_empty() {
                return said;
            }
            let answers: Rows = asked.iter().map(|(name, sql)| (name.clone(), self.answer(name, sql))).collect();
            let statuses: Map<String, Value> =
                answers.iter().map(|(name, rows)| (name.clone(), json!(i32::from(rows.is_null())))).collect();
            host.write(json!({"queries": answers, "statuses": statuses})).await.done();
            said.extend(answers);
        }
    }
}

/// A large file on the disk that is reported on; removed when dropped.
struct LargeFile(PathBuf);

impl LargeFile {
    fn create() -> LargeFile {
        let root = std::fs::metadata("/").unwrap().dev();
        let on_root = |folder: &PathBuf| std::fs::metadata(folder).is_ok_and(|facts| facts.dev() == root);
        let folders = [std::env::temp_dir(), PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from("/var/tmp")];
        let folder = folders.into_iter().find(on_root).expect("some folder that can be written is on the root disk");
        let file = LargeFile(folder.join(format!("muster-large-{}", std::process::id())));
        let mut open = File::create(&file.0).unwrap();
        open.write_all(&vec![0xA5; FILE_BYTES]).unwrap();
        open.sync_all().unwrap();
        assert!(open.metadata().unwrap().blocks() * 512 >= FILE_BYTES as u64, "it takes room on the disk");
        file
    }
}

impl Drop for LargeFile {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

/// Somebody on a terminal: with root's rights a login by `login`, else a shell; both in a session and on a terminal of
/// their own, until dropped.
struct Login {
    script: Child,
    keyboard: Option<ChildStdin>,
}

impl Login {
    async fn open() -> Login {
        let command = if rustix::process::geteuid().is_root() { "login -f root" } else { "sh -i" };
        let mut script = Command::new("script")
            .args(["-qec", command, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("script is on every Debian");
        let keyboard = script.stdin.take();
        let login = Login { script, keyboard };
        holds("somebody sits at a terminal", SOON, async || login.is_there()).await;
        login
    }

    /// Whether a child of ours leads a session on a terminal.
    fn is_there(&self) -> bool {
        let leads = |process: std::fs::DirEntry| {
            let stat = std::fs::read_to_string(process.path().join("stat")).ok()?;
            let (pid, rest) = (stat.split(' ').next()?, stat.rsplit_once(") ")?.1);
            // State, parent, group, session, terminal.
            let fields: Vec<&str> = rest.split(' ').collect();
            (fields[1] == self.script.id().to_string() && fields[3] == pid && fields[4] != "0").then_some(())
        };
        std::fs::read_dir("/proc").unwrap().flatten().any(|process| leads(process).is_some())
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        let mut keyboard = self.keyboard.take().unwrap();
        let _ = keyboard.write_all(b"exit\n");
        // The end of its input ends the session, whatever the shell made of the word.
        drop(keyboard);
        let _ = self.script.wait();
    }
}

/// What must be appended after each section's first record, told from what the machine said, by section.
#[derive(Default)]
struct Expected {
    before: Rows,
    /// Free and total space as they were appended last, and the hour of that.
    disk: Option<(f64, f64, u64)>,
    sections: BTreeMap<&'static str, usize>,
}

impl Expected {
    fn report(&mut self, said: &Rows, hour: u64) {
        let detail = |rows: &Rows, name: &str| rows.get(&format!("fleet_detail_query_{name}")).cloned();
        let labels = |rows: &Rows| -> Vec<(String, bool)> {
            let of_labels = rows.iter().filter(|(name, _)| name.starts_with("fleet_label_query_"));
            of_labels.map(|(name, rows)| (name.clone(), rows.as_array().is_some_and(|rows| !rows.is_empty()))).collect()
        };
        let mut changed: Vec<&str> = Vec::new();
        if !self.before.is_empty() {
            let moved = |name: &str| detail(said, name) != detail(&self.before, name);
            changed.extend(STABLE.iter().filter(|(name, _)| moved(name)).map(|(_, section)| section));
            changed.extend((labels(said) != labels(&self.before)).then_some("labels"));
        }
        changed.sort_unstable();
        changed.dedup();
        if let Some(row) = detail(said, "disk_space_unix").map(|rows| rows[0].clone()) {
            let number = |column: &str| row[column].as_str().unwrap().parse::<f64>().unwrap();
            let (free, total) = (number("gigs_disk_space_available"), number("gigs_total_disk_space"));
            let step = (total / 100.0).max(1.0);
            let is_news = |(held, _, since): (f64, f64, u64)| (free - held).abs() >= step || hour - since >= 24;
            if self.disk.is_none_or(is_news) {
                changed.extend(self.disk.map(|_| "disks"));
                self.disk = Some((free, total, hour));
            }
        }
        for section in changed {
            *self.sections.entry(section).or_default() += 1;
        }
        self.before = said.clone();
    }
}

/// How many records of `muster.hosts` each section has.
async fn appended(house: &House) -> BTreeMap<String, usize> {
    let mut sections = BTreeMap::new();
    for record in house.admin().records("hosts").await.unwrap() {
        let kind = record["value"]["type"].as_str().unwrap();
        let section = kind.strip_prefix("host.").unwrap().strip_suffix("_reported").unwrap();
        *sections.entry(section.to_owned()).or_default() += 1;
    }
    sections
}

#[tokio::test]
async fn of_24_hourly_reports_of_a_running_host_only_what_changed_is_appended() {
    let clockwork = Clockwork::open("hourly", &[]);
    let house = &clockwork.house;
    let mut machine = Machine::new();
    let mut host = TestHost::new(&house.door, "this-machine");
    let table = |name: &str| machine.rows(&format!("SELECT * FROM {name}"))[0].clone();
    let tables = ["os_version", "osquery_info", "system_info", "platform_info"];
    let details: Map<String, Value> = tables.iter().map(|name| ((*name).to_owned(), table(name))).collect();
    let enrol = json!({"enroll_secret": house.secret, "host_identifier": "this-machine", "host_details": details});
    host.enrol_as(enrol).await.done();

    let mut expected = Expected::default();
    let (mut file, mut login) = (None, None);
    for hour in 0..24 {
        match hour {
            5 => file = Some(LargeFile::create()),
            8 => login = Some(Login::open().await),
            11 => drop(file.take()),
            16 => drop(login.take()),
            _ => {}
        }
        assert!(login.as_ref().is_none_or(Login::is_there), "the login lasts");
        if hour > 0 {
            clockwork.pass(HOUR).await;
            machine.hours += 1;
            // A wish is newer than the answers that it is not content with.
            clockwork.clock.advance(Duration::from_secs(1));
            let id = house.admin().get("hosts").await.ok()["hosts"][0]["id"].as_u64().unwrap();
            house.admin().post(&format!("hosts/{id}/refetch"), json!({})).await.ok();
        }
        let said = machine.report(&host).await;
        for asked in ["uptime", "disk_space_unix", "network_addresses_unix", "os_unix_like", "system_info"] {
            assert!(said.contains_key(&format!("fleet_detail_query_{asked}")), "hour {hour}: {asked} was asked");
        }
        expected.report(&said, hour);
        if hour == 0 {
            let baseline = appended(house).await;
            let sections = ["boot", "disks", "hardware", "identity", "intervals", "labels", "network", "os", "users"];
            let names: Vec<&str> = baseline.keys().map(String::as_str).collect();
            assert_eq!(names, sections, "a first report tells everything");
            expected.sections.clear();
            // Enrolment told of some before the first report did.
            expected.sections.extend(sections.map(|section| (section, baseline[section])));
            assert!(baseline.values().all(|records| *records <= 2), "{baseline:?}");
        }
    }
    let found = appended(house).await;
    let wanted: BTreeMap<String, usize> =
        expected.sections.iter().map(|(name, records)| ((*name).to_owned(), *records)).collect();
    assert_eq!(found, wanted, "records by section after 24 reports");
    assert_eq!(found["boot"], 1, "the machine did not start anew");
    println!("24 hourly reports: {} records of {} sections", found.values().sum::<usize>(), found.len());

    // The same counters see a change.
    clockwork.clock.advance(Duration::from_secs(1));
    let mut os =
        machine.rows("SELECT os.*, kernel.version AS kernel_version FROM os_version AS os, kernel_info AS kernel");
    os[0]["kernel_version"] = "99.0.0-muster".into();
    host.write(json!({"queries": {"fleet_detail_query_os_unix_like": os}})).await.done();
    assert_eq!(appended(house).await["os"], wanted["os"] + 1);
}
