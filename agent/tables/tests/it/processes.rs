//! Processes against /proc and against processes of our own.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{column, pairs, row, rows, run};

/// A process that waits, ended with the test.
struct Waiting(Child);

impl Waiting {
    /// Starts a cat, by whatever path, and waits until it has echoed a line: from then on nothing of it changes.
    fn start(program: &str) -> Self {
        let child = Command::new(program).arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        Self(child)
    }

    fn row(&self) -> agent_tables::Row {
        row(&format!("SELECT *, cgroup_path FROM processes WHERE pid = {}", self.0.id()))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn pids_of_proc() -> Vec<i64> {
    let mut pids: Vec<i64> =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok()).collect();
    pids.sort();
    pids
}

#[test]
fn the_processes_are_those_of_proc() {
    // Others come and go: what was there before and after must be among ours, and nothing else than what was ever there.
    let before = pids_of_proc();
    let ours: Vec<i64> = column("SELECT pid FROM processes").iter().map(|pid| pid.parse().unwrap()).collect();
    let after = pids_of_proc();
    let missing: Vec<_> = before.iter().filter(|pid| after.contains(pid) && !ours.contains(pid)).collect();
    assert_eq!(missing, Vec::<&i64>::new());
    let newest = after.iter().chain(&before).max().unwrap();
    let invented: Vec<_> =
        ours.iter().filter(|pid| !before.contains(pid) && *pid < newest && !after.contains(pid)).collect();
    // A process may live between the two looks; it then has a number above all that were there before.
    assert!(invented.iter().all(|pid| *pid > before.iter().max().unwrap()), "{invented:?}");
}

#[test]
fn a_process_is_as_proc_describes_it() {
    let process = Waiting::start("cat");
    let pid = process.0.id();
    let ours = process.row();
    let status = pairs(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap(), ':');
    let ids = |field: &str| -> Vec<String> { status[field].split_whitespace().map(str::to_string).collect() };
    let kib = |field: &str| status[field].trim_end_matches(" kB").parse::<u64>().unwrap() * 1024;
    assert_eq!([&ours["uid"], &ours["euid"], &ours["suid"]], ids("Uid")[..3]);
    assert_eq!([&ours["gid"], &ours["egid"], &ours["sgid"]], ids("Gid")[..3]);
    assert_eq!(&ours["name"], status["Name"]);
    assert_eq!(&ours["parent"], std::process::id().to_string());
    assert_eq!(&ours["threads"], status["Threads"]);
    assert_eq!(&ours["total_size"], kib("VmSize").to_string());
    assert_eq!(&ours["resident_size"], kib("VmRSS").to_string());
    assert_eq!(&ours["cmdline"], "cat -");
    assert_eq!(&ours["cwd"], std::env::current_dir().unwrap().to_str().unwrap());
    assert_eq!(&ours["root"], "/");
    assert_eq!(&ours["path"], fs::read_link(format!("/proc/{pid}/exe")).unwrap().to_str().unwrap());
    assert_eq!(&ours["on_disk"], "1");
    let said = run("ps", &["-o", "pgid=,ni=", "-p", &pid.to_string()]);
    let said: Vec<&str> = said.split_whitespace().collect();
    assert_eq!([&ours["pgroup"], &ours["nice"]], said[..]);
    let cgroup = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    assert!(cgroup.lines().next().unwrap_or_default().ends_with(&ours["cgroup_path"]));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let started: i64 = ours["start_time"].parse().unwrap();
    assert!((now - started).abs() < 30, "started {started}, now {now}");
}

/// This process's user time, system time (milliseconds) and bytes written, as the kernel tells it now.
fn own_costs() -> [u64; 3] {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let per_second: u64 = run("getconf", &["CLK_TCK"]).trim().parse().unwrap();
    let milliseconds = |ticks: &str| ticks.parse::<u64>().unwrap() * 1000 / per_second;
    let io = pairs(&fs::read_to_string("/proc/self/io").unwrap(), ':');
    let bytes = |field: &str| io[field].parse::<u64>().unwrap();
    [milliseconds(fields[11]), milliseconds(fields[12]), bytes("write_bytes") - bytes("cancelled_write_bytes")]
}

#[test]
fn times_and_io_are_counted_in_milliseconds_and_bytes() {
    let mut spins = 0u64;
    while own_costs()[0] < 200 {
        spins = (0..10_000_000).fold(spins, |sum, n| std::hint::black_box(sum ^ n));
    }
    let written = tempfile::NamedTempFile::new().unwrap();
    fs::write(written.path(), vec![1u8; 1024 * 1024]).unwrap();
    written.as_file().sync_all().unwrap();
    let before = own_costs();
    let columns = "user_time, system_time, disk_bytes_written";
    let ours = row(&format!("SELECT {columns} FROM processes WHERE pid = {}", std::process::id()));
    let after = own_costs();
    for ((value, least), most) in ours.values().iter().zip(before).zip(after) {
        let value: u64 = value.parse().unwrap();
        assert!((least..=most).contains(&value), "{ours:?} between {before:?} and {after:?}");
    }
}

#[test]
fn a_program_that_is_gone_is_not_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("gone");
    fs::copy(fs::canonicalize("/bin/cat").unwrap(), &program).unwrap();
    let process = Waiting::start(program.to_str().unwrap());
    fs::remove_file(&program).unwrap();
    let ours = process.row();
    assert_eq!((&ours["on_disk"], &ours["path"]), ("0", program.to_str().unwrap()));
    assert_eq!(&ours["name"], "gone");
}

#[test]
fn a_kernel_thread_has_neither_path_nor_memory() {
    let threads = rows("SELECT * FROM processes WHERE parent = 2");
    for thread in threads {
        assert_eq!([&thread["path"], &thread["on_disk"], &thread["resident_size"]], ["", "-1", ""], "{thread:?}");
    }
}

#[test]
fn one_process_can_be_asked_for_and_joined() {
    assert_eq!(column("SELECT pid FROM processes WHERE pid = 1"), ["1"]);
    assert_eq!(column("SELECT pid FROM processes WHERE pid IN (1, 1, 99999999)"), ["1"]);
    assert_eq!(rows("SELECT * FROM processes WHERE pid = 'init'"), vec![]);
    assert_eq!(rows("SELECT * FROM processes WHERE pid = -1"), vec![]);
    let own = std::process::id();
    let sql = format!(
        "SELECT parent.pid AS pid FROM processes p JOIN processes parent ON p.parent = parent.pid WHERE p.pid = {own}"
    );
    let parent = pairs(&fs::read_to_string("/proc/self/status").unwrap(), ':')["PPid"].clone();
    assert_eq!(column(&sql), [parent]);
}

#[test]
fn states_are_letters() {
    let states: BTreeMap<String, ()> =
        column("SELECT DISTINCT state FROM processes").into_iter().map(|s| (s, ())).collect();
    assert!(states.keys().all(|state| "RSDZTtWXxKPI".contains(state.as_str())), "{states:?}");
}
