//! What an operator may set about workers.

use std::path::PathBuf;
use std::time::Duration;

/// How workers are started and what a query may use.
#[derive(Debug, Clone)]
pub struct Config {
    /// The program that calls [`super::main`] when its first argument is [`super::ARGUMENT`];
    /// this very program if not given.
    pub program: Option<PathBuf>,
    /// How many queries may run at once; more wait.
    pub workers: usize,
    /// The longest a query may run, not counting the wait for a worker.
    pub time_limit: Duration,
    /// The most address space that a worker may have, its program included.
    pub memory_mib: u64,
    /// The most that an answer may take in the agent, which has no limit of its own: the names and values of all rows as
    /// JSON, and a fixed cost for each row and cell.
    pub output_mib: u64,
    /// How much the workers yield to others, 0 to 19.
    pub nice: i32,
}

impl Default for Config {
    /// Two workers at nice 10; 60 s, 512 MiB and 32 MiB of answer for a query.
    fn default() -> Self {
        Self {
            program: None,
            workers: 2,
            time_limit: Duration::from_secs(60),
            memory_mib: 512,
            output_mib: 32,
            nice: 10,
        }
    }
}
