//! Views against the log: stories are told, folded in every disorder, and compared with a model that shares no code.

#![allow(clippy::unwrap_used)]

mod answers;
mod as_of;
mod crash;
mod faults;
mod follow;
mod model;
mod progress;
mod read;
mod rebuild;
mod results;
mod rig;
mod seen;
mod story;
mod teller;
