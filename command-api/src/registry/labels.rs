//! Which hosts answered which dynamic labels, as bitmaps.

use std::collections::HashMap;
use std::sync::RwLock;

use domain::label::{ALL_HOSTS, Label, Membership};
use domain::records::LabelAnswers;
use domain::state::State;
use domain::{HostId, LabelId, Members};
use roaring::RoaringBitmap;

use super::Registry;

#[derive(Default)]
pub struct LabelBits(RwLock<HashMap<LabelId, RoaringBitmap>>);

impl LabelBits {
    /// Replaces what a host answered.
    pub fn take(&self, host: HostId, before: &LabelAnswers, after: &LabelAnswers) {
        if before.members == after.members {
            return;
        }
        let mut bits = self.0.write().expect("nothing panics while it holds the labels");
        for left in before.members.difference(&after.members) {
            if let Some(members) = bits.get_mut(left) {
                members.remove(host.0);
            }
        }
        for joined in after.members.difference(&before.members) {
            bits.entry(*joined).or_default().insert(host.0);
        }
    }

    fn has(&self, label: LabelId, host: HostId) -> bool {
        let bits = self.0.read().expect("nothing panics while it holds the labels");
        bits.get(&label).is_some_and(|members| members.contains(host.0))
    }

    fn members(&self, label: LabelId) -> Members {
        let bits = self.0.read().expect("nothing panics while it holds the labels");
        bits.get(&label).cloned().map(Members::from).unwrap_or_default()
    }
}

impl Registry {
    /// The hosts of a label that exist; none of a label that does not.
    pub fn label_members(&self, label: LabelId) -> Members {
        let fold = self.0.state();
        let Some(label) = fold.state.labels.get(label) else { return Members::default() };
        let members = match label.membership {
            _ if is_all_hosts(label) => return fold.state.hosts.existing().clone(),
            Membership::Manual => label.members.clone(),
            Membership::Dynamic => self.0.labels.members(label.id),
        };
        members.and(fold.state.hosts.existing())
    }

    /// Whether the host has the label, as of that state of the ledger.
    pub fn has_label(&self, state: &State, host: HostId, label: LabelId) -> bool {
        state.labels.get(label).is_some_and(|label| match label.membership {
            _ if is_all_hosts(label) => true,
            Membership::Manual => label.members.contains(host),
            Membership::Dynamic => self.0.labels.has(label.id, host),
        })
    }
}

/// Membership of "All Hosts" does not depend on what a host answers.
fn is_all_hosts(label: &Label) -> bool {
    label.builtin && label.name == ALL_HOSTS
}

/// Whether a host of that platform is asked for the label.
pub fn is_asked(label: &Label, platform: &str) -> bool {
    label.membership == Membership::Dynamic
        && !label.query.trim().is_empty()
        && !is_all_hosts(label)
        && (label.platform.is_empty() || label.platform == platform)
}
