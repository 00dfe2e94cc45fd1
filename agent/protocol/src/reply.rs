//! What a server answers, and what an agent makes of an answer.
//!
//! Every failure on a host endpoint must be a [`Refusal`]: a body without a top-level `error` is success to osqueryd,
//! whatever the HTTP status says, and it then deletes what it sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::members;

/// The answer to a config request whose `etag` equals the document's: 13 bytes.
pub const UNCHANGED: &str = r#"{"etag":"ok"}"#;

/// Success without payload.
pub const DONE: &str = "{}";

/// The answer to `enroll`.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// Never empty.
    pub node_key: String,
}

/// The answer to `distributed/read`. Idle, both maps are empty objects.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Name → SQL, never empty.
    pub queries: BTreeMap<String, String>,
    /// Name → SQL; each name also stands in `queries`.
    pub discovery: BTreeMap<String, String>,
    /// Poll every five seconds for that many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerate: Option<u64>,
}

/// The answer to `carve/begin`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct CarveBegun {
    /// Never empty.
    pub session_id: String,
    #[serde(default)]
    pub success: bool,
}

/// A failure that osqueryd takes for one.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub error: String,
    /// Destructive: the host throws its key away and enrols anew.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub node_invalid: bool,
    /// Names the request in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
}

/// An agent's view of an answer, as osqueryd has it.
#[derive(Debug)]
pub enum Answer {
    /// The document; `{}` for an empty body.
    Done(Box<RawValue>),
    /// The node key is not known to the server.
    NodeInvalid(String),
    /// A top-level `error`, or no JSON object: what it says.
    Failed(String),
}

impl Answer {
    /// Reads the body of an answer. `node_invalid` counts only when it is the boolean `true`; `error` counts whatever
    /// its value, `null` too. Names are matched exactly, as osqueryd does.
    pub fn parse(body: &[u8]) -> Answer {
        let text = crate::repair(body);
        let text = text.trim_ascii();
        if text.is_empty() {
            return Answer::Done(RawValue::from_string(DONE.to_owned()).expect("a constant that is JSON"));
        }
        let document = match serde_json::from_str::<&RawValue>(text) {
            Ok(document) => document,
            Err(cause) => return Answer::Failed(format!("the server did not answer in JSON: {cause}")),
        };
        let members = match members::object(document.get()) {
            Some(Ok(members)) => members,
            Some(Err(cause)) => return Answer::Failed(format!("the server did not answer in JSON: {cause}")),
            None => return Answer::Failed("the server's answer is no JSON object".to_owned()),
        };
        let error = members.iter().find(|(name, _)| name == "error").map(|(_, value)| value);
        let said = || error.and_then(|value| members::scalar(value)).unwrap_or_default();
        if members.iter().any(|(name, value)| name == "node_invalid" && value.get() == "true") {
            return Answer::NodeInvalid(said());
        }
        match error {
            Some(_) => Answer::Failed(said()),
            None => Answer::Done(document.to_owned()),
        }
    }
}

impl Work {
    /// Reads what a server asks, as osqueryd does: entries in document order up to the first that is not a non-empty
    /// name with a non-empty SQL text; after such a one `accelerate` is not read either. `accelerate` must be a whole number.
    ///
    /// The order of the list is the document's.
    pub fn read(document: &RawValue) -> Asked {
        let members = members::object(document.get()).and_then(Result::ok).unwrap_or_default();
        let member = |wanted: &str| members.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.get());
        let (queries, whole) = entries(member("queries"));
        let (discovery, _) = entries(member("discovery"));
        let accelerate = member("accelerate").filter(|_| whole).and_then(|seconds| seconds.parse().ok());
        Asked { queries, discovery: discovery.into_iter().collect(), accelerate }
    }
}

/// [`Work`] as the agent reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub queries: Vec<(String, String)>,
    pub discovery: BTreeMap<String, String>,
    pub accelerate: Option<u64>,
}

/// The good entries before the first bad one, and whether there was none.
fn entries(json: Option<&str>) -> (Vec<(String, String)>, bool) {
    let Some(members) = json.and_then(members::object).and_then(Result::ok) else { return (Vec::new(), true) };
    let count = members.len();
    let text = |(name, value): (String, &RawValue)| {
        let sql: String = serde_json::from_str(value.get()).ok()?;
        (!name.is_empty() && !sql.is_empty()).then_some((name, sql))
    };
    let good: Vec<_> = members.into_iter().map_while(text).collect();
    let whole = good.len() == count;
    (good, whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_as_osqueryd_takes_them() {
        let done = |body: &str| matches!(Answer::parse(body.as_bytes()), Answer::Done(_));
        let failed = |body: &str| matches!(Answer::parse(body.as_bytes()), Answer::Failed(_));
        let invalid = |body: &str| matches!(Answer::parse(body.as_bytes()), Answer::NodeInvalid(_));
        assert!(done("") && done("{}") && done(r#"{"message":"x","errors":[]}"#) && done(UNCHANGED));
        assert!(
            failed(r#"{"error":"x"}"#)
                && failed(r#"{"error":null}"#)
                && failed("<html>")
                && failed("[]")
                && failed("{")
        );
        assert!(invalid(r#"{"error":"x","node_invalid":true}"#) && invalid(r#"{"node_invalid":true}"#));
        assert!(
            done(r#"{"node_invalid":false}"#) && done(r#"{"node_invalid":1}"#) && done(r#"{"node_invalid":"true"}"#)
        );
        assert!(matches!(Answer::parse(br#"{"error":"disk full"}"#), Answer::Failed(said) if said == "disk full"));
    }

    #[test]
    fn refusals_say_node_invalid_only_when_they_mean_it() {
        let refusal =
            |node_invalid| serde_json::to_string(&Refusal { error: "e".into(), node_invalid, uuid: None }).unwrap();
        assert_eq!(refusal(false), r#"{"error":"e"}"#);
        assert_eq!(refusal(true), r#"{"error":"e","node_invalid":true}"#);
    }

    #[test]
    fn check_20_idle_work_is_two_empty_objects() {
        assert_eq!(serde_json::to_string(&Work::default()).unwrap(), r#"{"queries":{},"discovery":{}}"#);
    }

    fn asked(json: &str) -> Asked {
        Work::read(&RawValue::from_string(json.to_owned()).unwrap())
    }

    #[test]
    fn work_is_read_up_to_the_first_bad_entry() {
        let all = asked(r#"{"queries":{"b":"SELECT 1","a":"SELECT 2"},"discovery":{"b":"SELECT 1"},"accelerate":10}"#);
        assert_eq!(all.queries, [("b".to_owned(), "SELECT 1".to_owned()), ("a".to_owned(), "SELECT 2".to_owned())]);
        assert_eq!(all.discovery.len(), 1);
        assert_eq!(all.accelerate, Some(10));
        let cut = asked(r#"{"queries":{"a":"SELECT 1","b":"","c":"SELECT 3"},"accelerate":10}"#);
        assert_eq!((cut.queries.len(), cut.accelerate), (1, None));
        assert_eq!(asked(r#"{"queries":{},"accelerate":"10"}"#).accelerate, None);
        assert_eq!(asked("{}"), Asked::default());
    }
}
