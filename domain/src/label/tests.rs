use super::*;
use crate::{Event, LabelId, Refusal, State, Timestamp};

const NOW: Timestamp = Timestamp::from_secs(1_000);

fn apply(
    state: &mut State,
    description: &str,
    query: &str,
    membership: Membership,
) -> Result<Vec<&'static str>, Refusal> {
    let (name, platform) = ("mine".to_owned(), String::new());
    let (description, query) = (description.to_owned(), query.to_owned());
    let command = Command::Apply { name, description, query, platform, membership, members: None, author: None };
    let events = command.decide(state, NOW)?;
    events.iter().for_each(|event| state.evolve(event, NOW));
    Ok(events.iter().map(Event::name).collect())
}

#[test]
fn a_label_is_brought_to_its_form_and_keeps_its_id() {
    let mut state = State::default();
    let mut apply = |description, query, membership| apply(&mut state, description, query, membership).unwrap();
    assert_eq!(apply("d", "SELECT 1", Membership::Dynamic), ["label.created"]);
    assert!(apply("d", "SELECT 1", Membership::Dynamic).is_empty());
    assert_eq!(apply("e", "SELECT 1", Membership::Dynamic), ["label.changed"]);
    assert_eq!(apply("e", "SELECT 2", Membership::Dynamic), ["label.redefined"]);
    assert_eq!(apply("f", "", Membership::Manual), ["label.changed", "label.redefined"]);
    let label = state.labels.by_name("mine").unwrap();
    assert_eq!((label.id, label.query.as_str(), label.membership), (LabelId(1), "", Membership::Manual));
}

#[test]
fn rest_check_48_a_built_in_label_is_applied_only_unchanged() {
    let mut state = State::default();
    for event in Command::Seed.decide(&state.clone(), NOW).unwrap() {
        state.evolve(&event, NOW);
    }
    let linux = state.labels.by_name("All Linux").unwrap().clone();
    let apply = |query: &str| Command::Apply {
        name: linux.name.clone(),
        description: linux.description.clone(),
        query: query.to_owned(),
        platform: linux.platform.clone(),
        membership: linux.membership,
        members: None,
        author: None,
    };
    assert_eq!(apply(&linux.query).decide(&state, NOW), Ok(vec![]));
    assert!(matches!(apply("SELECT 2").decide(&state, NOW), Err(Refusal::Invalid { field: "label_type", .. })));
}
