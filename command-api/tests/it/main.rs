//! command-api, driven over HTTP in one process: a log in memory, a clock that stands still until it is told to move.

#![allow(clippy::unwrap_used)]

mod admin_bench;
mod admin_config;
mod admin_hosts;
mod admin_labels;
mod admin_queries;
mod admin_roles;
mod admin_secrecy;
mod admin_session;
mod admin_setup;
mod admin_teams;
mod admin_users;
mod campaigns_life;
mod campaigns_limits;
mod campaigns_start;
mod campaigns_wait;
mod host;
