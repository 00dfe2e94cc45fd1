//! musterd's own query engine: SQLite with virtual tables that carry osquery's names, columns and types.
//!
//! A host without osqueryd must give the same answers as one with it, so the tables are declared from
//! `schema.json` (osquery's published column lists) and not by hand: a column that a table forgets or mistypes
//! is a failing test, not a surprise on a dashboard.
//!
//! - [`Engine`] runs SQL in this process and is what the tests use.
//! - [`worker`] runs it in a child process with limits of time and memory, and is what an agent must use:
//!   a query is somebody else's program, and the agent has to outlive it.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod constraint;
mod context;
mod digest;
mod engine;
mod error;
mod functions;
mod glob;
mod module;
mod output;
mod row;
mod schema;
mod sys;
mod tables;
pub mod worker;

pub use context::{AgentInfo, Context, Flag, ScheduledStat};
pub use engine::Engine;
pub use error::QueryError;
pub use output::{QueryOutput, Row};
pub use schema::{Column, ColumnType, Schema, table_names, table_schema};
pub use sys::hardware_uuid;
