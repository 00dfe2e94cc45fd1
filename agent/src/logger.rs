//! Lines on their way to the server: written to the disk buffer first.
//!
//! [`Logger`] is also musterd's voice: what it says is printed through tracing and buffered as a status line.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use crate::config::InForce;
use crate::flags::Flags;
use crate::ports::Time;
use crate::schedule::{Decorations, Status};
use crate::state::{self, Kind, Limits, Outcome, State};

/// How serious a status line is, in osquery's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    Info = 0,
    Warning = 1,
    Error = 2,
}

/// Says at most once in that many seconds that lines were dropped.
const DROP_NOTICE_SECONDS: u64 = 60;

#[derive(Clone)]
pub struct Logger(Arc<Inner>);

struct Inner {
    state: Arc<State>,
    time: Arc<dyn Time>,
    in_force: watch::Receiver<InForce>,
    decorations: Decorations,
    host_identifier: String,
    version: String,
    buffer_bytes: u64,
    /// Lines dropped and not yet spoken of, and when that was last done.
    dropped: AtomicU64,
    drop_notice_at: AtomicU64,
}

/// What a logger is made of.
pub struct Parts {
    pub state: Arc<State>,
    pub time: Arc<dyn Time>,
    pub in_force: watch::Receiver<InForce>,
    pub decorations: Decorations,
    pub host_identifier: String,
    pub version: String,
    /// The most bytes the buffer may hold of results, and of status lines.
    pub buffer_bytes: u64,
}

impl Logger {
    pub fn new(parts: Parts) -> Self {
        let Parts { state, time, in_force, decorations, host_identifier, version, buffer_bytes } = parts;
        Logger(Arc::new(Inner {
            state,
            time,
            in_force,
            decorations,
            host_identifier,
            version,
            buffer_bytes,
            dropped: AtomicU64::new(0),
            drop_notice_at: AtomicU64::new(0),
        }))
    }

    pub fn host_identifier(&self) -> &str {
        &self.0.host_identifier
    }

    /// Something that went as it should.
    #[track_caller]
    pub fn info(&self, message: impl AsRef<str>) {
        self.say(Severity::Info, message.as_ref(), Location::caller());
    }

    /// Something that did not go as it should, and that musterd can live with.
    #[track_caller]
    pub fn warn(&self, message: impl AsRef<str>) {
        self.say(Severity::Warning, message.as_ref(), Location::caller());
    }

    /// Something that failed.
    #[track_caller]
    pub fn error(&self, message: impl AsRef<str>) {
        self.say(Severity::Error, message.as_ref(), Location::caller());
    }

    /// Buffers result lines. Lines that are too long are left out and spoken of.
    pub fn results(&self, query: &str, lines: Vec<String>) {
        let lines = self.fitting(query, lines);
        let dropped = self.0.state.append_lines(Kind::Result, &lines, self.limits());
        self.note_dropped(dropped);
    }

    /// Buffers the lines of a differential run together with what it leaves behind.
    pub fn outcome(&self, outcome: &Outcome<'_>, lines: Vec<String>) {
        let lines = self.fitting(outcome.name, lines);
        let dropped = self.0.state.remember(outcome, &lines, self.limits());
        self.note_dropped(dropped);
    }

    /// The outcome of a call on the state file, or nothing when the disk fails: musterd goes on without its memory
    /// rather than not at all. Printed only, since a status line could not be kept either.
    #[track_caller]
    pub fn forgive<T: Default>(&self, outcome: state::Result<T>) -> T {
        outcome.unwrap_or_else(|cause| {
            tracing::error!("{cause} (at {})", Location::caller());
            T::default()
        })
    }

    fn fitting(&self, query: &str, mut lines: Vec<String>) -> Vec<String> {
        let longest = self.flags().number("logger_tls_max_linesize");
        let before = lines.len();
        lines.retain(|line| line.len() as u64 <= longest);
        let left_out = before - lines.len();
        if left_out > 0 {
            self.error(format!("result lines of {query} lost, each longer than {longest} bytes: {left_out}"));
        }
        lines
    }

    fn say(&self, severity: Severity, message: &str, at: &Location<'_>) {
        match severity {
            Severity::Info => tracing::info!("{message}"),
            Severity::Warning => tracing::warn!("{message}"),
            Severity::Error => tracing::error!("{message}"),
        }
        let flags = self.flags();
        if flags.is_on("tls_disable_status_log") || (severity as u64) < flags.number("logger_min_status") {
            return;
        }
        let line = Status {
            host_identifier: &self.0.host_identifier,
            time: self.0.time.now(),
            severity: severity as u8,
            filename: at.file().rsplit(['/', '\\']).next().unwrap_or_default(),
            line: at.line(),
            message,
            version: &self.0.version,
            decorations: &self.0.decorations.present(),
        };
        // Not through `note_dropped`: a status line about status lines would feed itself.
        if let Err(cause) = self.0.state.append_lines(Kind::Status, &[line.text()], self.limits()) {
            tracing::error!("a status line is lost: {cause}");
        }
    }

    fn note_dropped(&self, dropped: state::Result<u64>) {
        let dropped = match dropped {
            Ok(dropped) => self.0.dropped.fetch_add(dropped, Ordering::Relaxed) + dropped,
            Err(cause) => return tracing::error!("result lines are lost: {cause}"),
        };
        let now = self.0.time.now();
        let said_at = self.0.drop_notice_at.load(Ordering::Relaxed);
        if dropped > 0 && now.abs_diff(said_at) >= DROP_NOTICE_SECONDS {
            self.0.drop_notice_at.store(now, Ordering::Relaxed);
            let dropped = self.0.dropped.swap(0, Ordering::Relaxed);
            self.warn(format!("the buffer is full; result lines lost, the oldest first: {dropped}"));
        }
    }

    fn limits(&self) -> Limits {
        let lines = match self.flags().number("buffered_log_max") {
            0 => u64::MAX, // As osqueryd has it.
            most => most,
        };
        Limits { lines, bytes: self.0.buffer_bytes }
    }

    fn flags(&self) -> Arc<Flags> {
        self.0.in_force.borrow().flags.clone()
    }
}
