//! The adversary: the shared truth, the dice, and the records that have not landed yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::Memory;
use super::dice::Dice;
use super::faults::Faults;
use crate::{Draft, Partition, Position};

/// How likely a late record is to land at each operation that follows.
const LANDING: f64 = 0.25;

/// One log in memory that many [`Handle`](super::Handle)s misuse together. Clones share everything.
///
/// ```
/// # use infra_log::{Draft, Log, Topic, memory::{Adversary, Faults}};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let adversary = Adversary::new(42, Faults::wild());
/// let (one, two) = (adversary.handle(), adversary.handle());
/// let draft = Draft { value: "hello".into(), ..Draft::default() };
/// let outcomes = tokio::join!(one.append(Topic::Ledger.only(), vec![draft.clone()]), two.append(Topic::Ledger.only(), vec![draft]));
/// adversary.settle(); // what is still under way lands
/// let truth = adversary.log().records(Topic::Ledger.only());
/// # let _ = (outcomes, truth);
/// # });
/// ```
#[derive(Clone)]
pub struct Adversary {
    log: Memory,
    state: Arc<Mutex<State>>,
}

pub(super) struct State {
    pub(super) dice: Dice,
    pub(super) faults: Faults,
    late: Vec<(Partition, Draft)>,
    /// How far anyone was told or shown: no later answer to `end` may lie below.
    shown: HashMap<Partition, Position>,
}

impl Adversary {
    pub fn new(seed: u64, faults: Faults) -> Self {
        Adversary::on(Memory::default(), seed, faults)
    }

    /// An adversary before a log that has its own clock, or records already.
    pub fn on(log: Memory, seed: u64, faults: Faults) -> Self {
        let state = State { dice: Dice::new(seed), faults, late: Vec::new(), shown: HashMap::new() };
        Adversary { log, state: Arc::new(Mutex::new(state)) }
    }

    /// The truth: what is in the log, without faults.
    pub fn log(&self) -> &Memory {
        &self.log
    }

    /// Changes what goes wrong from now on; [`Faults::none`] lets a test come to rest.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// How many records are still under way.
    pub fn late(&self) -> usize {
        self.state().late.len()
    }

    /// Lands every record that is still under way.
    pub fn settle(&self) {
        let mut state = self.state();
        for (partition, draft) in std::mem::take(&mut state.late) {
            self.land(&mut state, partition, draft);
        }
    }

    /// Cuts the tail of a partition at `from`, acknowledged records with it.
    pub fn cut(&self, partition: Partition, from: Position) {
        let mut state = self.state();
        self.log.cut(partition, from);
        state.shown.entry(partition).and_modify(|shown| *shown = from.min(*shown));
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the state")
    }

    /// Something happens somewhere: some of what is under way lands.
    pub(super) fn stir(&self) {
        let mut state = self.state();
        for (partition, draft) in std::mem::take(&mut state.late) {
            match state.dice.chance(LANDING) {
                true => drop(self.land(&mut state, partition, draft)),
                false => state.late.push((partition, draft)),
            }
        }
    }

    pub(super) fn land(&self, state: &mut State, partition: Partition, draft: Draft) -> Position {
        self.leave_gap(state, partition);
        let position = self.log.land(partition, draft);
        self.leave_gap(state, partition);
        position
    }

    fn leave_gap(&self, state: &mut State, partition: Partition) {
        let gap = state.faults.gap;
        if state.dice.chance(gap) {
            let skipped = state.dice.between(1, 3);
            self.log.tape(partition, |tape| tape.skip(skipped));
        }
    }

    /// The position up to which a caller with this floor sees: all of the truth, or less.
    pub(super) fn sight(&self, state: &mut State, partition: Partition, floor: Position) -> Position {
        let next = self.log.tape(partition, |tape| tape.next());
        let lag = state.faults.lag;
        match state.dice.chance(lag) {
            true => state.dice.between(floor.min(next), next),
            false => next,
        }
    }
}

impl State {
    pub(super) fn delay(&mut self, partition: Partition, draft: Draft) {
        self.late.push((partition, draft));
    }

    pub(super) fn shown(&self, partition: Partition) -> Position {
        self.shown.get(&partition).copied().unwrap_or(0)
    }

    pub(super) fn show(&mut self, partition: Partition, position: Position) {
        let shown = self.shown.entry(partition).or_default();
        *shown = position.max(*shown);
    }
}
