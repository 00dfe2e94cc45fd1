//! The tables about the machine itself against uname(1), /proc, findmnt(8) and the like.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{pairs, row, rows, run, steady, tuples};

#[test]
fn os_version_is_that_of_os_release() {
    let release = pairs(&fs::read_to_string("/etc/os-release").unwrap(), '=');
    let ours = row("SELECT * FROM os_version");
    let said = |key: &str| release.get(key).cloned().unwrap_or_default();
    assert_eq!(&ours["name"], said("NAME"));
    assert_eq!(&ours["version"], said("VERSION"));
    assert_eq!(&ours["platform"], said("ID"));
    assert_eq!(&ours["platform_like"], said("ID_LIKE"));
    assert_eq!(&ours["codename"], said("VERSION_CODENAME"));
    let mut parts = said("VERSION_ID").split('.').map(str::to_string).collect::<Vec<_>>();
    parts.resize(3, "0".into());
    assert_eq!([&ours["major"], &ours["minor"], &ours["patch"]], parts[..]);
    assert_eq!(&ours["arch"], run("uname", &["-m"]).trim());
}

#[test]
fn the_kernel_is_that_of_uname() {
    let ours = row("SELECT * FROM kernel_info");
    assert_eq!(&ours["version"], run("uname", &["-r"]).trim());
    let line = fs::read_to_string("/proc/cmdline").unwrap();
    for word in line.split_whitespace() {
        let found = match word.split_once('=') {
            Some(("BOOT_IMAGE", path)) => ours["path"] == *path,
            Some(("root", device)) => ours["device"] == *device,
            _ => ours["arguments"].split(' ').any(|argument| argument == word),
        };
        assert!(found, "{word} in {ours:?}");
    }
}

#[test]
fn the_system_is_as_lscpu_and_proc_describe_it() {
    let ours = row("SELECT * FROM system_info");
    assert_eq!(&ours["computer_name"], run("uname", &["-n"]).trim());
    let full_name = std::process::Command::new("hostname").arg("-f").output().unwrap();
    if full_name.status.success() {
        assert_eq!(&ours["hostname"], String::from_utf8(full_name.stdout).unwrap().trim());
    }
    assert_eq!(&ours["cpu_type"], run("uname", &["-m"]).trim());
    assert_eq!(&ours["cpu_logical_cores"], run("nproc", &["--all"]).trim());
    let table = run("lscpu", &["-p=CPU,CORE,SOCKET"]);
    let column = |n: usize| {
        let cells = table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(',').nth(n).unwrap());
        cells.collect::<std::collections::BTreeSet<_>>().len().to_string()
    };
    assert_eq!(
        [&ours["cpu_logical_cores"], &ours["cpu_physical_cores"], &ours["cpu_sockets"]],
        [column(0), column(1), column(2)]
    );
    let cpu = pairs(&fs::read_to_string("/proc/cpuinfo").unwrap(), ':');
    assert_eq!(&ours["cpu_brand"], cpu.get("model name").cloned().unwrap_or_default());
    let memory = pairs(&fs::read_to_string("/proc/meminfo").unwrap(), ':');
    let total = memory["MemTotal"].trim_end_matches(" kB").parse::<u64>().unwrap() * 1024;
    assert_eq!(&ours["physical_memory"], total.to_string());
    for (column, file) in
        [("board_vendor", "board_vendor"), ("hardware_serial", "product_serial"), ("board_model", "board_name")]
    {
        let said = fs::read_to_string(format!("/sys/class/dmi/id/{file}")).unwrap_or_default();
        assert_eq!(&ours[column], said.trim());
    }
}

#[test]
fn uptime_is_that_of_proc() {
    let seconds = || {
        let text = fs::read_to_string("/proc/uptime").unwrap();
        text.split('.').next().unwrap().parse::<i64>().unwrap()
    };
    let before = seconds();
    let ours = row("SELECT *, ((days * 24 + hours) * 60 + minutes) * 60 + seconds AS sum FROM uptime");
    let after = seconds();
    let total: i64 = ours["total_seconds"].parse().unwrap();
    assert!((before..=after).contains(&total), "{before} {total} {after}");
    assert_eq!(&ours["sum"], &ours["total_seconds"]);
}

#[test]
fn the_time_is_the_clocks() {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let before = now();
    let ours = row("SELECT *, date_time FROM time");
    let unix: i64 = ours["unix_time"].parse().unwrap();
    assert!((before..=now()).contains(&unix));
    let at = format!("@{unix}");
    let date = |format: &str| run("date", &["-u", "-d", &at, format]).trim().to_string();
    assert_eq!(&ours["datetime"], date("+%Y-%m-%dT%H:%M:%SZ"));
    assert_eq!(&ours["iso_8601"], &ours["datetime"]);
    assert_eq!(&ours["date_time"], &ours["datetime"], "the alias");
    assert_eq!(&ours["timestamp"], date("+%a %b %e %H:%M:%S %Y UTC"));
    assert_eq!(&ours["weekday"], date("+%A"));
    let parts = ["year", "month", "day", "hour", "minutes", "seconds"].map(|part| ours[part].to_string());
    assert_eq!(parts.join(" "), date("+%Y %-m %-d %-H %-M %-S"));
    assert_eq!(&ours["local_timezone"], run("date", &["-d", &at, "+%Z"]).trim());
}

#[test]
fn mounts_are_those_of_findmnt() {
    let text = run("findmnt", &["--noheadings", "--raw", "-o", "SOURCE,TARGET,FSTYPE"]);
    let ours = tuples("SELECT path, type FROM mounts");
    let mut expected: Vec<Vec<String>> = text
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            vec![fields[fields.len() - 2].to_string(), fields[fields.len() - 1].to_string()]
        })
        .collect();
    expected.sort();
    assert_eq!(ours, expected);
    let lines = fs::read_to_string("/proc/self/mounts").unwrap();
    let mut expected: Vec<Vec<String>> = lines
        .lines()
        .filter(|line| !line.contains('\\'))
        .map(|line| line.split(' ').take(4).map(str::to_string).collect())
        .collect();
    expected.sort();
    let ours = tuples("SELECT device, path, type, flags FROM mounts");
    let missing: Vec<_> = expected.iter().filter(|line| !ours.contains(line)).collect();
    assert_eq!(missing, Vec::<&Vec<String>>::new());
}

/// Files are written while tests run, so free space is looked at until it holds still.
#[test]
fn the_space_of_the_root_is_that_of_stat() {
    let sql = "SELECT blocks_size, blocks, blocks_free, blocks_available, inodes, inodes_free FROM mounts WHERE path = '/' LIMIT 1";
    let (ours, said) = steady(|| row(sql).into_values(), || run("stat", &["-f", "-c", "%s %b %f %a %c %d", "/"]));
    assert_eq!(ours, said.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn block_devices_are_those_of_sysfs() {
    let mut expected: Vec<Vec<String>> = fs::read_dir("/sys/class/block")
        .unwrap()
        .map(|entry| vec![format!("/dev/{}", entry.unwrap().file_name().to_str().unwrap().replace('!', "/"))])
        .collect();
    expected.sort();
    assert_eq!(tuples("SELECT name FROM disk_encryption"), expected);
    for device in expected.first().into_iter().flatten() {
        let sql = format!("SELECT encrypted, encryption_status FROM disk_encryption WHERE name = '{device}'");
        let status = row(&sql);
        let expected = if &status["encrypted"] == "1" { "encrypted" } else { "not encrypted" };
        assert_eq!(&status["encryption_status"], expected);
    }
}

#[test]
fn the_firmware_is_that_of_sysfs() {
    let said =
        |name: &str| fs::read_to_string(format!("/sys/class/dmi/id/{name}")).unwrap_or_default().trim().to_string();
    match rows("SELECT vendor, version, date FROM platform_info").as_slice() {
        [] => assert_eq!(said("bios_vendor"), ""),
        [ours] => assert_eq!(ours.values(), [said("bios_vendor"), said("bios_version"), said("bios_date")]),
        more => panic!("{more:?}"),
    }
}
