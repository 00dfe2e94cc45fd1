//! What every handler of the reading side has at hand.

use std::sync::Arc;

use domain::ledger::Fold;
use infra_blobs::Vault;
use infra_http::shape::config::Served;
use infra_http::{Access, Problem};
use infra_ledger::Follower;
use infra_log::Log;
use infra_world::World;
use tokio_util::sync::CancellationToken;

use crate::presence::Presence;
use crate::reads::Reads;
use crate::stream::Attendance;

/// The parts that the composition root puts together.
pub struct App {
    pub ledger: Follower,
    pub access: Access,
    pub presence: Presence,
    pub log: Arc<dyn Log>,
    pub reads: Reads,
    pub attendance: Arc<dyn Attendance>,
    pub vault: Vault,
    pub world: World,
    pub served: Served,
    /// The PEM chain that hosts trust.
    pub certificate_chain: Arc<dyn Fn() -> String + Send + Sync>,
    /// Cancelled when the server stops: whoever reads without end is told, instead of being waited for.
    pub closing: CancellationToken,
}

impl App {
    /// A fold that has everything that was acknowledged before the request: so a client that writes and then reads sees
    /// what it wrote.
    pub async fn fold(&self) -> Result<Arc<Fold>, Problem> {
        let fold = self.ledger.read_to_end().await;
        fold.map_err(|error| Problem::unavailable("the log cannot be read", error))
    }
}
