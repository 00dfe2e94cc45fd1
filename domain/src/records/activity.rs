//! `muster.activity`: what was done by whom, as people and auditors read it.

use serde_json::{Value, json};

use super::{Encoded, Unreadable};
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

impl Activity {
    pub fn encode(&self) -> Encoded {
        let time = self.recorded.to_rfc3339();
        let value = json!({
            "specversion": "1.0",
            "id": format!("{}/{}", self.sequence, self.number),
            "source": self.source,
            "type": format!("activity.{}", self.kind),
            "dataversion": 1,
            "time": time,
            "recordedtime": time,
            "datacontenttype": "application/json",
            "sequence": self.sequence,
            "number": self.number,
            "actor": self.actor.to_string(),
            "commandid": self.command.0,
            "data": self.details,
        });
        let header = |name: &str, value: String| (name.to_owned(), value);
        Encoded {
            headers: vec![header("sequence", self.sequence.to_string()), header("number", self.number.to_string())],
            value: value.to_string().into_bytes(),
        }
    }

    pub fn decode(value: &[u8]) -> Result<Activity, Unreadable> {
        let envelope: Value = serde_json::from_slice(value).map_err(|error| Unreadable(error.to_string()))?;
        let missing = |name: &str| Unreadable(format!("member {name:?} is missing or of the wrong type"));
        let text = |name: &str| envelope.get(name).and_then(Value::as_str).ok_or_else(|| missing(name));
        let number = |name: &str| envelope.get(name).and_then(Value::as_u64).ok_or_else(|| missing(name));
        Ok(Activity {
            source: text("source")?.to_owned(),
            sequence: number("sequence")?,
            number: u32::try_from(number("number")?).map_err(|_| missing("number"))?,
            recorded: Timestamp::parse_rfc3339(text("recordedtime")?).ok_or_else(|| missing("recordedtime"))?,
            actor: text("actor")?.parse().map_err(Unreadable)?,
            command: CommandId(text("commandid")?.to_owned()),
            kind: text("type")?.strip_prefix("activity.").ok_or_else(|| missing("type"))?.to_owned(),
            details: envelope.get("data").cloned().unwrap_or(Value::Null),
        })
    }
}

#[cfg(test)]
mod tests {
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
