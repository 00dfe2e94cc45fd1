//! Which hosts are members of which dynamic labels.

use std::collections::{BTreeMap, BTreeSet};

use domain::{HostId, LabelId, Timestamp};
use infra_stores::{Statement, StoreError, Value, Write};

use super::Touched;
use crate::tables::LABEL_HOST;

/// The open memberships of a batch's hosts, and the rows that it changed.
pub(super) struct Memberships {
    open: BTreeMap<HostId, BTreeMap<LabelId, Timestamp>>,
    /// The end of each changed row; none for a row that is gone.
    changed: BTreeMap<(HostId, LabelId, Timestamp), Option<Timestamp>>,
}

impl Memberships {
    pub async fn load(touched: &Touched, version: i64, write: &mut Write) -> Result<Memberships, StoreError> {
        let mut open: BTreeMap<HostId, BTreeMap<LabelId, Timestamp>> = BTreeMap::new();
        if !touched.labelled.is_empty() {
            let rows = Statement::new(
                "SELECT host, label, since FROM label_host WHERE version = ? AND until = ? AND host IN ",
            );
            let rows = rows.bind(version).bind(Timestamp::FOREVER).list(touched.labelled.iter().map(|host| host.0));
            for mut row in write.fetch(rows).await? {
                open.entry(HostId(row.take()?)).or_default().insert(LabelId(row.take()?), row.take()?);
            }
        }
        Ok(Memberships { open, changed: BTreeMap::new() })
    }

    pub fn tell(&mut self, host: HostId, at: Timestamp, members: &BTreeSet<LabelId>) {
        let open = self.open.entry(host).or_default();
        let left: Vec<LabelId> = open.keys().filter(|label| !members.contains(label)).copied().collect();
        for label in left {
            if let Some(since) = open.remove(&label) {
                self.changed.insert((host, label, since), (since < at).then_some(at));
            }
        }
        for label in members {
            if !open.contains_key(label) {
                open.insert(*label, at);
                self.changed.insert((host, *label, at), Some(Timestamp::FOREVER));
            }
        }
    }

    pub fn save(self, version: i64, write: &mut Write) {
        for ((host, label, since), until) in self.changed {
            let key: Vec<Value> = vec![host.0.into(), label.0.into(), since.into(), version.into()];
            match until {
                Some(until) => write.put(&LABEL_HOST, key, vec![until.into()]),
                None => write.delete(&LABEL_HOST, key),
            }
        }
    }
}
