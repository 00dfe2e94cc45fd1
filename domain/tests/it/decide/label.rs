//! Labels: names, membership by hand, and the built-in ones. Applying a document is tested beside its rule.

use domain::label::{Changed, Command, Created, Deleted, MembersChanged, Membership, builtin};
use domain::{Event, LabelId, Members, Refusal};

use super::{Given, enrolled, given, invalid, members, not_found, taken};

fn created(label: u32, name: &str, membership: Membership) -> Created {
    Created {
        label: LabelId(label),
        name: name.to_owned(),
        description: String::new(),
        query: String::new(),
        platform: String::new(),
        builtin: false,
        membership,
        author: None,
    }
}

fn create(name: &str, membership: Membership, members: Members) -> Command {
    let (name, description, query, platform) = (name.to_owned(), String::new(), String::new(), String::new());
    Command::Create { name, description, query, platform, membership, members, author: None }
}

fn change(label: u32, name: Option<&str>, members: Option<Members>) -> Command {
    Command::Change { label: LabelId(label), name: name.map(str::to_owned), description: None, members }
}

fn moved(label: u32, joined: Members, left: Members) -> Event {
    MembersChanged { label: LabelId(label), joined, left }.into()
}

fn none() -> Members {
    members([])
}

/// Hosts 1 to 3, a built-in label, a manual and a dynamic one.
fn known() -> Given {
    let linux = Created { builtin: true, ..created(1, "All Linux", Membership::Dynamic) };
    given([enrolled(1), enrolled(2), enrolled(3), linux.into()])
        .and([created(2, "spare", Membership::Manual).into(), created(3, "old", Membership::Dynamic).into()])
}

fn built_in() -> Refusal {
    invalid("label_type", "a built-in label cannot be changed")
}

fn by_hand() -> Refusal {
    invalid("hosts", "hosts of a dynamic label cannot be chosen by hand")
}

#[test]
fn the_built_in_labels_are_made_once_and_the_missing_ones_later() {
    let seeded = domain::Command::from(Command::Seed).decide(&given([]).state, super::START).unwrap();
    assert_eq!(seeded.len(), builtin::ALL.len());
    let Event::LabelCreated(first) = &seeded[0] else { panic!("{seeded:?}") };
    assert_eq!((first.label, first.name.as_str(), first.builtin), (LabelId(1), "All Hosts", true));
    let mut state = given([]).state;
    seeded.iter().take(5).for_each(|event| state.evolve(event, super::START));
    let rest = domain::Command::from(Command::Seed).decide(&state, super::START).unwrap();
    assert_eq!(rest, seeded[5..], "they get the ids that they would have got");
    rest.iter().for_each(|event| state.evolve(event, super::START));
    assert_eq!(domain::Command::from(Command::Seed).decide(&state, super::START), Ok(vec![]));
}

#[test]
fn a_label_starts_with_the_hosts_that_exist() {
    let new = || Event::from(created(4, "lab", Membership::Manual));
    known().when(create("lab", Membership::Manual, members([2, 9]))).then([new(), moved(4, members([2]), none())]);
    known().when(create("lab", Membership::Manual, members([9]))).then([new()]);
    // Hosts get into a dynamic one by their answers.
    let dynamic = created(4, "lab", Membership::Dynamic).into();
    known().when(create("lab", Membership::Dynamic, members([2]))).then([dynamic]);
}

#[test]
fn a_name_must_be_one_and_free() {
    let text = "cannot add label 'All Linux' because it conflicts with the name of a built-in label";
    for (name, refusal) in [
        (" ", invalid("name", "missing required argument")),
        ("All Linux", invalid("name", text)),
        ("old", taken("Label", "old")),
    ] {
        known().when(create(name, Membership::Manual, none())).refused(refusal.clone());
        known().when(change(2, Some(name), None)).refused(refusal);
    }
    let renamed = Changed { label: LabelId(2), name: "reserve".to_owned(), description: String::new() };
    known()
        .when(change(2, Some("reserve"), None))
        .then([renamed.into()])
        .when(create("spare", Membership::Manual, none()))
        .then([created(4, "spare", Membership::Manual).into()]);
}

#[test]
fn only_what_changes_is_recorded() {
    known().when(change(2, Some("spare"), None)).then([]);
    known().when(change(2, None, Some(none()))).then([]);
    known()
        .when(change(2, None, Some(members([1, 2, 9]))))
        .then([moved(2, members([1, 2]), none())])
        .when(change(2, None, Some(members([2, 3]))))
        .then([moved(2, members([3]), members([1]))]);
}

#[test]
fn nobody_is_put_into_a_dynamic_label_by_hand() {
    known().when(change(3, None, Some(members([1])))).refused(by_hand());
    let command = Command::Members { label: LabelId(3), join: members([1]), leave: none() };
    known().when(command).refused(by_hand());
}

#[test]
fn hosts_join_and_leave_as_far_as_they_are_not_there_already() {
    let hosts = |join, leave| Command::Members { label: LabelId(2), join, leave };
    let then = known()
        .when(hosts(members([1, 2, 9]), none()))
        .then([moved(2, members([1, 2]), none())])
        .when(hosts(members([1, 3]), members([2, 9])))
        .then([moved(2, members([3]), members([2]))])
        .when(hosts(members([1]), members([2])))
        .then([]);
    assert_eq!(then.state.labels.get(LabelId(2)).unwrap().members, members([1, 3]));
}

#[test]
fn a_built_in_label_stays_as_it_is() {
    known().when(change(1, Some("Linux"), None)).refused(built_in());
    known()
        .when(Command::Delete { label: LabelId(1) })
        .refused(invalid("label_type", "a built-in label cannot be deleted"));
}

#[test]
fn a_label_that_does_not_exist_is_refused() {
    let label = LabelId(9);
    for command in [
        change(9, None, None),
        Command::Members { label, join: members([1]), leave: none() },
        Command::Delete { label },
    ] {
        known().when(command).refused(not_found("Label", "9"));
    }
    known().when(Command::Delete { label: LabelId(2) }).then([Deleted { label: LabelId(2) }.into()]);
}
