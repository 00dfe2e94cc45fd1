//! What is kept of one host, in less than a kilobyte.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, Weak};

use domain::records::{Intervals, Section};
use domain::{CampaignId, Digest, LabelId, Timestamp};

use super::due::Due;

/// One host. Times of calls are atomic, since every call writes one.
#[derive(Default)]
pub struct Cell {
    /// Last call to this process.
    seen: AtomicI64,
    /// Last call to any process, from the log.
    heard: AtomicI64,
    facts: Mutex<Facts>,
}

#[derive(Default)]
pub struct Facts {
    /// The newest state of each section that was reported.
    pub held: Vec<Held>,
    pub platform: Option<Arc<str>>,
    pub intervals: Intervals,
    pub details: Due,
    pub labels: Due,
    /// Label queries before this one were answered in an earlier portion.
    pub label_from: Option<LabelId>,
    /// The portion that was handed out ended before this one.
    pub label_next: Option<LabelId>,
    pub policies: Due,
    /// The last accepted write of any kind.
    pub wrote: Timestamp,
    /// The newest wish for fresh details.
    pub wished: Timestamp,
    /// The newest live query that the host was offered.
    pub offered: Option<CampaignId>,
}

/// The newest state of a section, or of a part of one, which came back by the fold or was acknowledged.
pub struct Held {
    pub slot: &'static str,
    pub hash: Digest,
    pub recorded: Timestamp,
    /// The canonical JSON; shared by hosts that are alike where many are. Of inventories only the hash is kept.
    pub state: Arc<str>,
}

impl Cell {
    pub fn saw(&self, now: Timestamp) {
        self.seen.fetch_max(now.micros(), Ordering::Relaxed);
    }

    pub fn heard(&self, at: Timestamp) {
        self.heard.fetch_max(at.micros(), Ordering::Relaxed);
    }

    /// Last call to this process.
    pub fn seen_here(&self) -> Timestamp {
        Timestamp::from_micros(self.seen.load(Ordering::Relaxed))
    }

    pub fn seen_at(&self) -> Timestamp {
        self.seen_here().max(Timestamp::from_micros(self.heard.load(Ordering::Relaxed)))
    }

    pub fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().expect("nothing panics while it holds a host")
    }
}

impl Facts {
    pub fn held(&self, slot: &str) -> Option<&Held> {
        self.held.iter().find(|held| held.slot == slot)
    }

    /// The state of a section, read back.
    pub fn section(&self, name: &str) -> Option<Section> {
        let held = self.held(name)?;
        Section::from_json(name, serde_json::from_str(&held.state).ok()?).ok()
    }

    /// Takes a state unless a newer one is held; says whether it was taken.
    pub fn take(&mut self, new: Held) -> bool {
        match self.held.iter_mut().find(|held| held.slot == new.slot) {
            Some(held) if held.recorded > new.recorded => false,
            Some(held) => {
                *held = new;
                true
            }
            None => {
                self.held.push(new);
                true
            }
        }
    }
}

/// Sections in which many hosts are alike, so that one text serves them all.
const ALIKE: [&str; 4] = ["os", "hardware", "intervals", "labels"];

/// Texts that hosts share.
#[derive(Default)]
pub struct Shared {
    texts: RwLock<HashMap<Arc<str>, ()>>,
    states: RwLock<HashMap<Digest, Weak<str>>>,
}

impl Shared {
    /// One copy of a text of which there are few: a platform.
    pub fn text(&self, text: &str) -> Arc<str> {
        let known = self
            .texts
            .read()
            .expect("nothing panics while it holds the texts")
            .get_key_value(text)
            .map(|(text, ())| text.clone());
        known.unwrap_or_else(|| {
            let mut texts = self.texts.write().expect("nothing panics while it holds the texts");
            let text: Arc<str> = text.into();
            texts.entry(text.clone()).insert_entry(()).key().clone()
        })
    }

    /// One copy of a state, if hosts are often alike in it; nothing of an inventory, which is never merged into.
    pub fn state(&self, slot: &str, hash: &Digest, state: &str) -> Arc<str> {
        if Section::is_inventory(slot) {
            return self.text("null");
        }
        if !ALIKE.contains(&slot) {
            return state.into();
        }
        let find = |states: &HashMap<Digest, Weak<str>>| {
            states.get(hash).and_then(Weak::upgrade).filter(|held| **held == *state)
        };
        let known = find(&self.states.read().expect("nothing panics while it holds the states"));
        known.unwrap_or_else(|| {
            let mut states = self.states.write().expect("nothing panics while it holds the states");
            if states.len() == states.capacity() {
                states.retain(|_, held| held.strong_count() > 0);
            }
            let state: Arc<str> = state.into();
            states.insert(*hash, Arc::downgrade(&state));
            state
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(slot: &'static str, recorded: i64, state: &str) -> Held {
        Held { slot, hash: Digest::of(state), recorded: Timestamp::from_secs(recorded), state: state.into() }
    }

    #[test]
    fn a_late_report_changes_nothing() {
        let mut facts = Facts::default();
        assert!(facts.take(held("os", 20, "new")));
        assert!(!facts.take(held("os", 10, "old")));
        assert!(facts.take(held("boot", 10, "b")));
        assert_eq!((&*facts.held("os").unwrap().state, facts.held.len()), ("new", 2));
        assert!(facts.take(held("os", 20, "same time")));
    }

    #[test]
    fn hosts_that_are_alike_share_a_state() {
        let shared = Shared::default();
        let hash = Digest::of("{}");
        let (one, two) = (shared.state("os", &hash, "{}"), shared.state("os", &hash, "{}"));
        assert!(Arc::ptr_eq(&one, &two));
        assert!(!Arc::ptr_eq(&shared.state("identity", &hash, "{}"), &shared.state("identity", &hash, "{}")));
        assert!(Arc::ptr_eq(&shared.text("ubuntu"), &shared.text("ubuntu")));
        assert_eq!(&*shared.state("os", &hash, "forged"), "forged");
        assert_eq!(&*shared.state("users/3", &hash, "{}"), "null");
    }
}
