//! The ledger on logs that do their worst, and on those that people run.

#![allow(clippy::unwrap_used)]

mod clocks;
mod cut;
mod doubt;
mod fixture;
mod limits;
mod races;
mod reference;
mod scripted;
mod single;
mod snapshots;
mod story;
mod unique;
mod verdict;
