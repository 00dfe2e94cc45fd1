//! File carves: what a host announced to send, and how it ended. Progress is not decided and is not here.

use imbl::{HashMap, OrdMap};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::state::State;
use crate::{CarveId, Digest, Event, HostId, Refusal, Timestamp};

/// The largest carve, in bytes.
pub const SIZE_LIMIT: u64 = 8 * 1024 * 1024 * 1024;
/// The largest block of a carve, in bytes.
pub const BLOCK_LIMIT: u64 = 256 * 1024 * 1024;

/// What the host announced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    pub block_count: u64,
    pub block_size: u64,
    pub carve_size: u64,
    /// The guid in the host's own `carves` row.
    pub carve_id: String,
    pub request_id: String,
}

impl Plan {
    /// The number of blocks must be the least that holds the size.
    pub fn check(&self) -> Result<(), Refusal> {
        let bad = |reason: &str| Err(Refusal::Malformed(format!("carve refused: {reason}")));
        if self.carve_size == 0 || self.carve_size > SIZE_LIMIT {
            return bad("carve_size must be between 1 byte and 8 GiB");
        }
        if self.block_size == 0 || self.block_size > BLOCK_LIMIT {
            return bad("block_size must be between 1 byte and 256 MiB");
        }
        if self.block_count != self.carve_size.div_ceil(self.block_size) {
            return bad("block_count does not fit carve_size and block_size");
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Carve {
    pub id: CarveId,
    pub host: HostId,
    pub plan: Plan,
    pub session: Digest,
    pub begun_at: Timestamp,
    pub ended: Option<(Timestamp, Outcome)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All blocks are stored; SHA-256 of the whole.
    Complete { sha256: Digest },
    /// It cannot be completed any more; says why.
    Broken { reason: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Begun {
    pub carve: CarveId,
    pub host: HostId,
    pub plan: Plan,
    /// SHA-256 of the session id, which is the only proof that a block carries.
    pub session: Digest,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    pub carve: CarveId,
    pub outcome: Outcome,
}

#[derive(Clone, Debug)]
pub enum Command {
    Begin { host: HostId, plan: Plan, session: Digest },
    End { carve: CarveId, outcome: Outcome },
}

impl Command {
    pub fn decide(&self, state: &State, _now: Timestamp) -> Result<Vec<Event>, Refusal> {
        match self {
            Command::Begin { host, plan, session } => {
                plan.check()?;
                // A host that lost the reply begins again: the same session is the same carve.
                if state.carves.by_session(session).is_some() {
                    return Ok(vec![]);
                }
                let begun = Begun {
                    carve: CarveId(state.carves.newest + 1),
                    host: *host,
                    plan: plan.clone(),
                    session: *session,
                };
                Ok(vec![begun.into()])
            }
            Command::End { carve, outcome } => {
                let held = state.carves.get(*carve).ok_or_else(|| Refusal::not_found("Carve", carve))?;
                let open = held.ended.is_none();
                Ok(if open { vec![Ended { carve: *carve, outcome: outcome.clone() }.into()] } else { vec![] })
            }
        }
    }
}

/// All carves, folded from the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Carves {
    carves: OrdMap<CarveId, Carve>,
    by_session: HashMap<Digest, CarveId>,
    newest: u32,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    carves: Vec<Carve>,
    newest: u32,
}

impl Carves {
    pub fn get(&self, id: CarveId) -> Option<&Carve> {
        self.carves.get(&id)
    }

    pub fn by_session(&self, session: &Digest) -> Option<&Carve> {
        self.carves.get(self.by_session.get(session)?)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Carve> {
        self.carves.values()
    }

    pub(crate) fn begun(&mut self, event: &Begun, at: Timestamp) {
        self.newest = self.newest.max(event.carve.0);
        self.by_session.insert(event.session, event.carve);
        let carve = Carve {
            id: event.carve,
            host: event.host,
            plan: event.plan.clone(),
            session: event.session,
            begun_at: at,
            ended: None,
        };
        self.carves.insert(event.carve, carve);
    }

    pub(crate) fn ended(&mut self, event: &Ended, at: Timestamp) {
        if let Some(carve) = self.carves.get_mut(&event.carve) {
            carve.ended = Some((at, event.outcome.clone()));
        }
    }
}

impl From<Carves> for Kept {
    fn from(carves: Carves) -> Self {
        Kept { carves: carves.carves.values().cloned().collect(), newest: carves.newest }
    }
}

impl From<Kept> for Carves {
    fn from(kept: Kept) -> Self {
        Carves {
            by_session: kept.carves.iter().map(|carve| (carve.session, carve.id)).collect(),
            carves: kept.carves.into_iter().map(|carve| (carve.id, carve)).collect(),
            newest: kept.newest,
        }
    }
}
