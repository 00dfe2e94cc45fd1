//! The rules of sign-ins.

use super::{Ended, Started, USE_STEP, Used};
use crate::state::State;
use crate::{Digest, Event, KeyedDigest, Refusal, SessionId, Timestamp, UserId};

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
            // One that has ended by its time is not brought back.
            Command::Use { token } => match sessions.live(token, now, |user| is_api_only(state, user)) {
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

fn is_api_only(state: &State, user: UserId) -> bool {
    state.users.get(user).is_some_and(|user| user.api_only)
}
