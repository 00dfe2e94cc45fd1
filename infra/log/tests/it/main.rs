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
#[cfg(feature = "kafka")]
mod kafka;
mod memory;
mod sqlite;

/// Says which adapters the suite ran on, past the test runner's capture.
#[test]
fn summary() {
    #[cfg(feature = "kafka")]
    let kafka = kafka::broker::which();
    #[cfg(not(feature = "kafka"))]
    let kafka = "not kafka (cargo feature `kafka` is off)";
    say(&format!("log suite: memory, memory behind an adversary, sqlite, {kafka}"));
}

#[expect(clippy::explicit_write, reason = "eprintln is captured")]
fn say(line: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "{line}").unwrap();
}
