//! Carves: what may be announced, and how one ends.

use domain::carve::{
    BLOCK_LIMIT, Begun, Command, Ended, MOST_OPEN, MOST_REMEMBERED, Outcome, Plan, REMEMBERED, SIZE_LIMIT,
};
use domain::{CarveId, Digest, Event, HostId, Refusal};

use super::{Given, enrolled, given, malformed, not_found, seconds};

fn plan(block_count: u64, block_size: u64, carve_size: u64) -> Plan {
    Plan { block_count, block_size, carve_size, carve_id: "guid".to_owned(), request_id: "request".to_owned() }
}

fn begin(plan: Plan, session: &str) -> Command {
    Command::Begin { host: HostId(1), plan, session: Digest::of(session) }
}

fn begun(carve: u32, plan: Plan, session: &str) -> Event {
    Begun { carve: CarveId(carve), host: HostId(1), plan, session: Digest::of(session) }.into()
}

#[test]
fn the_same_session_is_the_same_carve() {
    given([enrolled(1)])
        .when(begin(plan(3, 10, 21), "a"))
        .then([begun(1, plan(3, 10, 21), "a")])
        .when(begin(plan(3, 10, 21), "a"))
        .then([])
        .when(begin(plan(1, 10, 10), "b"))
        .then([begun(2, plan(1, 10, 10), "b")]);
}

#[test]
fn the_blocks_must_hold_the_size_and_no_more() {
    let size = "carve refused: carve_size must be between 1 byte and 8 GiB";
    let block = "carve refused: block_size must be between 1 byte and 256 MiB";
    let count = "carve refused: block_count does not fit carve_size and block_size";
    for (plan, text) in [
        (plan(0, 10, 0), size),
        (plan(SIZE_LIMIT / BLOCK_LIMIT + 1, BLOCK_LIMIT, SIZE_LIMIT + 1), size),
        (plan(0, 0, 10), block),
        (plan(1, BLOCK_LIMIT + 1, 10), block),
        (plan(2, 10, 21), count),
        (plan(4, 10, 21), count),
        (plan(u64::MAX, 1, 21), count),
    ] {
        given([enrolled(1)]).when(begin(plan, "a")).refused(malformed(text));
    }
    let largest = || plan(SIZE_LIMIT / BLOCK_LIMIT, BLOCK_LIMIT, SIZE_LIMIT);
    given([enrolled(1)]).when(begin(largest(), "a")).then([begun(1, largest(), "a")]);
}

#[test]
fn a_carve_ends_once() {
    let end = |outcome| Command::End { carve: CarveId(1), outcome };
    let complete = || Outcome::Complete { sha256: Digest::of("bytes") };
    let broken = Outcome::Broken { reason: "no block came".to_owned() };
    let then = given([enrolled(1), begun(1, plan(1, 10, 10), "a")])
        .when(end(complete()))
        .then([Ended { carve: CarveId(1), outcome: complete() }.into()])
        .when(end(broken))
        .then([]);
    assert_eq!(then.state.carves.get(CarveId(1)).unwrap().ended, Some((then.now, complete())));
}

fn ended(carve: u32) -> Event {
    Ended { carve: CarveId(carve), outcome: Outcome::Complete { sha256: Digest::of("bytes") } }.into()
}

#[test]
fn a_host_has_so_many_carves_open_and_no_more() {
    let full = (1..=MOST_OPEN as u32).fold(given([enrolled(1), enrolled(2)]), |given, carve| {
        given.and([begun(carve, plan(1, 10, 10), &carve.to_string())])
    });
    let next = MOST_OPEN as u32 + 1;
    let text = "carve refused: 10 carves of this host are open, which is the limit: send their blocks, or wait a day";
    let of_another = Begun { carve: CarveId(next), host: HostId(2), plan: plan(1, 10, 10), session: Digest::of("o") };
    let other = Command::Begin { host: HostId(2), plan: plan(1, 10, 10), session: Digest::of("o") };
    full.when(begin(plan(1, 10, 10), "more"))
        .refused(Refusal::TooMany(text.to_owned()))
        .when(begin(plan(1, 10, 10), "3"))
        .then([])
        .when(other)
        .then([of_another.into()])
        .and([ended(3)])
        .when(begin(plan(1, 10, 10), "more"))
        .then([begun(next + 1, plan(1, 10, 10), "more")]);
}

fn known(given: &Given) -> Vec<u32> {
    given.state.carves.iter().map(|carve| carve.id.0).collect()
}

#[test]
fn a_carve_that_ended_is_forgotten_a_day_later_and_an_open_one_never() {
    let two = given([enrolled(1), begun(1, plan(1, 10, 10), "a"), begun(2, plan(1, 10, 10), "b"), ended(1)]);
    let next = || begun(3, plan(1, 10, 10), "c");
    let early = two.clone().after(REMEMBERED - seconds(1)).and([next()]);
    assert_eq!(known(&early), [1, 2, 3]);
    let then = two.after(REMEMBERED).when(begin(plan(1, 10, 10), "c")).then([next()]);
    assert_eq!(known(&then), [2, 3]);
    assert!(then.state.carves.by_session(&Digest::of("a")).is_none());
    let outcome = Outcome::Broken { reason: String::new() };
    let then = then
        .when(Command::End { carve: CarveId(1), outcome })
        .refused(not_found("Carve", "1"))
        .when(begin(plan(1, 10, 10), "a"))
        .then([begun(4, plan(1, 10, 10), "a")]);
    let text = serde_json::to_string(&then.state).unwrap();
    let restored: domain::State = serde_json::from_str(&text).unwrap();
    assert!(restored == then.state, "a snapshot forgets and keeps the same");
}

#[test]
fn the_oldest_ends_are_forgotten_first_when_there_are_too_many() {
    let most = MOST_REMEMBERED as u32;
    let many = (1..=most + 1).fold(given([enrolled(1)]), |given, carve| {
        given.after(seconds(1)).and([begun(carve, plan(1, 10, 10), &carve.to_string()), ended(carve)])
    });
    assert_eq!(known(&many), (2..=most + 1).collect::<Vec<_>>());
    assert_eq!(many.state.carves.open().count(), 0);
}

#[test]
fn a_carve_that_was_not_begun_cannot_end() {
    let outcome = Outcome::Broken { reason: String::new() };
    given([]).when(Command::End { carve: CarveId(3), outcome }).refused(not_found("Carve", "3"));
}
