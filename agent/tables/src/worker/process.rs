//! One worker process as the pool holds it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::config::Config;
use super::protocol::{Reply, Request, Setup, frame};
use crate::QueryError;

/// A running worker. It is killed when this is dropped, so a query that nobody waits for ends as well.
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    /// The last of what the worker said on its standard error.
    last_words: Arc<Mutex<Vec<u8>>>,
    hearing: tokio::task::JoinHandle<()>,
    asked: u64,
}

/// Why a worker gave no reply.
pub(super) enum Failure {
    /// It ended, or its stream broke.
    Gone(io::Error),
    /// The reply is longer than any that keeps to the limit of output.
    TooLong,
}

const WORDS_KEPT: usize = 4096;
/// How long a worker that has closed its streams may take to be gone.
const TIME_TO_END: Duration = Duration::from_secs(2);
const MIB: u64 = 1024 * 1024;

impl Process {
    pub async fn start(config: &Config) -> Result<Self, QueryError> {
        let failed = |error: io::Error| QueryError::Worker(format!("cannot be started: {error}"));
        let program = match &config.program {
            Some(program) => program.clone(),
            None => std::env::current_exe().map_err(failed)?,
        };
        let mut child = Command::new(program)
            .arg(super::ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A trace would push what the worker says of its end out of what is kept of its words.
            .env("RUST_BACKTRACE", "0")
            // A Ctrl-C in the terminal is for the agent, which then ends its workers.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let missing = || QueryError::Worker("has no standard streams".into());
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        let mut words = child.stderr.take().ok_or_else(missing)?;
        let last_words = Arc::new(Mutex::new(Vec::new()));
        let heard = last_words.clone();
        let hearing = tokio::spawn(async move {
            let mut piece = [0; 1024];
            while let Ok(read @ 1..) = words.read(&mut piece).await {
                let mut heard = heard.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                heard.extend_from_slice(&piece[..read]);
                let excess = heard.len().saturating_sub(WORDS_KEPT);
                heard.drain(..excess);
            }
        });
        let mut process = Self { child, input, output, last_words, hearing, asked: 0 };
        let setup = Setup { memory_bytes: config.memory_mib * MIB, nice: config.nice };
        // A worker that dies at once is noticed, with its reason, by the first question.
        let _ = process.send(&frame(&setup).map_err(failed)?).await;
        Ok(process)
    }

    /// False when the worker has ended on its own.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub async fn ask(&mut self, mut request: Request) -> Result<Reply, Failure> {
        self.asked += 1;
        request.id = self.asked;
        // The limit counts text as JSON has it, and more for a row or cell than its punctuation.
        let longest = request.output_bytes.saturating_add(MIB);
        let bytes = frame(&request).map_err(Failure::Gone)?;
        self.send(&bytes).await.map_err(Failure::Gone)?;
        let length = self.output.read_u32().await.map_err(Failure::Gone)?;
        if u64::from(length) > longest {
            return Err(Failure::TooLong);
        }
        let mut bytes = vec![0; length as usize];
        self.output.read_exact(&mut bytes).await.map_err(Failure::Gone)?;
        let reply: Reply = serde_json::from_slice(&bytes).map_err(|error| Failure::Gone(error.into()))?;
        match reply.id == self.asked {
            true => Ok(reply),
            false => Err(Failure::Gone(io::Error::other("answer to another question"))),
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.input.write_all(bytes).await?;
        self.input.flush().await
    }

    /// Kills the worker and waits until it is gone.
    pub async fn end(mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, "a query worker could not be ended");
        }
    }

    /// Says why a worker whose stream broke has ended.
    pub async fn explain(mut self, failure: io::Error, memory_mib: u64) -> QueryError {
        // Its streams close a little before it is gone, and how it ends by itself is the reason that is sought.
        let status = match tokio::time::timeout(TIME_TO_END, self.child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                // It did not end by itself, so how it ends now says nothing about the query.
                self.end().await;
                return QueryError::Worker(failure.to_string());
            }
        };
        let status = match status {
            Ok(status) => status,
            Err(error) => return QueryError::Worker(format!("{failure}; {error}")),
        };
        // What it said last has been written by now and only needs to be read.
        let _ = (&mut self.hearing).await;
        let words = self.last_words.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        reason(status, &String::from_utf8_lossy(&words), memory_mib)
    }
}

fn reason(status: ExitStatus, words: &str, memory_mib: u64) -> QueryError {
    // Rust's own words when memory cannot be had, after which it aborts.
    let out_of_memory = words.contains("memory allocation of") || words.contains("out of memory");
    if out_of_memory && status.signal() == Some(libc::SIGABRT) {
        return QueryError::TooMuchMemory { mib: memory_mib };
    }
    let last = words.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let words = match (last, status.signal()) {
        ("", Some(signal)) => format!("ended by signal {signal}"),
        ("", None) => format!("ended with {status}"),
        (last, _) => format!("ended with {status}: {last}"),
    };
    match status.signal() {
        Some(signal) if !is_asked_for(signal) => QueryError::Crashed(words),
        _ => QueryError::Worker(words),
    }
}

/// Whether a signal is how others ask a process to end, as a stop of the whole service does: no fault of the query.
fn is_asked_for(signal: i32) -> bool {
    matches!(signal, libc::SIGTERM | libc::SIGINT | libc::SIGHUP | libc::SIGQUIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_for_lack_of_memory_is_told_from_others() {
        let aborted = ExitStatus::from_raw(libc::SIGABRT);
        let words = "memory allocation of 4096 bytes failed\n";
        assert_eq!(reason(aborted, words, 512), QueryError::TooMuchMemory { mib: 512 });
        let other = reason(aborted, "thread panicked\n", 512).to_string();
        assert!(other.contains("thread panicked"), "{other}");
    }

    #[test]
    fn only_a_death_that_nobody_asked_for_is_a_crash() {
        let by = |signal| reason(ExitStatus::from_raw(signal), "", 512);
        for signal in [libc::SIGKILL, libc::SIGSEGV, libc::SIGABRT, libc::SIGBUS] {
            assert_eq!(by(signal), QueryError::Crashed(format!("ended by signal {signal}")));
        }
        assert_eq!(by(libc::SIGTERM), QueryError::Worker("ended by signal 15".into()));
        assert!(matches!(reason(ExitStatus::from_raw(1 << 8), "", 512), QueryError::Worker(_)));
    }
}
