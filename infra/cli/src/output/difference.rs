//! What changed between two states of the same thing, one line a change.

mod things;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::flat;

/// The changes that lead from one state to the next: `key: old → new`, `key: + item`, `key: - item`; of things that people
/// know by name, `user added: bob (uid=1001)`.
pub fn lines(old: &Value, new: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", old, new, &mut lines);
    lines
}

fn compare(name: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(old), Value::Object(new)) => members(name, old, new, lines),
        (Value::Array(old), Value::Array(new)) => items(name, old, new, lines),
        _ => lines.push(format!("{}: {} → {}", title(name), shown(old), shown(new))),
    }
}

fn members(name: &str, old: &Map<String, Value>, new: &Map<String, Value>, lines: &mut Vec<String>) {
    let added = new.keys().filter(|key| !old.contains_key(*key));
    for key in old.keys().chain(added) {
        let inner = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
        compare(&inner, old.get(key).unwrap_or(&Value::Null), new.get(key).unwrap_or(&Value::Null), lines);
    }
}

/// Lists are compared as sets that may hold an item more than once: their order says nothing here.
fn items(name: &str, old: &[Value], new: &[Value], lines: &mut Vec<String>) {
    if let Some(words) = things::lines(name, old, new) {
        lines.extend(words);
        return;
    }
    let mut balance: BTreeMap<String, i64> = BTreeMap::new();
    for item in old {
        *balance.entry(shown(item)).or_default() -= 1;
    }
    for item in new {
        *balance.entry(shown(item)).or_default() += 1;
    }
    for (item, balance) in balance {
        let sign = if balance < 0 { '-' } else { '+' };
        lines.extend((0..balance.abs()).map(|_| format!("{}: {sign} {item}", title(name))));
    }
}

fn title(name: &str) -> &str {
    if name.is_empty() { "value" } else { name }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Object(object) => {
            let members = flat::members(object).into_iter().filter(|(_, text)| !text.is_empty());
            members.map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>().join(" ")
        }
        other => flat::cell(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changed_added_and_removed_members_are_told_apart() {
        let old = json!({"name": "Debian", "version": "12.4", "gone": 1, "deep": {"a": 1, "b": 2}});
        let new = json!({"name": "Debian", "version": "12.5", "deep": {"a": 1, "b": 3}, "fresh": true});
        assert_eq!(
            lines(&old, &new),
            ["version: 12.4 → 12.5", "gone: 1 → nothing", "deep.b: 2 → 3", "fresh: nothing → true"]
        );
        assert!(lines(&old, &old).is_empty());
    }

    #[test]
    fn lists_are_compared_by_their_items() {
        let labels = |id: u32| json!({"labels": [{"id": 1, "x": "a"}, {"id": id, "x": "b"}]});
        assert_eq!(lines(&labels(2), &labels(3)), ["labels: - id=2 x=b", "labels: + id=3 x=b"]);
        let old = json!({"users": [{"uid": "0", "username": "root"}, {"uid": "1000", "username": "ann"}]});
        let new = json!({"users": [{"uid": "1001", "username": "bob"}, {"uid": "0", "username": "root"}]});
        assert_eq!(lines(&old, &new), ["user removed: ann (uid=1000)", "user added: bob (uid=1001)"]);
    }

    #[test]
    fn an_item_that_comes_twice_is_a_change() {
        assert_eq!(lines(&json!(["a"]), &json!(["a", "a"])), ["value: + a"]);
    }
}
