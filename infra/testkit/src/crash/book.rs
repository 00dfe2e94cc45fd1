//! What hosts and admins were told, so that it can be held against the server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// Shared by everybody who writes into it.
#[derive(Clone, Default)]
pub struct Book(Arc<Mutex<Pages>>);

#[derive(Clone, Debug, Default)]
pub struct Pages {
    /// Hosts that tried to enrol.
    pub tried: BTreeSet<String>,
    /// Hosts that got a key.
    pub enrolled: BTreeSet<String>,
    /// Acknowledged log lines.
    pub lines: Vec<Line>,
    /// The mark of each host's newest acknowledged snapshot.
    pub snapshots: BTreeMap<String, String>,
    pub snapshots_sent: usize,
    /// By campaign and host.
    pub answers: BTreeMap<(u64, String), Sent>,
    /// Campaigns whose start was acknowledged.
    pub campaigns: BTreeSet<u64>,
    /// What followers saw, by campaign: position and host, in order.
    pub followed: BTreeMap<u64, Vec<(u64, u64)>>,
    pub streams: usize,
    /// Followed campaigns that had results before a stream broke off and after it was opened anew.
    pub resumed: BTreeSet<u64>,
    /// What must never happen, seen on the way.
    pub surprises: Vec<String>,
}

/// A line as it stood in the body of a post.
#[derive(Clone, Debug)]
pub struct Line {
    pub host: String,
    pub kind: &'static str,
    pub text: String,
    /// Its number among equal lines of the post, from 1.
    pub number: u32,
}

/// One host's answer to one campaign, in as many tries as it took.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// The marks that were sent; the server may have taken any of them.
    pub marks: Vec<String>,
    pub acknowledged: bool,
}

impl Book {
    pub fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().expect("nothing panics while it holds the book")
    }

    pub fn surprise(&self, what: String) {
        self.pages().surprises.push(what);
    }
}
