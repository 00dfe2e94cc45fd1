//! What must hold of every story, whoever was interrupted where.

use std::collections::HashMap;

use domain::CommandId;
use domain::ledger::{Fold, Outcome};
use infra_ledger::{CommandError, Ledger};
use infra_log::Record;

use crate::reference::{Counted, counted, states};
use crate::story::{Call, wants};

/// Checks a story against the log as it really is.
pub fn check(records: &[Record], calls: &[Call], setup: &str) {
    let counted = counted(records).unwrap();
    let held = held(&counted);
    decided_on_the_state_they_extend(&counted, calls, setup);
    for call in calls {
        match &call.answer {
            Ok(executed) => match &executed.outcome {
                Some(outcome) => {
                    is_held(&held, &call.id, outcome);
                    assert_eq!(executed.fold.outcome_of(&CommandId(call.id.clone())), Some(outcome), "{}", call.id);
                }
                None => was_true_once(&counted, call),
            },
            Err(CommandError::Refused(_)) => was_true_once(&counted, call),
            Err(CommandError::Contended | CommandError::Log(_)) => is_not_held(&held, calls, call),
            Err(CommandError::Unknown) => {}
        }
    }
}

/// Every fold is the fold of the records, from their beginning.
pub async fn agree(records: &[Record], ledgers: &[Ledger]) {
    let mut fold = Fold::default();
    records.iter().for_each(|record| drop(fold.apply(&record.value)));
    assert_eq!(fold.halted, None);
    let counted = counted(records).unwrap();
    assert_eq!(fold.chain.sequence, counted.len() as u64, "the domain counts other commits than the reference");
    assert_eq!(fold.state, states(&counted).pop().unwrap().1);
    for ledger in ledgers {
        assert_eq!(*ledger.read_to_end().await.unwrap(), fold);
    }
}

/// The commit and the events of each key; no key counts twice.
fn held(counted: &[Counted]) -> HashMap<&str, (u64, &[domain::Event])> {
    let mut held = HashMap::new();
    for (commit, sequence) in counted.iter().zip(1..) {
        for (command, events) in &commit.commands {
            let before = held.insert(command.0.as_str(), (sequence, &events[..]));
            assert!(before.is_none(), "{} counts twice: in {before:?} and in commit {sequence}", command.0);
        }
    }
    held
}

/// Every command that counts says what it would say again on the very state it found: none was decided on a stale fold.
fn decided_on_the_state_they_extend(counted: &[Counted], calls: &[Call], setup: &str) {
    let wants = wants(calls);
    let commands = counted.iter().flat_map(|commit| commit.commands.iter().map(|one| (commit.recorded, one)));
    for ((recorded, (id, events)), (_, before)) in commands.zip(states(counted)) {
        if id.0 != setup {
            let decided = wants[&id.0].command().decide(&before, recorded);
            assert_eq!(decided.as_ref(), Ok(events), "{} was decided on another state than it extends", id.0);
        }
    }
}

fn is_held(held: &HashMap<&str, (u64, &[domain::Event])>, id: &str, outcome: &Outcome) {
    let (sequence, events) = held.get(id).unwrap_or_else(|| panic!("{id} was acknowledged and is lost"));
    assert_eq!((*sequence, *events), (outcome.sequence, &outcome.events[..]), "{id} is another than was told");
}

/// A refusal, or "nothing to do", is what some state said that existed while the call was under way.
fn was_true_once(counted: &[Counted], call: &Call) {
    let until = counted.iter().filter(|commit| commit.position < call.end).count() as u64;
    let command = call.want.command();
    let said = match &call.answer {
        Err(CommandError::Refused(refusal)) => Err(refusal.clone()),
        _ => Ok(vec![]),
    };
    let now = |commits: u64| counted.get(commits as usize).or(counted.last()).unwrap().recorded;
    let true_once = states(counted)
        .iter()
        .filter(|(commits, _)| (call.began_after..=until).contains(commits))
        .any(|(commits, state)| command.decide(state, now(*commits)) == said);
    assert!(
        true_once,
        "{} ({:?}) was told {said:?} between commits {} and {until}",
        call.id, call.want, call.began_after
    );
}

/// "Nothing was recorded" holds, unless somebody else asked for the same.
fn is_not_held(held: &HashMap<&str, (u64, &[domain::Event])>, calls: &[Call], call: &Call) {
    if calls.iter().filter(|other| other.id == call.id).count() == 1 {
        assert!(!held.contains_key(call.id.as_str()), "{} was given up, yet it counts", call.id);
    }
}
