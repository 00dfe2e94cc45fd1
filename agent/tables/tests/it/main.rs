//! The tables against what other programs say of the same machine, and the worker against queries that misbehave.

#![allow(clippy::unwrap_used)]

mod accounts;
mod agent;
mod engine;
mod files;
mod host;
mod network;
mod packages;
mod processes;
mod schema;
mod support;
mod worker;
