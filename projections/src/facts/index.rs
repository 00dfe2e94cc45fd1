//! What lists search, sort and filter by, drawn from all sections of a host.
//!
//! Sections of one host need not come in the order of their times: the operating system of ten o'clock may be in the log
//! behind the name of five past ten. So a report sets its columns in every row from its time on, and cuts the row that
//! its time lies in.

use std::collections::{BTreeMap, BTreeSet};

use domain::records::{Report, Section};
use domain::{HostId, Timestamp};
use infra_stores::{Row, Statement, StoreError, Value, Write};

use super::Touched;
use crate::tables::HOST_INDEX;

/// Characters of a text that are kept: all that is sorted by, and as much as every engine can index.
const KEPT: usize = 255;

/// A text as it is compared: in lower case, and not longer than an index takes.
pub(crate) fn key(text: &str) -> String {
    text.to_lowercase().chars().take(KEPT).collect()
}

/// The columns of a row.
#[derive(Clone, Debug, Default, PartialEq)]
struct Columns {
    hostname: String,
    computer_name: String,
    uuid: String,
    hardware_serial: String,
    osquery_version: String,
    platform: String,
    os_version: String,
    os_name: String,
    os_number: String,
    cpu_type: String,
    hardware_vendor: String,
    hardware_model: String,
    memory: i64,
    primary_ip: String,
    primary_mac: String,
    public_ip: String,
    disk_available: i64,
    disk_percent: i64,
    disk_total: i64,
    booted_at: i64,
}

impl Columns {
    fn set(&mut self, section: &Section) {
        match section {
            Section::Identity(identity) => {
                self.hostname = key(&identity.hostname);
                self.computer_name = key(&identity.computer_name);
                self.uuid = key(&identity.uuid);
                self.hardware_serial = key(&identity.hardware_serial);
                self.osquery_version = key(&identity.osquery_version);
            }
            Section::Os(os) => {
                self.platform = key(&os.platform);
                self.os_version = key(&os.os_version);
                self.os_name = key(&os.name);
                self.os_number = key(&os.version);
            }
            Section::Hardware(hardware) => {
                self.cpu_type = key(&hardware.cpu_type);
                self.hardware_vendor = key(&hardware.hardware_vendor);
                self.hardware_model = key(&hardware.hardware_model);
                self.memory = hardware.memory;
            }
            Section::Network(network) => {
                self.primary_ip = key(&network.primary_ip);
                self.primary_mac = key(&network.primary_mac);
                self.public_ip = key(&network.public_ip);
            }
            Section::Disks(disks) => {
                self.disk_available = (disks.gigs_disk_space_available * 1024.0).round() as i64;
                self.disk_percent = (disks.percent_disk_space_available * 1000.0).round() as i64;
                self.disk_total = (disks.gigs_total_disk_space * 1024.0).round() as i64;
            }
            Section::Boot(boot) => self.booted_at = boot.booted_at.micros(),
            Section::Intervals(_) | Section::LabelAnswers(_) | Section::Users(_) => {}
        }
    }

    /// Computer name, else hostname, else model and serial.
    fn display_name(&self) -> String {
        match (self.computer_name.as_str(), self.hostname.as_str()) {
            ("", "") if self.hardware_model.is_empty() && self.hardware_serial.is_empty() => String::new(),
            ("", "") => key(&format!("{} ({})", self.hardware_model, self.hardware_serial)),
            ("", hostname) => hostname.to_owned(),
            (computer_name, _) => computer_name.to_owned(),
        }
    }

    fn values(&self, until: Timestamp) -> Vec<Value> {
        let display_name = self.display_name();
        let text = |text: &String| Value::from(text.as_str());
        vec![
            until.into(),
            text(&self.hostname),
            text(&self.computer_name),
            text(&display_name),
            text(&self.uuid),
            text(&self.hardware_serial),
            text(&self.osquery_version),
            text(&self.platform),
            text(&self.os_version),
            text(&self.os_name),
            text(&self.os_number),
            text(&self.cpu_type),
            text(&self.hardware_vendor),
            text(&self.hardware_model),
            self.memory.into(),
            text(&self.primary_ip),
            text(&self.primary_mac),
            text(&self.public_ip),
            self.disk_available.into(),
            self.disk_percent.into(),
            self.disk_total.into(),
            self.booted_at.into(),
        ]
    }

    const SELECT: &str = "SELECT host, since, until, hostname, computer_name, uuid, hardware_serial, osquery_version, \
         platform, os_version, os_name, os_number, cpu_type, hardware_vendor, hardware_model, memory, primary_ip, \
         primary_mac, public_ip, disk_available, disk_percent, disk_total, booted_at FROM host_index";

    fn read(row: &mut Row) -> Result<Columns, StoreError> {
        Ok(Columns {
            hostname: row.take()?,
            computer_name: row.take()?,
            uuid: row.take()?,
            hardware_serial: row.take()?,
            osquery_version: row.take()?,
            platform: row.take()?,
            os_version: row.take()?,
            os_name: row.take()?,
            os_number: row.take()?,
            cpu_type: row.take()?,
            hardware_vendor: row.take()?,
            hardware_model: row.take()?,
            memory: row.take()?,
            primary_ip: row.take()?,
            primary_mac: row.take()?,
            public_ip: row.take()?,
            disk_available: row.take()?,
            disk_percent: row.take()?,
            disk_total: row.take()?,
            booted_at: row.take()?,
        })
    }
}

/// Rows of a batch's hosts that reach into its time, by their beginning; each with its end.
pub(super) struct Indexes {
    rows: BTreeMap<HostId, BTreeMap<Timestamp, (Timestamp, Columns)>>,
    changed: BTreeSet<(HostId, Timestamp)>,
}

impl Indexes {
    pub async fn load(touched: &Touched, version: i64, write: &mut Write) -> Result<Indexes, StoreError> {
        let select = Statement::new(Columns::SELECT).push(" WHERE version = ? AND host IN ").bind(version);
        let select = select.list(touched.hosts.iter().map(|host| host.0)).push(" AND until > ?").bind(touched.earliest);
        let mut rows: BTreeMap<HostId, BTreeMap<_, _>> = BTreeMap::new();
        for mut row in write.fetch(select).await? {
            let (host, since) = (HostId(row.take()?), row.take()?);
            rows.entry(host).or_default().insert(since, (row.take()?, Columns::read(&mut row)?));
        }
        Ok(Indexes { rows, changed: BTreeSet::new() })
    }

    pub fn tell(&mut self, report: &Report) {
        if matches!(report.section, Section::Intervals(_) | Section::LabelAnswers(_) | Section::Users(_)) {
            return;
        }
        let (host, at) = (report.host, report.recorded);
        let rows = self.rows.entry(host).or_default();
        self.changed.extend(cut(rows, at, &report.section).into_iter().map(|since| (host, since)));
        for (since, (_, columns)) in rows.range_mut(at..) {
            let before = columns.clone();
            columns.set(&report.section);
            if *columns != before {
                self.changed.insert((host, *since));
            }
        }
    }

    pub fn save(self, version: i64, write: &mut Write) {
        for (host, since) in self.changed {
            if let Some((until, columns)) = self.rows.get(&host).and_then(|rows| rows.get(&since)) {
                let key: Vec<Value> = vec![host.0.into(), since.into(), version.into()];
                write.put(&HOST_INDEX, key, columns.values(*until));
            }
        }
    }
}

/// Has a row begin at `at` if the section says something new there; returns the beginnings of the rows that changed.
fn cut(rows: &mut BTreeMap<Timestamp, (Timestamp, Columns)>, at: Timestamp, section: &Section) -> Vec<Timestamp> {
    let Some((since, (until, before))) = rows.range_mut(..=at).next_back() else {
        // Nothing was known at this time: up to the next row, or for ever.
        let until = rows.keys().next().copied().unwrap_or(Timestamp::FOREVER);
        rows.insert(at, (until, Columns::default()));
        return vec![at];
    };
    let since = *since;
    let mut after = before.clone();
    after.set(section);
    if since == at || after == *before {
        return vec![];
    }
    let end = std::mem::replace(until, at);
    rows.insert(at, (end, after));
    vec![since, at]
}
