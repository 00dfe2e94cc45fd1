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
use super::{Plan, Plant, Summary, check, plant};
use crate::admin::TestAdmin;
use crate::door::Door;
use crate::folder;
use crate::process::ServerProcess;

/// Snapshots are taken as often as can be, so that starts come from one.
const SETTINGS: [&str; 4] = ["--snapshot-interval-s", "1", "--log", "warn,infra_ledger=info"];
/// Campaigns come as fast as hosts can take them.
const BETWEEN_CAMPAIGNS: Duration = Duration::from_millis(400);
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
    watchers.spawn(start_campaigns(admin.clone(), book.clone(), stop.clone()));
    let mut planted = false;
    for round in 0..plan.rounds {
        // Some hosts are new in every round, so that enrolments are under way when the server dies.
        let share = plan.hosts.div_ceil(plan.rounds);
        while number < plan.hosts.min((round + 1) * share) {
            hosts.spawn(Actor::new(&door, number, &secret, book.clone(), plan.seed, stop.clone()).run());
            number += 1;
        }
        if let Some(campaign) = newest_unfollowed(&book) {
            let forgets = plan.plant == Some(Plant::Double) && !std::mem::replace(&mut planted, true);
            let (admin, book) = (admin.clone(), book.clone());
            watchers.spawn(Follower { admin, campaign, book, forgets }.run());
        }
        let shortest = plan.life / 8;
        tokio::time::sleep(shortest + (plan.life - shortest).mul_f64(dice.random())).await;
        server.kill()?;
        summary.kills += 1;
        if plan.plant == Some(Plant::Loss) && !planted {
            planted = plant::lose(&plan.data, &book)?;
        }
        if dice.random_range(0..4) == 0 {
            kill_while_starting(plan, Duration::from_millis(dice.random_range(0..400))).await?;
            summary.kills += 1;
            summary.kills_while_starting += 1;
        }
        if dice.random_range(0..4) == 0 {
            // A snapshot is a cache: without it a start takes longer, and that is all.
            let _ = std::fs::remove_dir_all(plan.data.join("blobs").join("snapshots"));
        }
        let from_snapshot = has_snapshot(&plan.data);
        server = ServerProcess::start(&plan.muster, &plan.data, &SETTINGS, &door).await?;
        match from_snapshot {
            true => summary.starts_from_snapshot += 1,
            false => summary.starts_without += 1,
        }
    }
    ensure!(plan.plant.is_none() || planted, "there was nothing yet in which a fault could be planted: more rounds");

    // Now it stays: hosts say what they have to say, and views get what the log has.
    tell.send_replace(true);
    let quiet = async { while hosts.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_WORDS, quiet).await.is_err() {
        book.surprise(format!("some hosts were not heard within {LAST_WORDS:?} of the last start"));
        hosts.shutdown().await;
    }
    // Followers go on while the check waits for what they have not seen yet.
    let mut problems = check::served(&admin, &book).await?;
    watchers.shutdown().await;
    server.stop().await?;
    problems.extend(check::stored(&plan.data, &book, query)?);

    let pages = book.pages();
    problems.extend(pages.surprises.iter().cloned());
    summary.enrolments = pages.enrolled.len();
    summary.lines = pages.lines.len();
    summary.snapshots = pages.snapshots_sent;
    summary.answers = pages.answers.values().filter(|sent| sent.acknowledged).count();
    summary.campaigns = pages.campaigns.len();
    summary.followed = pages.followed.values().map(Vec::len).sum();
    summary.streams = pages.streams;
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

/// Asks all hosts again and again; what is acknowledged is written down.
async fn start_campaigns(admin: TestAdmin, book: Book, mut stop: watch::Receiver<bool>) {
    let asking = async {
        loop {
            let body = json!({"query": "SELECT mark FROM everywhere", "selected": {"labels": ["All Hosts"]}});
            let path = "/api/muster/v1/campaigns";
            if let Ok(answer) = admin.try_call(reqwest::Method::POST, path, Some(body)).await
                && answer.status == 200
                && let Some(id) = answer.json["campaign"]["id"].as_u64()
            {
                book.pages().campaigns.insert(id);
            }
            tokio::time::sleep(BETWEEN_CAMPAIGNS).await;
        }
    };
    tokio::select! {
        () = asking => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

fn newest_unfollowed(book: &Book) -> Option<u64> {
    let mut pages = book.pages();
    let newest = *pages.campaigns.last()?;
    let unfollowed = !pages.followed.contains_key(&newest);
    pages.followed.entry(newest).or_default();
    unfollowed.then_some(newest)
}

fn has_snapshot(data: &Path) -> bool {
    !folder::files(&data.join("blobs").join("snapshots")).is_empty()
}

async fn kill_while_starting(plan: &Plan, after: Duration) -> anyhow::Result<()> {
    let mut child = Command::new(&plan.muster)
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(&plan.data)
        .args(SETTINGS)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    tokio::time::sleep(after).await;
    child.kill()?;
    child.wait()?;
    Ok(())
}
