//! What admins decide: one file per subject, one table of all routes with the right that each needs.

mod agent_options;
mod call;
mod config;
mod desk;
mod host_filter;
mod host_labels;
mod hosts;
mod identifiers;
mod label_specs;
mod labels;
mod password;
mod queries;
mod query_specs;
mod role_specs;
mod roles;
mod routes;
mod secrets;
mod session;
mod setup;
mod team_settings;
mod team_specs;
mod team_users;
mod teams;
mod translate;
mod users;

pub use call::Call;
pub use desk::{Desk, DeskSettings};
pub use identifiers::hosts_named;
pub use routes::{ROUTES, Route, routes};
pub use setup::{FirstAdmin, SetUp, set_up};
pub use users::destroy_keys;
