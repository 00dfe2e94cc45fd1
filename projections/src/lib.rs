//! Views of the log: folds that write rows, the engine that feeds them, and what is read from them.
//!
//! A [`Projection`] folds records of one topic into rows of its tables; the [`Engine`] follows every partition from the
//! checkpoint that stands beside those rows. Every row is written from one partition, so partitions may be folded in
//! any interleaving; what needs two of them is joined by those who [`read`].
//! A view decides nothing and can be dropped and folded again to the same rows.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod activities;
mod answers;
pub mod budget;
mod engine;
mod facts;
mod follow;
mod ledger;
mod packed;
mod progress;
mod projection;
pub mod read;
mod results;
mod seen;
mod sweep;
mod tables;

pub use answers::{HostAnswer, stream_name};
pub use engine::{Engine, RebuildError, Rebuilds, StartError};
pub use follow::Follow;
pub use progress::{Halt, Progress, Reached, Settled};
pub use projection::{Decision, Facts, FoldError, Projection, Recorded, view};
pub use sweep::{answers as sweep_answers, results as sweep_results};
