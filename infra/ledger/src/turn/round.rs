//! One round: decide, append, and learn what became of it.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use domain::ledger::Stamp;
use domain::{CommandId, Refusal};
use infra_log::{AppendError, Draft, Position};
use tokio::time::Instant;

use super::batch::{Declined, Packed, pack};
use super::clock::{ClockGuard, Objection, Sent};
use super::{Turn, Writer};
use crate::Executed;
use crate::tail::LEDGER;

/// Rounds that the log fails in a row before those who wait are told.
const FAILURES: u32 = 3;

/// A commit as it is appended; again and again if need be, since of its copies only one can ever extend the head.
#[derive(Clone)]
pub(super) struct Record {
    sequence: u64,
    value: Bytes,
    commands: HashSet<CommandId>,
}

/// What a round has to do after deciding.
enum Next {
    /// All that waited is answered.
    Nothing,
    /// What was declined is not believed yet.
    Read,
    Append(Record, Vec<Declined>),
}

impl Turn {
    /// Answers what the fold answers, and tries to commit the rest.
    pub(super) async fn round(&mut self, writer: &mut Writer) {
        self.answer_from_fold();
        self.queue.expire(Instant::now(), self.failure.as_deref());
        self.forget_doubt();
        if self.queue.is_empty() {
            return;
        }
        match self.admit(writer).await {
            Ok(()) => {}
            Err(Objection::Clock(reason)) => return self.queue.refuse(&Refusal::Halted(reason)),
            Err(Objection::Log(reason)) => return self.failed(reason).await,
        }
        match self.next(writer) {
            Next::Nothing => {}
            Next::Read => self.read_on().await,
            Next::Append(record, declined) => self.append(writer, record, declined).await,
        }
    }

    /// A command that is in the fold is answered from there, whoever asked first.
    fn answer_from_fold(&mut self) {
        let (fold, shared) = (self.tail.fold(), self.tail.shared());
        self.queue.settle(|waiting| {
            let outcome = fold.outcome_of(&waiting.by.command_id)?.clone();
            Some(Ok(Executed { outcome: Some(outcome), fold: shared.clone() }))
        });
        // What did not land while its place was free is void now, for every reader, for ever.
        self.queue.taken(fold.chain.sequence);
    }

    /// A record that nobody waits for any more may still land; the chain will tell.
    fn forget_doubt(&mut self) {
        if !self.queue.iter().any(|waiting| waiting.in_doubt.is_some()) {
            self.doubt = None;
        }
    }

    async fn admit(&mut self, writer: &mut Writer) -> Result<(), Objection> {
        if let Some(reason) = &self.tail.fold().halted {
            return Err(Objection::Clock(reason.clone()));
        }
        ClockGuard::check_head(self.tail.fold(), writer.world.now())?;
        writer.clock.check_own(self.tail.log(), &writer.world).await
    }

    /// The record in doubt, or what waits, decided on the fold as it stands.
    fn next(&mut self, writer: &Writer) -> Next {
        if let Some(doubt) = &self.doubt {
            return Next::Append(doubt.clone(), vec![]);
        }
        let fold = self.tail.fold();
        let now = writer.world.now().max(fold.recorded);
        let stamp = Stamp {
            id: writer.world.uuid(),
            source: writer.source.clone(),
            sequence: fold.chain.sequence + 1,
            prev: fold.chain.head,
            recorded: now,
        };
        match pack(fold, &self.queue, &stamp) {
            Packed::Nothing(declined) => {
                self.believe(declined);
                if self.queue.is_empty() { Next::Nothing } else { Next::Read }
            }
            Packed::Record { decided, value, declined } => {
                let (on_fold, behind) = declined.into_iter().partition(|one| one.on_fold);
                self.believe(on_fold);
                let commands = decided.into_iter().map(|one| one.command).collect();
                Next::Append(Record { sequence: stamp.sequence, value: value.into(), commands }, behind)
            }
            Packed::TooLarge { command, size } => {
                let text = format!("the change is too large to be recorded: {size} bytes");
                self.queue.settle(|waiting| {
                    let too_large = waiting.by.command_id == command;
                    too_large.then(|| Err(Refusal::Malformed(text.clone()).into()))
                });
                Next::Nothing
            }
        }
    }

    /// Answers the commands that add nothing, where the fold had read to the end since they came.
    fn believe(&mut self, declined: Vec<Declined>) {
        let shared = self.tail.shared();
        let declined: HashMap<CommandId, Option<Refusal>> =
            declined.into_iter().map(|one| (one.command, one.refusal)).collect();
        self.queue.settle(|waiting| {
            let refusal = declined.get(&waiting.by.command_id).filter(|_| waiting.at_end)?;
            Some(match refusal {
                Some(refusal) => Err(refusal.clone().into()),
                None => Ok(Executed { outcome: None, fold: shared.clone() }),
            })
        });
    }

    async fn append(&mut self, writer: &mut Writer, record: Record, behind: Vec<Declined>) {
        let headers = vec![("content-type".to_owned(), "application/cloudevents+json".to_owned())];
        let draft = Draft { key: None, headers, value: record.value.clone() };
        let from = writer.world.now();
        match self.tail.log().append(LEDGER, vec![draft]).await {
            Ok(positions) => {
                let sent = Sent { from, until: writer.world.now() };
                self.landed(positions[0], record, behind).await;
                writer.clock.look_at_own(self.tail.log(), positions[0], sent).await;
            }
            Err(AppendError::Unknown(reason)) => {
                tracing::warn!(sequence = record.sequence, "it is not known whether a commit landed: {reason}");
                self.doubt(record);
                self.read_on().await;
                self.step_back().await;
            }
            Err(error) => self.failed(error.to_string()).await,
        }
    }

    /// The log has the record; whether it counts depends on what came before it.
    async fn landed(&mut self, position: Position, record: Record, behind: Vec<Declined>) {
        let next = self.tail.next();
        if position < next {
            self.doubt(record);
            return self.tail.cut(position);
        }
        if position == next {
            // Nobody was faster, which also proves that the fold stood at the end when this was appended.
            self.tail.fold_own(position, &record.value);
            self.doubt = None;
            self.answer_from_fold();
            self.queue.at_end();
            self.believe(behind);
            return self.progressed();
        }
        let command = record.commands.iter().next().cloned();
        self.doubt(record);
        if let Err(error) = self.tail.reach(position + 1).await {
            return self.failed(error.to_string()).await;
        }
        // All that was there when this was appended is folded.
        self.queue.at_end();
        match command.is_some_and(|command| self.tail.fold().outcome_of(&command).is_some()) {
            true => self.progressed(),
            false => self.step_back().await,
        }
    }

    /// Only reading tells whether this record counts.
    fn doubt(&mut self, record: Record) {
        for waiting in self.queue.iter_mut().filter(|waiting| record.commands.contains(&waiting.by.command_id)) {
            waiting.in_doubt = Some(record.sequence);
        }
        self.doubt = Some(record);
    }

    async fn read_on(&mut self) {
        if let Err(reason) = self.look().await {
            self.failed(reason).await;
        }
    }

    fn progressed(&mut self) {
        self.lost_in_a_row = 0;
        self.failure = None;
        self.failures = 0;
    }

    async fn failed(&mut self, reason: String) {
        if self.tail.fold().halted.is_some() {
            return; // the next round says so
        }
        tracing::warn!("the ledger cannot be written: {reason}");
        self.failures += 1;
        self.failure = Some(reason.clone());
        if self.failures >= FAILURES {
            self.queue.fail(&reason);
            self.progressed();
        }
        self.step_back().await;
    }
}
