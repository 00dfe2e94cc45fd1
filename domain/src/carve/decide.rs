//! The rules of carves.

use super::{Begun, Ended, MOST_OPEN, Outcome, Plan};
use crate::state::State;
use crate::{CarveId, Digest, Event, HostId, Refusal, Timestamp};

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
                if state.carves.open_of(*host).count() >= MOST_OPEN {
                    return Err(Refusal::TooMany(format!(
                        "carve refused: {MOST_OPEN} carves of this host are open, which is the limit: send their blocks, or \
                         wait a day"
                    )));
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
