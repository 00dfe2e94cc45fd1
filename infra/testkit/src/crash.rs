//! Kills a server again and again while hosts and admins talk to it, and then looks whether everything that was
//! acknowledged is there, and there once.
//!
//! Hosts insist on what they have to say, as osqueryd does: a post without an answer is sent again, byte for byte. So a
//! line may be in the log twice, under the same id; an answer, an enrolment and a followed result may not.

mod actor;
mod book;
mod check;
mod falsify;
mod follower;
mod plant;
mod rounds;

use std::path::PathBuf;
use std::time::Duration;

pub use plant::Plant;
pub use rounds::first_admin;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The `muster` binary.
    pub muster: PathBuf,
    /// An empty data folder, or none yet.
    pub data: PathBuf,
    /// How often the server is killed.
    pub rounds: u32,
    pub hosts: u32,
    /// Decides everything that is decided here; what the machine does between is its own.
    pub seed: u64,
    /// The longest that a server lives before it is killed.
    pub life: Duration,
    /// Something that must be found.
    pub plant: Option<Plant>,
}

/// What was done, and what was found.
#[derive(Debug, Default)]
pub struct Summary {
    pub kills: u32,
    /// Kills before the server had said that it serves.
    pub kills_while_starting: u32,
    /// Starts of which the server said that its fold of the ledger goes on from a snapshot.
    pub starts_from_snapshot: u32,
    pub starts_without: u32,
    pub enrolments: usize,
    pub lines: usize,
    pub snapshots: usize,
    pub answers: usize,
    pub campaigns: usize,
    /// Results that the followers saw, and how often they had to open their stream.
    pub followed: usize,
    pub streams: usize,
    /// Followed campaigns whose results came over more than one stream.
    pub resumed: usize,
    /// Entries of the book that were falsified after the reckoning, to see that each is found.
    pub falsified: usize,
    /// Empty if all is well.
    pub problems: Vec<String>,
}

impl Summary {
    /// What a run must have had to prove anything, and did not have.
    pub fn gaps(&self) -> Vec<&'static str> {
        let had = [
            (self.kills > 0, "the server was never killed"),
            (self.starts_from_snapshot > 0, "no start was from a snapshot"),
            (self.enrolments > 0, "no host enrolled"),
            (self.lines > self.snapshots, "no log line was acknowledged"),
            (self.snapshots > 0, "no snapshot was acknowledged"),
            (self.answers > 0, "no answer was acknowledged"),
            (self.followed > 0, "no result was followed"),
            (self.resumed > 0, "no followed campaign went on after a kill"),
            (self.falsified > 0 || !self.problems.is_empty(), "nobody looked whether the check can see"),
        ];
        had.into_iter().filter(|(had, _)| !had).map(|(_, gap)| gap).collect()
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "kills: {} ({} while starting)", self.kills, self.kills_while_starting)?;
        writeln!(f, "starts: {} from a snapshot, {} without one", self.starts_from_snapshot, self.starts_without)?;
        writeln!(
            f,
            "acknowledged: {} enrolments, {} lines, {} snapshots, {} answers to {} campaigns",
            self.enrolments, self.lines, self.snapshots, self.answers, self.campaigns
        )?;
        writeln!(
            f,
            "followed: {} results over {} streams, {} campaigns beyond a kill",
            self.followed, self.streams, self.resumed
        )?;
        writeln!(f, "seen to be found: {} falsified entries", self.falsified)?;
        for gap in self.gaps() {
            writeln!(f, "PROVES NOTHING: {gap}")?;
        }
        for problem in self.problems.iter().take(20) {
            writeln!(f, "PROBLEM: {problem}")?;
        }
        write!(f, "{} problems", self.problems.len())
    }
}

/// Carries a plan out. The error is one of the harness itself, or a server that does not start.
pub async fn run(plan: &Plan) -> anyhow::Result<Summary> {
    crate::choose_crypto();
    rounds::run(plan).await
}
