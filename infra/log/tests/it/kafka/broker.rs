//! Real brokers: one for all tests, and others for tests that stop theirs.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

/// A broker that a test started. It ends when this is dropped, and with this process however that ends: the script
/// that runs it waits for the end of its input.
pub struct Broker {
    pub address: String,
    pub pid: String,
    input: Option<ChildStdin>,
    script: Child,
}

impl Broker {
    pub fn start() -> Result<Broker, String> {
        let mut script = Command::new(script())
            .arg("run")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", script().display()))?;
        let input = script.stdin.take();
        let lines = BufReader::new(script.stdout.take().unwrap()).lines();
        let mut said = lines.map_while(Result::ok).take(2);
        let mut value = |name: &str| said.next().and_then(|line| line.strip_prefix(name).map(str::to_owned));
        match (value("MUSTER_TEST_KAFKA="), value("PID=")) {
            (Some(address), Some(pid)) => Ok(Broker { address, pid, input, script }),
            _ => Err("the broker did not start; see above".into()),
        }
    }

    /// Sends the broker's process a signal.
    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.pid]).status().unwrap().success());
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.input.take());
        self.script.wait().unwrap();
    }
}

/// Runs one of Kafka's own tools; its output.
pub fn tool(arguments: &[&str]) -> String {
    let output = Command::new(script()).arg("tool").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The address of the broker that tests share, if there can be one.
pub fn shared() -> Option<&'static str> {
    state().as_ref().ok().map(|state| state.as_str())
}

/// Whether tests may start brokers of their own.
pub fn can_start() -> bool {
    missing().is_none()
}

/// For the summary.
pub fn which() -> String {
    match state() {
        Ok(address) => format!("kafka at {address}"),
        Err(why) => format!("kafka SKIPPED ({why})"),
    }
}

fn state() -> &'static Result<String, String> {
    static SHARED: OnceLock<Result<String, String>> = OnceLock::new();
    SHARED.get_or_init(|| {
        let state = find();
        if let Err(why) = &state {
            crate::say(&format!("the Kafka tests are skipped: {why}"));
        }
        state
    })
}

fn find() -> Result<String, String> {
    /// Never dropped: ends with the process.
    static OURS: OnceLock<Broker> = OnceLock::new();
    if let Ok(address) = std::env::var("MUSTER_TEST_KAFKA") {
        return Ok(address);
    }
    if let Some(program) = missing() {
        return Err(format!("{program} is not installed"));
    }
    // With all that it needs here, a broker that does not start is a failure, not a reason to skip.
    let broker = Broker::start().unwrap_or_else(|why| panic!("{why}"));
    Ok(OURS.get_or_init(|| broker).address.clone())
}

fn missing() -> Option<&'static str> {
    let there =
        |program: &&str| Command::new(*program).arg("-version").output().is_ok_and(|output| output.status.success());
    ["java", "mvn"].into_iter().find(|program| !there(program))
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../services/kafka")
}
