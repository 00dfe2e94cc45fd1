//! The schedule: which queries are due, what changed since their last run, and the log lines that say so.

mod decorations;
mod diff;
mod discovery;
mod due;
mod line;
mod run;
mod stats;

pub use decorations::Decorations;
pub use line::Status;
pub use run::{Course, Scheduler};
pub use stats::{QueryStats, ScheduleStats};

#[cfg(test)]
mod tests;
