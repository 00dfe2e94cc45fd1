//! musterd as a whole, over TLS against a small osquery server written for these tests. Time moves only when a test
//! moves it; what the network does takes the time it takes, and is waited for as a condition.

#![allow(clippy::unwrap_used)]

mod host;
mod server;
mod tables;
mod time;

mod binary;
mod configuration;
mod distributed;
mod enrolment;
mod logging;
mod push;
