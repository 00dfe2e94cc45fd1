//! What is asked of the turn, and the commands that have no answer yet.

use std::collections::VecDeque;
use std::sync::Arc;

use domain::ledger::Fold;
use domain::{Command, Refusal, host};
use infra_log::ReadError;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::{By, CommandError, Executed};

/// A request to the task.
pub(crate) enum Request {
    Execute(Box<Waiting>),
    End(oneshot::Sender<Result<Arc<Fold>, ReadError>>),
    Close(oneshot::Sender<()>),
}

/// A command and who waits for it.
pub(crate) struct Waiting {
    pub(super) command: Command,
    pub(super) by: By,
    deadline: Instant,
    reply: oneshot::Sender<Result<Executed, CommandError>>,
    /// The fold has read to an end that was asked for after the call.
    pub(super) at_end: bool,
    /// It is in a record that may land yet, as this commit of the ledger.
    pub(super) in_doubt: Option<u64>,
}

impl Waiting {
    pub(crate) fn new(
        command: Command,
        by: By,
        deadline: Instant,
        reply: oneshot::Sender<Result<Executed, CommandError>>,
    ) -> Waiting {
        Waiting { command, by, deadline, reply, at_end: false, in_doubt: None }
    }

    pub(super) fn answer(self, answer: Result<Executed, CommandError>) {
        // Whoever asked may be gone; the ledger knows the outcome under its command id.
        let _ = self.reply.send(answer);
    }

    fn is_enrolment(&self) -> bool {
        matches!(self.command, Command::Host(host::Command::Enrol(_)))
    }
}

/// All that wait: what admins want first, enrolments after.
#[derive(Default)]
pub(super) struct Queue {
    admin: VecDeque<Waiting>,
    enrolments: VecDeque<Waiting>,
}

impl Queue {
    pub(super) fn push(&mut self, waiting: Waiting) {
        let queue = if waiting.is_enrolment() { &mut self.enrolments } else { &mut self.admin };
        queue.push_back(waiting);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.admin.is_empty() && self.enrolments.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.admin.len() + self.enrolments.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.admin.iter().chain(&self.enrolments)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Waiting> {
        self.admin.iter_mut().chain(&mut self.enrolments)
    }

    /// Takes out those that `settle` has an answer for, and answers them. One that is in doubt may be recorded yet,
    /// whatever else is wrong.
    pub(super) fn settle(&mut self, mut settle: impl FnMut(&Waiting) -> Option<Result<Executed, CommandError>>) {
        for queue in [&mut self.admin, &mut self.enrolments] {
            for waiting in std::mem::take(queue) {
                match settle(&waiting) {
                    Some(Err(_)) if waiting.in_doubt.is_some() => waiting.answer(Err(CommandError::Unknown)),
                    Some(answer) => waiting.answer(answer),
                    None => queue.push_back(waiting),
                }
            }
        }
    }

    /// The fold has read to an end that was asked for after all of these were taken.
    pub(super) fn at_end(&mut self) {
        self.iter_mut().for_each(|waiting| waiting.at_end = true);
    }

    /// The ledger has taken a commit at this sequence: what was in doubt there or before is so no more.
    pub(super) fn taken(&mut self, sequence: u64) {
        self.iter_mut().for_each(|waiting| waiting.in_doubt = waiting.in_doubt.filter(|doubt| *doubt > sequence));
    }

    /// Refuses all of them.
    pub(super) fn refuse(&mut self, refusal: &Refusal) {
        self.settle(|_| Some(Err(refusal.clone().into())));
    }

    /// Gives all of them up.
    pub(super) fn fail(&mut self, reason: &str) {
        self.settle(|_| Some(Err(CommandError::Log(reason.to_owned()))));
    }

    /// Gives up those whose time is over, and those that nobody waits for any more.
    pub(super) fn expire(&mut self, now: Instant, failure: Option<&str>) {
        let error = failure.map_or(CommandError::Contended, |reason| CommandError::Log(reason.to_owned()));
        self.settle(|waiting| {
            let over = now >= waiting.deadline || waiting.reply.is_closed();
            over.then(|| Err(error.clone()))
        });
    }
}
