//! The whole server, spoken to over TLS by hosts and admins; a few tests also count inside it, or feed it from inside.
//!
//! Tests that fit together share a server; each server has a data folder of its own.

#![allow(clippy::unwrap_used)]

mod house;

mod bad_input;
mod bad_sockets;
mod counts;
mod crash;
mod hourly;
mod live_create;
mod live_faults;
mod live_host;
mod live_off;
mod live_stream;
mod live_sync;
mod live_time;
mod live_told;
mod load;
mod modes;
mod past;
mod past_rights;
mod patience;
mod people;
mod protocols;
mod reads;
mod restart;
mod rights;
mod secrets;
mod stop;
mod views;
mod walk;
