//! A commit: the events of the commands that waited together, in one CloudEvents record.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::shape::schema_of;
use crate::{Actor, CommandId, Digest, Event, Timestamp, UnknownEvent};

/// A record of the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    pub stamp: Stamp,
    pub decided: Vec<Decided>,
}

/// What a commit says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// A UUIDv7.
    pub id: String,
    /// The node that wrote it, `muster/NAME`.
    pub source: String,
    pub sequence: u64,
    pub prev: Digest,
    /// The writer's clock, but never before the head's.
    pub recorded: Timestamp,
}

/// One command's events.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    pub command: CommandId,
    pub actor: Actor,
    /// W3C trace context of the request, if it had one.
    pub traceparent: Option<String>,
    pub events: Vec<Event>,
}

/// Why a record of the ledger cannot be folded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("not a commit: {0}")]
    NotACommit(String),
    #[error(transparent)]
    Unknown(#[from] UnknownEvent),
}

/// How a commit stands on the ledger: a CloudEvents envelope in structured mode.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Envelope<D> {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    time: String,
    datacontenttype: String,
    recordedtime: String,
    sequence: u64,
    prev: Digest,
    data: D,
}

// What says what was decided is read whole or not at all; what is said about it may grow.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Body {
    commands: Vec<StoredDecided>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct StoredDecided {
    commandid: CommandId,
    actor: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    traceparent: Option<String>,
    events: Vec<StoredEvent>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StoredEvent {
    #[serde(rename = "type")]
    kind: String,
    dataversion: u32,
    data: Value,
}

const KIND: &str = "muster.commit";

impl Commit {
    /// The shape of a record of the ledger; each event's `data` has a shape of its own.
    pub fn schema() -> (&'static str, u32, Schema) {
        (KIND, 1, schema_of::<Envelope<Body>>())
    }

    /// The bytes that are appended and hashed.
    pub fn encode(&self) -> Vec<u8> {
        let time = self.stamp.recorded.to_rfc3339();
        let commands = self.decided.iter().map(StoredDecided::from).collect();
        let envelope = Envelope {
            specversion: "1.0".to_owned(),
            id: self.stamp.id.clone(),
            source: self.stamp.source.clone(),
            kind: KIND.to_owned(),
            time: time.clone(),
            datacontenttype: "application/json".to_owned(),
            recordedtime: time,
            sequence: self.stamp.sequence,
            prev: self.stamp.prev,
            data: Body { commands },
        };
        serde_json::to_vec(&envelope).expect("a commit is plain data with text keys")
    }

    /// What a record says of itself, without reading its events: enough to judge it.
    pub fn peek(record: &[u8]) -> Result<Stamp, DecodeError> {
        let envelope: Envelope<&RawValue> = parse(record)?;
        envelope.stamp()
    }

    /// Reads a whole record, upcasting old events.
    pub fn decode(record: &[u8]) -> Result<Commit, DecodeError> {
        let envelope: Envelope<Body> = parse(record)?;
        let stamp = envelope.stamp()?;
        let decided = envelope.data.commands.into_iter().map(Decided::try_from).collect::<Result<_, _>>()?;
        Ok(Commit { stamp, decided })
    }
}

fn parse<'a, D: Deserialize<'a>>(record: &'a [u8]) -> Result<Envelope<D>, DecodeError> {
    serde_json::from_slice(record).map_err(|error| DecodeError::NotACommit(error.to_string()))
}

impl<D> Envelope<D> {
    fn stamp(&self) -> Result<Stamp, DecodeError> {
        if self.kind != KIND {
            return Err(DecodeError::NotACommit(format!("its type is {:?}", self.kind)));
        }
        let recorded = Timestamp::parse_rfc3339(&self.recordedtime)
            .ok_or_else(|| DecodeError::NotACommit(format!("recordedtime {:?} is no time", self.recordedtime)))?;
        Ok(Stamp {
            id: self.id.clone(),
            source: self.source.clone(),
            sequence: self.sequence,
            prev: self.prev,
            recorded,
        })
    }
}

impl From<&Decided> for StoredDecided {
    fn from(decided: &Decided) -> Self {
        let stored = |event: &Event| StoredEvent {
            kind: event.name().to_owned(),
            dataversion: event.version(),
            data: event.to_json(),
        };
        StoredDecided {
            commandid: decided.command.clone(),
            actor: decided.actor.to_string(),
            traceparent: decided.traceparent.clone(),
            events: decided.events.iter().map(stored).collect(),
        }
    }
}

impl TryFrom<StoredDecided> for Decided {
    type Error = DecodeError;

    fn try_from(stored: StoredDecided) -> Result<Self, Self::Error> {
        let events = stored.events.into_iter().map(|one| Event::from_json(&one.kind, one.dataversion, one.data));
        Ok(Decided {
            actor: stored.actor.parse().map_err(DecodeError::NotACommit)?,
            command: stored.commandid,
            traceparent: stored.traceparent,
            events: events.collect::<Result<_, _>>()?,
        })
    }
}
