//! Joins parts on the way out.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::{PART, PART_OF, PARTS};
use crate::{Position, Record};

/// How long, by the log's own clock, a value may wait for its next part.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// Bytes of incomplete values held at most; beyond, the oldest is dropped.
const HELD: usize = 128 * 1024 * 1024;
/// Ids of complete values remembered, to know their parts when they come again.
const REMEMBERED: usize = 4096;

/// What became of a record that was given to a [`Joiner`].
#[derive(Debug, PartialEq, Eq)]
pub enum Joined {
    /// A record that was whole, or the last missing part: the whole value, at the position of that part, without the
    /// headers of parts.
    Whole(Record),
    /// More parts are to come.
    Waiting,
    /// This part was seen before.
    Again,
    /// Its headers make no sense; the reason.
    Broken(&'static str),
}

/// Holds the parts of one partition until a value is complete.
///
/// It is a fold without state of its own: a reader that restarts at [`Joiner::resume_at`] loses nothing.
#[derive(Default)]
pub struct Joiner {
    open: HashMap<String, Open>,
    held: usize,
    complete: HashSet<String>,
    order: VecDeque<String>,
}

struct Open {
    first: Position,
    seen: domain::Timestamp,
    parts: usize,
    have: BTreeMap<usize, Bytes>,
}

impl Open {
    fn bytes(&self) -> usize {
        self.have.values().map(Bytes::len).sum()
    }
}

impl Joiner {
    pub fn new() -> Self {
        Joiner::default()
    }

    /// Takes the partition's next record.
    pub fn push(&mut self, record: Record) -> Joined {
        self.drop_stale(record.appended);
        let Some(id) = record.header(PART_OF) else { return Joined::Whole(record) };
        let number = |name| record.header(name).and_then(|text| text.parse::<usize>().ok());
        let (Some(part), Some(parts)) = (number(PART), number(PARTS)) else {
            return Joined::Broken("a part without numbers");
        };
        if part == 0 || part > parts {
            return Joined::Broken("a part that lies outside its value");
        }
        if self.complete.contains(id) {
            return Joined::Again;
        }
        let id = id.to_owned();
        self.make_room(&id, record.value.len());
        let open = self.open.entry(id.clone()).or_insert_with(|| Open {
            first: record.position,
            seen: record.appended,
            parts,
            have: BTreeMap::new(),
        });
        if open.parts != parts {
            return Joined::Broken("a part that counts its value's parts differently");
        }
        if open.have.contains_key(&part) {
            return Joined::Again;
        }
        open.have.insert(part, record.value.clone());
        open.seen = record.appended;
        self.held += record.value.len();
        match open.have.len() == parts {
            true => Joined::Whole(self.complete(id, record)),
            false => Joined::Waiting,
        }
    }

    /// Where a reader that goes on at `next` must start again after a restart, to see every part that waits here.
    pub fn resume_at(&self, next: Position) -> Position {
        self.open.values().map(|open| open.first).min().map_or(next, |first| first.min(next))
    }

    fn complete(&mut self, id: String, last: Record) -> Record {
        let open = self.open.remove(&id).expect("the caller has just filled it");
        self.held -= open.bytes();
        let mut value = BytesMut::with_capacity(open.bytes());
        open.have.values().for_each(|part| value.extend_from_slice(part));
        if self.order.len() == REMEMBERED {
            let forgotten = self.order.pop_front().expect("it is full");
            self.complete.remove(&forgotten);
        }
        self.order.push_back(id.clone());
        self.complete.insert(id);
        let headers =
            last.headers.into_iter().filter(|(name, _)| ![PART, PARTS, PART_OF].contains(&name.as_str())).collect();
        Record { headers, value: value.freeze(), ..last }
    }

    /// Drops what waits too long: any record of the partition tells the time.
    fn drop_stale(&mut self, now: domain::Timestamp) {
        let patient = now.minus(PATIENCE);
        let stale: Vec<String> =
            self.open.iter().filter(|(_, open)| open.seen < patient).map(|(id, _)| id.clone()).collect();
        stale.iter().for_each(|id| self.abandon(id, "its next part did not come"));
    }

    /// Drops the oldest when too much waits, but never the value that is added to.
    fn make_room(&mut self, id: &str, bytes: usize) {
        while self.held + bytes > HELD {
            let others = self.open.iter().filter(|(other, _)| *other != id);
            let Some(oldest) = others.min_by_key(|(_, open)| open.first).map(|(id, _)| id.clone()) else { return };
            self.abandon(&oldest, "too many values wait for their parts");
        }
    }

    fn abandon(&mut self, id: &str, why: &str) {
        let Some(open) = self.open.remove(id) else { return };
        self.held -= open.bytes();
        tracing::warn!(
            part_of = id,
            have = open.have.len(),
            parts = open.parts,
            position = open.first,
            "incomplete value dropped: {why}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::split_at;
    use super::*;
    use crate::Draft;
    use domain::Timestamp;

    fn parts(id: &str, len: usize) -> Vec<Record> {
        let value: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        let draft = Draft { key: None, headers: vec![("host".into(), "7".into())], value: value.into() };
        split_at(draft, id, 100)
            .unwrap()
            .into_iter()
            .map(|Draft { key, headers, value }| Record {
                position: 0,
                appended: Timestamp::from_secs(1_000),
                key,
                headers,
                value,
            })
            .collect()
    }

    fn at(position: Position, mut record: Record) -> Record {
        record.position = position;
        record
    }

    #[test]
    fn a_plain_record_passes() {
        let record = parts("a", 10).remove(0);
        assert_eq!(Joiner::new().push(record.clone()), Joined::Whole(record));
    }

    #[test]
    fn parts_join_in_any_order_and_mixed() {
        let (a, b) = (parts("a", 150), parts("b", 151));
        assert_eq!((a.len(), b.len()), (3, 3));
        let mut joiner = Joiner::new();
        for (position, record) in [&a[2], &b[0], &a[0], &b[1]].into_iter().enumerate() {
            assert_eq!(joiner.push(at(10 + position as u64, record.clone())), Joined::Waiting);
        }
        assert_eq!(joiner.resume_at(14), 10);
        let Joined::Whole(whole) = joiner.push(at(14, a[1].clone())) else { panic!("not whole") };
        assert_eq!((whole.position, whole.value.len(), whole.headers.len()), (14, 150, 1));
        assert_eq!(whole.value, parts_value(150));
        assert_eq!(joiner.resume_at(15), 11);
        assert!(matches!(joiner.push(at(15, b[2].clone())), Joined::Whole(_)));
        assert_eq!((joiner.resume_at(16), joiner.held), (16, 0));
    }

    fn parts_value(len: usize) -> Bytes {
        (0..len).map(|at| (at % 251) as u8).collect::<Vec<_>>().into()
    }

    #[test]
    fn a_part_that_comes_twice_counts_once() {
        let a = parts("a", 120);
        assert_eq!(a.len(), 2);
        let mut joiner = Joiner::new();
        assert_eq!(joiner.push(a[0].clone()), Joined::Waiting);
        assert_eq!(joiner.push(a[0].clone()), Joined::Again);
        assert!(matches!(joiner.push(a[1].clone()), Joined::Whole(whole) if whole.value == parts_value(120)));
        assert_eq!(joiner.push(a[0].clone()), Joined::Again);
        assert_eq!(joiner.push(a[1].clone()), Joined::Again);
        assert_eq!(joiner.resume_at(9), 9);
    }

    #[test]
    fn a_value_given_up_is_dropped_by_the_logs_own_clock() {
        let (a, mut b) = (parts("a", 120), parts("b", 120));
        let mut joiner = Joiner::new();
        joiner.push(at(3, a[0].clone()));
        b[0].appended = Timestamp::from_secs(1_600);
        joiner.push(at(4, b[0].clone()));
        assert_eq!(joiner.resume_at(5), 3);
        b[0].headers[3].1 = "c".into();
        b[0].appended = Timestamp::from_secs(1_601);
        joiner.push(at(5, b[0].clone()));
        assert_eq!(joiner.resume_at(6), 4);
    }

    #[test]
    fn a_record_of_another_kind_tells_the_time_as_well() {
        let mut joiner = Joiner::new();
        joiner.push(at(3, parts("a", 120).remove(0)));
        let mut whole = at(4, parts("b", 10).remove(0));
        whole.appended = Timestamp::from_secs(1_601);
        joiner.push(whole);
        assert_eq!((joiner.resume_at(5), joiner.held), (5, 0));
    }

    #[test]
    fn nonsense_is_told_apart() {
        let good = parts("a", 120).remove(0);
        for (part, parts) in [("0", "2"), ("3", "2"), ("x", "2"), ("1", "")] {
            let mut bad = good.clone();
            bad.headers[1].1 = part.into();
            bad.headers[2].1 = parts.into();
            assert!(matches!(Joiner::new().push(bad), Joined::Broken(_)), "{part} of {parts}");
        }
        let (mut joiner, mut other) = (Joiner::new(), good.clone());
        other.headers[2].1 = "3".into();
        joiner.push(good);
        assert!(matches!(joiner.push(other), Joined::Broken(_)));
    }
}
