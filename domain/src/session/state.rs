//! The sessions, folded from the ledger.

use imbl::HashMap;
use serde::{Deserialize, Serialize};

use super::{Ended, LIFETIME, Started, Used};
use crate::{Digest, SessionId, Timestamp, UserId};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub id: SessionId,
    pub token: Digest,
    pub user: UserId,
    pub created_at: Timestamp,
    pub used_at: Timestamp,
}

/// The sessions that may still be used, folded from the ledger.
///
/// One that ends by its time ends without an event. It is forgotten when the next one begins, by the times of the commits
/// alone: every fold forgets the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Sessions {
    pub(super) by_token: HashMap<Digest, Session>,
    pub(super) newest: u32,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    sessions: Vec<Session>,
    newest: u32,
}

impl Sessions {
    /// The session of a token, if it has not ended by `now`; `api_only` tokens never end.
    pub fn live(&self, token: &Digest, now: Timestamp, api_only: impl Fn(UserId) -> bool) -> Option<&Session> {
        let session = self.by_token.get(token)?;
        (now.since(session.used_at) < LIFETIME || api_only(session.user)).then_some(session)
    }

    pub fn of_user(&self, user: UserId) -> impl Iterator<Item = &Session> {
        self.by_token.values().filter(move |session| session.user == user)
    }

    fn forget(&mut self, now: Timestamp, api_only: impl Fn(UserId) -> bool) {
        let over = |session: &&Session| now.since(session.used_at) >= LIFETIME && !api_only(session.user);
        let over: Vec<Digest> = self.by_token.values().filter(over).map(|session| session.token).collect();
        for token in over {
            self.by_token.remove(&token);
        }
    }

    pub(crate) fn started(&mut self, event: &Started, at: Timestamp, api_only: impl Fn(UserId) -> bool) {
        self.forget(at, api_only);
        self.newest = self.newest.max(event.session.0);
        let session = Session { id: event.session, token: event.token, user: event.user, created_at: at, used_at: at };
        self.by_token.insert(event.token, session);
    }

    pub(crate) fn used(&mut self, event: &Used, at: Timestamp) {
        if let Some(session) = self.by_token.get_mut(&event.token) {
            session.used_at = session.used_at.max(at);
        }
    }

    pub(crate) fn ended(&mut self, event: &Ended) {
        self.by_token.remove(&event.token);
    }

    pub(crate) fn user_deleted(&mut self, user: UserId) {
        self.by_token.retain(|_, session| session.user != user);
    }
}

impl From<Sessions> for Kept {
    fn from(sessions: Sessions) -> Self {
        let mut kept: Vec<Session> = sessions.by_token.values().cloned().collect();
        kept.sort_by_key(|session| session.id);
        Kept { sessions: kept, newest: sessions.newest }
    }
}

impl From<Kept> for Sessions {
    fn from(kept: Kept) -> Self {
        let by_token = kept.sessions.into_iter().map(|session| (session.token, session)).collect();
        Sessions { by_token, newest: kept.newest }
    }
}
