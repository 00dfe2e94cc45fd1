//! Answers that the server has not taken yet: in memory, by the names of their queries, bounded in age and bytes.

use std::collections::BTreeMap;

use agent_protocol::{Row, body};
use serde_json::value::{RawValue, to_raw_value};

/// How long an answer is kept that the server does not take. It asks again for what it still wants.
const KEEP_SECONDS: u64 = 3600;

/// The most bytes of answers that are kept. A write of them all stays below what servers take.
const MAX_BYTES: usize = 32 << 20;

/// What one query gave.
#[derive(Clone, Debug)]
pub struct Given {
    /// The rows as they go out: a fraction of what they take as rows.
    rows: Box<RawValue>,
    status: i64,
    message: String,
    stats: body::Stats,
}

impl Given {
    pub fn rows(rows: &[Row], stats: body::Stats) -> Self {
        let rows = to_raw_value(rows).expect("rows are maps of text");
        Given { rows, status: 0, message: String::new(), stats }
    }

    pub fn failure(message: String) -> Self {
        Given { status: 1, message, ..Given::rows(&[], body::Stats::default()) }
    }

    fn bytes(&self) -> usize {
        self.rows.get().len() + self.message.len()
    }
}

struct Answer {
    given: Given,
    /// When the first answer of this name was kept, in seconds since 1970.
    since: u64,
}

/// Answers by name.
#[derive(Default)]
pub struct Kept {
    answers: BTreeMap<String, Answer>,
    /// The last write failed, so each answer goes alone: one that the server cannot take must not hold the others.
    pub apart: bool,
}

impl Kept {
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Takes an answer up. It replaces an earlier one of its name but not the time of that: what the server asks for
    /// again and again, and never takes, is to go some time.
    pub fn put(&mut self, name: String, given: Given, now: u64) {
        let since = self.answers.get(&name).map_or(now, |earlier| earlier.since);
        self.answers.insert(name, Answer { given, since });
    }

    pub fn is_full(&self) -> bool {
        self.bytes() > MAX_BYTES
    }

    /// Drops what is too old.
    pub fn expire(&mut self, now: u64) {
        self.answers.retain(|_, answer| answer.since >= now.saturating_sub(KEEP_SECONDS));
    }

    /// Drops the oldest until the rest fits. Returns how many.
    pub fn shrink(&mut self) -> usize {
        let before = self.len();
        while self.is_full() {
            let oldest = self.answers.iter().min_by_key(|(_, answer)| answer.since).map(|(name, _)| name.clone());
            self.answers.remove(&oldest.expect("what is full is not empty"));
        }
        before - self.len()
    }

    /// The names of each write: all in one or, apart, each alone. Then the smallest goes first, since on a slow link the
    /// largest may never arrive.
    pub fn writes(&self) -> Vec<Vec<String>> {
        let mut names: Vec<String> = self.answers.keys().cloned().collect();
        if !self.apart {
            return if names.is_empty() { Vec::new() } else { vec![names] };
        }
        names.sort_by_key(|name| self.answers[name].given.bytes());
        names.into_iter().map(|name| vec![name]).collect()
    }

    /// The body of a write of these names, all of which are kept.
    pub fn body<'a>(&'a self, names: &'a [String], node_key: &'a str) -> body::DistributedWrite<'a> {
        let mut write = body::DistributedWrite { node_key, ..body::DistributedWrite::default() };
        for name in names {
            let given = &self.answers[name].given;
            write.queries.insert(name, &given.rows);
            write.statuses.insert(name, given.status);
            write.messages.insert(name, &given.message);
            write.stats.insert(name, given.stats);
        }
        write
    }

    /// Drops what the server has taken.
    pub fn taken(&mut self, names: &[String]) {
        self.answers.retain(|name, _| !names.contains(name));
    }

    fn bytes(&self) -> usize {
        self.answers.values().map(|answer| answer.given.bytes()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(bytes: usize) -> Given {
        Given::failure("m".repeat(bytes))
    }

    fn kept(answers: &[(&str, usize, u64)]) -> Kept {
        let mut kept = Kept::default();
        answers.iter().for_each(|(name, bytes, now)| kept.put((*name).to_owned(), answer(*bytes), *now));
        kept
    }

    #[test]
    fn an_answer_given_again_grows_no_younger() {
        let mut kept = kept(&[("again", 1, 100), ("new", 1, 3000), ("again", 1, 3600)]);
        kept.expire(3700);
        assert_eq!(kept.len(), 2);
        kept.expire(3701);
        assert_eq!(kept.writes(), [["new"]]);
    }

    #[test]
    fn of_too_many_bytes_the_oldest_go() {
        let mut kept = kept(&[("c", MAX_BYTES / 2, 1), ("b", MAX_BYTES / 2, 2), ("a", 1, 3)]);
        assert!(kept.is_full());
        assert_eq!((kept.shrink(), kept.shrink()), (1, 0));
        assert_eq!(kept.writes(), [["a", "b"]]);
    }

    #[test]
    fn apart_the_smallest_goes_first() {
        let mut kept = kept(&[("a", 9, 1), ("b", 1, 1), ("c", 5, 1)]);
        kept.apart = true;
        assert_eq!(kept.writes(), [["b"], ["c"], ["a"]]);
        kept.taken(&["c".to_owned()]);
        assert_eq!(kept.writes(), [["b"], ["a"]]);
    }
}
