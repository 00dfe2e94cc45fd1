//! The ledger: deciding commands on the fold of the log, and following what others decided.
//!
//! One task of a process holds its one *turn*, in which the fold stands still from a decision to its outcome. It decides
//! the commands that wait together, appends them as one commit that names the commit it extends, and learns from the
//! position it is given (one round trip) or by reading whether it was the one that extended it. Everybody who folds the
//! ledger applies the same rule to the same bytes ([`domain::ledger::Chain`]), so there is no leader and no lock.
//!
//! [`Ledger`] is the writer, for command-api alone. [`Follower`] only reads.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod activity;
mod follower;
mod ledger;
pub mod snapshot;
mod tail;
mod turn;

pub use follower::Follower;
pub use ledger::{By, CommandError, Executed, Ledger, Timing};
pub use tail::{Place, Seen};
