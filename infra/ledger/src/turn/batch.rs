//! Commands that waited together, decided together: each on the state that the earlier ones leave.

use std::collections::HashSet;

use domain::ledger::{Commit, Decided, Fold, Stamp};
use domain::{CommandId, Refusal, Timestamp};
use infra_log::RECORD_LIMIT;

use super::request::{Queue, Waiting};

/// Commands in one commit at most.
const COMMANDS: usize = 512;

/// What the value of a record leaves for its headers.
const VALUE_LIMIT: usize = RECORD_LIMIT - 1_024;

/// A command that adds no event.
pub(super) struct Declined {
    pub(super) command: CommandId,
    /// `None`: there is nothing to do.
    pub(super) refusal: Option<Refusal>,
    /// It was decided on the fold alone, before any event of this batch.
    pub(super) on_fold: bool,
}

/// What becomes of the commands that wait.
pub(super) enum Packed {
    /// None of them adds an event.
    Nothing(Vec<Declined>),
    /// One commit holds what they add.
    Record { decided: Vec<Decided>, value: Vec<u8>, declined: Vec<Declined> },
    /// This one is over the limit alone, in bytes.
    TooLarge { command: CommandId, size: usize },
}

/// Decides what waits, and less of it if a record does not hold the outcome.
pub(super) fn pack(fold: &Fold, queue: &Queue, stamp: &Stamp) -> Packed {
    let mut limit = COMMANDS;
    loop {
        let (decided, declined) = decide(fold, queue, stamp.recorded, limit);
        if decided.is_empty() {
            return Packed::Nothing(declined);
        }
        let commit = Commit { stamp: stamp.clone(), decided };
        let value = commit.encode();
        let decided = commit.decided;
        match &decided[..] {
            _ if value.len() <= VALUE_LIMIT => return Packed::Record { decided, value, declined },
            [only] => return Packed::TooLarge { command: only.command.clone(), size: value.len() },
            several => limit = several.len() / 2,
        }
    }
}

/// Decides until `limit` commands have added events.
fn decide(fold: &Fold, queue: &Queue, now: Timestamp, limit: usize) -> (Vec<Decided>, Vec<Declined>) {
    let mut left = fold.clone();
    let (mut decided, mut declined) = (vec![], vec![]);
    let mut ids = HashSet::new();
    for Waiting { command, by, .. } in queue.iter() {
        if decided.len() == limit {
            break;
        }
        // Asked twice at the same time: the second is answered when the first is.
        if !ids.insert(&by.command_id) {
            continue;
        }
        let refusal = match command.decide(&left.state, now) {
            Ok(events) if !events.is_empty() => {
                left.with(&events, now);
                decided.push(Decided {
                    command: by.command_id.clone(),
                    actor: by.actor,
                    traceparent: by.traceparent.clone(),
                    events,
                });
                continue;
            }
            Ok(_) => None,
            Err(refusal) => Some(refusal),
        };
        declined.push(Declined { command: by.command_id.clone(), refusal, on_fold: decided.is_empty() });
    }
    (decided, declined)
}
