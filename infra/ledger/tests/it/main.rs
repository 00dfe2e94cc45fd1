//! The ledger on logs that do their worst, and on those that people run.

#![allow(clippy::unwrap_used)]

mod fixture;
mod single;
mod snapshots;
