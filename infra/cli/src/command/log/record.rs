//! A record of the log as events that people can read.
//!
//! The envelope is CloudEvents. On the ledger a record is a commit of several commands with several events each; hosts
//! and activity have one event in the value; results, status and live have the metadata in headers and osquery's own
//! JSON as the value.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::output::{escaped, flat};

/// Longest part of an event's data on a terminal; the whole is in JSON and CSV.
const SHOWN: usize = 600;

/// The columns of CSV.
pub const FIELDS: [&str; 8] = ["topic", "partition", "position", "time", "type", "subject", "actor", "data"];

/// Where a record is, and what is in it.
pub struct Record<'a> {
    value: &'a Value,
    pub partition: u32,
    pub position: u64,
}

/// One event of a record.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Event {
    time: String,
    kind: String,
    subject: String,
    actor: String,
    data: String,
}

impl<'a> Record<'a> {
    /// Reads a line of `log/{topic}`.
    pub fn of(value: &'a Value) -> Result<Self> {
        let number =
            |name: &str| value[name].as_u64().with_context(|| format!("the server sent an event without {name}"));
        let partition = u32::try_from(number("partition")?).context("the server sent an impossible partition")?;
        Ok(Self { value, partition, position: number("position")? })
    }

    /// The events, in their order.
    pub fn events(&self) -> Vec<Event> {
        let body = &self.value["value"];
        match body["data"]["commands"].as_array() {
            Some(commands) => commands.iter().flat_map(|command| self.of_command(command)).collect(),
            None => vec![self.single()],
        }
    }

    /// A line for each event; a shortened one where a person reads along.
    pub fn lines(&self, terminal: bool) -> Vec<String> {
        let events = self.events();
        events.iter().map(|event| event.line(self, if terminal { SHOWN } else { usize::MAX })).collect()
    }

    fn of_command(&self, command: &Value) -> Vec<Event> {
        let events = command["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        let event = |event: &Value| Event {
            time: self.time(),
            kind: flat::cell(&event["type"]),
            subject: String::new(),
            actor: flat::cell(&command["actor"]),
            data: flat::cell(&event["data"]),
        };
        events.iter().map(event).collect()
    }

    fn single(&self) -> Event {
        let body = &self.value["value"];
        let wrapped = body["specversion"].is_string();
        let headers = &self.value["headers"];
        let fact = |name: &str| match wrapped {
            true => flat::cell(&body[name]),
            false => flat::cell(&headers[format!("ce_{name}")]),
        };
        let data = if wrapped { &body["data"] } else { body };
        let subject = Some(fact("subject")).filter(|subject| !subject.is_empty());
        Event {
            time: self.time(),
            kind: fact("type"),
            subject: subject.unwrap_or_else(|| flat::cell(&self.value["key"])),
            actor: fact("actor"),
            data: flat::cell(data),
        }
    }

    /// When the event was recorded; when it was appended, if it does not say.
    fn time(&self) -> String {
        let (body, headers) = (&self.value["value"], &self.value["headers"]);
        let times = [&body["recordedtime"], &headers["ce_recordedtime"], &headers["ce_time"], &self.value["appended"]];
        times.into_iter().find(|time| time.is_string()).map(flat::cell).unwrap_or_default()
    }
}

impl Event {
    /// The values of `FIELDS`.
    pub fn fields(&self, record: &Record) -> [String; 8] {
        [
            flat::cell(&record.value["topic"]),
            record.partition.to_string(),
            record.position.to_string(),
            self.time.clone(),
            self.kind.clone(),
            self.subject.clone(),
            self.actor.clone(),
            self.data.clone(),
        ]
    }

    fn line(&self, record: &Record, longest: usize) -> String {
        let mut line = format!("{}/{}  {}", record.partition, record.position, escaped(&self.time));
        for part in [&self.kind, &self.subject] {
            if !part.is_empty() {
                line.push_str("  ");
                line.push_str(&escaped(part));
            }
        }
        if !self.actor.is_empty() {
            line.push_str(&format!("  by {}", escaped(&self.actor)));
        }
        if !self.data.is_empty() {
            line.push_str("  ");
            line.push_str(&shortened(&escaped(&self.data), longest));
        }
        line
    }
}

fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_commit_is_a_line_for_each_event_with_who_and_when() {
        let record = json!({"topic": "ledger", "partition": 0, "position": 7, "appended": "2026-11-22T10:00:01Z", "key": null,
            "headers": {}, "value": {"specversion": "1.0", "type": "muster.commit", "recordedtime": "2026-11-22T10:00:00Z",
            "data": {"commands": [
                {"commandid": "a", "actor": "user/1", "events": [{"type": "team.created", "dataversion": 1, "data": {"team": 2}}, {"type": "query.saved", "data": {"query": 5}}]},
                {"commandid": "b", "actor": "host/3", "events": [{"type": "host.enrolled", "data": {"host": 3}}]}]}}});
        assert_eq!(
            Record::of(&record).unwrap().lines(false),
            [
                "0/7  2026-11-22T10:00:00Z  team.created  by user/1  {\"team\":2}",
                "0/7  2026-11-22T10:00:00Z  query.saved  by user/1  {\"query\":5}",
                "0/7  2026-11-22T10:00:00Z  host.enrolled  by host/3  {\"host\":3}",
            ]
        );
    }

    #[test]
    fn an_event_in_its_envelope_shows_its_data() {
        let record = json!({"topic": "hosts", "partition": 4, "position": 9, "appended": "2026-11-22T10:00:01Z", "key": "12",
            "headers": {"section": "os"}, "value": {"specversion": "1.0", "type": "host.os_reported", "subject": "host/12",
            "recordedtime": "2026-11-22T10:00:00Z", "data": {"name": "Debian"}}});
        assert_eq!(
            Record::of(&record).unwrap().lines(false),
            ["4/9  2026-11-22T10:00:00Z  host.os_reported  host/12  {\"name\":\"Debian\"}"]
        );
    }

    #[test]
    fn a_line_of_osquery_has_its_metadata_in_headers() {
        let record = json!({"topic": "results", "partition": 1, "position": 3, "appended": "2026-11-22T10:00:01Z", "key": "12",
            "headers": {"ce_type": "result.logged", "ce_subject": "host/12", "ce_time": "2026-11-22T10:00:00Z"},
            "value": {"name": "pack/Global/x", "type": "a trap", "columns": {"a": "\u{1b}[2J"}}});
        assert_eq!(
            Record::of(&record).unwrap().lines(false),
            [
                "1/3  2026-11-22T10:00:00Z  result.logged  host/12  {\"name\":\"pack/Global/x\",\"type\":\"a trap\",\"columns\":{\"a\":\"\\u001b[2J\"}}"
            ]
        );
    }

    #[test]
    fn text_that_is_no_json_is_shown_safe_and_short_on_a_terminal() {
        let record = json!({"topic": "status", "partition": 0, "position": 0, "appended": "2026-11-22T10:00:01Z", "key": "k",
            "headers": {}, "value": format!("\u{1b}{}", "x".repeat(SHOWN))});
        let lines = Record::of(&record).unwrap().lines(true);
        assert!(lines[0].starts_with("0/0  2026-11-22T10:00:01Z  k  \\u{1b}xxx"), "{lines:?}");
        assert!(lines[0].ends_with('…') && lines[0].chars().count() < SHOWN + 60, "{lines:?}");
    }
}
