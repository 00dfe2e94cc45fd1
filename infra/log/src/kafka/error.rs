//! Why a cluster cannot be used.

use std::fmt;

/// A refusal to open a log on Kafka.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The settings make no client.
    #[error("kafka settings: {0}")]
    Settings(String),
    #[error("kafka at {brokers} cannot be used: {why}")]
    Unreachable { brokers: String, why: String },
    #[error("kafka topic {topic} cannot be made: {why}")]
    NotMade { topic: String, why: String },
    /// Topics that could lose what they are given.
    #[error("{}", lines(.0))]
    Refused(Vec<Complaint>),
}

/// One thing that is wrong with a topic, and the command that mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    pub topic: String,
    pub what: String,
    pub mend: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kafka topic {} {}; mend it with: {}", self.topic, self.what, self.mend)
    }
}

fn lines(complaints: &[Complaint]) -> String {
    complaints.iter().map(Complaint::to_string).collect::<Vec<_>>().join("\n")
}
