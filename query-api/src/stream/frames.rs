//! The two framings of one conversation: plain text frames, and SockJS.

use serde_json::{Value, json};

/// How messages are wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One JSON message a frame.
    Raw,
    /// `o` at the start, `a[…]` around messages, `h` to keep alive, `c[…]` at the end; clients send arrays of texts.
    SockJs,
}

impl Framing {
    /// What opens the conversation.
    pub fn open(self) -> Option<&'static str> {
        (self == Framing::SockJs).then_some("o")
    }

    /// A message to the client.
    pub fn wrap(self, message: &Value) -> String {
        match self {
            Framing::Raw => message.to_string(),
            Framing::SockJs => format!("a{}", Value::from(vec![message.to_string()])),
        }
    }

    /// What keeps the connection alive, if it is a text; plain sockets are pinged.
    pub fn heartbeat(self) -> Option<&'static str> {
        (self == Framing::SockJs).then_some("h")
    }

    /// What ends the conversation, before the Close frame.
    pub fn close(self, code: u16, reason: &str) -> Option<String> {
        (self == Framing::SockJs).then(|| format!("c{}", json!([code, reason])))
    }

    /// The messages in a client's frame; `None` if the frame breaks the framing.
    pub fn unwrap(self, frame: &str) -> Option<Vec<String>> {
        match self {
            Framing::Raw => Some(vec![frame.to_owned()]),
            Framing::SockJs if frame.trim().is_empty() => Some(vec![]),
            Framing::SockJs => serde_json::from_str(frame).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Framing;

    #[test]
    fn sockjs_wraps_the_text_of_a_message_in_an_array() {
        assert_eq!(Framing::SockJs.wrap(&json!({"type": "x"})), r#"a["{\"type\":\"x\"}"]"#);
        assert_eq!(Framing::Raw.wrap(&json!({"type": "x"})), r#"{"type":"x"}"#);
    }

    #[test]
    fn sockjs_ends_with_a_code_and_a_reason() {
        assert_eq!(Framing::SockJs.close(1000, "done").as_deref(), Some(r#"c[1000,"done"]"#));
        assert_eq!(Framing::Raw.close(1000, "done"), None);
    }

    #[test]
    fn a_sockjs_client_may_put_several_messages_in_one_frame() {
        assert_eq!(Framing::SockJs.unwrap(r#"["a","b"]"#), Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(Framing::SockJs.unwrap(r#"{"type":"auth"}"#), None);
        assert_eq!(Framing::Raw.unwrap("x\n"), Some(vec!["x\n".to_owned()]));
    }
}
