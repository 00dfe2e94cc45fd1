//! The `muster` server: settings, data folder, certificates, and the composition of its roles.

pub mod data;
pub mod options;
pub mod tls;
