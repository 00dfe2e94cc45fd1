//! The memory of a call that waits for answers: so much for its rows, and so much for those of all such calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::records::Answer;
use serde_json::value::RawValue;

use crate::App;

/// The rows that all waiting calls hold, in bytes. One a process.
#[derive(Clone, Default)]
pub struct Waiting(Arc<AtomicUsize>);

/// The rows that one call holds; given back when it is dropped.
pub struct Room {
    all: Waiting,
    held: AtomicUsize,
    most: usize,
    most_in_all: usize,
}

impl Room {
    pub fn of(app: &App) -> Room {
        let limits = &app.settings.limits;
        let (most, most_in_all) = (limits.waited, limits.waited_in_all);
        Room { all: app.waiting.clone(), held: AtomicUsize::new(0), most, most_in_all }
    }

    /// The answer with as many of its rows as there is room for, marked if that is not all of them.
    pub fn fit(&self, mut answer: Answer) -> Answer {
        let room = self.take(answer.rows.len());
        if room < answer.rows.len() {
            answer.rows = first_rows(&answer.rows, room);
            answer.cut = true;
        }
        answer
    }

    /// Takes so many bytes, or as many as are left.
    fn take(&self, bytes: usize) -> usize {
        let here = self.most.saturating_sub(self.held.load(Ordering::Relaxed));
        let before = self.all.0.fetch_add(bytes, Ordering::Relaxed);
        let taken = bytes.min(here).min(self.most_in_all.saturating_sub(before));
        self.all.0.fetch_sub(bytes - taken, Ordering::Relaxed);
        self.held.fetch_add(taken, Ordering::Relaxed);
        taken
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.all.0.fetch_sub(*self.held.get_mut(), Ordering::Relaxed);
    }
}

/// The first rows of an array, as many as fit into so many bytes.
fn first_rows(array: &[u8], room: usize) -> Vec<u8> {
    let rows: Vec<&RawValue> = serde_json::from_slice(array).unwrap_or_default();
    let mut first = vec![b'['];
    for row in rows.iter().map(|row| row.get().as_bytes()) {
        // With a comma before it and the bracket after it.
        if first.len() + row.len() + 2 > room {
            break;
        }
        if first.len() > 1 {
            first.push(b',');
        }
        first.extend_from_slice(row);
    }
    first.push(b']');
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_rows_are_kept_as_far_as_they_fit() {
        let array = br#"[{"a":"1"},{"a":"22"},{"a":"333"}]"#;
        assert_eq!(first_rows(array, 34), array);
        assert_eq!(first_rows(array, 33), br#"[{"a":"1"},{"a":"22"}]"#);
        assert_eq!(first_rows(array, 23), br#"[{"a":"1"},{"a":"22"}]"#);
        assert_eq!(first_rows(array, 11), b"[]");
        assert_eq!(first_rows(array, 0), b"[]");
    }

    #[test]
    fn room_is_given_back() {
        let all = Waiting::default();
        let room = || Room { all: all.clone(), held: AtomicUsize::new(0), most: 100, most_in_all: 150 };
        let (one, two) = (room(), room());
        assert_eq!((one.take(80), one.take(80), two.take(80)), (80, 20, 50));
        drop(one);
        assert_eq!(two.take(80), 50, "its own limit is 100");
        drop(two);
        assert_eq!(all.0.load(Ordering::Relaxed), 0);
    }
}
