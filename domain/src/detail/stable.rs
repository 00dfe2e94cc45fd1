//! Facts that stand still until somebody changes them.

use super::cells::{Cells, kept, set, whole};
use crate::records::{Address, Hardware, Identity, Intervals, Network, Os, User, Users};

/// How many addresses of a host are kept.
const MOST_ADDRESSES: usize = 256;

pub fn os_version(os: &mut Os, row: &impl Cells) -> Option<()> {
    set(&mut os.platform, row, "platform");
    set(&mut os.platform_like, row, "platform_like");
    set(&mut os.code_name, row, "codename");
    set(&mut os.build, row, "build");
    // The text of Windows comes from its registry, not from this row.
    if os.platform != "windows"
        && let (Some(name), Some(version)) = (row.cell("name"), version(row, &os.platform))
    {
        os.os_version = kept(&format!("{} {version}", name.trim()));
    }
    Some(())
}

pub fn os_unix_like(os: &mut Os, row: &impl Cells) -> Option<()> {
    set(&mut os.name, row, "name");
    set(&mut os.arch, row, "arch");
    set(&mut os.kernel_version, row, "kernel_version");
    let platform = row.cell("platform").unwrap_or(&os.platform).to_owned();
    if let Some(version) = version(row, &platform) {
        os.version = version;
    }
    Some(())
}

/// The version that people read: Ubuntu's own text without the code name; of others `major.minor.patch`, or the build
/// where those are all zero, and what follows it (`(a)` of a rapid response). `None` when a column that it needs is missing.
fn version(row: &impl Cells, platform: &str) -> Option<String> {
    if platform == "ubuntu" || row.cell("name").is_some_and(|name| name.starts_with("Ubuntu")) {
        let text = row.cell("version")?;
        return Some(kept(text.split('(').next().unwrap_or_default()));
    }
    let numbers = [row.cell("major")?.trim(), row.cell("minor")?.trim(), row.cell("patch")?.trim()];
    let rolling = numbers.iter().all(|number| matches!(*number, "" | "0"));
    let mut text = if rolling { row.cell("build")?.to_owned() } else { numbers.map(or_zero).join(".") };
    if let Some(extra) = row.cell("extra").map(str::trim).filter(|extra| !extra.is_empty()) {
        text = format!("{text} {extra}");
    }
    Some(kept(&text))
}

fn or_zero(number: &str) -> &str {
    if number.is_empty() { "0" } else { number }
}

pub fn osquery_info(identity: &mut Identity, row: &impl Cells) -> Option<()> {
    set(&mut identity.osquery_version, row, "version");
    Some(())
}

pub fn system_info(identity: &mut Identity, row: &impl Cells) -> Option<()> {
    set(&mut identity.hostname, row, "hostname");
    set(&mut identity.computer_name, row, "computer_name");
    set(&mut identity.uuid, row, "uuid");
    match row.cell("hardware_serial").map(kept) {
        None => {}
        Some(serial) if serial == "-1" => {}
        Some(serial) if is_placeholder(&serial) => identity.hardware_serial.clear(),
        Some(serial) => identity.hardware_serial = serial,
    }
    Some(())
}

/// What makers write where they should have put a number: `Default string`, `System Serial Number`.
fn is_placeholder(serial: &str) -> bool {
    let serial = serial.to_lowercase();
    ["default", "serial", "string"].iter().any(|word| serial.contains(word))
}

pub fn hardware(hardware: &mut Hardware, row: &impl Cells) -> Option<()> {
    let number = |field: &mut i64, column: &str| {
        let reported = whole(row, column).ok()?;
        *field = reported.unwrap_or(*field);
        Some(())
    };
    number(&mut hardware.cpu_physical_cores, "cpu_physical_cores")?;
    number(&mut hardware.cpu_logical_cores, "cpu_logical_cores")?;
    number(&mut hardware.memory, "physical_memory")?;
    set(&mut hardware.cpu_type, row, "cpu_type");
    set(&mut hardware.cpu_subtype, row, "cpu_subtype");
    set(&mut hardware.cpu_brand, row, "cpu_brand");
    set(&mut hardware.hardware_vendor, row, "hardware_vendor");
    set(&mut hardware.hardware_model, row, "hardware_model");
    set(&mut hardware.hardware_version, row, "hardware_version");
    Some(())
}

/// Flags by name. `config_tls_refresh` counts before its newer name, even when it is 0.
pub fn osquery_flags(intervals: &mut Intervals, rows: &[impl Cells]) -> Option<()> {
    let flag = |name: &str| {
        let row = rows.iter().find(|row| row.cell("name") == Some(name));
        row.map_or(Ok(None), |row| whole(row, "value")).ok()?.map(u32::try_from).transpose().ok()
    };
    let refresh = match flag("config_tls_refresh")? {
        None => flag("config_refresh")?,
        found => found,
    };
    let (distributed, logger) = (flag("distributed_interval")?, flag("logger_tls_period")?);
    intervals.distributed_interval = distributed.unwrap_or(intervals.distributed_interval);
    intervals.config_tls_refresh = refresh.unwrap_or(intervals.config_tls_refresh);
    intervals.logger_tls_period = logger.unwrap_or(intervals.logger_tls_period);
    Some(())
}

/// The public address is where the request came from, whether or not the host found a primary interface.
pub fn primary_interface(network: &mut Network, row: Option<&impl Cells>, public_ip: &str) -> Option<()> {
    if let Some(row) = row {
        set(&mut network.primary_ip, row, "address");
        set(&mut network.primary_mac, row, "mac");
    }
    if !public_ip.is_empty() {
        network.public_ip = public_ip.to_owned();
    }
    Some(())
}

/// All addresses, sorted.
pub fn addresses(network: &mut Network, rows: &[impl Cells]) {
    let text = |row: &_, column: &str| Cells::cell(row, column).map(kept).unwrap_or_default();
    let address =
        |row| Address { interface: text(row, "interface"), address: text(row, "address"), mac: text(row, "mac") };
    let mut addresses: Vec<Address> = rows.iter().map(address).filter(|one| !one.address.is_empty()).collect();
    addresses.sort();
    addresses.dedup();
    addresses.truncate(MOST_ADDRESSES);
    network.addresses = addresses;
}

/// All users, of at least one. A host without any cannot have been asked right: no rows say nothing.
pub fn users(rows: &[impl Cells]) -> Option<Users> {
    let text = |row: &_, column: &str| Cells::cell(row, column).map(kept).unwrap_or_default();
    let mut users = Vec::with_capacity(rows.len());
    for row in rows {
        let (username, uid) = (text(row, "username"), whole(row, "uid").ok()?);
        let Some(uid) = uid.filter(|_| !username.is_empty()) else { continue };
        let (kind, groupname, shell) = (text(row, "type"), text(row, "groupname"), text(row, "shell"));
        users.push(User { username, uid, kind, groupname, shell });
    }
    (!users.is_empty()).then(|| Users::new(users))
}

/// For a host that cannot tell its routes: an address of a real interface, IPv4 before IPv6.
pub fn likely_interface(network: &mut Network, public_ip: &str) -> Option<()> {
    let made = |one: &Address| {
        ["docker", "br-", "veth", "virbr", "cni", "lo"].iter().any(|name| one.interface.starts_with(name))
    };
    if let Some(one) = network.addresses.iter().min_by_key(|one| (made(one), one.address.contains(':'))).cloned() {
        network.primary_ip = one.address;
        network.primary_mac = one.mac;
    }
    if !public_ip.is_empty() {
        network.public_ip = public_ip.to_owned();
    }
    Some(())
}
