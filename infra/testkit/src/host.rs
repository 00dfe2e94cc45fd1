//! An osquery host as a small client: it says what osqueryd says, and hears what osqueryd hears.

mod carve;
mod outcome;
pub mod talk;

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::door::Door;

pub use outcome::{Outcome, Reply};

/// One host. Its calls go over connections of its own.
pub struct TestHost {
    pub identifier: String,
    pub hostname: String,
    door: Door,
    http: reqwest::Client,
    key: Option<String>,
    told: Told,
}

/// What became of the posts so far, as the host has it.
#[derive(Debug, Default)]
struct Told {
    acknowledged: AtomicU64,
    refused: AtomicU64,
    unanswered: AtomicU64,
}

/// A reading of a host's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Posts that the host believes to be done.
    pub acknowledged: u64,
    /// Posts that it will repeat.
    pub refused: u64,
    /// Posts without an answer: what became of them nobody knows.
    pub unanswered: u64,
}

impl TestHost {
    /// A host that has not enrolled yet. Its hostname, UUID and serial are made from its identifier.
    pub fn new(door: &Door, identifier: &str) -> TestHost {
        TestHost {
            identifier: identifier.to_owned(),
            hostname: format!("{identifier}.example"),
            http: door.client(),
            door: door.clone(),
            key: None,
            told: Told::default(),
        }
    }

    /// A host that has enrolled.
    pub async fn enrolled(door: &Door, identifier: &str, secret: &str) -> TestHost {
        let mut host = TestHost::new(door, identifier);
        let reply = host.enrol(secret).await;
        assert!(host.key.is_some(), "{identifier} did not get in: {reply:?}");
        host
    }

    pub fn uuid(&self) -> String {
        format!("{}-UUID", self.identifier.to_uppercase())
    }

    /// Without the words that vendors leave in the place of a serial number, which count as none.
    pub fn serial(&self) -> String {
        format!("SN-{}", self.identifier.to_uppercase())
    }

    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }

    /// Shows another key from now on.
    pub fn take_key(&mut self, key: &str) {
        self.key = Some(key.to_owned());
    }

    pub fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            acknowledged: read(&self.told.acknowledged),
            refused: read(&self.told.refused),
            unanswered: read(&self.told.unanswered),
        }
    }

    /// What the host says of itself at enrolment: a Ubuntu machine.
    pub fn details(&self) -> Value {
        json!({
            "os_version": {"name": "Ubuntu", "version": "22.04.4 LTS (Jammy Jellyfish)", "major": "22", "minor": "4",
                "patch": "0", "platform": "ubuntu", "platform_like": "debian", "codename": "jammy", "arch": "x86_64"},
            "osquery_info": {"version": "5.16.0", "instance_id": format!("{}-instance", self.identifier),
                "uuid": self.uuid(), "pid": "911", "config_valid": "0", "extensions": "inactive"},
            "system_info": {"hostname": self.hostname, "computer_name": self.hostname, "uuid": self.uuid(),
                "hardware_serial": self.serial(), "cpu_brand": "Test", "physical_memory": "16777216000"},
        })
    }

    /// Enrols; the key is kept if there is one in the answer, whatever else it says, as osqueryd does.
    pub async fn enrol(&mut self, secret: &str) -> Reply {
        let body = json!({"enroll_secret": secret, "host_identifier": self.identifier, "platform_type": "9",
            "host_details": self.details()});
        self.enrol_as(body).await
    }

    /// Enrols with a body of one's own.
    pub async fn enrol_as(&mut self, body: Value) -> Reply {
        let reply = self.post("enroll", &body).await;
        if let Some(key) = reply.json().get("node_key").and_then(Value::as_str).filter(|key| !key.is_empty()) {
            self.key = Some(key.to_owned());
        }
        reply
    }
}
