//! The ledger as this writer folds it, commit by commit, and what of it is untold.

use std::collections::VecDeque;
use std::time::Duration;

use domain::ledger::{Commit, Fold, Verdict};
use domain::records::Activity;
use domain::{Digest, activity};
use infra_log::{Draft, Log, Position, RECORD_LIMIT, ReadError};
use serde_json::json;
use tokio::time::Instant;

use super::told::Told;
use crate::tail::{LEDGER, Place};

/// Records in one append at most.
pub(super) const BATCH: usize = 200;
/// Bytes in one append, but for its last record.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Untold commits that are held at most.
const UNTOLD: usize = 1_000;
/// What headers leave of a record.
const VALUE_LIMIT: usize = RECORD_LIMIT - 1_024;

pub(super) struct Story {
    /// The name of this node.
    source: String,
    fold: Fold,
    next: Position,
    last: Option<Place>,
    untold: VecDeque<Untold>,
}

/// A commit with something to tell.
struct Untold {
    sequence: u64,
    /// This node wrote it.
    own: bool,
    since: Instant,
    activities: Vec<(u32, Draft)>,
}

impl Story {
    pub(super) fn new(source: String, (fold, next): (Fold, Position)) -> Story {
        Story { source, fold, next, last: None, untold: VecDeque::new() }
    }

    /// The position of the ledger that is read next.
    pub(super) fn next(&self) -> Position {
        self.next
    }

    pub(super) fn has_untold(&self) -> bool {
        !self.untold.is_empty()
    }

    /// The ledger is halted and all of it is told.
    pub(super) fn is_over(&self) -> bool {
        self.fold.halted.is_some() && self.untold.is_empty()
    }

    /// The fold, and the last record in it.
    pub(super) fn as_of(&self) -> Option<(Fold, Place)> {
        Some((self.fold.clone(), self.last?))
    }

    /// Folds the next records. `false`: there are none.
    pub(super) async fn read(&mut self, log: &dyn Log, told: &Told) -> Result<bool, ReadError> {
        if self.untold.len() >= UNTOLD || self.fold.halted.is_some() {
            return Ok(false);
        }
        let records = log.read(LEDGER, self.next, 100, 4 * 1024 * 1024).await?;
        for record in &records {
            self.fold(&record.value, told);
            if self.fold.halted.is_some() {
                break;
            }
            self.next = record.position + 1;
            self.last = Some(Place { position: record.position, id: Digest::of(&record.value) });
        }
        Ok(!records.is_empty())
    }

    fn fold(&mut self, record: &[u8], told: &Told) {
        let before = self.fold.state.clone();
        let verdict = self.fold.apply(record);
        if let Verdict::Broken(reason) = &verdict {
            tracing::error!("no activities are told after commit {}: {reason}", self.fold.chain.sequence);
        }
        if verdict != Verdict::Applies || self.fold.chain.sequence < told.floor() {
            return;
        }
        let Ok(commit) = Commit::decode(record) else { return };
        let activities: Vec<_> = activity::of_commit(&before, &commit)
            .into_iter()
            .map(|mut activity| {
                activity.source = self.source.clone();
                (activity.number, draft(activity))
            })
            .collect();
        if !activities.is_empty() {
            let own = commit.stamp.source == self.source;
            self.untold.push_back(Untold { sequence: commit.stamp.sequence, own, since: Instant::now(), activities });
        }
    }

    /// Forgets what has been told by now.
    pub(super) fn forget(&mut self, told: &Told) {
        for commit in &mut self.untold {
            commit.activities.retain(|(number, _)| !told.has(commit.sequence, *number));
        }
        self.untold.retain(|commit| !commit.activities.is_empty());
    }

    /// The commit before which all is told.
    pub(super) fn floor(&self) -> u64 {
        self.untold.front().map_or(self.fold.chain.sequence + 1, |commit| commit.sequence)
    }

    /// What to tell now: this node's own commits, and others' that have waited for their node too long; in order, and
    /// nothing that has to wait for a commit before it.
    pub(super) fn due(&self, takeover: Duration) -> Vec<Draft> {
        let due = self.untold.iter().take_while(|commit| commit.own || commit.since.elapsed() >= takeover);
        let drafts = due.flat_map(|commit| commit.activities.iter().map(|(_, draft)| draft.clone()));
        let room = |bytes: &mut usize, draft: Draft| {
            let fits = *bytes < BATCH_BYTES;
            *bytes += draft.size();
            fits.then_some(draft)
        };
        drafts.take(BATCH).scan(0, room).collect()
    }

    /// How long until the first untold commit is due.
    pub(super) fn waits(&self, takeover: Duration) -> Option<Duration> {
        self.untold.front().map(|commit| takeover.saturating_sub(commit.since.elapsed()))
    }
}

/// An activity whose details no record holds is told without them; the ledger has them.
fn draft(mut activity: Activity) -> Draft {
    let mut encoded = activity.encode();
    if encoded.value.len() > VALUE_LIMIT {
        activity.details = json!({"cut": format!("too large; commit {} of the ledger has it", activity.sequence)});
        encoded = activity.encode();
    }
    Draft { key: None, headers: encoded.headers, value: encoded.value.into() }
}
