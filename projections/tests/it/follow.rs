//! A reader of a campaign gets every answer once, in order, whatever becomes of the stream.

use std::sync::Arc;
use std::time::Duration;

use domain::CampaignId;
use domain::records::{Answer, AnswerState};
use infra_live::{Page, Streams};
use projections::budget::PAGE_BYTES;
use projections::read::answer_page;
use projections::{Follow, stream_name};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::answers::{answer, append};
use crate::rig::{PATIENCE, Rig};

const CAMPAIGN: CampaignId = CampaignId(1);

fn follow(rig: &Rig, after: Option<u64>) -> Follow {
    Follow::new(rig.views.clone(), Arc::new(rig.streams.clone()), CAMPAIGN, after)
}

fn small(hosts: std::ops::RangeInclusive<u32>) -> Vec<Answer> {
    hosts.map(|host| answer(1, host, AnswerState::Rows, &format!(r#"[{{"host":"{host}"}}]"#))).collect()
}

/// Reads until all hosts have answered.
async fn hosts(follow: &mut Follow, count: usize) -> Vec<u32> {
    let mut seen = vec![];
    while seen.len() < count {
        let some = follow.next(7, PATIENCE).await.unwrap();
        assert!(!some.is_empty(), "nothing came after {seen:?}");
        seen.extend(some.iter().map(|one| one.host.0));
    }
    seen
}

#[tokio::test]
async fn stream_and_view_tell_the_same() {
    let rig = Rig::new().await;
    append(&rig, &small(1..=30)).await;
    rig.fold().await;
    let statements = rig.views.counts().statements();
    let from_stream = all(&rig).await;
    assert_eq!(rig.views.counts().statements(), statements, "the stream is the fast lane");
    rig.streams.forget();
    assert_eq!(rig.streams.read(&stream_name(CAMPAIGN), None, 1).await.unwrap(), Page::Gap);
    let from_view = all(&rig).await;
    assert!(rig.views.counts().statements() > statements);
    assert_eq!(from_stream, from_view);
    assert_eq!(from_view, answer_page(&rig.views, CAMPAIGN, None, None, 1000).await.unwrap().rows);
}

async fn all(rig: &Rig) -> Vec<projections::HostAnswer> {
    let mut follow = follow(rig, None);
    let mut all = vec![];
    while all.len() < 30 {
        all.extend(follow.next(1000, PATIENCE).await.unwrap());
    }
    all
}

/// Readers that begin, stop and go on at any time, a stream that forgets at any time, and an engine that starts again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reader_loses_or_repeats_an_answer() {
    let rig = Arc::new(Rig::new().await);
    let count = 300;
    let readers: Vec<_> = (0..4u64)
        .map(|seed| {
            let rig = rig.clone();
            tokio::spawn(async move {
                let mut rng = StdRng::seed_from_u64(seed);
                let (mut reader, mut seen) = (follow(&rig, None), vec![]);
                while seen.len() < count {
                    let some = reader
                        .next(rng.random_range(1..9), Duration::from_millis(rng.random_range(0..30)))
                        .await
                        .unwrap();
                    seen.extend(some.iter().map(|one| one.host.0));
                    if rng.random_bool(0.2) {
                        reader = follow(&rig, reader.after());
                    }
                }
                seen
            })
        })
        .collect();
    let mut rng = StdRng::seed_from_u64(9);
    let mut answers = small(1..=count as u32);
    // One in ten is too large for the stream.
    for one in answers.iter_mut().step_by(10) {
        let noise: String = (0..1500).map(|at| domain::Digest::of(format!("{}{at}", one.host)).to_string()).collect();
        one.rows = format!(r#"[{{"noise":"{noise}"}}]"#).into_bytes();
    }
    let mut running = rig.engine().await;
    for some in answers.chunks(6) {
        append(&rig, some).await;
        if rng.random_bool(0.2) {
            rig.streams.forget();
        }
        if rng.random_bool(0.1) {
            running.crash().await;
            running = rig.engine().await;
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..8))).await;
    }
    let expected: Vec<u32> = (1..=count as u32).collect();
    for reader in readers {
        let seen = tokio::time::timeout(PATIENCE, reader).await.expect("all answers came").unwrap();
        assert_eq!(seen, expected);
    }
    running.stop().await;
}

#[tokio::test]
async fn a_reader_goes_on_after_a_position() {
    let rig = Rig::new().await;
    append(&rig, &small(1..=10)).await;
    rig.fold().await;
    let mut first = follow(&rig, None);
    let some = first.next(4, PATIENCE).await.unwrap();
    assert_eq!(some.iter().map(|one| one.host.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
    for forget in [false, true] {
        if forget {
            rig.streams.forget();
        }
        assert_eq!(hosts(&mut follow(&rig, Some(some[3].position)), 6).await, [5, 6, 7, 8, 9, 10]);
    }
}

#[tokio::test]
async fn patience_ends() {
    let rig = Rig::new().await;
    assert!(follow(&rig, None).next(10, Duration::from_millis(30)).await.unwrap().is_empty());
    append(&rig, &small(1..=2)).await;
    rig.fold().await;
    let mut reader = follow(&rig, None);
    assert_eq!(hosts(&mut reader, 2).await, [1, 2]);
    assert!(reader.next(10, Duration::from_millis(30)).await.unwrap().is_empty());
    rig.streams.forget();
    assert!(reader.next(10, Duration::from_millis(30)).await.unwrap().is_empty());
}

/// Answers of many megabytes come one at a time, from the view and from the stream, where they are small while packed.
#[tokio::test]
async fn a_batch_ends_where_its_bytes_are_used_up() {
    let rig = Rig::new().await;
    let large = |host: u32| {
        let rows = format!(r#"[{{"host":"{host}","zeros":"{}"}}]"#, "0".repeat(PAGE_BYTES / 2));
        answer(1, host, AnswerState::Rows, &rows)
    };
    let mut answers = small(1..=2);
    answers.extend([large(3), large(4), large(5)]);
    answers.extend(small(6..=6));
    // Their text is small, but not what their rows take.
    let tiny = format!("[{}]", vec!["{}"; PAGE_BYTES / 512 / 2].join(","));
    answers.extend([7, 8].map(|host| answer(1, host, AnswerState::Rows, &tiny)));
    append(&rig, &answers).await;
    rig.fold().await;
    for forget in [false, true] {
        if forget {
            rig.streams.forget();
        }
        let mut reader = follow(&rig, None);
        let mut batches = vec![];
        while batches.iter().flatten().count() < 8 {
            let some = reader.next(64, PATIENCE).await.unwrap();
            assert!(!some.is_empty());
            batches.push(some.iter().map(|one| one.host.0).collect::<Vec<_>>());
        }
        assert_eq!(batches, [vec![1, 2, 3], vec![4], vec![5, 6], vec![7], vec![8]], "forgotten: {forget}");
    }
}
