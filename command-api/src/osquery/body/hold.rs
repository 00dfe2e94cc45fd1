//! The memory that one body takes, and out of whose room it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use agent_protocol::request::NodeRequest;
use domain::Digest;

use super::door::Guest;
use super::gzip;
use crate::App;
use crate::osquery::Refused;
use crate::osquery::salvage::salvage;

/// So much of a body is held before anybody asks whose it is: most bodies are whole by then.
const SMALL: usize = 16 * 1024;

/// A body's bytes, counted as they arrive and given back when this is dropped.
pub struct Hold {
    all: Share,
    peak: Arc<AtomicUsize>,
    /// What all bodies together may have.
    most: usize,
    room: Room,
}

/// Out of which room the bytes are.
enum Room {
    /// Of bodies of which little has arrived: a known caller's or not.
    Small(Share),
    /// Of hosts whose key was seen.
    Known,
    /// Of everybody else. The key is looked for once more when enough of the body is there.
    Stranger { guest: Guest, looked: bool },
}

/// So many bytes of a counter.
struct Share {
    counter: Arc<AtomicUsize>,
    bytes: usize,
}

impl Hold {
    pub fn new(app: &App) -> Hold {
        let limits = &app.settings.limits;
        Hold {
            all: Share::of(&app.intake.held),
            peak: app.intake.most.clone(),
            most: limits.in_flight,
            room: Room::Small(Share::of(&app.intake.small)),
        }
    }

    /// Takes room for the `news` last bytes of what is `held` of a body by now.
    pub fn grow(&mut self, app: &App, request: &HttpRequest, held: &[u8], news: usize) -> Result<(), Refused> {
        self.grow_all(news)?;
        let strangers = self.strangers();
        match &mut self.room {
            Room::Known => {}
            Room::Small(share) => {
                if held.len() > SMALL || share.grow(news) > self.most / 8 {
                    self.room = self.placed(app, request, held)?;
                }
            }
            Room::Stranger { guest, looked } => {
                guest.grow(news, strangers)?;
                if !*looked && held.len() > SMALL {
                    *looked = true;
                    if is_known(app, request, held) {
                        self.room = Room::Known;
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns when the body has to give way; never, for most.
    pub async fn sent_away(&self) {
        match &self.room {
            Room::Stranger { guest, .. } => guest.sent_away().await,
            Room::Small(_) | Room::Known => std::future::pending().await,
        }
    }

    /// The body is whole, and will not be sent away any more. One that grows when it is inflated has left the small ones.
    pub fn settle(&mut self, app: &App, request: &HttpRequest, held: &[u8]) -> Result<(), Refused> {
        if matches!(self.room, Room::Small(_)) && gzip::is_named(request) {
            self.room = self.placed(app, request, held)?;
        }
        if let Room::Stranger { guest, .. } = &self.room {
            guest.settle();
        }
        Ok(())
    }

    /// Its caller is known by now.
    pub fn admit(&mut self) {
        self.room = Room::Known;
    }

    /// Takes room for so many bytes more: what came out of the body, or is kept of its end.
    pub fn take(&mut self, bytes: usize) -> Result<(), Refused> {
        self.grow_all(bytes)?;
        let strangers = self.strangers();
        match &mut self.room {
            Room::Stranger { guest, .. } => guest.grow(bytes, strangers),
            Room::Small(_) | Room::Known => Ok(()),
        }
    }

    fn grow_all(&mut self, bytes: usize) -> Result<(), Refused> {
        let held = self.all.grow(bytes);
        self.peak.fetch_max(held, Ordering::Relaxed);
        match held > self.most {
            true => Err(Refused::unable("the server is busy with what other hosts send, try again")),
            false => Ok(()),
        }
    }

    /// Strangers have half of what there is: known hosts always have the rest.
    fn strangers(&self) -> usize {
        self.most / 2
    }

    fn placed(&self, app: &App, request: &HttpRequest, held: &[u8]) -> Result<Room, Refused> {
        if is_known(app, request, held) {
            return Ok(Room::Known);
        }
        let mut guest = app.intake.door.enter();
        guest.grow(held.len(), self.strangers())?;
        Ok(Room::Stranger { guest, looked: held.len() > SMALL })
    }
}

/// Whether a request shows a node key that this process knows, in its header or at the beginning of its body. It is a
/// hint about room, nothing more: who calls is settled when the body is whole.
fn is_known(app: &App, request: &HttpRequest, held: &[u8]) -> bool {
    let fold = app.ledger.fold();
    let known = |key: &str| !key.is_empty() && fold.state.hosts.by_key(&Digest::of(key)).is_some();
    let said = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("NodeKey "));
    if said.is_some_and(|key| known(key.trim())) {
        return true;
    }
    let start = &held[..held.len().min(SMALL)];
    let start = if gzip::is_named(request) { gzip::start(start, SMALL) } else { start.to_vec() };
    let members = salvage(&start, 1).and_then(|members| NodeRequest::parse(&members).ok());
    members.is_some_and(|said| known(&said.node_key))
}

impl Share {
    fn of(counter: &Arc<AtomicUsize>) -> Share {
        Share { counter: counter.clone(), bytes: 0 }
    }

    /// The counter after it.
    fn grow(&mut self, bytes: usize) -> usize {
        self.bytes += bytes;
        self.counter.fetch_add(bytes, Ordering::Relaxed) + bytes
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.counter.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
