//! `muster.hosts`: one record per section of a host that changed, with the section's whole new state.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Encoded, Unreadable, Users, header, parsed};
use crate::shape::schema_of;
use crate::{Digest, HostId, LabelId, Timestamp};

macro_rules! sections {
    ($($variant:ident($name:literal) v $version:literal;)*) => {
        /// A part of what is known of a host, reported and stored as a whole.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Section { $($variant($variant),)* }

        impl Section {
            /// Every section's name.
            pub const NAMES: &'static [&'static str] = &[$($name,)*];

            /// The name in headers, views and the API, `os`.
            pub fn name(&self) -> &'static str {
                match self { $(Section::$variant(_) => $name,)* }
            }

            pub fn version(&self) -> u32 {
                match self { $(Section::$variant(_) => $version,)* }
            }

            /// The state in its canonical form: fields in the order of the struct.
            pub fn to_json(&self) -> Value {
                match self { $(Section::$variant(state) => serde_json::to_value(state),)* }
                    .expect("sections are plain data with text keys")
            }

            /// Reads a stored state, by the name of its section or of its place.
            pub fn from_json(name: &str, data: Value) -> Result<Section, Unreadable> {
                match Section::name_of(name) {
                    $($name => serde_json::from_value(data).map(Section::$variant).map_err(|e| Unreadable(format!("section {name}: {e}"))),)*
                    _ => Err(Unreadable(format!("section {name:?} is not known to this release"))),
                }
            }

            /// The JSON Schema of every section, by event type and version.
            pub fn schemas() -> Vec<(String, u32, schemars::Schema)> {
                vec![$((format!("host.{}_reported", $name), $version, schema_of::<$variant>()),)*]
            }
        }

        $(impl From<$variant> for Section {
            fn from(state: $variant) -> Self { Section::$variant(state) }
        })*
    };
}

sections! {
    Identity("identity") v 1;
    Os("os") v 1;
    Hardware("hardware") v 1;
    Network("network") v 1;
    Disks("disks") v 1;
    Boot("boot") v 1;
    Intervals("intervals") v 1;
    LabelAnswers("labels") v 1;
    Users("users") v 1;
}

/// What a host is called and which osquery it runs. Text that was not reported is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Identity {
    pub hostname: String,
    pub computer_name: String,
    pub uuid: String,
    pub hardware_serial: String,
    pub osquery_version: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Os {
    /// `ubuntu`, `darwin`, `windows` …
    pub platform: String,
    pub platform_like: String,
    pub code_name: String,
    pub build: String,
    /// The text that people read: `Ubuntu 22.04.4 LTS`.
    pub os_version: String,
    /// Name and version as the operating system is counted by: `Ubuntu`, `22.04.4 LTS`.
    pub name: String,
    pub version: String,
    pub arch: String,
    pub kernel_version: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Hardware {
    pub cpu_type: String,
    pub cpu_subtype: String,
    pub cpu_brand: String,
    pub cpu_physical_cores: i64,
    pub cpu_logical_cores: i64,
    /// Bytes.
    pub memory: i64,
    pub hardware_vendor: String,
    pub hardware_model: String,
    pub hardware_version: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Network {
    pub primary_ip: String,
    pub primary_mac: String,
    /// The address that the server saw.
    pub public_ip: String,
    /// Every address that others can reach the host by, sorted.
    pub addresses: Vec<Address>,
}

/// One address of one interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Address {
    pub interface: String,
    pub address: String,
    pub mac: String,
}

/// Space on the root file system. Free space moves all the time: written when it moves by a step, or once a day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Disks {
    pub gigs_disk_space_available: f64,
    pub percent_disk_space_available: f64,
    pub gigs_total_disk_space: f64,
}

/// When the host started, from its uptime; a derived time jitters, so small moves are nothing new.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Boot {
    pub booted_at: Timestamp,
}

/// How often the host calls, in seconds; 0 is not told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Intervals {
    pub distributed_interval: u32,
    pub config_tls_refresh: u32,
    pub logger_tls_period: u32,
}

/// Which dynamic labels the host answered, and of which it is a member. "All Hosts" is never in here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LabelAnswers {
    pub answered: BTreeSet<LabelId>,
    pub members: BTreeSet<LabelId>,
}

/// One record of `muster.hosts`.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// A UUIDv7.
    pub id: String,
    pub source: String,
    pub host: HostId,
    /// When the request that brought it arrived, by the server's clock. A report older than the newest of its host
    /// and section is late: kept in the log, changing nothing.
    pub recorded: Timestamp,
    pub section: Section,
}

impl Report {
    /// SHA-256 of the section's canonical state: two reports with equal hashes say the same.
    pub fn hash(section: &Section) -> Digest {
        Digest::of(section.to_json().to_string())
    }

    pub fn encode(&self) -> Encoded {
        let time = self.recorded.to_rfc3339();
        let value = json!({
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": format!("host.{}_reported", self.section.name()),
            "dataversion": self.section.version(),
            "subject": format!("host/{}", self.host),
            "time": time,
            "recordedtime": time,
            "datacontenttype": "application/json",
            "data": self.section.to_json(),
        });
        let header = |name: &str, value: String| (name.to_owned(), value);
        Encoded {
            headers: vec![
                header("host", self.host.to_string()),
                header("section", self.section.name().to_owned()),
                header("part", self.section.part().to_string()),
                header("hash", Report::hash(&self.section).to_string()),
                header("recorded", self.recorded.micros().to_string()),
            ],
            value: value.to_string().into_bytes(),
        }
    }

    pub fn decode(headers: &[(String, String)], value: &[u8]) -> Result<Report, Unreadable> {
        let mut envelope: Value = serde_json::from_slice(value).map_err(|error| Unreadable(error.to_string()))?;
        let text = |name: &str| envelope.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (id, source) = (text("id"), text("source"));
        let data = envelope.get_mut("data").map(Value::take).ok_or_else(|| Unreadable("it has no data".to_owned()))?;
        Ok(Report {
            id,
            source,
            host: parsed(headers, "host")?,
            recorded: Timestamp::from_micros(parsed(headers, "recorded")?),
            section: Section::from_json(header(headers, "section")?, data)?,
        })
    }
}
