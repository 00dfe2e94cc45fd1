//! Hosts, now and as of a time. Source: rest-api §9.

mod filter;
mod list;
mod one;
mod shape;
mod summary;

pub use filter::Status;
pub use list::{count, label_hosts, list, search};
pub(crate) use list::{hosts_of, scope, status_members};
pub use one::{by_id, by_identifier, history};
pub use shape::display_name;
pub(crate) use shape::host as host_shape;
pub use summary::summary;

use projections::view;

/// The views that a host is put together from.
pub const VIEWS: &[&str] = &[view::HOSTS, view::FACTS, view::LABELS, view::SEEN];
