//! The ledger's one rule, and the record it is told by.
//!
//! A record that extends the head applies; one that was overtaken is void, for every reader, for ever; anything else
//! means that the log was cut or forked. All who fold the ledger apply this to the same bytes and so agree, with no
//! leader and no lock; and the chain that makes history tamper-evident is the writers' concurrency token.

mod chain;
mod commit;
mod fold;

pub use chain::{Chain, Verdict};
pub use commit::{Commit, Decided, DecodeError, Stamp};
pub use fold::{Fold, Outcome};
