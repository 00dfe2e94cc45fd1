//! Enrolment, keys, clones, transfer and deletion.

use std::time::Duration;

use domain::host::{Command, ContestedIdentity, Deleted, Enrol, Enrolled, Identity, KeyReplaced, Transferred};
use domain::{Digest, Event, HostId, Refusal, TeamId};

use super::{Given, START, enrolled, given, invalid, members, not_found, seconds, secrets_kept, team_created};

/// A fleet with a secret for no team and one for team 1.
fn fleet() -> Given {
    given([team_created(1, "Desks"), secrets_kept(None, ["global"], START), secrets_kept(Some(1), ["desks"], START)])
}

fn enrol(identifier: &str, key: &str) -> Enrol {
    Enrol {
        secret: Digest::of("global"),
        identifier: identifier.to_owned(),
        node_key: Digest::of(key),
        platform: "ubuntu".to_owned(),
        cooldown: Duration::ZERO,
    }
}

fn new_host(id: u32, identifier: &str, key: &str, succeeds: Option<u32>) -> Enrolled {
    Enrolled {
        host: HostId(id),
        identifier: identifier.to_owned(),
        node_key: Digest::of(key),
        team: None,
        platform: "ubuntu".to_owned(),
        succeeds: succeeds.map(HostId),
    }
}

fn new_key(id: u32, identifier: &str, key: &str) -> KeyReplaced {
    KeyReplaced {
        host: HostId(id),
        identifier: identifier.to_owned(),
        node_key: Digest::of(key),
        team: None,
        platform: "ubuntu".to_owned(),
    }
}

#[test]
fn an_unknown_computer_gets_the_next_ordinal() {
    fleet()
        .when(Command::Enrol(enrol("a", "k1")))
        .then([new_host(1, "a", "k1", None).into()])
        .when(Command::Enrol(enrol("b", "k2")))
        .then([new_host(2, "b", "k2", None).into()]);
}

#[test]
fn the_secret_leads_into_its_team() {
    let wish = Enrol { secret: Digest::of("desks"), ..enrol("a", "k1") };
    fleet()
        .when(Command::Enrol(wish))
        .then([Enrolled { team: Some(TeamId(1)), ..new_host(1, "a", "k1", None) }.into()]);
}

#[test]
fn a_secret_that_nobody_gave_out_is_refused_even_to_a_known_host() {
    let known = fleet().and([new_host(1, "a", "k1", None).into()]);
    for wish in [enrol("b", "k2"), enrol("a", "k1"), enrol("a", "k2")] {
        known
            .clone()
            .when(Command::Enrol(Enrol { secret: Digest::of("guess"), ..wish }))
            .refused(Refusal::BadEnrollSecret);
    }
}

#[test]
fn the_same_key_twice_is_one_fact() {
    let wish = Enrol { cooldown: seconds(300), ..enrol("A", "k1") };
    fleet().and([new_host(1, "a", "k1", None).into()]).when(Command::Enrol(wish)).then([]);
}

#[test]
fn a_known_host_gets_a_new_key_and_the_team_of_the_secret_that_it_used() {
    let wish = Enrol { secret: Digest::of("desks"), platform: "debian".to_owned(), ..enrol("HOST-A", "k2") };
    let replaced = KeyReplaced { team: Some(TeamId(1)), platform: "debian".to_owned(), ..new_key(1, "HOST-A", "k2") };
    let then =
        fleet().and([new_host(1, "host-a", "k1", None).into()]).when(Command::Enrol(wish)).then([replaced.into()]);
    let hosts = &then.state.hosts;
    assert_eq!(hosts.by_key(&Digest::of("k1")), None, "the old key is dead");
    assert_eq!(hosts.by_key(&Digest::of("k2")).map(|host| host.id), Some(HostId(1)));
    assert_eq!(hosts.of_team(Some(TeamId(1))), members([1]));
}

#[test]
fn inside_the_cooldown_a_new_key_is_refused() {
    let wish = |key| Command::Enrol(Enrol { cooldown: seconds(60), ..enrol("a", key) });
    let known = fleet().and([new_host(1, "a", "k1", None).into()]);
    known.clone().after(seconds(59)).when(wish("k2")).refused(Refusal::Cooldown { seconds: 60 });
    known
        .after(seconds(60))
        .when(wish("k2"))
        .then([new_key(1, "a", "k2").into()])
        .after(seconds(59))
        .when(wish("k3"))
        .refused(Refusal::Cooldown { seconds: 60 });
}

/// A host that enrolled twice in the last five minutes.
fn twice() -> Given {
    fleet()
        .and([new_host(1, "a", "k1", None).into()])
        .after(seconds(300))
        .when(Command::Enrol(enrol("a", "k2")))
        .then([new_key(1, "a", "k2").into()])
}

fn contested(given: &Given) -> Event {
    ContestedIdentity { host: HostId(1), identifier: "a".to_owned(), until: given.now.plus(seconds(600)) }.into()
}

#[test]
fn the_third_enrolment_in_ten_minutes_is_that_of_a_clone() {
    let third = twice().after(seconds(299));
    let event = contested(&third);
    let then = third.when(Command::Enrol(enrol("a", "k3"))).then([event]);
    assert_eq!(then.state.hosts.by_key(&Digest::of("k3")), None, "it got no key");
    assert_eq!(then.state.hosts.by_key(&Digest::of("k2")).map(|host| host.id), Some(HostId(1)), "the one in use stays");
}

#[test]
fn enrolments_that_are_ten_minutes_old_count_no_more() {
    twice().after(seconds(300)).when(Command::Enrol(enrol("a", "k3"))).then([new_key(1, "a", "k3").into()]);
}

#[test]
fn a_contested_identity_is_refused_until_its_time_is_over() {
    let third = twice();
    let event = contested(&third);
    let then = third.when(Command::Enrol(enrol("a", "k3"))).then([event]);
    let refusal = Refusal::Contested { identifier: "a".to_owned() };
    let later = then.after(seconds(599)).when(Command::Enrol(enrol("a", "k3"))).refused(refusal);
    later.clone().when(Command::Enrol(enrol("a", "k2"))).then([]);
    later.clone().when(Command::Enrol(enrol("b", "k4"))).then([new_host(2, "b", "k4", None).into()]);
    let free = later.after(seconds(1)).when(Command::Enrol(enrol("a", "k3"))).then([new_key(1, "a", "k3").into()]);
    assert_eq!(free.state.hosts.get(HostId(1)).unwrap().contested_until, None);
}

#[test]
fn a_computer_that_comes_back_after_its_deletion_is_a_new_host_linked_to_the_old_one() {
    fleet()
        .and([new_host(1, "Host-A", "k1", None).into(), enrolled(2)])
        .when(Command::Delete { hosts: members([1]) })
        .then([Deleted { hosts: members([1]) }.into()])
        .when(Command::Enrol(enrol("host-a", "k3")))
        .then([new_host(3, "host-a", "k3", Some(1)).into()])
        .when(Command::Delete { hosts: members([3]) })
        .then([Deleted { hosts: members([3]) }.into()])
        .when(Command::Enrol(enrol("HOST-A", "k4")))
        .then([new_host(4, "HOST-A", "k4", Some(3)).into()]);
}

#[test]
fn clones_of_a_host_that_was_deleted_are_counted_anew() {
    let then = twice()
        .when(Command::Delete { hosts: members([1]) })
        .then([Deleted { hosts: members([1]) }.into()])
        .when(Command::Enrol(enrol("a", "k3")))
        .then([new_host(2, "a", "k3", Some(1)).into()])
        .when(Command::Enrol(enrol("a", "k4")))
        .then([new_key(2, "a", "k4").into()]);
    assert_eq!(then.state.hosts.by_identifier("a"), Identity::Live(then.state.hosts.get(HostId(2)).unwrap()));
}

#[test]
fn hosts_move_to_a_team_and_out_of_it() {
    let moved = |hosts, team: Option<u32>| Event::from(Transferred { hosts, team: team.map(TeamId) });
    let transfer = |hosts, team: Option<u32>| Command::Transfer { hosts, team: team.map(TeamId) };
    fleet()
        .and([enrolled(1), enrolled(2), enrolled(3)])
        .when(transfer(members([1, 2]), Some(1)))
        .then([moved(members([1, 2]), Some(1))])
        .when(transfer(members([1, 2, 3, 9]), Some(1)))
        .then([moved(members([3]), Some(1))])
        .when(transfer(members([1, 2, 3, 9]), Some(1)))
        .then([])
        .when(transfer(members([2]), None))
        .then([moved(members([2]), None)]);
}

#[test]
fn a_team_that_does_not_exist_takes_no_hosts() {
    let wish = Command::Transfer { hosts: members([1]), team: Some(TeamId(7)) };
    fleet().and([enrolled(1)]).when(wish).refused(invalid("team_id", "team 7 does not exist"));
}

#[test]
fn a_host_that_does_not_exist_cannot_be_deleted() {
    let known = fleet().and([enrolled(1), enrolled(2)]);
    known.clone().when(Command::Delete { hosts: members([1, 5]) }).refused(not_found("Host", "5"));
    known.clone().when(Command::Delete { hosts: members([]) }).then([]);
    known
        .when(Command::Delete { hosts: members([1]) })
        .then([Deleted { hosts: members([1]) }.into()])
        .when(Command::Delete { hosts: members([1]) })
        .refused(not_found("Host", "1"));
}
