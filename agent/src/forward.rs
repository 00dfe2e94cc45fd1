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
        let mut failures = 0;
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.time.sleep(self.wait(failures)) => {}
            }
            match self.post_all_before_end(stop).await {
                Ok(()) => failures = 0,
                Err(why) => {
                    failures += 1;
                    // Said once an outage, else the status lines of a long one would crowd out what they speak of.
                    if failures == 1 {
                        self.logger.warn(format!("{} lines wait: {why}", self.name()));
                    }
                }
            }
        }
    }

    async fn post_all_before_end(&self, stop: &CancellationToken) -> Result<(), ForwardError> {
        let end = async {
            stop.cancelled().await;
            if self.session.is_enrolled() {
                tokio::time::sleep(STOP_DEADLINE).await;
            }
        };
        tokio::select! {
            outcome = self.post_all() => outcome,
            () = end => Ok(()),
        }
    }

    /// Posts until nothing waits.
    async fn post_all(&self) -> Result<(), ForwardError> {
        while self.post().await? {}
        Ok(())
    }

    /// Posts the oldest lines. Returns whether more may wait.
    async fn post(&self) -> Result<bool, ForwardError> {
        let max_lines = self.in_force.borrow().flags.number("logger_tls_max_lines").max(1);
        let lines = self.state.oldest_lines(self.kind, max_lines, MAX_POST)?;
        let Some(last) = lines.last().map(|line| line.id) else { return Ok(false) };
        let data = readable(lines);
        if !data.is_empty() {
            let log_type = match self.kind {
                Kind::Result => LogType::Result,
                Kind::Status => LogType::Status,
            };
            let body = |node_key: &str| gzip(&to_json(&body::Log { node_key, log_type, data: &data }));
            self.session.call(PATH, Encoding::Gzip, body).await?;
        }
        self.state.delete_lines(self.kind, last)?;
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
