//! What is read from the views: typed rows, as of a time.
//!
//! Every function asks a number of statements that depends on the page, never on the fleet. Rows of two partitions are
//! joined here: a fact of a host holds at a time if the host existed then.
//! `as_of` is a time, or [`NOW`] for what holds at present; it is the caller's to wait until the views are that far
//! ([`Progress::settle`](crate::Progress::settle)).

mod activities;
mod batch;
mod campaigns;
mod facts;
mod filter;
mod history;
mod hosts;
mod inventories;
mod labels;
mod page;
mod results;
mod subjects;

use domain::Timestamp;

pub use crate::ledger::Account;
pub use activities::{ActivityRow, activity_count, activity_page};
pub use batch::Batch;
pub use campaigns::{
    CampaignTotal, ErrorGroup, answer_errors, answer_page, campaign_count, campaign_one, campaign_page, campaign_totals,
};
pub use facts::{HostFacts, host_facts};
pub use filter::{HostFilter, TeamScope};
pub use history::{SectionPeriod, host_history};
pub use hosts::{Host, host_arrivals, host_count, host_find, host_ids, host_one, host_page, host_platforms, host_rows};
pub use inventories::{HostUsers, host_users};
pub use labels::{host_labels, label_counts, label_hosts, label_one, labels};
pub use page::{HostOrder, OrderKey, Page};
pub use results::{LatestResult, result_of, result_page};
pub(crate) use subjects::newest_subject;
pub use subjects::{query_one, subjects, team_one};

/// The present, as a time to read at: rows that are open.
pub const NOW: Timestamp = Timestamp::from_micros(i64::MAX - 1);

/// The version of a view that is served, in SQL.
mod serving {
    pub const HOSTS: &str = "(SELECT serving FROM view_version WHERE name = 'hosts')";
    pub const FACTS: &str = "(SELECT serving FROM view_version WHERE name = 'facts')";
    pub const LABELS: &str = "(SELECT serving FROM view_version WHERE name = 'labels')";
    pub const SEEN: &str = "(SELECT serving FROM view_version WHERE name = 'seen')";
    pub const ACTIVITIES: &str = "(SELECT serving FROM view_version WHERE name = 'activities')";
}

/// Ids in one list of a statement.
const IDS: usize = 1000;
