//! Bodies of hosts: read within a limit, within a time, and with all that is held at one moment counted.
//!
//! Bytes count as they arrive, whatever was announced. Hosts whose key was seen and everybody else have rooms of their
//! own, so that nobody without a key can keep a host from being heard.

mod door;
mod gzip;
mod hold;
mod tail;

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::{HttpRequest, web};
use bytes::{Bytes, BytesMut};
use dashmap::DashMap;
use domain::HostId;
use flate2::read::MultiGzDecoder;
use futures::StreamExt as _;

use super::Refused;
use crate::App;

use door::Door;
use hold::Hold;
pub use tail::LENGTH as TAIL;
use tail::Tail;

/// What is decompressed at once.
const STEP: usize = 64 * 1024;
/// Work on more bytes than that is done where it holds up nobody else.
const INLINE: usize = 256 * 1024;
/// How many times the limit is decompressed to find the end of a body.
const SEARCH: usize = 4;
/// How often a host is told that its post is too large, before as much of it is taken as fits.
const STRIKES: u8 = 2;
/// The most that a byte of gzip inflates to.
const INFLATION: usize = 1_032;

/// The bytes of all bodies that are being handled.
#[derive(Clone, Default)]
pub struct Intake {
    held: Arc<AtomicUsize>,
    /// The most that `held` ever was.
    most: Arc<AtomicUsize>,
    /// Of those, what belongs to bodies that are small so far.
    small: Arc<AtomicUsize>,
    /// Large bodies of callers that are not known yet.
    door: Door,
    /// Hosts whose last posts of a kind were too large, and how many they were in a row.
    strikes: Arc<DashMap<(HostId, Post), u8>>,
}

/// What a host repeats until it is taken, while it goes on with the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Post {
    Result,
    Status,
    Write,
}

/// A body as it came, decompressed.
pub struct Body {
    pub bytes: Bytes,
    /// It was longer than the limit; of the rest only the end may be known.
    pub cut: bool,
    /// The last bytes of a body that was cut. Empty if the body's end was not seen.
    pub tail: Bytes,
    hold: Hold,
}

impl Intake {
    /// Bytes that are being handled at this moment.
    pub fn in_flight(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// The most bytes that were being handled at one moment since the start.
    pub fn most_in_flight(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    /// The host's post was too large: says whether to refuse it once more. A host repeats what is refused and everything
    /// behind it waits, so after some times the rest of it is given up.
    pub fn strikes(&self, host: HostId, post: Post) -> bool {
        let mut strikes = self.strikes.entry((host, post)).or_default();
        *strikes = strikes.saturating_add(1);
        *strikes <= STRIKES
    }

    /// The host's post was taken.
    pub fn forgive(&self, host: HostId, post: Post) {
        self.strikes.remove(&(host, post));
    }

    /// Reads a body of up to `limit` bytes after decompression; of a longer one the beginning and the end.
    ///
    /// gzip is honoured when `Content-Encoding` is exactly `gzip`. What follows the limit is read and thrown away, since a
    /// host that is cut off in mid-sentence does not hear the answer.
    pub async fn read(
        &self,
        app: &App,
        request: &HttpRequest,
        payload: web::Payload,
        limit: usize,
    ) -> Result<Body, Refused> {
        let late = || Refused::new(actix_web::http::StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time");
        let arriving = self.receive(app, request, payload, limit);
        let body = tokio::time::timeout(app.settings.limits.patience, arriving).await.map_err(|_| late())??;
        match gzip::is_named(request) {
            true => aside(body.bytes.len().saturating_mul(INFLATION), move || body.unzip(limit)).await,
            false => Ok(body),
        }
    }

    async fn receive(
        &self,
        app: &App,
        request: &HttpRequest,
        mut payload: web::Payload,
        limit: usize,
    ) -> Result<Body, Refused> {
        let mut hold = Hold::new(app);
        let mut bytes = BytesMut::new();
        let mut tail = None;
        loop {
            let chunk = tokio::select! {
                chunk = payload.next() => chunk,
                () = hold.sent_away() => {
                    return Err(Refused::unable("the server is busy with what others send, try again"));
                }
            };
            let Some(chunk) = chunk else { break };
            let chunk = chunk.map_err(|error| Refused::bad(format!("the body broke off: {error}")))?;
            let room = limit - bytes.len();
            let taken = chunk.len().min(room);
            bytes.extend_from_slice(&chunk[..taken]);
            hold.grow(app, request, &bytes, taken)?;
            Tail::keep(&mut tail, &chunk[taken..], &mut hold)?;
        }
        hold.settle(app, request, &bytes)?;
        let (cut, tail) = (tail.is_some(), tail.map(|tail| tail.behind(&bytes)).unwrap_or_default());
        Ok(Body { bytes: bytes.freeze(), cut, tail, hold })
    }
}

impl Body {
    /// Decompresses; a bomb is cut at the limit like any other body, and its end is looked for only so far.
    fn unzip(self, limit: usize) -> Result<Body, Refused> {
        let Body { bytes: zipped, cut: broken, mut hold, .. } = self;
        let mut decoder = MultiGzDecoder::new(&zipped[..]);
        let (mut bytes, mut tail, mut beyond) = (Vec::new(), None, 0);
        let mut step = vec![0; STEP];
        let ends = loop {
            let read = match decoder.read(&mut step) {
                Ok(0) => break !broken,
                Ok(read) => read,
                // Of a stream that was cut by us, what came before the cut is good.
                Err(_) if broken => break false,
                Err(error) => return Err(Refused::bad(format!("the body is no gzip: {error}"))),
            };
            let taken = read.min(limit - bytes.len());
            hold.take(taken)?;
            bytes.extend_from_slice(&step[..taken]);
            Tail::keep(&mut tail, &step[taken..read], &mut hold)?;
            beyond += read - taken;
            if beyond > limit * SEARCH {
                break false;
            }
        };
        let cut = broken || tail.is_some();
        let tail = tail.filter(|_| ends).map(|tail| tail.behind(&bytes)).unwrap_or_default();
        Ok(Body { bytes: bytes.into(), cut, tail, hold })
    }

    /// A host said this: it leaves the strangers' room, and takes so many bytes more for what is read from it.
    pub fn admit(&mut self, bytes: usize) -> Result<(), Refused> {
        self.hold.admit();
        self.hold.take(bytes)
    }

    /// The body, if it is whole.
    pub fn whole(&self, limit: usize) -> Result<&[u8], Refused> {
        if self.cut { Err(Refused::too_large(limit)) } else { Ok(&self.bytes) }
    }
}

/// Does work on that many bytes: here if they are few, else on a thread of its own.
pub async fn aside<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    if bytes <= INLINE {
        return work();
    }
    let stopped = |error| Refused::unable(format!("the work on the body stopped: {error}"));
    tokio::task::spawn_blocking(work).await.map_err(stopped)?
}
