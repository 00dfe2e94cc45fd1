//! The ledger on logs that do their worst, and on those that people run.

mod fixture;
mod single;
mod snapshots;
