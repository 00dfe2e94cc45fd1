//! The role that hosts talk to and that decides: the osquery remote API, the commands of admins, and the Registry that
//! lets a check-in be answered from memory.
//!
//! It appends to the log and keeps its own folds; it never reads a view.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod admin;
pub mod app;
pub mod campaigns;
pub mod carves;
pub mod osquery;
pub mod push;
pub mod registry;
pub mod settings;
mod sql;

use actix_web::web::ServiceConfig;
use domain::{Actor, CommandId};
use infra_ledger::By;

pub use app::App;

/// Every route of this role. The application data is one [`App`] (`web::Data<App>`).
pub fn routes(config: &mut ServiceConfig) {
    osquery::routes(config);
    push::routes(config);
    campaigns::routes(config);
    admin::routes(config);
}

/// A command of somebody, under a key of its own.
pub fn by(app: &App, actor: Actor) -> By {
    By { command_id: CommandId(app.world.uuid()), actor, traceparent: None }
}

/// A command of the server itself: a job on a clock.
pub fn by_system(app: &App) -> By {
    by(app, Actor::System)
}
