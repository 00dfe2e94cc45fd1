//! Settings change by whole sections. What a section may hold is checked where a change is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::settings::{Changed, Command};
use serde_json::{Value, json};

use super::{given, malformed};

fn sections<const N: usize>(sections: [(&str, Value); N]) -> BTreeMap<String, Arc<Value>> {
    sections.map(|(name, value)| (name.to_owned(), Arc::new(value))).into()
}

#[test]
fn only_the_sections_that_change_are_recorded() {
    let (new, old) = (json!({"org_name": "Zoo"}), json!({"transparency_url": ""}));
    let wish = || Command::Change { sections: sections([("org_info", new.clone()), ("fleet_desktop", old.clone())]) };
    given([])
        .when(wish())
        .then([Changed { sections: sections([("org_info", new.clone())]) }.into()])
        .when(wish())
        .then([]);
}

#[test]
fn a_section_that_there_is_not_is_refused_with_all_the_others() {
    let sections = sections([("org_info", json!({"org_name": "Zoo"})), ("weather", json!({}))]);
    given([]).when(Command::Change { sections }).refused(malformed("unsupported key provided: \"weather\""));
}

#[test]
fn hosts_get_another_config_when_settings_change_and_only_then() {
    let wish = || Command::Change { sections: sections([("scripts", json!(["a.sh"]))]) };
    let before = given([]);
    let revision = before.state.settings.revision;
    let then = before.when(wish()).then([Changed { sections: sections([("scripts", json!(["a.sh"]))]) }.into()]);
    assert_eq!(then.state.settings.revision, revision + 1);
    assert_eq!(then.when(wish()).then([]).state.settings.revision, revision + 1);
}
