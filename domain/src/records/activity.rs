//! `muster.activity`: what was done by whom, as people and auditors read it.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Encoded, Unreadable};
use crate::shape::schema_of;
use crate::{Actor, CommandId, Timestamp};

/// One record of `muster.activity`. Persons are in it by id only.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// The node that wrote the record, `muster/NAME`.
    pub source: String,
    /// The ledger's commit that it comes from.
    pub sequence: u64,
    /// Its place among the activities of that commit, from 0. With `sequence` it names the activity: a writer that
    /// starts again may write it twice, and readers take the first.
    pub number: u32,
    pub recorded: Timestamp,
    pub actor: Actor,
    pub command: CommandId,
    /// The API's type, `created_team`.
    pub kind: String,
    /// What the type is told with: one JSON object, or null.
    pub details: Value,
}

/// How an activity stands on the log: a CloudEvents envelope in structured mode.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Stored {
    specversion: String,
    id: String,
    source: String,
    /// `activity.` and the API's type.
    #[serde(rename = "type")]
    kind: String,
    dataversion: u32,
    time: String,
    recordedtime: String,
    datacontenttype: String,
    sequence: u64,
    number: u32,
    actor: String,
    commandid: CommandId,
    #[serde(default)]
    data: Value,
}

const VERSION: u32 = 1;
const PREFIX: &str = "activity.";

impl Activity {
    /// The shape of a record of this topic; what `data` holds depends on the type.
    pub fn schema() -> (&'static str, u32, Schema) {
        ("muster.activity", VERSION, schema_of::<Stored>())
    }

    pub fn encode(&self) -> Encoded {
        let time = self.recorded.to_rfc3339();
        let stored = Stored {
            specversion: "1.0".to_owned(),
            id: format!("{}/{}", self.sequence, self.number),
            source: self.source.clone(),
            kind: format!("{PREFIX}{}", self.kind),
            dataversion: VERSION,
            time: time.clone(),
            recordedtime: time,
            datacontenttype: "application/json".to_owned(),
            sequence: self.sequence,
            number: self.number,
            actor: self.actor.to_string(),
            commandid: self.command.clone(),
            data: self.details.clone(),
        };
        let header = |name: &str, value: String| (name.to_owned(), value);
        Encoded {
            headers: vec![header("sequence", self.sequence.to_string()), header("number", self.number.to_string())],
            value: serde_json::to_vec(&stored).expect("an activity is plain data with text keys"),
        }
    }

    pub fn decode(value: &[u8]) -> Result<Activity, Unreadable> {
        let stored: Stored = serde_json::from_slice(value).map_err(|error| Unreadable(error.to_string()))?;
        let wrong = |name: &str, text: &str| Unreadable(format!("member {name:?} is {text:?}"));
        Ok(Activity {
            recorded: Timestamp::parse_rfc3339(&stored.recordedtime)
                .ok_or_else(|| wrong("recordedtime", &stored.recordedtime))?,
            actor: stored.actor.parse().map_err(Unreadable)?,
            kind: stored.kind.strip_prefix(PREFIX).ok_or_else(|| wrong("type", &stored.kind))?.to_owned(),
            source: stored.source,
            sequence: stored.sequence,
            number: stored.number,
            command: stored.commandid,
            details: stored.data,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::UserId;

    #[test]
    fn an_activity_comes_back_as_it_was_written() {
        let activity = Activity {
            source: "muster/a".into(),
            sequence: 12,
            number: 1,
            recorded: Timestamp::from_micros(1_790_000_000_000_001),
            actor: Actor::User(UserId(3)),
            command: CommandId("c".into()),
            kind: "created_team".into(),
            details: json!({"team_id": 4, "team_name": "ops"}),
        };
        let encoded = activity.encode();
        assert_eq!(Activity::decode(&encoded.value).unwrap(), activity);
        assert_eq!(encoded.headers[0], ("sequence".to_owned(), "12".to_owned()));
    }

    #[test]
    fn what_is_no_activity_is_refused() {
        for value in ["", "[]", "{}", r#"{"type":"activity.x","sequence":-1}"#] {
            assert!(Activity::decode(value.as_bytes()).is_err(), "{value}");
        }
    }
}
