//! Ids are types, so that a team is never passed where a host is meant.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map($name)
            }
        }
    )*};
}

ids! {
    /// A host's ordinal: dense, from 1, never used again; also its bit in every bitmap.
    HostId;
    TeamId;
    UserId;
    SessionId;
    QueryId;
    LabelId;
    CampaignId;
    CarveId;
}

/// The idempotency key of a command: the client's own, or one made for the request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CommandId(pub String);

/// Who caused a decision, as written to the ledger: ids only, never a name or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    User(UserId),
    Host(HostId),
    /// Nobody signed in: an enrolment, a failed login, the first set-up.
    Anonymous,
    /// A job on a clock.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::User(id) => write!(f, "user/{id}"),
            Actor::Host(id) => write!(f, "host/{id}"),
            Actor::Anonymous => f.write_str("anonymous"),
            Actor::System => f.write_str("system"),
        }
    }
}

impl FromStr for Actor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || format!("unknown actor {text:?}");
        match text.split_once('/') {
            Some(("user", id)) => id.parse().map(Actor::User).map_err(|_| unknown()),
            Some(("host", id)) => id.parse().map(Actor::Host).map_err(|_| unknown()),
            None if text == "anonymous" => Ok(Actor::Anonymous),
            None if text == "system" => Ok(Actor::System),
            _ => Err(unknown()),
        }
    }
}
