//! The carves that are open, and those that ended lately.

use imbl::{HashMap, OrdMap, OrdSet};
use serde::{Deserialize, Serialize};

use super::{Begun, Ended, MOST_REMEMBERED, Outcome, Plan, REMEMBERED};
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

/// The carves that are open, and those that ended lately, folded from the ledger.
///
/// A host begins as many as it likes, so those that ended are forgotten, by the times of the commits alone: every fold
/// forgets the same. Their bytes stay where they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Carves {
    carves: OrdMap<CarveId, Carve>,
    by_session: HashMap<Digest, CarveId>,
    open: OrdSet<(HostId, CarveId)>,
    /// Those that have ended, in the order in which they did.
    ended: OrdSet<(Timestamp, CarveId)>,
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

    /// Those that have not ended.
    pub fn open(&self) -> impl Iterator<Item = &Carve> {
        self.open.iter().filter_map(|(_, id)| self.carves.get(id))
    }

    pub fn open_of(&self, host: HostId) -> impl Iterator<Item = CarveId> {
        self.open.range((host, CarveId(0))..=(host, CarveId(u32::MAX))).map(|(_, id)| *id)
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.ended.get_min().copied()
            && (now.since(at) >= REMEMBERED || self.ended.len() > MOST_REMEMBERED)
        {
            self.ended.remove(&(at, id));
            if let Some(carve) = self.carves.remove(&id) {
                self.by_session.remove(&carve.session);
            }
        }
    }

    pub(crate) fn begun(&mut self, event: &Begun, at: Timestamp) {
        self.newest = self.newest.max(event.carve.0);
        self.by_session.insert(event.session, event.carve);
        self.open.insert((event.host, event.carve));
        let carve = Carve {
            id: event.carve,
            host: event.host,
            plan: event.plan.clone(),
            session: event.session,
            begun_at: at,
            ended: None,
        };
        self.carves.insert(event.carve, carve);
        self.forget(at);
    }

    pub(crate) fn ended(&mut self, event: &Ended, at: Timestamp) {
        if let Some(carve) = self.carves.get_mut(&event.carve) {
            carve.ended = Some((at, event.outcome.clone()));
            self.open.remove(&(carve.host, event.carve));
            self.ended.insert((at, event.carve));
        }
        self.forget(at);
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
            open: kept.carves.iter().filter(|one| one.ended.is_none()).map(|one| (one.host, one.id)).collect(),
            ended: kept.carves.iter().filter_map(|one| Some((one.ended.as_ref()?.0, one.id))).collect(),
            by_session: kept.carves.iter().map(|carve| (carve.session, carve.id)).collect(),
            carves: kept.carves.into_iter().map(|carve| (carve.id, carve)).collect(),
            newest: kept.newest,
        }
    }
}
