//! The reading side: REST answers from views and folds, and live results over websockets.
//!
//! It reads views and live streams, and folds users, sessions, campaigns and presence in memory. It appends nothing.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod account;
mod activities;
mod app;
mod campaigns;
mod config;
mod guard;
mod hosts;
mod labels;
mod log_tail;
pub mod presence;
mod present;
mod queries;
mod reads;
mod reports;
mod routes;
mod stream;
mod system;
mod targets;
mod teams;
mod users;

pub use app::App;
pub use present::present_only;
pub use reads::Reads;
pub use routes::{ROUTES, Route, routes};
pub use stream::Attendance;
