//! One sample and more of every shape that was ever written, byte by byte as it stands on the log.
//!
//! The folder only grows. A sample is named `TYPE.vN.EXTENSION`, or `TYPE.vN.WHAT.EXTENSION` if there are several.

mod hosts;
mod ledger;
mod live;
mod organisation;
mod people;
mod records;
mod snapshot;
mod strict;

use std::fs;
use std::path::Path;

use domain::Timestamp;
use jsonschema::Validator;
use serde_json::Value;

use crate::schemas::frozen;

/// A file of a folder of `tests/golden/`.
pub struct Sample {
    /// The file's name without its extension.
    pub name: String,
    pub kind: String,
    pub version: u32,
    /// Without the line break at the end, which belongs to the file and not to the record.
    pub text: String,
}

pub fn samples(folder: &str) -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(folder);
    let mut samples: Vec<Sample> = fs::read_dir(&folder).unwrap().map(|entry| sample(&entry.unwrap().path())).collect();
    samples.sort_by(|one, other| one.name.cmp(&other.name));
    samples
}

fn sample(path: &Path) -> Sample {
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let parts: Vec<&str> = name.split('.').collect();
    let version = |part: &&str| part.strip_prefix('v').and_then(|number| number.parse::<u32>().ok());
    let place = parts.iter().position(|part| version(part).is_some());
    let place = place.unwrap_or_else(|| panic!("{name} does not tell its version: call it TYPE.vN"));
    let text = fs::read_to_string(path).unwrap();
    Sample {
        kind: parts[..place].join("."),
        version: version(&parts[place]).unwrap(),
        text: text.strip_suffix('\n').unwrap_or(&text).to_owned(),
        name,
    }
}

/// Holds values to the frozen schemas.
pub struct Schemas(std::collections::BTreeMap<String, Validator>);

impl Schemas {
    pub fn new() -> Schemas {
        let compiled = |(file, schema): (String, Value)| {
            let validator = jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{file}: {error}"));
            (file, validator)
        };
        Schemas(frozen().into_iter().map(compiled).collect())
    }

    pub fn check(&self, sample: &str, kind: &str, version: u32, value: &Value) {
        let file = format!("{kind}.v{version}.json");
        let schema = self.0.get(&file).unwrap_or_else(|| panic!("{sample}: there is no domain/schemas/{file}"));
        let errors: Vec<String> = schema.iter_errors(value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{sample} does not fit domain/schemas/{file}: {errors:?}\n{value}");
    }
}

/// The samples' own clock: minutes after 2026-03-02T09:00:00Z.
pub fn minute(minutes: i64) -> Timestamp {
    Timestamp::from_secs(1_772_442_000 + minutes * 60)
}

#[test]
fn the_clock_of_the_samples_is_the_one_they_tell() {
    assert_eq!(Timestamp::parse_rfc3339("2026-03-02T09:00:00Z"), Some(minute(0)));
}
