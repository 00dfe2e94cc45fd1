//! The `muster` server: settings, data folder, certificates, and the composition of its roles.

pub mod control;
pub mod data;
pub mod options;
pub mod serve;
pub mod tls;
