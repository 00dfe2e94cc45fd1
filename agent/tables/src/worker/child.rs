//! The worker's side: limits itself, then answers one request after the other.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::process::ExitCode;

use super::protocol::{Reply, Request, Set, Setup, read, write};
use crate::engine::{Engine, Limits};
use crate::sys::{be_nice, cpu_times, limit_address_space, trimmed};
use crate::{Context, QueryError, QueryOutput};

/// Works until standard input ends. To be called first thing by a program whose first argument is
/// [`super::ARGUMENT`]; nothing else may read or write the standard streams.
pub fn main() -> ExitCode {
    match serve(&mut BufReader::new(io::stdin().lock()), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("query worker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(source: &mut impl Read, sink: &mut impl Write) -> io::Result<()> {
    let Some(setup) = read::<Setup>(source)? else { return Ok(()) };
    be_nice(setup.nice);
    limit_address_space(setup.memory_bytes)?;
    let engine = Engine::new(Context::default()).map_err(io::Error::other)?;
    // What is left is for the rows and for the answer, which are not SQLite's.
    engine.limit_heap(setup.memory_bytes / 2).map_err(io::Error::other)?;
    let mut worker = Worker { engine, memory_bytes: setup.memory_bytes, views: BTreeMap::new() };
    while let Some(request) = read::<Request>(source)? {
        let reply = worker.answer(request);
        write(sink, &reply)?;
    }
    Ok(())
}

struct Worker {
    engine: Engine,
    memory_bytes: u64,
    views: BTreeMap<String, String>,
}

impl Worker {
    fn answer(&mut self, request: Request) -> Reply {
        let id = request.id;
        let memory_before = Memory::before();
        let (user_before, system_before) = cpu_times();
        let result = self.run(request).map(Set::of);
        let (user, system) = cpu_times();
        Reply {
            id,
            result,
            user_time: user.saturating_sub(user_before),
            system_time: system.saturating_sub(system_before),
            memory_bytes: memory_before.peak_since(),
            held_bytes: status_kib("VmSize:") * 1024,
        }
    }

    fn run(&mut self, request: Request) -> Result<QueryOutput, QueryError> {
        self.engine.set_context(request.context);
        if self.views != request.views {
            for (name, error) in self.engine.views(&request.views) {
                eprintln!("view {name} is left out: {error}");
            }
            self.views = request.views;
        }
        let limits = Limits {
            time: Some(request.time_limit),
            output: Some(request.output_bytes),
            memory: Some(self.memory_bytes),
        };
        self.engine.query_within(&request.sql, &limits)
    }
}

/// Resident memory at the start of a query, with the kernel's mark of the peak set back to it.
struct Memory {
    at_start_kib: u64,
}

impl Memory {
    fn before() -> Self {
        // Where this is not allowed the peak of an earlier query may count for this one: too much, not too little.
        let _ = fs::write("/proc/self/clear_refs", "5");
        Self { at_start_kib: status_kib("VmRSS:") }
    }

    fn peak_since(&self) -> u64 {
        status_kib("VmHWM:").saturating_sub(self.at_start_kib) * 1024
    }
}

fn status_kib(field: &str) -> u64 {
    let status = trimmed("/proc/self/status").unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix(field));
    value.and_then(|value| value.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_of_a_query_is_measured() {
        let memory = Memory::before();
        let block = vec![1u8; 32 * 1024 * 1024];
        std::hint::black_box(&block);
        drop(block);
        let peak = memory.peak_since();
        assert!(peak > 24 * 1024 * 1024, "{peak}");
    }
}
