//! The host side: the osquery remote API and the Registry behind it.

mod bad_input;
mod carve;
mod config;
mod enroll;
mod intake;
mod keys;
mod labels;
mod live;
mod log;
mod outage;
mod presence;
mod push;
mod quiet;
mod restart;
mod site;
mod stale;
mod users;
mod work;
mod write;
