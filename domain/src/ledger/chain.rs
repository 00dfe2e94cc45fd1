//! Where the ledger stands, and what the next record means.

use serde::{Deserialize, Serialize};

use crate::Digest;

/// The head of the ledger: the hash of its last valid record, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    pub head: Digest,
    pub sequence: u64,
}

/// What a record means to a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It extends the head: fold it.
    Applies,
    /// Another record came before it, or it landed twice: it means nothing, to anybody, for ever.
    Void,
    /// Records are missing or were forged: decide nothing more.
    Broken(String),
}

impl Chain {
    /// The empty ledger.
    pub const GENESIS: Chain = Chain { head: Digest([0; 32]), sequence: 0 };

    /// Judges a record by what it says it extends (`prev`) and which it says it is (`sequence`, from 1).
    pub fn judge(&self, prev: &Digest, sequence: u64) -> Verdict {
        if *prev == self.head {
            if sequence == self.sequence + 1 {
                return Verdict::Applies;
            }
            return Verdict::Broken(format!(
                "a record extends commit {} but calls itself commit {sequence}",
                self.sequence
            ));
        }
        if sequence <= self.sequence {
            return Verdict::Void;
        }
        Verdict::Broken(format!(
            "commit {sequence} extends {prev}, but the ledger stands at commit {} with head {}",
            self.sequence, self.head
        ))
    }

    /// The chain after the record with these bytes, which [`judge`](Self::judge) let apply.
    pub fn extended_by(&self, record: &[u8]) -> Chain {
        Chain { head: Digest::of(record), sequence: self.sequence + 1 }
    }
}
