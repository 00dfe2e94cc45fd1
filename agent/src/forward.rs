//! Sends buffered lines to the server and deletes them once it has taken them.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use agent_protocol::body::{self, LogType};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::InForce;
use crate::logger::Logger;
use crate::ports::{Dice, Time, jittered};
use crate::session::{CallError, Session, to_json};
use crate::state::{self, Kind, Line, State};
use crate::transport::Encoding;

const PATH: &str = "/api/osquery/log";

/// The most bytes of lines in one post, before packing.
const MAX_POST: u64 = 4 << 20;

/// How long the last posts may take when musterd stops.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// Why a post did not succeed.
#[derive(Debug, thiserror::Error)]
enum ForwardError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    State(#[from] state::StateError),
}

/// What earlier posts teach the next one.
struct Pace {
    /// Posts that failed in a row.
    failures: u64,
    /// The most lines that may be taken: half of those of a post that failed, since a proxy may find it too large or a
    /// slow link take too long, and twice as many after each that succeeded.
    most_lines: u64,
}

pub struct Forwarder {
    pub kind: Kind,
    pub state: Arc<State>,
    pub session: Arc<Session>,
    pub time: Arc<dyn Time>,
    pub dice: Arc<dyn Dice>,
    pub logger: Logger,
    pub in_force: watch::Receiver<InForce>,
}

impl Forwarder {
    /// Posts what waits once a period, until `stop`. After failures the wait grows with their square.
    ///
    /// A post under way is not broken off by `stop`, since the server may have taken it; then what still waits is sent
    /// once more. All that within five seconds, and not at all while there is no node key; the rest stays on disk for the next start.
    pub async fn run(&self, stop: &CancellationToken) {
        tokio::select! {
            () = self.post_until(stop) => {}
            () = self.end_of_patience(stop) => {}
        }
    }

    async fn end_of_patience(&self, stop: &CancellationToken) {
        stop.cancelled().await;
        if self.session.is_enrolled() {
            tokio::time::sleep(STOP_DEADLINE).await;
        }
    }

    async fn post_until(&self, stop: &CancellationToken) {
        let mut pace = Pace { failures: 0, most_lines: u64::MAX };
        loop {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.time.sleep(self.wait(pace.failures)) => {}
            }
            let is_last = stop.is_cancelled();
            match self.post_all(&mut pace).await {
                Ok(()) => pace.failures = 0,
                Err(why) => {
                    pace.failures += 1;
                    // Said once an outage, else the status lines of a long one would crowd out what they speak of.
                    if pace.failures == 1 {
                        self.logger.warn(format!("{} lines wait: {why}", self.name()));
                    }
                }
            }
            if is_last {
                return;
            }
        }
    }

    /// Posts until nothing waits.
    async fn post_all(&self, pace: &mut Pace) -> Result<(), ForwardError> {
        while self.post(pace).await? {
            pace.failures = 0;
        }
        Ok(())
    }

    /// Posts the oldest lines. Returns whether more may wait.
    async fn post(&self, pace: &mut Pace) -> Result<bool, ForwardError> {
        let max_lines = self.in_force.borrow().flags.number("logger_tls_max_lines").clamp(1, pace.most_lines);
        let lines = self.state.oldest_lines(self.kind, max_lines, MAX_POST)?;
        let Some(last) = lines.last().map(|line| line.id) else { return Ok(false) };
        let sent = lines.len() as u64;
        let data = readable(lines);
        if !data.is_empty() {
            let log_type = match self.kind {
                Kind::Result => LogType::Result,
                Kind::Status => LogType::Status,
            };
            let body = |node_key: &str| gzip(&to_json(&body::Log { node_key, log_type, data: &data }));
            let outcome = self.session.call(PATH, Encoding::Gzip, body).await;
            if outcome.as_ref().is_err_and(CallError::may_lie_in_the_size) {
                pace.most_lines = (sent / 2).max(1);
            }
            outcome?;
        }
        self.state.delete_lines(self.kind, last)?;
        pace.most_lines = pace.most_lines.saturating_mul(2);
        Ok(self.state.waiting_lines(self.kind) > 0)
    }

    fn wait(&self, failures: u64) -> Duration {
        let (period, cap) = {
            let flags = &self.in_force.borrow().flags;
            (flags.number("logger_tls_period").max(1), flags.number("logger_tls_backoff_max"))
        };
        let seconds = match failures {
            0 => period,
            _ => period.saturating_mul(failures.saturating_mul(failures)).min(cap.max(period)),
        };
        jittered(&*self.dice, Duration::from_secs(seconds))
    }

    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Result => "result",
            Kind::Status => "status",
        }
    }
}

/// The lines as JSON. A line that is none (a damaged state file) is passed over.
fn readable(lines: Vec<Line>) -> Vec<Box<RawValue>> {
    lines.into_iter().filter_map(|line| RawValue::from_string(line.text).ok()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory does not fail")
}
