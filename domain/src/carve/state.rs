//! All carves, folded from the ledger.

use imbl::{HashMap, OrdMap};
use serde::{Deserialize, Serialize};

use super::{Begun, Ended, Outcome, Plan};
use crate::{CarveId, Digest, HostId, Timestamp};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Carve {
    pub id: CarveId,
    pub host: HostId,
    pub plan: Plan,
    pub session: Digest,
    pub begun_at: Timestamp,
    pub ended: Option<(Timestamp, Outcome)>,
}

/// All carves, folded from the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Carves {
    carves: OrdMap<CarveId, Carve>,
    by_session: HashMap<Digest, CarveId>,
    pub(super) newest: u32,
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
