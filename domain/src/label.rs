//! Labels: sets of hosts, by a query that hosts answer or by hand.

mod apply;
pub mod builtin;
mod decide;
mod event;
mod labels;

pub use decide::Command;
pub use event::{Changed, Created, Deleted, MembersChanged, Membership, Redefined};
pub use labels::{Label, Labels};

/// The label that every host has, whatever it answers.
pub const ALL_HOSTS: &str = "All Hosts";

#[cfg(test)]
mod tests;
