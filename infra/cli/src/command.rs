//! The commands, one file each. A command writes its results and says how it ended; failures travel up as errors.

pub mod campaign;
pub mod get;
pub mod host;
pub mod log;
pub mod login;
pub mod logout;
pub mod query;
mod resolve;
pub mod time;
pub mod version;
pub mod watch;
