//! The topics, as fixed as a schema: their names and partition counts are a contract with outside readers.

use std::fmt;
use std::time::Duration;

/// A topic of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Every decision, as a chain of commits.
    Ledger,
    /// What hosts reported, one record per changed section.
    Hosts,
    /// What every node should know soon and nobody needs for ever.
    Signals,
    /// Scheduled-query rows, one record a row, as osquery sent them.
    Results,
    /// osquery status lines.
    Status,
    /// Live-query answers.
    Live,
    /// Accepted decisions with old and new values, for auditors.
    Activity,
}

impl Topic {
    pub const ALL: [Topic; 7] =
        [Topic::Ledger, Topic::Hosts, Topic::Signals, Topic::Results, Topic::Status, Topic::Live, Topic::Activity];

    /// The name on the broker, `muster.hosts`.
    pub fn name(self) -> &'static str {
        match self {
            Topic::Ledger => "muster.ledger",
            Topic::Hosts => "muster.hosts",
            Topic::Signals => "muster.signals",
            Topic::Results => "muster.results",
            Topic::Status => "muster.status",
            Topic::Live => "muster.live",
            Topic::Activity => "muster.activity",
        }
    }

    /// How many partitions the topic has.
    pub fn partitions(self) -> u32 {
        match self {
            Topic::Ledger | Topic::Signals | Topic::Activity => 1,
            Topic::Status => 6,
            Topic::Hosts | Topic::Live => 12,
            Topic::Results => 24,
        }
    }

    /// How long records are kept; `None` is for ever.
    pub fn retention(self) -> Option<Duration> {
        let days = match self {
            Topic::Ledger => return None,
            Topic::Hosts | Topic::Activity => 400,
            Topic::Signals | Topic::Results => 7,
            Topic::Status => 3,
            Topic::Live => 1,
        };
        Some(Duration::from_secs(days * 86_400))
    }

    /// The only partition of a topic that has one.
    pub fn only(self) -> Partition {
        debug_assert_eq!(self.partitions(), 1);
        Partition { topic: self, index: 0 }
    }

    /// The partition of a key: our own hash, so that every adapter and release agrees.
    pub fn partition_of(self, key: u64) -> Partition {
        // SplitMix64's finaliser: host ordinals are dense, their low bits alone would do worse under any stride.
        let mut mixed = key.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        Partition { topic: self, index: (mixed % u64::from(self.partitions())) as u32 }
    }

    /// Every partition of the topic.
    pub fn every(self) -> impl Iterator<Item = Partition> {
        (0..self.partitions()).map(move |index| Partition { topic: self, index })
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One partition of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    pub topic: Topic,
    pub index: u32,
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.index)
    }
}
