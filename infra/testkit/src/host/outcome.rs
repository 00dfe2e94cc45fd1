//! What a host makes of an answer.

use serde_json::Value;

/// osqueryd looks at the body alone.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Success: what was sent is deleted, what was got is applied.
    Done(Value),
    /// Tried again later.
    Failed(String),
    /// The key is thrown away, and the host enrols anew.
    NodeInvalid(String),
    /// No whole answer came.
    Unanswered(String),
}

/// One answer to a host.
#[derive(Clone, Debug)]
pub struct Reply {
    /// 0 without an answer.
    pub status: u16,
    /// By lower-case name.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub outcome: Outcome,
}

impl Outcome {
    /// Reads a body as osqueryd does: an empty one is success, `error` counts whatever its value, and `node_invalid` only
    /// when it is the boolean `true`.
    pub fn of(body: &[u8]) -> Outcome {
        if body.is_empty() {
            return Outcome::Done(Value::Object(Default::default()));
        }
        let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(body) else {
            return Outcome::Failed(format!("no JSON object: {}", String::from_utf8_lossy(body)));
        };
        let error = members.get("error");
        let said = || error.map(|error| error.as_str().map_or_else(|| error.to_string(), str::to_owned));
        if members.get("node_invalid") == Some(&Value::Bool(true)) {
            return Outcome::NodeInvalid(said().unwrap_or_default());
        }
        match said() {
            Some(said) => Outcome::Failed(said),
            None => Outcome::Done(Value::Object(members)),
        }
    }
}

impl Reply {
    pub fn unanswered(error: impl std::fmt::Display) -> Reply {
        Reply { status: 0, headers: vec![], body: vec![], outcome: Outcome::Unanswered(error.to_string()) }
    }

    /// The host believes that it is done.
    pub fn acknowledged(&self) -> bool {
        matches!(self.outcome, Outcome::Done(_))
    }

    /// The host will try again with what it has, key included.
    pub fn refused(&self) -> bool {
        matches!(self.outcome, Outcome::Failed(_))
    }

    pub fn node_invalid(&self) -> bool {
        matches!(self.outcome, Outcome::NodeInvalid(_))
    }

    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// The document of a success.
    #[track_caller]
    pub fn done(self) -> Value {
        match self.outcome {
            Outcome::Done(value) => value,
            other => panic!("the host takes this for no success: {other:?} (status {})", self.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    #[test]
    fn bodies_are_taken_as_osqueryd_takes_them() {
        let done = |body: &str| matches!(Outcome::of(body.as_bytes()), Outcome::Done(_));
        let failed = |body: &str| matches!(Outcome::of(body.as_bytes()), Outcome::Failed(_));
        let invalid = |body: &str| matches!(Outcome::of(body.as_bytes()), Outcome::NodeInvalid(_));
        assert!(done("") && done("{}") && done(r#"{"message":"no","errors":[]}"#) && done(r#"{"node_invalid":1}"#));
        assert!(failed(r#"{"error":null}"#) && failed("<html>") && failed("[]") && failed(r#"{"a":"#));
        assert!(invalid(r#"{"node_invalid":true}"#) && invalid(r#"{"error":"x","node_invalid":true}"#));
    }
}
