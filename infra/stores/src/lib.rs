//! Where views are kept: a SQL store behind a portable subset, so that the same statements serve every engine.
//!
//! Values are integers, text and blobs; parameters are `?`; times are microseconds; nothing is returned by a write and no
//! id is made by the store. What engines say differently (an upsert) is said once, in [`dialect`].
//! Every engine passes the same [`suite`].
//! One [`Write`] at a time: on SQLite all projections write in turn. Reads never wait for it.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod checkpoint;
mod counts;
mod dialect;
mod error;
mod migration;
mod row;
mod statement;
pub mod suite;
mod table;
mod value;
mod views;
mod write;

pub use checkpoint::{Checkpoint, Place};
pub use counts::Counts;
pub use dialect::Dialect;
pub use error::{OpenError, StoreError};
pub use row::Row;
pub use statement::Statement;
pub use table::Table;
pub use value::{FromValue, Value};
pub use views::Views;
pub use write::Write;
