//! `processes`, from /proc.

use std::fs;
use std::path::Path;

use procfs::process::{Process, Stat, Status};

use crate::constraint::Scan;
use crate::error::QueryError;
use crate::row::Rows;
use crate::sys;

/// A constraint on pid reads that process alone. A process that ends meanwhile has no row.
pub(super) fn generate(scan: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let boot = procfs::boot_time_secs().ok();
    for process in wanted(scan) {
        if let (Ok(stat), Ok(status)) = (process.stat(), process.status()) {
            add(scan, rows, &process, &stat, &status, boot);
        }
    }
    Ok(())
}

fn wanted(scan: &Scan<'_>) -> Vec<Process> {
    match scan.equal_to("pid") {
        Some(pid) => pid.parse().ok().and_then(|pid| Process::new(pid).ok()).into_iter().collect(),
        None => procfs::process::all_processes().into_iter().flatten().flatten().collect(),
    }
}

fn add(scan: &Scan<'_>, rows: &mut Rows, process: &Process, stat: &Stat, status: &Status, boot: Option<u64>) {
    let at = format!("/proc/{}", process.pid);
    let link = |name: &str| fs::read_link(format!("{at}/{name}")).ok();
    let shown = |name: &str| link(name).map(|to| to.to_string_lossy().into_owned()).unwrap_or_default();
    let (path, on_disk) = executable(shown("exe"));
    let ticks = procfs::ticks_per_second();
    let milliseconds = |time: u64| time * 1000 / ticks;
    // Only root may see what other users' processes have read and written.
    let io = if scan.reads("disk_bytes_read") || scan.reads("disk_bytes_written") { process.io().ok() } else { None };
    rows.add()
        .int("pid", process.pid)
        .text("name", &stat.comm)
        .text("path", path)
        .text("cmdline", command_line(&at))
        .text("state", stat.state.to_string())
        .text("cwd", shown("cwd"))
        .text("root", shown("root"))
        .int("uid", status.ruid)
        .int("gid", status.rgid)
        .int("euid", status.euid)
        .int("egid", status.egid)
        .int("suid", status.suid)
        .int("sgid", status.sgid)
        .int("on_disk", on_disk)
        .int("wired_size", 0)
        .int_opt("resident_size", status.vmrss.map(|kib| kib * 1024))
        .int_opt("total_size", status.vmsize.map(|kib| kib * 1024))
        .int("user_time", milliseconds(stat.utime))
        .int("system_time", milliseconds(stat.stime))
        .int_opt("disk_bytes_read", io.as_ref().map(|io| io.read_bytes))
        .int_opt("disk_bytes_written", io.map(|io| io.write_bytes as i64 - io.cancelled_write_bytes as i64))
        .int("start_time", boot.map_or(-1, |boot| (boot + stat.starttime / ticks) as i64))
        .int("parent", stat.ppid)
        .int("pgroup", stat.pgrp)
        .int("threads", stat.num_threads)
        .int("nice", stat.nice)
        .text("cgroup_path", if scan.reads("cgroup_path") { cgroup(&at) } else { String::new() });
}

/// The path of the executable without the kernel's remark that it is gone, and whether it is there: 1, 0, and -1
/// for a process that has none to be seen.
fn executable(path: String) -> (String, i64) {
    if path.is_empty() {
        return (path, -1);
    }
    if Path::new(&path).exists() {
        return (path, 1);
    }
    (path.strip_suffix(" (deleted)").map(str::to_string).unwrap_or(path), 0)
}

fn command_line(at: &str) -> String {
    sys::text(format!("{at}/cmdline")).replace('\0', " ").trim().to_string()
}

/// The path of the first group that is named.
fn cgroup(at: &str) -> String {
    let text = sys::text(format!("{at}/cgroup"));
    let first = text.lines().next().and_then(|line| line.splitn(3, ':').nth(2));
    first.unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executable_is_there_or_gone_or_unseen() {
        let there = std::env::current_exe().unwrap().to_string_lossy().into_owned();
        assert_eq!(executable(there.clone()), (there, 1));
        assert_eq!(executable("/no/such/program (deleted)".into()), ("/no/such/program".into(), 0));
        assert_eq!(executable(String::new()), (String::new(), -1));
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("name (deleted)");
        fs::write(&odd, "").unwrap();
        let odd = odd.to_string_lossy().into_owned();
        assert_eq!(executable(odd.clone()), (odd, 1), "a file may really be called so");
    }
}
