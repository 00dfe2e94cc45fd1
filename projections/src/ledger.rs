//! Views of decisions, from the ledger's one partition.

mod campaigns;
mod hosts;
mod labels;
mod queries;
mod subject;
mod teams;
mod users;

pub(crate) use campaigns::Campaigns;
pub(crate) use hosts::{HostRow, Hosts};
pub(crate) use labels::Labels;
pub(crate) use queries::Queries;
pub(crate) use teams::Teams;
pub use users::Account;
pub(crate) use users::Users;

use crate::projection::{Decision, Facts, Recorded};

/// The decisions of a batch; another topic has none.
fn decisions(facts: &Facts) -> impl Iterator<Item = &Decision> {
    let all: &[Recorded<Decision>] = match facts {
        Facts::Decisions(decisions) => decisions,
        _ => &[],
    };
    all.iter().map(|one| &one.fact)
}
