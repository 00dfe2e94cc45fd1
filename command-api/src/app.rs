//! What every handler of this role shares.

use std::sync::Arc;

use infra_blobs::{Blobs, Vault};
use infra_ledger::Ledger;
use infra_log::Log;
use infra_world::World;

use crate::admin::Desk;
use crate::campaigns::Waiting;
use crate::carves::Carves;
use crate::osquery::Intake;
use crate::registry::Registry;
use crate::settings::Settings;

/// The parts of a running command-api, made by the composition root and shared as `web::Data<App>`.
pub struct App {
    pub ledger: Ledger,
    pub registry: Registry,
    pub log: Arc<dyn Log>,
    pub blobs: Arc<dyn Blobs>,
    pub vault: Vault,
    pub world: World,
    pub settings: Settings,
    /// What hosts are sending at this moment.
    pub intake: Intake,
    /// What calls hold that wait for answers to live queries.
    pub waiting: Waiting,
    /// How far the carves are that hosts are sending.
    pub carves: Carves,
    /// How admins sign in.
    pub desk: Desk,
}
