//! A host's existence: enrolment, keys, team, deletion. What it reports is not decided and lives in `muster.hosts`.

mod decide;
mod event;
mod hosts;

pub use decide::{Command, Enrol};
pub use event::{ContestedIdentity, Deleted, Enrolled, KeyReplaced, Transferred};
pub use hosts::{Host, Hosts, Identity};
