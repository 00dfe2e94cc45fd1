//! Runs queries in a process of their own, which may be ended when a query takes too long or too much.
//!
//! The agent holds a [`Pool`]; the pool starts the agent's own program again as a worker, which calls [`main`].
//! They speak in frames over the worker's standard input and output (see `protocol`).
//!
//! Three fences stand around a query, the inner ones kinder than the outer ones. SQLite itself looks at the clock
//! and at its heap, and gives up with an error while the worker lives on. The operating system gives the process
//! no more memory than its limit. The pool kills a worker that does not answer in time. Only the query is lost.

mod child;
mod config;
mod pool;
mod process;
mod protocol;

pub use child::main;
pub use config::Config;
pub use pool::{Answer, Pool, Stats};

/// The first argument that makes the agent's program a worker.
pub const ARGUMENT: &str = "--worker";
