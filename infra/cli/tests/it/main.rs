//! The real `musterctl` against a small server inside the test, which answers what the test tells it to.

#![allow(clippy::unwrap_used)] // all of it is tests

mod campaign;
mod cli;
mod failures;
mod fake;
mod follow;
mod formats;
mod get;
mod leave;
mod log;
mod login;
