//! The role that hosts talk to and that decides: the osquery remote API, the commands of admins, and the Registry that
//! lets a check-in be answered from memory.
//!
//! It appends to the log and keeps its own folds; it never reads a view.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod app;
pub mod carves;
pub mod osquery;
pub mod push;
pub mod registry;

use actix_web::web::ServiceConfig;

pub use app::App;

/// Every route of this role. The application data is one [`App`] (`web::Data<App>`).
pub fn routes(config: &mut ServiceConfig) {
    osquery::routes(config);
    push::routes(config);
}
