//! An append under way. Its records land, come late or never; a caller that is dropped half-way leaves them to chance.

use std::collections::VecDeque;

use super::adversary::{Adversary, State};
use crate::{Draft, Partition, Position};

/// What becomes of an append, drawn when it is sent.
pub(super) enum Fate {
    Acknowledged,
    Failed,
    LostAck,
    Late,
    Vanished,
}

impl Fate {
    pub(super) fn draw(state: &mut State) -> Fate {
        let faults = state.faults.clone();
        let mut lot = state.dice.between(0, 999_999) as f64 / 1e6;
        for (probability, fate) in [
            (faults.failed, Fate::Failed),
            (faults.lost_ack, Fate::LostAck),
            (faults.late, Fate::Late),
            (faults.vanished, Fate::Vanished),
        ] {
            if lot < probability {
                return fate;
            }
            lot -= probability;
        }
        Fate::Acknowledged
    }
}

/// The records of one append that have no fate yet.
pub(super) struct Flight<'a> {
    adversary: &'a Adversary,
    partition: Partition,
    drafts: VecDeque<Draft>,
}

impl<'a> Flight<'a> {
    pub(super) fn new(adversary: &'a Adversary, partition: Partition, drafts: Vec<Draft>) -> Self {
        Flight { adversary, partition, drafts: drafts.into() }
    }

    /// Lands the next record, perhaps twice. Returns the position that an acknowledgement names.
    pub(super) fn land_next(&mut self, state: &mut State) -> Option<Position> {
        let draft = self.drafts.pop_front()?;
        let copy = draft.clone();
        let first = self.adversary.land(state, self.partition, draft);
        let duplicate = state.faults.duplicate;
        if !state.dice.chance(duplicate) {
            return Some(first);
        }
        if state.dice.chance(0.5) {
            state.delay(self.partition, copy);
            return Some(first);
        }
        let second = self.adversary.land(state, self.partition, copy);
        Some(if state.dice.chance(0.5) { first } else { second })
    }

    /// Nothing more of it lands.
    pub(super) fn forget(&mut self) {
        self.drafts.clear();
    }

    /// Everything left lands later.
    pub(super) fn delay(&mut self, state: &mut State) {
        self.drafts.drain(..).for_each(|draft| state.delay(self.partition, draft));
    }

    /// A beginning of it lands now, the rest now, later or never.
    pub(super) fn land_some(&mut self, state: &mut State) {
        let whole = self.drafts.len() as u64;
        for _ in 0..state.dice.between(1, whole.max(1)) {
            self.land_next(state);
        }
        self.scatter(state);
    }

    /// Each record left lands now, later or never.
    pub(super) fn scatter(&mut self, state: &mut State) {
        while !self.drafts.is_empty() {
            match state.dice.between(0, 3) {
                0 => drop(self.drafts.pop_front()),
                1 => state.delay(self.partition, self.drafts.pop_front().expect("checked by the loop")),
                _ => drop(self.land_next(state)),
            }
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if self.drafts.is_empty() {
            return;
        }
        let adversary = self.adversary;
        self.scatter(&mut adversary.state());
    }
}
