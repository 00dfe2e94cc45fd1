//! Saved queries: what they may be called and ask, and what ends their results.

use domain::label::Membership;
use domain::query::{Changed, Command, Created, Deleted, Logging, Spec};
use domain::{Event, LabelId, QueryId, Refusal, TeamId, label};

use super::{Given, given, invalid, malformed, not_found, seconds, taken, team_created};

fn spec(name: &str) -> Spec {
    Spec { name: name.to_owned(), query: "SELECT 1".to_owned(), ..Spec::default() }
}

fn created(query: u32, team: Option<u32>, spec: Spec) -> Event {
    Created { query: QueryId(query), team: team.map(TeamId), spec, author: None }.into()
}

fn create(team: Option<u32>, spec: Spec) -> Command {
    Command::Create { team: team.map(TeamId), spec, author: None }
}

fn known() -> Given {
    given([team_created(1, "Desks"), created(1, None, spec("usb")), created(2, Some(1), spec("usb"))])
}

#[test]
fn a_name_is_unique_in_its_team_to_the_letter() {
    known().when(create(None, spec("usb"))).refused(taken("Query", "usb"));
    known().when(create(Some(1), spec("usb"))).refused(taken("Query", "usb"));
    known().when(create(None, spec("USB"))).then([created(3, None, spec("USB"))]);
}

#[test]
fn what_cannot_be_asked_is_refused_when_it_is_made_and_when_it_is_changed() {
    let platform = |text: &str| Spec { platform: text.to_owned(), ..spec("net") };
    let payload = |text: &str| malformed(&format!("query payload verification: {text}"));
    let list = "query's platform must be a comma-separated list of 'darwin', 'linux', 'windows' and 'chrome', not";
    let cases: [(Spec, Refusal); 6] = [
        (spec(" "), payload("query name cannot be empty")),
        (Spec { query: "\n".to_owned(), ..spec("net") }, payload("query's SQL query cannot be empty")),
        (platform("linux,amiga"), payload(&format!("{list} \"amiga\""))),
        (platform("Linux"), payload(&format!("{list} \"Linux\""))),
        (
            Spec { labels_include_any: vec![LabelId(8)], ..spec("net") },
            invalid("labels_include_any", "label 8 does not exist"),
        ),
        (spec("usb"), taken("Query", "usb")),
    ];
    let two = known().and([created(3, None, spec("ports"))]);
    for (spec, refusal) in cases {
        two.clone().when(create(None, spec.clone())).refused(refusal.clone());
        two.clone().when(Command::Change { query: QueryId(3), spec }).refused(refusal);
    }
    let fine = platform("darwin, linux,,windows ,chrome");
    two.when(create(None, fine.clone())).then([created(4, None, fine)]);
}

#[test]
fn a_query_belongs_to_a_team_that_exists() {
    known().when(create(Some(4), spec("net"))).refused(invalid("team_id", "team 4 does not exist"));
}

#[test]
fn a_query_that_does_not_exist_is_neither_changed_nor_deleted() {
    let refusal = || not_found("Query", "9");
    known().when(Command::Change { query: QueryId(9), spec: spec("net") }).refused(refusal());
    // Not even the others of the same call.
    known().when(Command::Delete { queries: vec![QueryId(1), QueryId(9)] }).refused(refusal());
}

#[test]
fn the_same_again_is_nothing_new() {
    known().when(Command::Change { query: QueryId(1), spec: spec("usb") }).then([]);
    let renamed = Changed { query: QueryId(1), spec: spec("devices") };
    known()
        .when(Command::Change { query: QueryId(1), spec: spec("devices") })
        .then([renamed.into()])
        .when(create(None, spec("usb")))
        .then([created(3, None, spec("usb"))]);
}

#[test]
fn a_query_that_is_named_twice_is_deleted_once() {
    let deleted = |id| Event::from(Deleted { query: QueryId(id) });
    known()
        .when(Command::Delete { queries: vec![QueryId(2), QueryId(1), QueryId(2)] })
        .then([deleted(1), deleted(2)])
        .when(Command::Delete { queries: vec![] })
        .then([]);
}

#[test]
fn results_end_with_what_they_were_results_of() {
    let base = || Spec { logging: Logging::Snapshot, ..spec("usb") };
    let ends: [Spec; 5] = [
        Spec { query: "SELECT 2".to_owned(), ..base() },
        Spec { platform: "linux".to_owned(), ..base() },
        Spec { min_osquery_version: "5.9.0".to_owned(), ..base() },
        Spec { discard_data: true, ..base() },
        Spec { logging: Logging::Differential, ..base() },
    ];
    let stays: [Spec; 4] = [
        Spec { name: "devices".to_owned(), ..base() },
        Spec { description: "what is plugged in".to_owned(), ..base() },
        Spec { interval: 60, ..base() },
        Spec { observer_can_run: true, automations_enabled: true, ..base() },
    ];
    let since = |next: Spec| {
        let changed = Changed { query: QueryId(1), spec: next.clone() };
        let then =
            known().after(seconds(60)).when(Command::Change { query: QueryId(1), spec: next }).then([changed.into()]);
        then.state.queries.get(QueryId(1)).unwrap().results_since == then.now
    };
    assert!(ends.into_iter().all(since));
    assert!(!stays.into_iter().any(since));
}

#[test]
fn a_label_that_is_deleted_limits_no_query() {
    let label = LabelId(1);
    let made = label::Created {
        label,
        name: "spare".to_owned(),
        description: String::new(),
        query: String::new(),
        platform: String::new(),
        builtin: false,
        membership: Membership::Manual,
        author: None,
    };
    let limited = Spec { labels_include_any: vec![label], ..spec("net") };
    let then = known()
        .and([made.into()])
        .when(create(None, limited.clone()))
        .then([created(3, None, limited)])
        .when(label::Command::Delete { label })
        .then([label::Deleted { label }.into()]);
    assert!(then.state.queries.get(QueryId(3)).unwrap().spec.labels_include_any.is_empty());
}
