//! musterd, the agent: enrols at a server by the osquery remote API, runs the schedule and the distributed queries that
//! it is given, and sends their results, which wait on disk while the server is away.
//!
//! The parts run side by side and share little: [`session::Session`] holds the node key, [`state::State`] the disk, and
//! a watch channel the configuration in force. Time, chance and the tables arrive through [`agent::Ports`].

#![cfg_attr(test, allow(clippy::unwrap_used))]

/// The version of osquery whose tables and protocol musterd speaks, and which it therefore reports as its own: servers
/// choose queries by it.
pub const OSQUERY_VERSION: &str = "5.16.0";

pub mod agent;
pub mod config;
pub mod configure;
pub mod distributed;
pub mod flags;
pub mod forward;
pub mod identity;
pub mod logger;
pub mod node_key;
pub mod ports;
pub mod push;
pub mod queries;
pub mod schedule;
pub mod session;
pub mod settings;
pub mod state;
pub mod tables;
pub mod tls;
pub mod transport;
