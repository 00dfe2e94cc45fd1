//! What Muster decides, and nothing else: commands, events, the rules between them, and the values they are made of.
//!
//! Pure: no runtime, SQL, HTTP, clock, randomness, environment or log. Time and new ids arrive from outside.
//!
//! A [`Command`] is decided on a [`State`] into [`Event`]s, which evolve the state. Commands that waited together become
//! one [`ledger::Commit`], and the [`ledger::Chain`] tells which commits count.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod activity;
pub mod campaign;
pub mod carve;
mod command;
pub mod config;
pub mod detail;
mod event;
pub mod host;
mod ids;
pub mod label;
pub mod ledger;
pub mod members;
pub mod published;
pub mod query;
pub mod records;
mod refusal;
pub mod role;
mod secret;
pub mod session;
pub mod settings;
mod shape;
pub mod state;
pub mod stored;
pub mod targets;
pub mod team;
pub mod time;
pub mod user;

pub use command::Command;
pub use event::{Event, UnknownEvent};
pub use ids::{Actor, CampaignId, CarveId, CommandId, HostId, LabelId, QueryId, SessionId, TeamId, UserId};
pub use members::Members;
pub use refusal::Refusal;
pub use secret::{Digest, KeyedDigest, Sealed};
pub use state::State;
pub use time::Timestamp;
