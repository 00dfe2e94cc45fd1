//! Carves: what may be announced, and how one ends.

use domain::carve::{BLOCK_LIMIT, Begun, Command, Ended, Outcome, Plan, SIZE_LIMIT};
use domain::{CarveId, Digest, Event, HostId};

use super::{enrolled, given, malformed, not_found};

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

#[test]
fn a_carve_that_was_not_begun_cannot_end() {
    let outcome = Outcome::Broken { reason: String::new() };
    given([]).when(Command::End { carve: CarveId(3), outcome }).refused(not_found("Carve", "3"));
}
