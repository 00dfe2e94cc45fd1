//! The wire of the osquery remote API, for both of its ends.
//!
//! The two ends obey different rules, so they have different types:
//! - [`request`] is what a server reads. It is lenient, since hosts of ten years speak this protocol and a host whose
//!   words are refused says them again for ever, with everything else waiting behind them.
//! - [`body`] is what an agent sends. It is strict: the shapes of today's osqueryd and nothing else.
//! - [`reply`] is what a server answers and what an agent makes of an answer. osqueryd looks at the body alone, never at
//!   the HTTP status, and takes for success whatever lacks a top-level `error`.
//!
//! Everything here is pure: bytes in, values out. Nothing reads a clock, a socket or the environment.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod body;
pub mod reply;
pub mod request;

mod members;
mod row;
mod text;

pub use members::BadBody;
pub use row::Row;
pub use text::{MAX_DEPTH, repair};
