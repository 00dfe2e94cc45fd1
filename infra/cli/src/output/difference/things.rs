//! Lists of things that people know by name: what came, went and changed, in words.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::shown;
use crate::output::flat;

/// A list of things of one kind.
struct Kind {
    list: &'static str,
    /// What one of them is called.
    one: &'static str,
    /// The members that make it the same thing when others change; it goes by the first.
    key: [&'static str; 2],
}

const KINDS: [Kind; 2] = [
    Kind { list: "users", one: "user", key: ["username", "uid"] },
    Kind { list: "addresses", one: "address", key: ["address", "interface"] },
];

type Things<'a> = BTreeMap<[String; 2], &'a Map<String, Value>>;

/// A line for each change, `user added: bob (uid=1001 shell=/bin/bash)`, if this is a list of a known kind.
pub fn lines(list: &str, old: &[Value], new: &[Value]) -> Option<Vec<String>> {
    let kind = KINDS.iter().find(|kind| kind.list == list)?;
    let (old, new) = (kind.things(old)?, kind.things(new)?);
    let went = old.iter().filter(|(key, _)| !new.contains_key(*key)).map(|(_, thing)| kind.told("removed", thing));
    let came = new.iter().filter(|(key, _)| !old.contains_key(*key)).map(|(_, thing)| kind.told("added", thing));
    let both = new.iter().filter_map(|(key, thing)| Some((old.get(key)?, thing)));
    Some(went.chain(came).chain(both.flat_map(|(before, after)| kind.changes(before, after))).collect())
}

impl Kind {
    fn things<'a>(&self, items: &'a [Value]) -> Option<Things<'a>> {
        let thing = |item: &'a Value| {
            let thing = item.as_object().filter(|thing| thing.contains_key(self.key[0]))?;
            Some((self.key.map(|name| flat::cell(thing.get(name).unwrap_or(&Value::Null))), thing))
        };
        items.iter().map(thing).collect()
    }

    fn told(&self, what: &str, thing: &Map<String, Value>) -> String {
        let rest: Map<String, Value> = thing
            .iter()
            .filter(|(name, _)| *name != self.key[0])
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let (name, rest) = (flat::cell(&thing[self.key[0]]), shown(&Value::Object(rest)));
        if rest.is_empty() {
            format!("{} {what}: {name}", self.one)
        } else {
            format!("{} {what}: {name} ({rest})", self.one)
        }
    }

    fn changes(&self, before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
        let (before, after) = (Value::Object(before.clone()), Value::Object(after.clone()));
        let name = flat::cell(&after[self.key[0]]);
        super::lines(&before, &after).into_iter().map(|line| format!("{} {name}: {line}", self.one)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn things_come_go_and_change() {
        let user =
            |name: &str, uid: u32, shell: &str| json!({"username": name, "uid": uid, "type": "", "shell": shell});
        let old = [user("root", 0, "/bin/bash"), user("ann", 1000, "/bin/bash"), user("eve", 1001, "")];
        let new = [user("bob", 1002, "/bin/zsh"), user("ann", 1000, "/bin/zsh"), user("root", 0, "/bin/bash")];
        assert_eq!(
            lines("users", &old, &new).unwrap(),
            [
                "user removed: eve (uid=1001)",
                "user added: bob (uid=1002 shell=/bin/zsh)",
                "user ann: shell: /bin/bash → /bin/zsh"
            ]
        );
        let address = |interface: &str, mac: &str| json!({"interface": interface, "address": "10.0.0.9", "mac": mac});
        assert_eq!(
            lines("addresses", &[address("eth0", "aa")], &[address("eth1", "aa")]).unwrap(),
            ["address removed: 10.0.0.9 (interface=eth0 mac=aa)", "address added: 10.0.0.9 (interface=eth1 mac=aa)"]
        );
    }

    #[test]
    fn other_lists_are_no_things() {
        assert_eq!(lines("labels", &[], &[json!({"username": "ann"})]), None);
        assert_eq!(lines("users", &[], &[json!("ann")]), None);
    }
}
