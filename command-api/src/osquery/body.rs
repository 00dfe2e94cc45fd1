//! Bodies of hosts: read within a limit, within a time, and with all that is held at one moment counted.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::http::header::CONTENT_ENCODING;
use actix_web::{HttpRequest, web};
use bytes::{Bytes, BytesMut};
use dashmap::DashMap;
use domain::HostId;
use flate2::read::MultiGzDecoder;
use futures::StreamExt as _;

use super::Refused;
use crate::settings::Limits;

/// What is decompressed at once.
const STEP: usize = 64 * 1024;
/// Work on more bytes than that is done where it holds up nobody else.
const INLINE: usize = 256 * 1024;
/// How often a host is told that its post is too large, before as much of it is taken as fits.
const STRIKES: u8 = 2;

/// The bytes of all bodies that are being handled.
#[derive(Clone, Default)]
pub struct Intake {
    held: Arc<AtomicUsize>,
    /// Hosts whose last posts were too large, and how many they were in a row.
    strikes: Arc<DashMap<HostId, u8>>,
}

/// A share of the bytes in flight, given back when it is dropped.
pub struct Share {
    held: Arc<AtomicUsize>,
    bytes: usize,
}

/// A body as it came, decompressed.
pub struct Body {
    pub bytes: Bytes,
    /// It was longer than the limit, and the rest is gone.
    pub cut: bool,
    _share: Share,
}

impl Intake {
    /// Bytes that are being handled at this moment.
    pub fn in_flight(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// The host's post was too large: says whether to refuse it once more. A host repeats what is refused and everything
    /// behind it waits, so after some times the rest of it is given up.
    pub fn strikes(&self, host: HostId) -> bool {
        let mut strikes = self.strikes.entry(host).or_default();
        *strikes += 1;
        *strikes <= STRIKES
    }

    /// The host's post was taken.
    pub fn forgive(&self, host: HostId) {
        self.strikes.remove(&host);
    }

    fn share(&self) -> Share {
        Share { held: self.held.clone(), bytes: 0 }
    }

    /// Reads a body of up to `limit` bytes after decompression; of a longer one the beginning.
    ///
    /// gzip is honoured when `Content-Encoding` is exactly `gzip`. What follows the limit is read and thrown away, since a
    /// host that is cut off in mid-sentence does not hear the answer.
    pub async fn read(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        limit: usize,
        limits: &Limits,
    ) -> Result<Body, Refused> {
        let late = || Refused::new(actix_web::http::StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time");
        let arriving = self.receive(payload, limit, limits.in_flight);
        let body = tokio::time::timeout(limits.patience, arriving).await.map_err(|_| late())??;
        let zipped = request.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding.as_bytes() == b"gzip");
        if !zipped {
            return Ok(body);
        }
        let most = limits.in_flight;
        aside(body.bytes.len(), move || body.unzip(limit, most)).await
    }

    async fn receive(&self, mut payload: web::Payload, limit: usize, most: usize) -> Result<Body, Refused> {
        let mut share = self.share();
        let mut bytes = BytesMut::new();
        let mut cut = false;
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| Refused::bad(format!("the body broke off: {error}")))?;
            let room = limit - bytes.len();
            cut |= chunk.len() > room;
            let taken = chunk.len().min(room);
            share.grow(taken, most)?;
            bytes.extend_from_slice(&chunk[..taken]);
        }
        Ok(Body { bytes: bytes.freeze(), cut, _share: share })
    }
}

impl Body {
    /// Decompresses; a bomb is cut at the limit like any other body.
    fn unzip(self, limit: usize, most: usize) -> Result<Body, Refused> {
        let mut share = Share { held: self._share.held.clone(), bytes: 0 };
        let mut decoder = MultiGzDecoder::new(&self.bytes[..]);
        let mut bytes = Vec::new();
        let mut step = vec![0; STEP];
        loop {
            let read = match decoder.read(&mut step) {
                Ok(0) => return Ok(Body { bytes: bytes.into(), cut: self.cut, _share: share }),
                Ok(read) => read,
                // Of a stream that was cut by us, what came before the cut is good.
                Err(_) if self.cut => return Ok(Body { bytes: bytes.into(), cut: true, _share: share }),
                Err(error) => return Err(Refused::bad(format!("the body is no gzip: {error}"))),
            };
            let taken = read.min(limit - bytes.len());
            share.grow(taken, most)?;
            bytes.extend_from_slice(&step[..taken]);
            if taken < read {
                return Ok(Body { bytes: bytes.into(), cut: true, _share: share });
            }
        }
    }

    /// The body, if it is whole.
    pub fn whole(&self, limit: usize) -> Result<&[u8], Refused> {
        if self.cut { Err(Refused::too_large(limit)) } else { Ok(&self.bytes) }
    }
}

impl Share {
    fn grow(&mut self, bytes: usize, most: usize) -> Result<(), Refused> {
        self.bytes += bytes;
        if self.held.fetch_add(bytes, Ordering::Relaxed) + bytes > most {
            return Err(Refused::unable("the server is busy with what other hosts send, try again"));
        }
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
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
