//! The whole fold of the ledger: chain, state, and the outcomes of recent commands.

use std::sync::Arc;
use std::time::Duration;

use imbl::{HashMap, Vector};
use serde::{Deserialize, Serialize};

use super::{Chain, Commit, Decided, DecodeError, Verdict};
use crate::{CommandId, Digest, Event, State, Timestamp};

/// How long the outcome of a command is remembered for a client that asks again with the same key.
const MEMORY: Duration = Duration::from_secs(24 * 3_600);

/// What became of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The commit that holds it.
    pub sequence: u64,
    pub recorded: Timestamp,
    pub events: Arc<[Event]>,
}

/// The ledger, folded up to some record. Cloning is cheap.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    pub chain: Chain,
    pub state: State,
    /// `recordedtime` of the head.
    pub recorded: Timestamp,
    /// The node that wrote the head.
    pub source: String,
    /// Why nothing may be decided any more, if that is so.
    pub halted: Option<String>,
    outcomes: HashMap<CommandId, Outcome>,
    /// The same commands, oldest first, so that they can be forgotten in time.
    remembered: Vector<(Timestamp, CommandId)>,
}

impl Default for Fold {
    fn default() -> Self {
        Fold {
            chain: Chain::GENESIS,
            state: State::default(),
            recorded: Timestamp::EPOCH,
            source: String::new(),
            halted: None,
            outcomes: HashMap::new(),
            remembered: Vector::new(),
        }
    }
}

impl Fold {
    /// Folds the next record of the log.
    ///
    /// A void record changes nothing. A broken chain, or an event that this release does not know, halts the fold:
    /// it stays where it was, serves what it knows, and decides nothing more.
    pub fn apply(&mut self, record: &[u8]) -> Verdict {
        if let Some(reason) = &self.halted {
            return Verdict::Broken(reason.clone());
        }
        let verdict = match Commit::peek(record) {
            Ok(stamp) => self.chain.judge(&stamp.prev, stamp.sequence),
            Err(error) => Verdict::Broken(error.to_string()),
        };
        match verdict {
            Verdict::Applies => match Commit::decode(record) {
                Ok(commit) => {
                    self.commit(&commit);
                    self.chain = self.chain.extended_by(record);
                    Verdict::Applies
                }
                Err(error) => self.halt(unreadable(&error)),
            },
            Verdict::Void => Verdict::Void,
            Verdict::Broken(reason) => self.halt(reason),
        }
    }

    /// The outcome of a command that was committed in the last 24 hours.
    pub fn outcome_of(&self, command: &CommandId) -> Option<&Outcome> {
        self.outcomes.get(command)
    }

    /// The state after one more command of the commit that is being made; the chain stays.
    pub fn with(&mut self, events: &[Event], recorded: Timestamp) {
        events.iter().for_each(|event| self.state.evolve(event, recorded));
    }

    fn halt(&mut self, reason: String) -> Verdict {
        self.halted = Some(reason.clone());
        Verdict::Broken(reason)
    }

    fn commit(&mut self, commit: &Commit) {
        let recorded = commit.stamp.recorded;
        self.recorded = recorded;
        self.source = commit.stamp.source.clone();
        while self.remembered.front().is_some_and(|(at, _)| recorded.since(*at) > MEMORY) {
            if let Some((_, command)) = self.remembered.pop_front() {
                self.outcomes.remove(&command);
            }
        }
        for decided in &commit.decided {
            self.with(&decided.events, recorded);
            self.remember(commit.stamp.sequence, recorded, decided);
        }
    }

    fn remember(&mut self, sequence: u64, recorded: Timestamp, decided: &Decided) {
        let outcome = Outcome { sequence, recorded, events: decided.events.clone().into() };
        if self.outcomes.insert(decided.command.clone(), outcome).is_none() {
            self.remembered.push_back((recorded, decided.command.clone()));
        }
    }
}

fn unreadable(error: &DecodeError) -> String {
    match error {
        DecodeError::Unknown(event) => {
            format!("the ledger holds what a newer release decided ({event}): run that release on this node too")
        }
        DecodeError::NotACommit(_) => error.to_string(),
    }
}

/// What a snapshot keeps of a fold.
#[derive(Serialize, Deserialize)]
struct Kept {
    head: Digest,
    sequence: u64,
    recorded: Timestamp,
    source: String,
    state: State,
    outcomes: Vec<KeptOutcome>,
}

#[derive(Serialize, Deserialize)]
struct KeptOutcome {
    command: CommandId,
    sequence: u64,
    recorded: Timestamp,
    events: Vec<(String, u32, serde_json::Value)>,
}

impl Fold {
    /// The fold as bytes (JSON), for a snapshot; a halted fold has none.
    pub fn snapshot(&self) -> Option<Vec<u8>> {
        if self.halted.is_some() {
            return None;
        }
        let keep = |(_, command): &(Timestamp, CommandId)| {
            let outcome = self.outcomes.get(command)?;
            let events = outcome.events.iter().map(|one| (one.name().to_owned(), one.version(), one.to_json()));
            Some(KeptOutcome {
                command: command.clone(),
                sequence: outcome.sequence,
                recorded: outcome.recorded,
                events: events.collect(),
            })
        };
        let kept = Kept {
            head: self.chain.head,
            sequence: self.chain.sequence,
            recorded: self.recorded,
            source: self.source.clone(),
            state: self.state.clone(),
            outcomes: self.remembered.iter().filter_map(keep).collect(),
        };
        Some(serde_json::to_vec(&kept).expect("a fold is plain data with text keys"))
    }

    /// A fold from the bytes of a snapshot; the text of the error says what is wrong with them.
    pub fn restore(bytes: &[u8]) -> Result<Fold, String> {
        let kept: Kept = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let mut fold = Fold {
            chain: Chain { head: kept.head, sequence: kept.sequence },
            state: kept.state,
            recorded: kept.recorded,
            source: kept.source,
            ..Fold::default()
        };
        for one in kept.outcomes {
            let events = one.events.into_iter().map(|(name, version, data)| Event::from_json(&name, version, data));
            let events: Vec<Event> = events.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
            fold.remembered.push_back((one.recorded, one.command.clone()));
            let outcome = Outcome { sequence: one.sequence, recorded: one.recorded, events: events.into() };
            fold.outcomes.insert(one.command, outcome);
        }
        Ok(fold)
    }
}
