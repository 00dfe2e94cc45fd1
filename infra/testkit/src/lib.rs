//! What tests of the whole need: hosts and admins as small clients that know nothing of the server's code, the server as
//! a process, and a harness that kills it.
//!
//! Nothing here depends on another crate of the workspace, so a mistake there cannot hide itself here.

#![allow(clippy::unwrap_used)]

pub mod admin;
pub mod crash;
pub mod door;
pub mod folder;
pub mod host;
pub mod process;
pub mod raw;
pub mod stream;
pub mod wait;

pub use admin::{Answer, TestAdmin};
pub use door::Door;
pub use host::{Outcome, Reply, TestHost};
pub use process::ServerProcess;
pub use stream::{Event, Stream};
pub use wait::until;

/// Cryptography for every TLS client here. Harmless when it was chosen before.
pub fn choose_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
