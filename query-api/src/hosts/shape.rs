//! `Host` and `HostDetail` of rest-api §9.3, put together from what the ledger, the views and presence know.

use std::time::Duration;

use domain::records::{Address, Boot, Disks, Hardware, Identity, Intervals, Network, Os, User};
use domain::{HostId, TeamId, Timestamp};
use infra_http::shape::time;
use projections::read::HostUsers;
use serde_json::{Map, Value, json};

use crate::presence::Calls;

/// "Never", for the times of a host's reports that clients expect as a time.
const NEVER: Timestamp = Timestamp::from_secs(86_400);

/// Everything that is known of a host at one time. Sections that were not reported are empty.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub id: u32,
    pub team: Option<(TeamId, String)>,
    pub created_at: Timestamp,
    pub last_enrolled_at: Timestamp,
    pub updated_at: Timestamp,
    pub identity: Identity,
    pub os: Os,
    pub hardware: Hardware,
    pub network: Network,
    pub disks: Disks,
    pub boot: Option<Boot>,
    pub intervals: Intervals,
    pub calls: Calls,
    pub online: bool,
    /// The time that is shown, if it is not now: presence is not known of the past.
    pub past: Option<Timestamp>,
}

impl Facts {
    /// Computer name, else hostname, else model and serial.
    pub fn display_name(&self) -> String {
        display_name(&self.identity, &self.hardware)
    }

    /// Last call, or the enrolment.
    pub fn seen(&self) -> Timestamp {
        self.calls.seen.max(self.last_enrolled_at)
    }
}

/// Computer name, else hostname, else model and serial.
pub fn display_name(identity: &Identity, hardware: &Hardware) -> String {
    match (identity.computer_name.as_str(), identity.hostname.as_str()) {
        ("", "") if hardware.hardware_model.is_empty() && identity.hardware_serial.is_empty() => String::new(),
        ("", "") => format!("{} ({})", hardware.hardware_model, identity.hardware_serial),
        ("", hostname) => hostname.to_owned(),
        (computer_name, _) => computer_name.to_owned(),
    }
}

/// A host as it stands in lists.
pub fn host(facts: &Facts) -> Map<String, Value> {
    let (id, os, hw) = (&facts.identity, &facts.os, &facts.hardware);
    let or_never = |at: Timestamp| time(if at == Timestamp::EPOCH { NEVER } else { at });
    let booted = facts.boot.as_ref().map(|boot| boot.booted_at).filter(|at| *at > Timestamp::EPOCH);
    let uptime = booted.map_or(Duration::ZERO, |booted| facts.past.unwrap_or(facts.seen()).since(booted));
    let present = |value: Value| if facts.past.is_some() { Value::Null } else { value };
    let mut shown = json!({
        "created_at": time(facts.created_at),
        "updated_at": time(facts.updated_at.max(facts.created_at)),
        "id": HostId(facts.id),
        "detail_updated_at": present(or_never(facts.calls.detailed)),
        "label_updated_at": present(or_never(facts.calls.labelled)),
        "policy_updated_at": or_never(Timestamp::EPOCH),
        "last_enrolled_at": time(facts.last_enrolled_at),
        "seen_time": present(time(facts.seen())),
        "refetch_requested": present(facts.calls.refetch_wished().into()),
        "hostname": id.hostname,
        "uuid": id.uuid,
        "platform": os.platform,
        "osquery_version": id.osquery_version,
        "orbit_version": null,
        "fleet_desktop_version": null,
        "scripts_enabled": null,
        "os_version": os.os_version,
        "build": os.build,
        "platform_like": os.platform_like,
        "code_name": os.code_name,
        "uptime": u64::try_from(uptime.as_nanos()).unwrap_or(u64::MAX),
        "memory": hw.memory,
        "cpu_type": hw.cpu_type,
        "cpu_subtype": hw.cpu_subtype,
        "cpu_brand": hw.cpu_brand,
        "cpu_physical_cores": hw.cpu_physical_cores,
        "cpu_logical_cores": hw.cpu_logical_cores,
        "hardware_vendor": hw.hardware_vendor,
        "hardware_model": hw.hardware_model,
        "hardware_version": hw.hardware_version,
        "hardware_serial": id.hardware_serial
    });
    let rest = json!({
        "computer_name": id.computer_name,
        "public_ip": facts.network.public_ip,
        "primary_ip": facts.network.primary_ip,
        "primary_mac": facts.network.primary_mac,
        "distributed_interval": facts.intervals.distributed_interval,
        "config_tls_refresh": facts.intervals.config_tls_refresh,
        "logger_tls_period": facts.intervals.logger_tls_period,
        "team_id": facts.team.as_ref().map(|(id, _)| id),
        "team_name": facts.team.as_ref().map(|(_, name)| name),
        "pack_stats": null,
        "gigs_disk_space_available": facts.disks.gigs_disk_space_available,
        "percent_disk_space_available": facts.disks.percent_disk_space_available,
        "gigs_total_disk_space": facts.disks.gigs_total_disk_space,
        "issues": {"failing_policies_count": 0, "total_issues_count": 0},
        "mdm": {
            "enrollment_status": null, "dep_profile_error": false, "server_url": null, "name": "",
            "encryption_key_available": false, "connected_to_fleet": null
        },
        "refetch_critical_queries_until": null,
        "last_restarted_at": booted.map_or_else(|| json!("0001-01-01T00:00:00Z"), time),
        "software_updated_at": time(facts.created_at),
        "status": present(if facts.online { "online" } else { "offline" }.into()),
        "display_text": id.hostname,
        "display_name": facts.display_name(),
    });
    if let (Value::Object(shown), Value::Object(rest)) = (&mut shown, rest) {
        shown.extend(rest);
    }
    match shown {
        Value::Object(shown) => shown,
        _ => unreachable!("an object was written down"),
    }
}

/// The users of a host as members of its shape: `users`, and `users_left_out` where a host has more than are kept.
pub fn users(told: &HostUsers) -> Map<String, Value> {
    let user = |user: &User| {
        let User { username, uid, kind, groupname, shell } = user;
        json!({"uid": uid, "username": username, "type": kind, "groupname": groupname, "shell": shell})
    };
    let mut shown = Map::new();
    shown.insert("users".to_owned(), told.users.iter().map(user).collect());
    if told.left_out > 0 {
        shown.insert("users_left_out".to_owned(), told.left_out.into());
    }
    shown
}

/// A host with what only its own page shows. `labels` are shapes without counts; `users` are absent until there are some.
///
/// `addresses` is ours, Fleet's shape has no place for it: every address that others can reach the host by, as
/// `{interface, address, mac}`.
pub fn detail(facts: &Facts, labels: Vec<Value>, users: Option<&HostUsers>) -> Value {
    let mut shown = host(facts);
    shown.extend(users.map(self::users).unwrap_or_default());
    let rest = [
        ("labels", Value::from(labels)),
        ("addresses", facts.network.addresses.iter().map(address).collect()),
        ("packs", json!([])),
        ("policies", json!([])),
        ("batteries", Value::Null),
        ("last_mdm_enrolled_at", Value::Null),
        ("last_mdm_checked_in_at", Value::Null),
    ];
    shown.extend(rest.map(|(name, value)| (name.to_owned(), value)));
    if let Some(Value::Object(mdm)) = shown.get_mut("mdm") {
        mdm.extend([
            ("device_status".to_owned(), json!("unlocked")),
            ("pending_action".to_owned(), json!("")),
            ("profiles".to_owned(), Value::Null),
        ]);
    }
    Value::Object(shown)
}

fn address(address: &Address) -> Value {
    json!({"interface": address.interface, "address": address.address, "mac": address.mac})
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;
    use domain::records::{Boot, Hardware, Identity};

    use super::{Facts, host};

    #[test]
    fn a_host_that_only_enrolled_has_never_reported() {
        let at = Timestamp::parse_rfc3339("2026-01-02T03:04:05Z").unwrap();
        let shown = host(&Facts { id: 7, created_at: at, last_enrolled_at: at, ..Facts::default() });
        assert_eq!(shown["detail_updated_at"], "1970-01-02T00:00:00Z");
        assert_eq!(shown["last_restarted_at"], "0001-01-01T00:00:00Z");
        assert_eq!(shown["seen_time"], "2026-01-02T03:04:05Z");
        assert_eq!((&shown["status"], &shown["id"]), (&"offline".into(), &7.into()));
    }

    #[test]
    fn uptime_is_nanoseconds_from_the_boot_to_the_last_call() {
        let boot = Some(Boot { booted_at: Timestamp::from_secs(1_000) });
        let facts = Facts { boot, last_enrolled_at: Timestamp::from_secs(1_060), ..Facts::default() };
        assert_eq!(host(&facts)["uptime"], 60_000_000_000_u64);
    }

    #[test]
    fn a_host_is_called_by_its_computer_name_then_hostname_then_model() {
        let named = |computer: &str, hostname: &str| {
            let identity = Identity {
                computer_name: computer.into(),
                hostname: hostname.into(),
                hardware_serial: "S1".into(),
                ..Identity::default()
            };
            let hardware = Hardware { hardware_model: "X1".into(), ..Hardware::default() };
            Facts { identity, hardware, ..Facts::default() }.display_name()
        };
        assert_eq!(named("desk", "web-01"), "desk");
        assert_eq!(named("", "web-01"), "web-01");
        assert_eq!(named("", ""), "X1 (S1)");
    }
}
