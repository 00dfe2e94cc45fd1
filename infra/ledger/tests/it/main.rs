//! The ledger on logs that do their worst, and on those that people run.

#![allow(clippy::unwrap_used)]

mod activities;
#[cfg(feature = "kafka")]
#[path = "../../../log/tests/it/kafka/broker.rs"]
#[allow(dead_code, reason = "other tests stop their brokers and use their tools")]
mod broker;
mod clocks;
mod cut;
mod doubt;
mod fixture;
mod limits;
mod races;
mod real;
mod reference;
mod scripted;
mod single;
mod snapshots;
mod story;
mod unique;
mod verdict;

/// Says on which logs the commit rule was proven, past the test runner's capture.
#[test]
fn summary() {
    #[cfg(feature = "kafka")]
    let kafka = broker::which();
    #[cfg(not(feature = "kafka"))]
    let kafka = "not kafka (cargo feature `kafka` is off)";
    say(&format!("commit rule: memory behind an adversary, sqlite, {kafka}"));
}

#[expect(clippy::explicit_write, reason = "eprintln is captured")]
fn say(line: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "{line}").unwrap();
}
