//! Streams in the memory of one process, with the semantics of those in Redis.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::{Entry, Page, Streams, Unavailable};

/// What streams may hold, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of values in one stream; beyond, its oldest entries go.
    pub stream_bytes: usize,
    /// Bytes of values in all streams; beyond, the stream goes that nobody wrote to for the longest time.
    pub total_bytes: usize,
    /// How long a stream stays after the last write.
    pub life: Duration,
}

impl Default for Limits {
    /// 16 MiB a stream, 256 MiB in all, one hour.
    fn default() -> Self {
        Limits { stream_bytes: 16 << 20, total_bytes: 256 << 20, life: Duration::from_secs(3_600) }
    }
}

/// Streams in this process; cheap to clone.
#[derive(Clone)]
pub struct Process(Arc<Inner>);

struct Inner {
    limits: Limits,
    streams: Mutex<HashMap<String, Stream>>,
}

struct Stream {
    entries: VecDeque<Entry>,
    bytes: usize,
    last: Option<u64>,
    written: Instant,
    grown: Arc<Notify>,
}

impl Default for Process {
    fn default() -> Self {
        Process::new(Limits::default())
    }
}

impl Process {
    pub fn new(limits: Limits) -> Self {
        Process(Arc::new(Inner { limits, streams: Mutex::default() }))
    }

    /// Forgets everything, as a store that was restarted empty. Whoever waits looks again.
    pub fn forget(&self) {
        self.streams().drain().for_each(|(_, stream)| stream.grown.notify_waiters());
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<String, Stream>> {
        self.0.streams.lock().expect("nothing panics while it holds the streams")
    }

    /// Drops what is too old, then what is too much; what somebody waits for may stay as an empty stream.
    fn tidy(&self, streams: &mut HashMap<String, Stream>, written: &str) {
        let life = self.0.limits.life;
        streams.retain(|_, stream| stream.written.elapsed() < life || Arc::strong_count(&stream.grown) > 1);
        streams.values_mut().filter(|stream| stream.written.elapsed() >= life).for_each(Stream::clear);
        let mut total: usize = streams.values().map(|stream| stream.bytes).sum();
        while total > self.0.limits.total_bytes {
            let others = streams.iter_mut().filter(|(name, stream)| *name != written && stream.bytes > 0);
            let Some((_, oldest)) = others.min_by_key(|(_, stream)| stream.written) else { return };
            total -= oldest.bytes;
            oldest.clear();
        }
    }
}

impl Stream {
    fn new() -> Self {
        Stream { entries: VecDeque::new(), bytes: 0, last: None, written: Instant::now(), grown: Arc::default() }
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
        self.last = None;
    }

    fn push(&mut self, entry: Entry, limit: usize) {
        if self.last.is_some_and(|last| entry.id <= last) {
            return;
        }
        self.last = Some(entry.id);
        self.bytes += entry.value.len();
        self.entries.push_back(entry);
        while self.bytes > limit {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= oldest.value.len();
        }
    }

    /// Entries after `after`, up to the first that does not follow on the one before it.
    fn page(&self, after: Option<u64>, max: usize) -> Page {
        let start = self.entries.partition_point(|entry| Some(entry.id) <= after);
        let mut at = after;
        let mut run = vec![];
        for entry in self.entries.iter().skip(start).take(max) {
            if entry.prev != at {
                break;
            }
            at = Some(entry.id);
            run.push(entry.clone());
        }
        let nothing_follows = start == self.entries.len() && after.is_some() && self.last == after;
        if run.is_empty() && !nothing_follows { Page::Gap } else { Page::Entries(run) }
    }
}

#[async_trait]
impl Streams for Process {
    async fn append(&self, stream: &str, entries: Vec<Entry>) -> Result<(), Unavailable> {
        let mut streams = self.streams();
        let one = streams.entry(stream.to_owned()).or_insert_with(Stream::new);
        one.written = Instant::now();
        entries.into_iter().for_each(|entry| one.push(entry, self.0.limits.stream_bytes));
        one.grown.notify_waiters();
        self.tidy(&mut streams, stream);
        Ok(())
    }

    async fn read(&self, stream: &str, after: Option<u64>, max: usize) -> Result<Page, Unavailable> {
        let streams = self.streams();
        let live = streams.get(stream).filter(|stream| stream.written.elapsed() < self.0.limits.life);
        Ok(live.map_or(Page::Gap, |stream| stream.page(after, max)))
    }

    async fn changed(&self, stream: &str, after: Option<u64>, patience: Duration) {
        let notify = self.streams().entry(stream.to_owned()).or_insert_with(Stream::new).grown.clone();
        let grown = notify.notified();
        tokio::pin!(grown);
        grown.as_mut().enable();
        // Looked at after the wait began, so that nothing falls between.
        if self.streams().get(stream).is_some_and(|stream| stream.last > after) {
            return;
        }
        // A timeout is no error here: the caller asks again.
        let _ = tokio::time::timeout(patience, grown).await;
    }
}
