//! Log lines in osquery's words.

use std::collections::BTreeMap;

use agent_protocol::Row;
use chrono::DateTime;
use serde::Serialize;
use serde_json::{Map, Value};

use super::diff::Change;
use crate::flags::Flags;

/// What every line of one run says beside its rows.
pub struct Head<'a> {
    pub name: &'a str,
    pub host_identifier: &'a str,
    /// Seconds since 1970.
    pub time: u64,
    pub epoch: u64,
    pub counter: u64,
    pub decorations: &'a BTreeMap<String, String>,
}

/// How lines are shaped, by flags.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// One line a changed row, else one a run.
    events: bool,
    /// One line a row of a snapshot, else one a run.
    snapshot_events: bool,
    /// Decorations stand beside the other members, else in one of their own.
    top_level: bool,
}

impl From<&Flags> for Shape {
    fn from(flags: &Flags) -> Self {
        Shape {
            events: flags.is_on("logger_event_type"),
            snapshot_events: flags.is_on("logger_snapshot_event_type"),
            top_level: flags.is_on("decorations_top_level"),
        }
    }
}

impl Shape {
    /// The lines of a change; removed rows come first.
    pub fn change(self, head: &Head<'_>, change: &Change) -> Vec<String> {
        if self.events {
            let removed = change.removed.iter().map(|row| (row, "removed"));
            let all = removed.chain(change.added.iter().map(|row| (row, "added")));
            return all.map(|(row, action)| self.row(head, row, action)).collect();
        }
        if change.is_empty() {
            return Vec::new();
        }
        let mut line = Map::new();
        line.insert(
            "diffResults".to_owned(),
            value(&BTreeMap::from([("removed", &change.removed), ("added", &change.added)])),
        );
        self.finish(head, &mut line);
        vec![text(&line)]
    }

    /// The lines of a snapshot; one without rows is a line too, unless each row is a line.
    pub fn snapshot(self, head: &Head<'_>, rows: &[Row]) -> Vec<String> {
        if self.snapshot_events {
            return rows.iter().map(|row| self.row(head, row, "snapshot")).collect();
        }
        let mut line = Map::new();
        line.insert("snapshot".to_owned(), value(&rows));
        line.insert("action".to_owned(), "snapshot".into());
        self.finish(head, &mut line);
        vec![text(&line)]
    }

    fn row(self, head: &Head<'_>, row: &Row, action: &str) -> String {
        let mut line = Map::new();
        self.finish(head, &mut line);
        line.insert("columns".to_owned(), value(row));
        line.insert("action".to_owned(), action.into());
        text(&line)
    }

    fn finish(self, head: &Head<'_>, line: &mut Map<String, Value>) {
        line.insert("name".to_owned(), head.name.into());
        line.insert("hostIdentifier".to_owned(), head.host_identifier.into());
        line.insert("calendarTime".to_owned(), calendar_time(head.time).into());
        line.insert("unixTime".to_owned(), head.time.into());
        line.insert("epoch".to_owned(), head.epoch.into());
        line.insert("counter".to_owned(), head.counter.into());
        line.insert("numerics".to_owned(), false.into());
        decorate(line, head.decorations, self.top_level);
    }
}

/// A status line.
pub struct Status<'a> {
    pub host_identifier: &'a str,
    /// Seconds since 1970.
    pub time: u64,
    /// 0 info, 1 warning, 2 error.
    pub severity: u8,
    pub filename: &'a str,
    pub line: u32,
    pub message: &'a str,
    pub version: &'a str,
    pub decorations: &'a BTreeMap<String, String>,
}

impl Status<'_> {
    pub fn text(&self) -> String {
        let mut line = Map::new();
        line.insert("hostIdentifier".to_owned(), self.host_identifier.into());
        line.insert("calendarTime".to_owned(), calendar_time(self.time).into());
        line.insert("unixTime".to_owned(), self.time.into());
        line.insert("severity".to_owned(), self.severity.into());
        line.insert("filename".to_owned(), self.filename.into());
        line.insert("line".to_owned(), self.line.into());
        line.insert("message".to_owned(), self.message.into());
        line.insert("version".to_owned(), self.version.into());
        decorate(&mut line, self.decorations, false);
        text(&line)
    }
}

fn decorate(line: &mut Map<String, Value>, decorations: &BTreeMap<String, String>, top_level: bool) {
    if decorations.is_empty() {
        return;
    }
    if top_level {
        line.extend(decorations.iter().map(|(name, text)| (name.clone(), text.as_str().into())));
    } else {
        line.insert("decorations".to_owned(), value(decorations));
    }
}

/// `Mon Jun  2 10:00:00 2025 UTC`.
fn calendar_time(time: u64) -> String {
    let time = i64::try_from(time).ok().and_then(|time| DateTime::from_timestamp(time, 0));
    time.unwrap_or_default().format("%a %b %e %H:%M:%S %Y UTC").to_string()
}

fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).expect("maps of text are JSON")
}

fn text(line: &Map<String, Value>) -> String {
    serde_json::to_string(line).expect("a JSON value is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queries::scripted::row_of;

    const EVENTS: Shape = Shape { events: true, snapshot_events: false, top_level: false };

    fn head(decorations: &BTreeMap<String, String>) -> Head<'_> {
        Head { name: "pack/Global/usb", host_identifier: "h", time: 1_748_858_400, epoch: 0, counter: 3, decorations }
    }

    fn decorations() -> BTreeMap<String, String> {
        BTreeMap::from([("host_uuid".to_owned(), "u".to_owned())])
    }

    #[test]
    fn an_added_row_is_a_line_of_the_osquery_remote_api() {
        let change = Change { added: vec![row_of(&[("vendor", "ACME"), ("serial", "77")])], removed: vec![] };
        let lines = EVENTS.change(&head(&decorations()), &change);
        let expected = r#"{"name":"pack/Global/usb","hostIdentifier":"h","calendarTime":"Mon Jun  2 10:00:00 2025 UTC","unixTime":1748858400,"epoch":0,"counter":3,"numerics":false,"decorations":{"host_uuid":"u"},"columns":{"vendor":"ACME","serial":"77"},"action":"added"}"#;
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn removed_rows_come_first() {
        let change = Change { added: vec![row_of(&[("v", "new")])], removed: vec![row_of(&[("v", "old")])] };
        let lines = EVENTS.change(&head(&BTreeMap::new()), &change);
        assert!(lines[0].ends_with(r#""numerics":false,"columns":{"v":"old"},"action":"removed"}"#), "{}", lines[0]);
        assert!(lines[1].ends_with(r#""columns":{"v":"new"},"action":"added"}"#));
        let batch = Shape { events: false, ..EVENTS }.change(&head(&BTreeMap::new()), &change);
        assert_eq!(batch.len(), 1);
        assert!(
            batch[0].starts_with(r#"{"diffResults":{"added":[{"v":"new"}],"removed":[{"v":"old"}]},"name":"#),
            "{}",
            batch[0]
        );
        assert!(Shape { events: false, ..EVENTS }.change(&head(&BTreeMap::new()), &Change::default()).is_empty());
    }

    #[test]
    fn snapshots_are_one_line_or_one_a_row() {
        let rows = [row_of(&[("v", "1")]), row_of(&[("v", "2")])];
        let one = EVENTS.snapshot(&head(&BTreeMap::new()), &rows);
        assert!(
            one[0].starts_with(r#"{"snapshot":[{"v":"1"},{"v":"2"}],"action":"snapshot","name":"#) && one.len() == 1
        );
        assert!(EVENTS.snapshot(&head(&BTreeMap::new()), &[])[0].starts_with(r#"{"snapshot":[],"action""#));
        let events = Shape { snapshot_events: true, ..EVENTS };
        assert_eq!(events.snapshot(&head(&BTreeMap::new()), &rows).len(), 2);
        assert!(events.snapshot(&head(&BTreeMap::new()), &[]).is_empty());
    }

    #[test]
    fn decorations_may_stand_at_the_top() {
        let top = Shape { top_level: true, ..EVENTS }.snapshot(&head(&decorations()), &[]);
        assert!(top[0].ends_with(r#""numerics":false,"host_uuid":"u"}"#), "{}", top[0]);
    }

    #[test]
    fn a_status_line_says_where_it_comes_from() {
        let line = Status {
            host_identifier: "h",
            time: 0,
            severity: 1,
            filename: "run.rs",
            line: 7,
            message: "m",
            version: "5",
            decorations: &BTreeMap::new(),
        }
        .text();
        assert_eq!(
            line,
            r#"{"hostIdentifier":"h","calendarTime":"Thu Jan  1 00:00:00 1970 UTC","unixTime":0,"severity":1,"filename":"run.rs","line":7,"message":"m","version":"5"}"#
        );
    }
}
