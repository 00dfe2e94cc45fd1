//! The places in which the sections of a host are kept: one for each section, and of an inventory one more for each part.

use std::sync::LazyLock;

use super::Section;
use super::inventory::PARTS;

/// Sections that list things.
const INVENTORIES: [&str; 1] = ["users"];

/// A section's name, and the names of an inventory's parts, `users/3`.
static SLOTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let parts = |name: &&str| (1..=PARTS).map(|part| format!("{name}/{part}")).collect::<Vec<_>>();
    Section::NAMES.iter().map(|name| (*name).to_owned()).chain(INVENTORIES.iter().flat_map(parts)).collect()
});

impl Section {
    /// Whether a section of this name, or the part of one, lists things: the whole of it may be in several places.
    pub fn is_inventory(slot: &str) -> bool {
        INVENTORIES.contains(&Section::name_of(slot))
    }

    /// The place of this state: `os`, `users`, `users/3`.
    pub fn slot(&self) -> &'static str {
        Section::slot_of(self.name(), self.part()).expect("a state has a place")
    }

    /// All places of the section with this name.
    pub fn slots_of(name: &str) -> impl Iterator<Item = &'static str> {
        SLOTS.iter().map(String::as_str).filter(move |slot| Section::name_of(slot) == name)
    }

    /// The place with this name, if there is such a one.
    pub fn slot_named(text: &str) -> Option<&'static str> {
        SLOTS.iter().map(String::as_str).find(|slot| *slot == text)
    }

    /// The place of a section, or of its part.
    pub fn slot_of(name: &str, part: u8) -> Option<&'static str> {
        if part == 0 { Section::slot_named(name) } else { Section::slot_named(&format!("{name}/{part}")) }
    }

    /// The name of the section that a place belongs to.
    pub fn name_of(slot: &str) -> &str {
        slot.split_once('/').map_or(slot, |(name, _)| name)
    }

    /// 0 for the whole of a section, 1 to 16 for the parts of a long inventory.
    pub fn part(&self) -> u8 {
        match self {
            Section::Users(users) => users.part,
            _ => 0,
        }
    }

    /// The states to write so that all places together say this. `held` tells of a place whether it says anything yet.
    pub fn into_parts(self, held: impl Fn(&'static str) -> bool) -> Vec<Section> {
        let holds = |name: &str, part: u8| Section::slot_of(name, part).is_some_and(&held);
        match self {
            Section::Users(users) => {
                users.into_parts(|part| holds("users", part)).into_iter().map(Section::Users).collect()
            }
            other => vec![other],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Users;

    #[test]
    fn every_state_has_a_place_of_its_own() {
        let part = Section::from(Users { part: 3, ..Users::default() });
        assert_eq!((part.name(), part.slot()), ("users", "users/3"));
        assert_eq!(Section::from(Users::default()).slot(), "users");
        assert_eq!(Section::slot_of("users", 17), None);
        assert_eq!((Section::slots_of("users").count(), Section::slots_of("os").count()), (17, 1));
        assert_eq!(Section::slot_of("os", 1), None);
        assert_eq!((Section::name_of("users/16"), Section::name_of("os")), ("users", "os"));
    }
}
