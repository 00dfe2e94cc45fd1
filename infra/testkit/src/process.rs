//! The real server as a process of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::door::Door;

/// How long a start may take on a machine that is busy with other tests.
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(10);

/// A server that runs; dropped, it is killed.
pub struct ServerProcess {
    child: Child,
    door: Door,
    pub address: SocketAddr,
    /// What it said on its two outputs, over all starts on this folder.
    pub said: PathBuf,
    /// How much of that is older than this start.
    before: u64,
}

impl ServerProcess {
    /// Starts `muster serve` on a data folder and a free port, waits until it serves, and opens the door.
    pub async fn start(binary: &Path, data: &Path, more: &[&str], door: &Door) -> anyhow::Result<ServerProcess> {
        let beside = |suffix: &str| {
            let mut name = data.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        let (ready, said) = (beside(".ready"), beside(".said"));
        let _ = fs::remove_file(&ready);
        let output = File::options().create(true).append(true).open(&said)?;
        let before = output.metadata()?.len();
        let child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .arg("--data")
            .arg(data)
            .arg("--ready-file")
            .arg(&ready)
            .args(more)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("{} cannot be started", binary.display()))?;
        let mut server = ServerProcess { child, door: door.clone(), address: ([127, 0, 0, 1], 0).into(), said, before };
        let deadline = Instant::now() + START;
        loop {
            let written = fs::read_to_string(&ready).unwrap_or_default();
            if let Ok(address) = written.trim().parse() {
                server.address = address;
                break;
            }
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended at once, {status}:\n{}", server.last_words());
            }
            if Instant::now() > deadline {
                bail!("the server was not ready within {START:?}:\n{}", server.last_words());
            }
            tokio::time::sleep(STEP).await;
        }
        door.open(server.address, &data.join("tls").join("ca.pem"))?;
        Ok(server)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`: no word, no farewell. The door is shut when the process is gone.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        self.door.close();
        Ok(())
    }

    /// SIGTERM, and its end.
    pub async fn stop(mut self) -> anyhow::Result<ExitStatus> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM)?;
        let deadline = Instant::now() + STOP;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                bail!("the server did not stop within {STOP:?}:\n{}", self.last_words());
            }
            tokio::time::sleep(STEP).await;
        };
        self.door.close();
        Ok(status)
    }

    /// The most memory that the process held so far, in bytes.
    pub fn peak_memory(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel tells VmHWM")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1024)
    }

    /// What it said since this start.
    pub fn words(&self) -> String {
        let said = fs::read(&self.said).unwrap_or_default();
        String::from_utf8_lossy(said.get(self.before as usize..).unwrap_or_default()).into_owned()
    }

    fn last_words(&self) -> String {
        let said = fs::read_to_string(&self.said).unwrap_or_default();
        let lines: Vec<&str> = said.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
