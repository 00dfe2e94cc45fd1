//! What a query cost the hosts that ran it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Processor time of one run of a saved query in milliseconds, over the hosts that measured it: the time within which
/// half of them, and 95 of 100, were done. None without a measurement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stats {
    pub system_time_p50: Option<u64>,
    pub system_time_p95: Option<u64>,
    pub user_time_p50: Option<u64>,
    pub user_time_p95: Option<u64>,
    /// How many measurements there are.
    pub total_executions: u64,
}

impl Stats {
    /// From (user, system) of each run.
    pub fn of(runs: &[(u64, u64)]) -> Stats {
        let mut user: Vec<u64> = runs.iter().map(|(user, _)| *user).collect();
        let mut system: Vec<u64> = runs.iter().map(|(_, system)| *system).collect();
        user.sort_unstable();
        system.sort_unstable();
        Stats {
            system_time_p50: percentile(&system, 50),
            system_time_p95: percentile(&system, 95),
            user_time_p50: percentile(&user, 50),
            user_time_p95: percentile(&user, 95),
            total_executions: runs.len() as u64,
        }
    }
}

/// The smallest value that so many of a hundred do not exceed.
fn percentile(sorted: &[u64], of_hundred: usize) -> Option<u64> {
    let rank = (sorted.len() * of_hundred).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        assert_eq!(Stats::of(&[]), Stats::default());
        let one = Stats::of(&[(7, 3)]);
        assert_eq!((one.user_time_p50, one.user_time_p95, one.system_time_p95), (Some(7), Some(7), Some(3)));
        // 1 to 40 ms: half are done in 20, 38 of 40 in 38.
        let runs: Vec<(u64, u64)> = (1..=40).rev().map(|n| (n, 2 * n)).collect();
        let many = Stats::of(&runs);
        assert_eq!((many.user_time_p50, many.user_time_p95), (Some(20), Some(38)));
        assert_eq!((many.system_time_p50, many.system_time_p95, many.total_executions), (Some(40), Some(76), 40));
    }
}
