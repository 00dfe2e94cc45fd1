//! Sign-ins: a token's hash, whose it is, and when it was last known to be used.

use std::time::Duration;

use imbl::HashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::state::State;
use crate::{Digest, Event, KeyedDigest, Refusal, SessionId, Timestamp, UserId};

/// A session ends this long after its last use; tokens of API-only accounts never end.
pub const LIFETIME: Duration = Duration::from_secs(5 * 86_400);
/// A use is written down at most this often.
pub const USE_STEP: Duration = Duration::from_secs(3_600);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub id: SessionId,
    pub token: Digest,
    pub user: UserId,
    pub created_at: Timestamp,
    pub used_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Started {
    pub session: SessionId,
    pub user: UserId,
    pub token: Digest,
}

/// A session that was used again after [`USE_STEP`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Used {
    pub token: Digest,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    pub token: Digest,
}

#[derive(Clone, Debug)]
pub enum Command {
    Start {
        user: UserId,
        token: Digest,
    },
    /// The same for whoever has this address by then: an account that the same commit makes.
    StartByEmail {
        email: KeyedDigest,
        token: Digest,
    },
    Use {
        token: Digest,
    },
    End {
        token: Digest,
    },
    /// Ends every session of a user.
    EndAll {
        user: UserId,
    },
}

impl Command {
    pub fn decide(&self, state: &State, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let sessions = &state.sessions;
        Ok(match self {
            Command::Start { user, token } => {
                if state.users.get(*user).is_none() {
                    return Err(Refusal::not_found("User", format!("with id={user}")));
                }
                vec![Started { session: SessionId(sessions.newest + 1), user: *user, token: *token }.into()]
            }
            Command::StartByEmail { email, token } => {
                let Some(user) = state.users.by_email(email) else {
                    return Err(Refusal::not_found("User", "with this email"));
                };
                return Command::Start { user: user.id, token: *token }.decide(state, now);
            }
            Command::Use { token } => match sessions.by_token.get(token) {
                Some(session) if now.since(session.used_at) >= USE_STEP => vec![Used { token: *token }.into()],
                _ => vec![],
            },
            Command::End { token } if sessions.by_token.contains_key(token) => vec![Ended { token: *token }.into()],
            Command::End { .. } => vec![],
            Command::EndAll { user } => {
                let mut tokens: Vec<Digest> = sessions.of_user(*user).map(|session| session.token).collect();
                tokens.sort();
                tokens.into_iter().map(|token| Ended { token }.into()).collect()
            }
        })
    }
}

/// All sessions, folded from the ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Sessions {
    by_token: HashMap<Digest, Session>,
    newest: u32,
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

    pub(crate) fn started(&mut self, event: &Started, at: Timestamp) {
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
