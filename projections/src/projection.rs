//! What a view is to the engine.

use async_trait::async_trait;
use domain::records::{Activity, Answer, Line, Report, Signal};
use domain::{Actor, Event, Timestamp};
use infra_log::{Position, Topic};
use infra_stores::{StoreError, Table, Write};

/// The names of all views, as an operator types them.
pub mod view {
    pub const HOSTS: &str = "hosts";
    pub const TEAMS: &str = "teams";
    pub const LABELS: &str = "labels";
    pub const QUERIES: &str = "queries";
    pub const USERS: &str = "users";
    pub const CAMPAIGNS: &str = "campaigns";
    /// What hosts report: sections, what lists sort by, dynamic labels.
    pub const FACTS: &str = "facts";
    pub const SEEN: &str = "seen";
    pub const ACTIVITIES: &str = "activities";
    pub const ANSWERS: &str = "answers";
    pub const RESULTS: &str = "results";

    /// Those that can be built anew; answers and results are kept.
    pub const REBUILDABLE: [&str; 9] = [HOSTS, TEAMS, LABELS, QUERIES, USERS, CAMPAIGNS, FACTS, SEEN, ACTIVITIES];
}

/// A fact with its place in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded<T> {
    pub position: Position,
    pub fact: T,
}

/// One event of a commit that counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// `recordedtime` of the commit; never before that of an earlier one.
    pub at: Timestamp,
    pub actor: Actor,
    pub event: Event,
}

/// What a batch of one partition says, in the order of the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Facts {
    Decisions(Vec<Recorded<Decision>>),
    Reports(Vec<Recorded<Report>>),
    Signals(Vec<Recorded<Signal>>),
    Lines(Vec<Recorded<Line>>),
    Answers(Vec<Recorded<Answer>>),
    Activities(Vec<Recorded<Activity>>),
}

/// Why a batch could not be folded; nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a row of this view cannot be read: {0}")]
    Row(String),
}

impl FoldError {
    pub(crate) fn row(error: impl ToString) -> Self {
        FoldError::Row(error.to_string())
    }
}

/// A view: one topic folded into rows.
///
/// A fold depends on the facts and on the view's own rows, and on nothing else: no clock, no other view, and not on
/// where one batch ends and the next begins.
#[async_trait]
pub trait Projection: Send + Sync {
    fn name(&self) -> &'static str;

    /// The shape of the rows: another number has them built anew beside the old ones.
    fn shape(&self) -> i64;

    fn topic(&self) -> Topic;

    /// Its tables. Unless the view is kept, each has a host or another number first in its key and `version` last.
    fn tables(&self) -> Vec<&'static Table>;

    /// Whether the rows outlive their topic: never dropped, never built anew.
    fn kept(&self) -> bool {
        false
    }

    /// Writes what the facts change in the rows of `version`.
    async fn fold(&self, facts: &Facts, version: i64, write: &mut Write) -> Result<(), FoldError>;
}
