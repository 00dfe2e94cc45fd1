//! Certificates: the server's own CA and leaf, or an admin's; read again when the files change.
//!
//! Hosts are given the CA, never the leaf: a leaf that hosts pin cuts the whole fleet off on the day it ends.

mod authority;
mod served;

pub use authority::{Files, ensure};
pub use served::{Served, check};

use std::sync::Arc;

/// What actix needs to serve TLS with certificates that may change.
///
/// It offers no protocol by itself: actix adds those that it was built for. One that it was not built for (`h2`) would
/// be agreed on with whoever asks for nothing else, and end in a panic.
pub fn server_config(served: Arc<Served>) -> rustls::ServerConfig {
    rustls::ServerConfig::builder().with_no_client_auth().with_cert_resolver(served)
}
