//! What hosts are asked about themselves, and how their answers become sections.
//!
//! An answer is merged into what is known: a column that is missing leaves the stored value, a query that failed or gave
//! anything but one row where one belongs changes nothing, and text where a number belongs drops that query alone.
//! The result is each touched section's whole new state. Whether it is news is the Registry's question, by its hash;
//! values that never stand still are settled here, so that their small moves are no news.

mod cells;
mod query;
mod stable;
mod volatile;

use std::collections::BTreeMap;

use crate::Timestamp;
use crate::records::{Boot, Disks, Hardware, Identity, Intervals, Network, Os, Section};

pub use cells::Cells;
pub use query::{ALL, PREFIX, Query, family, feature, for_platform};

/// The newest state of a host's sections; what was never reported is absent.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub identity: Option<Identity>,
    pub os: Option<Os>,
    pub hardware: Option<Hardware>,
    pub network: Option<Network>,
    /// With the time of the report.
    pub disks: Option<(Disks, Timestamp)>,
    pub boot: Option<Boot>,
    pub intervals: Option<Intervals>,
}

/// What one query gave, under its name without the prefix.
pub struct Answer<'a, R> {
    pub name: &'a str,
    pub rows: &'a [R],
    pub failed: bool,
}

/// What came out of a write.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ingested {
    /// The whole new state of every section that an answer spoke of, changed or not.
    pub sections: Vec<Section>,
    /// At least one detail query was answered, if only with no rows.
    pub detailed: bool,
}

/// Merges answers into what is known. `public_ip` is where the request came from; `now` is when it arrived.
///
/// Answers of unknown names are passed over.
pub fn ingest<R: Cells>(known: &Known, answers: &[Answer<'_, R>], public_ip: &str, now: Timestamp) -> Ingested {
    let mut merge = Merge { known, touched: BTreeMap::new() };
    let mut detailed = false;
    let tells_routes = answers.iter().any(|answer| answer.name == "network_interface_unix" && !answer.failed);
    for answer in answers.iter().filter(|answer| !answer.failed) {
        detailed |= ALL.iter().any(|query| query.name == answer.name);
        // An answer that says nothing leaves everything as it was.
        let _ = merge.answer(answer, Request { public_ip, now, tells_routes });
    }
    Ingested { sections: merge.touched.into_values().collect(), detailed }
}

/// What a write says besides its rows.
#[derive(Clone, Copy)]
struct Request<'a> {
    public_ip: &'a str,
    now: Timestamp,
    /// The host has a table of routes, so it knows its primary interface.
    tells_routes: bool,
}

/// Sections in the making, by name.
struct Merge<'a> {
    known: &'a Known,
    touched: BTreeMap<&'static str, Section>,
}

macro_rules! merged {
    ($($field:ident: $section:ident;)*) => {$(
        /// Changes a copy of the section; `None` from `change` leaves everything as it was.
        fn $field(&mut self, change: impl FnOnce(&mut $section) -> Option<()>) -> Option<()> {
            let name = stringify!($field);
            let mut state = match self.touched.get(name) {
                Some(Section::$section(state)) => state.clone(),
                _ => self.known.$field.clone().unwrap_or_default(),
            };
            change(&mut state)?;
            self.touched.insert(name, state.into());
            Some(())
        }
    )*};
}

impl Merge<'_> {
    merged! {
        identity: Identity;
        os: Os;
        hardware: Hardware;
        network: Network;
        intervals: Intervals;
    }

    fn answer<R: Cells>(&mut self, answer: &Answer<'_, R>, request: Request<'_>) -> Option<()> {
        let one = only(answer.rows);
        match answer.name {
            "os_version" => self.os(|os| stable::os_version(os, one?)),
            "os_unix_like" => self.os(|os| stable::os_unix_like(os, one?)),
            "osquery_info" => self.identity(|identity| stable::osquery_info(identity, one?)),
            "system_info" => {
                self.hardware(|hardware| stable::hardware(hardware, one?))?;
                self.identity(|identity| stable::system_info(identity, one?))
            }
            "osquery_flags" => self.intervals(|intervals| stable::osquery_flags(intervals, answer.rows)),
            "network_interface_unix" => {
                self.network(|network| stable::primary_interface(network, one, request.public_ip))
            }
            "network_addresses_unix" => self.network(|network| {
                stable::addresses(network, answer.rows);
                if request.tells_routes { Some(()) } else { stable::likely_interface(network, request.public_ip) }
            }),
            "disk_space_unix" => self.disks(one?, request.now),
            "uptime" => self.boot(one?, request.now),
            "users" => self.users(answer.rows),
            _ => None,
        }
    }

    /// The list as a whole is what is known: nothing of the old one is looked at.
    fn users(&mut self, rows: &[impl Cells]) -> Option<()> {
        self.touched.insert("users", stable::users(rows)?.into());
        Some(())
    }

    fn disks(&mut self, row: &impl Cells, now: Timestamp) -> Option<()> {
        let held = self.known.disks.as_ref();
        let reported = volatile::disks(held.map(|(disks, _)| disks), row)?;
        let settled = match held {
            Some((held, since)) => volatile::settle_disks(held, *since, reported, now),
            None => reported,
        };
        self.touched.insert("disks", settled.into());
        Some(())
    }

    fn boot(&mut self, row: &impl Cells, now: Timestamp) -> Option<()> {
        let reported = volatile::boot(row, now)?;
        let settled = self.known.boot.clone().filter(|held| volatile::same_boot(held, &reported)).unwrap_or(reported);
        self.touched.insert("boot", settled.into());
        Some(())
    }
}

/// The only row, if there is just one.
fn only<R>(rows: &[R]) -> Option<&R> {
    match rows {
        [row] => Some(row),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
