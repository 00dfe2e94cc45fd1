//! Views against the log: stories are told, folded in every disorder, and compared with a model that shares no code.

#![allow(clippy::unwrap_used)]

mod rig;
mod story;
mod teller;
