//! One conformance suite, run against every adapter.

#![allow(clippy::unwrap_used)]

/// A module of tests, one per check of the suite, each on a new fixture. The fixture may be missing (`None`): then the
/// check is skipped, and the adapter's module has said why.
macro_rules! conforms {
    ($name:ident, $fixture:expr) => {
        mod $name {
            use super::*;
            conforms!(@each $fixture;
                contents, partitions_apart, batches, survives_restart, read_limits, record_limit, end_is_honest, changed_wakes,
                changed_is_patient, concurrent_appenders, past_the_end, retention, anywhere, many_readers);
        }
    };
    (@each $fixture:expr; $($check:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                if let Some(fixture) = $fixture.await {
                    infra_log::suite::$check(&fixture).await;
                }
            }
        )*
    };
}

mod adversary;
mod memory;
mod sqlite;
