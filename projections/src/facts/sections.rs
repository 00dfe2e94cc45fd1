//! The sections of hosts.

use std::collections::BTreeMap;

use domain::records::Report;
use domain::{HostId, Timestamp};
use infra_stores::{Statement, StoreError, Value, Write};

use super::Touched;
use crate::tables::HOST_SECTION;

/// What a report says to what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It is older than the newest of its host and section.
    Late,
    /// The state is as it was.
    Known,
    News,
}

/// The open rows of a batch's hosts and sections, by the places of these, and the rows that it changed.
pub(super) struct Sections {
    open: BTreeMap<(HostId, String), Open>,
    changed: BTreeMap<(HostId, String, Timestamp), (Timestamp, Open)>,
}

#[derive(Clone, Debug)]
struct Open {
    since: Timestamp,
    /// The time of the newest report, which may have said the same again.
    reported: Timestamp,
    data: String,
}

impl Sections {
    pub async fn load(touched: &Touched, version: i64, write: &mut Write) -> Result<Sections, StoreError> {
        let rows = Statement::new(
            "SELECT host, section, since, reported, data FROM host_section WHERE version = ? AND until = ? AND host IN ",
        );
        let rows = rows.bind(version).bind(Timestamp::FOREVER).list(touched.hosts.iter().map(|host| host.0));
        let rows = rows.push(" AND section IN ").list(touched.sections.iter().copied());
        let mut open = BTreeMap::new();
        for mut row in write.fetch(rows).await? {
            let key = (HostId(row.take()?), row.take()?);
            open.insert(key, Open { since: row.take()?, reported: row.take()?, data: row.take()? });
        }
        Ok(Sections { open, changed: BTreeMap::new() })
    }

    pub fn tell(&mut self, report: &Report) -> Told {
        let section = report.section.slot().to_owned();
        let data = report.section.to_json().to_string();
        let at = report.recorded;
        let next = Open { since: at, reported: at, data };
        let Some(open) = self.open.get_mut(&(report.host, section.clone())) else {
            self.open.insert((report.host, section.clone()), next.clone());
            self.change(report.host, section, Timestamp::FOREVER, next);
            return Told::News;
        };
        if at < open.reported {
            return Told::Late;
        }
        if open.data == next.data {
            if open.reported < at {
                open.reported = at;
                let open = open.clone();
                self.change(report.host, section, Timestamp::FOREVER, open);
            }
            return Told::Known;
        }
        let before = std::mem::replace(open, next.clone());
        if before.since < at {
            self.change(report.host, section.clone(), at, before);
        }
        self.change(report.host, section, Timestamp::FOREVER, next);
        Told::News
    }

    fn change(&mut self, host: HostId, section: String, until: Timestamp, row: Open) {
        self.changed.insert((host, section, row.since), (until, row));
    }

    pub fn save(self, version: i64, write: &mut Write) {
        for ((host, section, since), (until, row)) in self.changed {
            let key: Vec<Value> = vec![host.0.into(), section.into(), since.into(), version.into()];
            write.put(&HOST_SECTION, key, vec![until.into(), row.reported.into(), row.data.into()]);
        }
    }
}
