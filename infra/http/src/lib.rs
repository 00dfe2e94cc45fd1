//! What both APIs share: who asks, what they send, and how answers and errors look.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod access;
mod body;
mod command;
mod limiter;
mod list;
mod params;
mod path;
mod problem;
mod reply;
mod setup_gate;
pub mod shape;

pub use access::{Access, Caller, SignedIn};
pub use body::{Body, BodyError, BodyLimits, OptionalBody, inflate, json_type, read_body};
pub use limiter::Limiter;
pub use list::ListOptions;
pub use params::Params;
pub use path::{Unrouted, no_page, path, unrouted};
pub use problem::Problem;
pub use reply::{JSON, Reply};
pub use setup_gate::{SETUP, setup_gate};
