//! Bodies of callers that nobody knows yet: they share a room of their own, and whoever fills it longest leaves first.
//!
//! A host says its key somewhere in its body, at worst at the end, so a stranger's bytes must be held before it is known
//! whose they are. Strangers therefore never take from the room of known hosts; and since one who sends slowly, to hold
//! the room, has by then held more for longer than one who has just come, a newcomer always gets in.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::osquery::Refused;

/// The room, and who is in it.
#[derive(Clone, Default)]
pub struct Door(Arc<Mutex<Room>>);

#[derive(Default)]
struct Room {
    /// Bytes of all guests but those who were sent away.
    held: usize,
    newest: u64,
    /// Those whose bodies are still arriving: they can be sent away.
    arriving: HashMap<u64, Arriving>,
    /// Those who were sent away and have not left yet.
    leaving: HashSet<u64>,
}

struct Arriving {
    bytes: usize,
    since: Instant,
    away: Arc<Notify>,
}

/// One body of an unknown caller. Its bytes are given back when it is dropped.
pub struct Guest {
    door: Door,
    id: u64,
    bytes: usize,
    away: Arc<Notify>,
}

impl Door {
    pub fn enter(&self) -> Guest {
        let away = Arc::new(Notify::new());
        let mut room = self.room();
        room.newest += 1;
        let id = room.newest;
        room.arriving.insert(id, Arriving { bytes: 0, since: Instant::now(), away: away.clone() });
        Guest { door: self.clone(), id, bytes: 0, away }
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.0.lock().expect("nothing panics while it holds the room")
    }
}

impl Guest {
    /// Takes room for so many more bytes of the `most` there are; others are sent away for it if there is none.
    pub fn grow(&mut self, bytes: usize, most: usize) -> Result<(), Refused> {
        let mut room = self.door.room();
        if room.leaving.contains(&self.id) {
            return Err(busy());
        }
        self.bytes += bytes;
        room.held += bytes;
        if let Some(own) = room.arriving.get_mut(&self.id) {
            own.bytes += bytes;
        }
        while room.held > most {
            let longest = room.longest().filter(|id| *id != self.id).ok_or_else(busy)?;
            if let Some(gone) = room.arriving.remove(&longest) {
                room.held -= gone.bytes;
                room.leaving.insert(longest);
                gone.away.notify_one();
            }
        }
        Ok(())
    }

    /// Returns when it has to leave.
    pub async fn sent_away(&self) {
        self.away.notified().await;
    }

    /// The body is whole: from now on it is not sent away.
    pub fn settle(&self) {
        self.door.room().arriving.remove(&self.id);
    }
}

fn busy() -> Refused {
    Refused::unable("the server is busy with what others send, try again")
}

impl Room {
    /// Who has held the most for the longest.
    fn longest(&self) -> Option<u64> {
        const MOMENT: Duration = Duration::from_millis(1);
        let weight = |one: &Arriving| one.bytes as u128 * (one.since.elapsed() + MOMENT).as_micros();
        self.arriving.iter().max_by_key(|(_, one)| weight(one)).map(|(id, _)| *id)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut room = self.door.room();
        room.arriving.remove(&self.id);
        if !room.leaving.remove(&self.id) {
            room.held -= self.bytes;
        }
    }
}
