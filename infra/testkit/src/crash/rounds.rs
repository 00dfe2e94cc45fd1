//! The order of events: start, talk, kill, and once more; then the reckoning.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::actor::Actor;
use super::book::Book;
use super::follower::Follower;
use super::{Plan, Plant, Summary, check, falsify, plant};
use crate::admin::TestAdmin;
use crate::door::Door;
use crate::process::ServerProcess;

/// Snapshots are taken as often as can be, so that starts come from one.
const SETTINGS: [&str; 8] = [
    "--snapshot-interval-s",
    "1",
    "--log",
    "warn,infra_ledger=debug",
    // Every campaign stays open to the end.
    "--max-live-queries",
    "4000",
    "--max-live-queries-per-user",
    "4000",
];
/// What a server says when it did.
const FROM_SNAPSHOT: &str = "the fold goes on from a snapshot kind=\"ledger\"";
/// Campaigns come faster than hosts answer, so that some are under way whenever the server dies.
const BETWEEN_CAMPAIGNS: Duration = Duration::from_millis(300);
/// A run that has not seen yet what it must see goes on, up to so many times its rounds.
const PATIENCE: u32 = 5;
/// How long hosts may take to say what they have to say, once the server stays.
const LAST_WORDS: Duration = Duration::from_secs(60);

pub async fn run(plan: &Plan) -> anyhow::Result<Summary> {
    let (book, door, mut summary) = (Book::default(), Door::shut(), Summary::default());
    let mut dice = StdRng::seed_from_u64(plan.seed);
    let mut server = ServerProcess::start(&plan.muster, &plan.data, &SETTINGS, &door).await?;
    let admin = first_admin(&door, &plan.data).await?;
    let query = json!({"name": "crash", "query": "SELECT 1", "interval": 3600, "logging": "snapshot"});
    let saved = admin.try_call(reqwest::Method::POST, "queries", Some(query)).await?;
    ensure!(saved.status == 200, "a query cannot be saved: {}", saved.text);
    let query = saved.json["query"]["id"].as_i64().context("a query has an id")?;
    let secret = std::fs::read_to_string(plan.data.join("enroll-secret"))?.trim().to_owned();

    let (tell, stop) = watch::channel(false);
    let (mut hosts, mut watchers, mut number) = (JoinSet::new(), JoinSet::new(), 0);
    let forgets = plan.plant == Some(Plant::Double);
    watchers.spawn(keep_asking(admin.clone(), book.clone(), stop.clone(), forgets));
    let mut planted = false;
    // What only happens if a kill falls into the right moment is waited for, round by round.
    let proven = |summary: &Summary| summary.starts_from_snapshot > 0 && !book.pages().resumed.is_empty();
    for round in 0..PATIENCE * plan.rounds {
        if round >= plan.rounds && (plan.plant.is_some() || proven(&summary)) {
            break;
        }
        // Some hosts are new in every round, so that enrolments are under way when the server dies.
        let share = plan.hosts.div_ceil(plan.rounds);
        while number < plan.hosts.min((round + 1) * share) {
            hosts.spawn(Actor::new(&door, number, &secret, book.clone(), plan.seed, stop.clone()).run());
            number += 1;
        }
        let shortest = plan.life / 8;
        tokio::time::sleep(shortest + (plan.life - shortest).mul_f64(dice.random())).await;
        server.kill()?;
        summary.kills += 1;
        if plan.plant == Some(Plant::Loss) && !planted {
            planted = plant::lose(&plan.data, &book)?;
        }
        if dice.random_range(0..4) == 0 {
            let early = kill_while_starting(plan, Duration::from_millis(dice.random_range(0..400))).await?;
            summary.kills += 1;
            summary.kills_while_starting += u32::from(early);
        }
        if dice.random_range(0..4) == 0 {
            // A snapshot is a cache: without it a start takes longer, and that is all.
            let _ = std::fs::remove_dir_all(plan.data.join("blobs").join("snapshots"));
        }
        server = ServerProcess::start(&plan.muster, &plan.data, &SETTINGS, &door).await?;
        match server.words().contains(FROM_SNAPSHOT) {
            true => summary.starts_from_snapshot += 1,
            false => summary.starts_without += 1,
        }
    }
    ensure!(
        plan.plant != Some(Plant::Loss) || planted,
        "there was nothing yet in which a fault could be planted: more rounds"
    );

    // Now it stays: hosts say what they have to say, and views get what the log has.
    tell.send_replace(true);
    let quiet = async { while hosts.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_WORDS, quiet).await.is_err() {
        book.surprise(format!("some hosts were not heard within {LAST_WORDS:?} of the last start"));
        hosts.shutdown().await;
    }
    // Followers go on while the check waits for what they have not seen yet.
    let mut problems = check::all(&admin, &book, query).await?;
    watchers.shutdown().await;
    if problems.is_empty() {
        // Only a check that finds what is wrong says anything when it finds nothing.
        let falsified = falsify::each(&book.pages());
        let found = check::once(&admin, &falsified.pages, query).await?;
        summary.falsified = falsified.wanted.len();
        let missed = falsified.wanted.iter().filter(|wanted| !found.iter().any(|found| found.contains(*wanted)));
        problems.extend(missed.map(|wanted| format!("the check is blind, it did not say: {wanted}")));
    }
    server.stop().await?;

    let pages = book.pages();
    problems.extend(pages.surprises.iter().cloned());
    summary.enrolments = pages.enrolled.len();
    summary.lines = pages.lines.len();
    summary.snapshots = pages.snapshots_sent;
    summary.answers = pages.answers.values().filter(|sent| sent.acknowledged).count();
    summary.campaigns = pages.campaigns.len();
    summary.followed = pages.followed.values().map(Vec::len).sum();
    summary.streams = pages.streams;
    summary.resumed = pages.resumed.len();
    summary.problems = problems;
    Ok(summary)
}

/// Signs in with what the first run wrote down.
pub async fn first_admin(door: &Door, data: &Path) -> anyhow::Result<TestAdmin> {
    let text = std::fs::read_to_string(data.join("admin-password"))?;
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let (email, password) = value("email:").zip(value("password:")).context("admin-password has two lines")?;
    TestAdmin::login(door, email, password).await
}

/// Asks all hosts again and again until it is told to stop, and follows every campaign whose start was acknowledged.
/// Followers go on until this is dropped; the first one forgets once where it was if `forgets`.
async fn keep_asking(admin: TestAdmin, book: Book, mut stop: watch::Receiver<bool>, mut forgets: bool) {
    let mut followers = JoinSet::new();
    let asking = async {
        loop {
            let body = json!({"query": "SELECT mark FROM everywhere", "selected": {"labels": ["All Hosts"]}});
            let path = "/api/muster/v1/campaigns";
            if let Ok(answer) = admin.try_call(reqwest::Method::POST, path, Some(body)).await
                && answer.status == 200
                && let Some(campaign) = answer.json["campaign"]["id"].as_u64()
            {
                let mut pages = book.pages();
                pages.campaigns.insert(campaign);
                pages.followed.entry(campaign).or_default();
                drop(pages);
                let (admin, book, forgets) = (admin.clone(), book.clone(), std::mem::take(&mut forgets));
                followers.spawn(Follower { admin, campaign, book, forgets }.run());
            }
            tokio::time::sleep(BETWEEN_CAMPAIGNS).await;
        }
    };
    tokio::select! {
        () = asking => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
    while followers.join_next().await.is_some() {}
}

/// Says whether the server had not yet said that it serves.
async fn kill_while_starting(plan: &Plan, after: Duration) -> anyhow::Result<bool> {
    let ready = plan.data.with_extension("early");
    let mut child = Command::new(&plan.muster)
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(&plan.data)
        .arg("--ready-file")
        .arg(&ready)
        .args(SETTINGS)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    tokio::time::sleep(after).await;
    child.kill()?;
    child.wait()?;
    let early = !ready.exists();
    let _ = std::fs::remove_file(&ready);
    Ok(early)
}
