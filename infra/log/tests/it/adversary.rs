//! The adversary keeps the contract it plays with, and does everything it says.

use infra_log::memory::{Adversary, Faults, Handle};
use infra_log::suite::draft;
use infra_log::{AppendError, Draft, Log, Partition, Position, ReadError, Topic, read_to_end};

const PARTITION: Partition = Partition { topic: Topic::Ledger, index: 0 };

fn run<T>(story: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(story)
}

/// What a writer was told about each of its values.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Landed(Position),
    Failed,
    Unknown,
}

async fn write(log: Handle, writer: usize, appends: usize) -> Outcomes {
    let mut told = Vec::new();
    for number in 0..appends {
        let values: Vec<String> = (0..1 + number % 3).map(|part| format!("{writer} {number} {part}")).collect();
        let drafts = values.iter().map(draft).collect();
        let outcome = log.append(PARTITION, drafts).await;
        told.extend(values.into_iter().enumerate().map(|(index, value)| match &outcome {
            Ok(positions) => (value, Told::Landed(positions[index])),
            Err(AppendError::Failed(_)) => (value, Told::Failed),
            Err(AppendError::Unknown(_)) => (value, Told::Unknown),
            Err(error) => panic!("{error}"),
        }));
    }
    told
}

type Outcomes = Vec<(String, Told)>;
type Truth = Vec<(Position, String)>;

/// Three writers and the truth after all has landed.
fn story(seed: u64, faults: Faults) -> (Outcomes, Truth) {
    let adversary = Adversary::new(seed, faults);
    let told = run(async {
        let (one, two, three) = tokio::join!(
            write(adversary.handle(), 1, 20),
            write(adversary.handle(), 2, 20),
            write(adversary.handle(), 3, 20)
        );
        [one, two, three].concat()
    });
    adversary.settle();
    let truth = adversary.log().records(PARTITION);
    (
        told,
        truth.into_iter().map(|record| (record.position, String::from_utf8(record.value.to_vec()).unwrap())).collect(),
    )
}

#[test]
fn one_seed_is_one_history() {
    assert_eq!(story(5, Faults::wild()), story(5, Faults::wild()));
    assert_ne!(story(5, Faults::wild()).1, story(6, Faults::wild()).1);
}

#[test]
fn acknowledged_lies_where_it_was_said_and_failed_lies_nowhere() {
    for seed in 0..100 {
        let (told, truth) = story(seed, Faults::wild());
        assert!(truth.is_sorted_by(|a, b| a.0 < b.0));
        for (value, told) in told {
            let at: Vec<Position> =
                truth.iter().filter(|(_, have)| *have == value).map(|(position, _)| *position).collect();
            match told {
                Told::Landed(position) => {
                    assert!(at.contains(&position), "seed {seed}: {value} at {at:?}, not {position}")
                }
                Told::Failed => assert!(at.is_empty(), "seed {seed}: {value} at {at:?}"),
                Told::Unknown => {}
            }
        }
    }
}

#[test]
fn each_fault_is_what_it_says() {
    let only = |change: fn(&mut Faults)| {
        let mut faults = Faults::none();
        change(&mut faults);
        let (told, truth) = story(3, faults);
        let count = |value: &String| truth.iter().filter(|(_, have)| have == value).count();
        let told: Vec<(Told, usize)> = told.into_iter().map(|(value, told)| (told, count(&value))).collect();
        (told, truth)
    };
    let landed = |told: &[(Told, usize)]| told.iter().filter(|(_, copies)| *copies > 0).count();

    let (told, truth) = only(|_| {});
    assert!(told.iter().all(|(told, copies)| matches!(told, Told::Landed(_)) && *copies == 1));
    assert_eq!(truth.last().unwrap().0 as usize, truth.len() - 1);

    let (told, _) = only(|faults| faults.failed = 0.5);
    assert!(told.iter().any(|(told, _)| *told == Told::Failed) && landed(&told) < told.len());

    let (told, _) = only(|faults| faults.vanished = 1.0);
    assert!(told.iter().all(|(told, copies)| *told == Told::Unknown && *copies == 0));

    let (told, _) = only(|faults| faults.late = 1.0);
    assert!(told.iter().all(|(told, copies)| *told == Told::Unknown && *copies == 1));

    let (told, _) = only(|faults| faults.lost_ack = 1.0);
    assert!(told.iter().all(|(told, _)| *told == Told::Unknown) && landed(&told) > told.len() / 2);

    let (told, truth) = only(|faults| faults.duplicate = 0.5);
    assert!(told.iter().all(|(told, copies)| matches!(told, Told::Landed(_)) && (1..=2).contains(copies)));
    assert!(truth.len() > told.len());

    let (_, truth) = only(|faults| faults.gap = 0.5);
    assert!(truth.last().unwrap().0 as usize > truth.len());
}

#[test]
fn late_records_land_in_another_order_while_others_go_on() {
    let overtaken = (0..20).filter(|&seed| {
        let (_, truth) = story(seed, Faults { late: 0.3, ..Faults::slow() });
        let mine: Vec<usize> =
            truth.iter().filter_map(|(_, value)| value.strip_prefix("1 ")?.split(' ').next()?.parse().ok()).collect();
        !mine.is_sorted()
    });
    assert!(overtaken.count() > 15);
}

/// However late it shows things: an end covers what anyone was acknowledged, and reads cover the end.
#[test]
fn ends_are_honest_and_reads_keep_up_with_them() {
    for seed in 0..100 {
        let adversary = Adversary::new(seed, Faults { read_failed: 0.0, ..Faults::wild() });
        run(async {
            let (writer, reader) = (adversary.handle(), adversary.handle());
            let (mut seen, mut next, mut short) = (Vec::new(), 0, 0);
            for number in 0..40 {
                let value = number.to_string();
                let acknowledged = writer.append(PARTITION, vec![draft(&value)]).await.ok();
                if let Some(positions) = &acknowledged {
                    let mine = writer.read(PARTITION, positions[0], 1, 1).await.unwrap();
                    assert_eq!(mine[0].value, value, "seed {seed}");
                }
                short += usize::from(reader.read(PARTITION, next, 1000, 1 << 20).await.unwrap().is_empty());
                let (records, after) = read_to_end(&reader, PARTITION, next).await.unwrap();
                seen.extend(records);
                next = after;
                if acknowledged.is_some() {
                    assert!(
                        seen.iter().any(|record| record.value == value),
                        "seed {seed}: {value} is acknowledged and not seen"
                    );
                }
            }
            assert!(short > 0, "seed {seed}: no read came late");
        });
    }
}

#[test]
fn a_writer_that_dies_half_way_leaves_its_records_to_chance() {
    let (mut landed, mut late, mut lost) = (0, 0, 0);
    for seed in 0..200 {
        let adversary = Adversary::new(seed, Faults { max_yields: 5, ..Faults::none() });
        let died = run(async {
            let log = adversary.handle();
            tokio::select! {
                biased;
                _ = log.append(PARTITION, vec![draft("dying")]) => false,
                () = tokio::task::yield_now() => true,
            }
        });
        late += adversary.late();
        adversary.settle();
        match (died, adversary.log().records(PARTITION).len()) {
            (false, _) => {} // it was quicker
            (true, 0) => lost += 1,
            (true, _) => landed += 1,
        }
    }
    assert!(landed > 20 && late > 5 && lost > 5, "{landed} landed, {late} of them late, {lost} lost");
}

#[test]
fn a_cut_tail_shows_as_an_end_below_the_reader() {
    let adversary = Adversary::new(1, Faults::none());
    run(async {
        let (writer, reader) = (adversary.handle(), adversary.handle());
        writer.append(PARTITION, (0..10).map(|number| draft(format!("{number}"))).collect()).await.unwrap();
        let (records, next) = read_to_end(&reader, PARTITION, 0).await.unwrap();
        assert_eq!((records.len(), next), (10, 10));
        adversary.cut(PARTITION, 6);
        assert!(matches!(reader.read(PARTITION, next, 10, 1 << 20).await, Err(ReadError::Failed(_))));
        assert_eq!(reader.end(PARTITION).await.unwrap(), 6);
        assert_eq!(writer.append(PARTITION, vec![draft("new")]).await.unwrap(), [6]);
    });
}

#[test]
fn an_outage_stops_everyone_and_ends() {
    let adversary = Adversary::new(1, Faults::none());
    run(async {
        let log = adversary.handle();
        adversary.log().stop_writes(true);
        assert!(matches!(log.append(PARTITION, vec![Draft::default()]).await, Err(AppendError::Failed(_))));
        adversary.log().stop_reads(true);
        assert!(log.end(PARTITION).await.is_err() && log.read(PARTITION, 0, 1, 1).await.is_err());
        adversary.log().stop_writes(false);
        adversary.log().stop_reads(false);
        assert_eq!(log.append(PARTITION, vec![Draft::default()]).await.unwrap(), [0]);
        assert_eq!((adversary.log().counts().appends(), adversary.log().counts().records()), (2, 2));
    });
}
