//! Inventories: sections that list things, however many there are.
//!
//! One of up to 16 KiB is one state, like any section. A longer one is kept in sixteen parts, each a state of its own:
//! one thing that changes writes a sixteenth again, and no record outgrows the log. A hash of a thing's key says which
//! part it belongs to. The inventory is what all its places hold together, the whole (part 0) and the parts 1 to 16;
//! when it grows into parts the whole is emptied, and the other way round.

use std::iter;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Digest;

/// How many parts a long inventory has.
pub(super) const PARTS: u8 = 16;
/// Bytes of JSON that are one state.
const WHOLE: usize = 16 * 1024;
/// Bytes of JSON that a part may hold, well below the limit of a record: a host with more has something else to worry about.
const PART: usize = 512 * 1024;

/// Accounts of people on a host, sorted by name and id, each once. Service accounts are not asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Users {
    /// 0 is the whole; 1 to 16 a part of a long inventory.
    #[serde(skip_serializing_if = "is_none")]
    pub part: u8,
    pub users: Vec<User>,
    /// Users that were reported and found no room.
    #[serde(skip_serializing_if = "is_none")]
    pub left_out: u32,
}

/// An account. Text that was not reported is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct User {
    pub username: String,
    pub uid: i64,
    /// `local`, `roaming`; Windows only.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of the primary group.
    pub groupname: String,
    pub shell: String,
}

fn is_none<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}

impl User {
    /// What makes it the same account when everything else about it changes.
    pub fn key(&self) -> (&str, i64) {
        (&self.username, self.uid)
    }

    fn part(&self) -> u8 {
        Digest::of(format!("{}\0{}", self.uid, self.username)).0[0] % PARTS + 1
    }
}

impl Users {
    pub fn new(mut users: Vec<User>) -> Users {
        users.sort();
        users.dedup_by(|one, other| one.key() == other.key());
        Users { users, ..Users::default() }
    }

    /// The states that together say this. `held` tells of a part whether there is a state of it that would speak on.
    pub(super) fn into_parts(self, held: impl Fn(u8) -> bool) -> Vec<Users> {
        let empty = |part| Users { part, ..Users::default() };
        if json_len(&self) <= WHOLE {
            let spoken = (1..=PARTS).filter(|part| held(*part)).map(empty);
            return iter::once(self).chain(spoken).collect();
        }
        let mut parts: Vec<(Users, usize)> = (1..=PARTS).map(|part| (empty(part), PART)).collect();
        for user in self.users {
            let (part, room) = &mut parts[usize::from(user.part()) - 1];
            match room.checked_sub(json_len(&user) + 1) {
                Some(left) => {
                    *room = left;
                    part.users.push(user);
                }
                None => part.left_out += 1,
            }
        }
        let says = |part: &Users| !part.users.is_empty() || part.left_out > 0 || held(part.part);
        // The whole goes last: who reads half of this knows a user twice, and never misses one.
        let whole = held(0).then(|| empty(0));
        parts.into_iter().map(|(part, _)| part).filter(says).chain(whole).collect()
    }
}

fn json_len(value: &impl Serialize) -> usize {
    serde_json::to_string(value).expect("users are plain data with text keys").len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: i64) -> User {
        User {
            username: format!("user-{number:05}"),
            uid: number,
            groupname: "staff".into(),
            shell: "/bin/bash".into(),
            ..User::default()
        }
    }

    fn everyone(states: &[Users]) -> Vec<User> {
        let mut all: Vec<User> = states.iter().flat_map(|state| state.users.clone()).collect();
        all.sort();
        all
    }

    #[test]
    fn users_are_sorted_and_each_is_there_once() {
        let twice = User { groupname: "admin".into(), ..user(7) };
        let users = Users::new(vec![user(9), user(7), twice.clone(), User { uid: 8, ..user(7) }]);
        assert_eq!(users.users, [twice, User { uid: 8, ..user(7) }, user(9)]);
    }

    #[test]
    fn a_short_inventory_is_one_state() {
        let users = Users::new((0..100).map(user).collect());
        assert_eq!(users.clone().into_parts(|_| false), [users]);
    }

    #[test]
    fn five_thousand_users_are_sixteen_states_and_one_more_user_changes_one() {
        let users = |count| Users::new((0..count).map(user).collect()).into_parts(|_| false);
        let (before, after) = (users(5_000), users(5_001));
        assert_eq!(before.iter().map(|state| state.part).collect::<Vec<_>>(), (1..=16).collect::<Vec<_>>());
        assert_eq!(everyone(&before), (0..5_000).map(user).collect::<Vec<_>>());
        assert!(before.iter().all(|state| json_len(state) < 64 * 1024), "about a sixteenth each");
        assert_eq!(before.iter().zip(&after).filter(|(before, after)| before != after).count(), 1);
    }

    #[test]
    fn what_was_said_elsewhere_is_taken_back() {
        let long = Users::new((0..5_000).map(user).collect()).into_parts(|part| part == 0);
        assert_eq!(long.last(), Some(&Users::default()));
        assert_eq!(long.len(), 17);
        let short = Users::new(vec![user(1)]).into_parts(|part| part == 3 || part == 0);
        assert_eq!(short, [Users::new(vec![user(1)]), Users { part: 3, ..Users::default() }]);
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let long = |number| User { shell: "\u{1}".repeat(255), username: "x".repeat(255), ..user(number) };
        let all: Vec<User> = (0..10_000).map(|n| User { uid: n, ..long(n) }).collect();
        let states = Users::new(all).into_parts(|_| false);
        assert!(states.iter().all(|state| json_len(state) < PART + 64));
        let left_out: usize = states.iter().map(|state| state.left_out as usize).sum();
        assert!(left_out > 0);
        assert_eq!(everyone(&states).len() + left_out, 10_000);
    }
}
