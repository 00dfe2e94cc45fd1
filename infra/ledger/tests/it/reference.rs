//! The ledger as the design page says it is read, in a few lines that share nothing with the code under test but the
//! hash function: a record that names the head's hash counts, one that was overtaken does not, anything else is broken.

use domain::state::State;
use domain::{CommandId, Digest, Event, Timestamp};
use infra_log::Record;
use serde_json::Value;

/// A record that counts.
pub struct Counted {
    pub position: u64,
    pub recorded: Timestamp,
    pub commands: Vec<(CommandId, Vec<Event>)>,
}

/// What a whole log says, or why it is broken.
pub fn counted(records: &[Record]) -> Result<Vec<Counted>, String> {
    let mut counted: Vec<Counted> = vec![];
    let mut head = "0".repeat(64);
    for (index, record) in records.iter().enumerate() {
        let value: Value = serde_json::from_slice(&record.value).map_err(|error| error.to_string())?;
        let sequence = value["sequence"].as_u64().ok_or("no sequence")?;
        let follows = value["prev"].as_str() == Some(&head);
        match (follows, sequence as usize > counted.len()) {
            (true, true) => {
                counted.push(read(record.position, &value));
                if sequence as usize != counted.len() {
                    return Err(format!("record {index} is commit {} and calls itself {sequence}", counted.len()));
                }
                head = Digest::of(&record.value).to_string();
            }
            (false, false) => {}
            _ => return Err(format!("record {index} with sequence {sequence} fits nowhere")),
        }
    }
    Ok(counted)
}

fn read(position: u64, value: &Value) -> Counted {
    let events = |command: &Value| {
        let events = command["events"].as_array().unwrap().iter();
        let event = |one: &Value| {
            let (kind, version) = (one["type"].as_str().unwrap(), one["dataversion"].as_u64().unwrap() as u32);
            Event::from_json(kind, version, one["data"].clone()).unwrap()
        };
        events.map(event).collect()
    };
    let commands = value["data"]["commands"].as_array().unwrap().iter();
    let commands = commands.map(|one| (CommandId(one["commandid"].as_str().unwrap().to_owned()), events(one)));
    let recorded = Timestamp::parse_rfc3339(value["recordedtime"].as_str().unwrap()).unwrap();
    Counted { position, recorded, commands: commands.collect() }
}

/// The state before each command that counts, and the one after the last; each with the number of whole commits before.
pub fn states(counted: &[Counted]) -> Vec<(u64, State)> {
    let mut state = State::default();
    let mut states = vec![];
    for (index, commit) in counted.iter().enumerate() {
        for (_, events) in &commit.commands {
            states.push((index as u64, state.clone()));
            events.iter().for_each(|event| state.evolve(event, commit.recorded));
        }
    }
    states.push((counted.len() as u64, state));
    states
}
