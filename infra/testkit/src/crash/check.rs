//! Holds the book against the server: what was acknowledged is there, and what may be there once is there once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::book::{Book, Pages};
use crate::admin::TestAdmin;

/// How long the views may take to get what the log has.
const PATIENCE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(200);
const PAGE: usize = 1000;

/// A host's ordinal by its identifier.
type Ordinals = BTreeMap<String, u64>;

/// Looks at a server that runs and that no host talks to any more, until its views have what the log has; followers may
/// still be reading. `query` is the saved one that the snapshots are of.
pub async fn all(admin: &TestAdmin, book: &Book, query: i64) -> anyhow::Result<Vec<String>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let pages = book.pages().clone();
        let found = once(admin, &pages, query).await?;
        if found.is_empty() || Instant::now() > deadline {
            return Ok(found);
        }
        tokio::time::sleep(STEP).await;
    }
}

/// One look at everything.
pub async fn once(admin: &TestAdmin, pages: &Pages, query: i64) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    let ordinals = enrolments(admin, pages, &mut problems).await?;
    lines(admin, pages, &ordinals, &mut problems).await?;
    hosts(admin, pages, &mut problems).await?;
    latest(admin, pages, &ordinals, query, &mut problems).await?;
    let held = answers(admin, pages, &ordinals, &mut problems).await?;
    followed(&pages.followed, &held, &mut problems);
    Ok(problems)
}

/// Every host that got a key was enrolled by one event, and has one ordinal.
async fn enrolments(admin: &TestAdmin, pages: &Pages, problems: &mut Vec<String>) -> anyhow::Result<Ordinals> {
    let mut ordinals = Ordinals::new();
    for commit in admin.records("ledger").await? {
        let commands = commit["value"]["data"]["commands"].as_array().context("a commit has commands")?;
        let events = commands.iter().flat_map(|command| command["events"].as_array().into_iter().flatten());
        for event in events.filter(|event| event["type"] == "host.enrolled") {
            let identifier = event["data"]["identifier"].as_str().context("an enrolment has an identifier")?;
            let host = event["data"]["host"].as_u64().context("an enrolment has a host")?;
            if ordinals.insert(identifier.to_owned(), host).is_some() {
                problems.push(format!("{identifier} was made a new host twice"));
            }
        }
    }
    let lost = pages.enrolled.iter().filter(|host| !ordinals.contains_key(*host));
    problems.extend(lost.map(|host| format!("the enrolment of {host} is not in the ledger")));
    Ok(ordinals)
}

/// Every acknowledged line is in the log under its id, as it was sent.
async fn lines(
    admin: &TestAdmin,
    pages: &Pages,
    ordinals: &Ordinals,
    problems: &mut Vec<String>,
) -> anyhow::Result<()> {
    let mut held: HashMap<String, Value> = HashMap::new();
    for topic in ["results", "status"] {
        for mut record in admin.records(topic).await? {
            let id = record["headers"]["ce_id"].as_str().context("a line has an id")?.to_owned();
            held.insert(id, record["value"].take());
        }
    }
    for line in &pages.lines {
        let ordinal = ordinals.get(&line.host).copied().unwrap_or_default();
        let mut hash = Sha256::new();
        hash.update(u32::try_from(ordinal)?.to_be_bytes());
        hash.update(line.number.to_be_bytes());
        hash.update(line.text.as_bytes());
        match held.get(&hex::encode(hash.finalize())) {
            None => problems.push(format!("a {} line of {} is not in the log: {}", line.kind, line.host, line.text)),
            Some(value) if *value != serde_json::from_str::<Value>(&line.text)? => {
                problems.push(format!("a line of {} is in the log as {value}, not as {}", line.host, line.text));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Every enrolled host is listed once, and nobody who never was there.
async fn hosts(admin: &TestAdmin, pages: &Pages, problems: &mut Vec<String>) -> anyhow::Result<()> {
    let list = get(admin, "hosts").await?;
    let mut listed: BTreeMap<String, u32> = BTreeMap::new();
    for host in list["hosts"].as_array().context("hosts is a list")? {
        let name = host["hostname"].as_str().unwrap_or_default();
        *listed.entry(name.trim_end_matches(".example").to_owned()).or_default() += 1;
    }
    for host in &pages.enrolled {
        match listed.get(host) {
            None => problems.push(format!("{host} is enrolled and not in the list of hosts")),
            Some(1) => {}
            Some(times) => problems.push(format!("{host} is {times} times in the list of hosts")),
        }
    }
    // A host that died between its key and our note of it was there, too.
    let strangers = listed.keys().filter(|host| !pages.tried.contains(*host));
    problems.extend(strangers.map(|host| format!("{host:?} is in the list of hosts and never enrolled")));
    Ok(())
}

/// Every acknowledged answer is in the view of its campaign once, with something that the host sent. Gives the positions
/// and hosts of each campaign.
async fn answers(
    admin: &TestAdmin,
    pages: &Pages,
    ordinals: &Ordinals,
    problems: &mut Vec<String>,
) -> anyhow::Result<BTreeMap<u64, Vec<(u64, u64)>>> {
    let names: BTreeMap<u64, &String> = ordinals.iter().map(|(name, ordinal)| (*ordinal, name)).collect();
    let asked: BTreeSet<u64> = pages.answers.keys().map(|(campaign, _)| *campaign).collect();
    let mut all = BTreeMap::new();
    for campaign in asked.union(&pages.campaigns).copied() {
        let mut held: BTreeMap<String, u32> = BTreeMap::new();
        let mut places = Vec::new();
        for answer in answers_of(admin, campaign).await? {
            let ordinal = answer["host"]["id"].as_u64().context("an answer has a host")?;
            places.push((answer["position"].as_u64().context("an answer has a position")?, ordinal));
            let name = names.get(&ordinal).map_or_else(|| format!("host {ordinal}"), |name| (*name).clone());
            *held.entry(name.clone()).or_default() += 1;
            let mark = answer["rows"][0]["mark"].as_str().unwrap_or_default();
            let sent = pages.answers.get(&(campaign, name.clone()));
            if !sent.is_some_and(|sent| sent.marks.iter().any(|sent| sent == mark)) {
                problems.push(format!("campaign {campaign} has an answer that {name} never sent: {answer}"));
            }
        }
        let doubles = held.iter().filter(|(_, times)| **times > 1);
        problems.extend(doubles.map(|(host, times)| format!("campaign {campaign} has {times} answers of {host}")));
        let acknowledged = pages.answers.iter().filter(|((of, _), sent)| *of == campaign && sent.acknowledged);
        let lost = acknowledged.filter(|((_, host), _)| !held.contains_key(host));
        problems.extend(lost.map(|((_, host), _)| format!("campaign {campaign} lacks the answer of {host}")));
        all.insert(campaign, places);
    }
    Ok(all)
}

async fn answers_of(admin: &TestAdmin, campaign: u64) -> anyhow::Result<Vec<Value>> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/muster/v1/campaigns/{campaign}/answers?per_page={PAGE}{after}");
        let mut page = get(admin, &path).await?;
        let Value::Array(answers) = page["answers"].take() else { anyhow::bail!("answers is a list: {page}") };
        all.extend(answers);
        match page["next"].as_u64() {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(all),
        }
    }
}

/// Whoever followed a campaign saw each of its answers once, in the order of their positions.
fn followed(seen: &BTreeMap<u64, Vec<(u64, u64)>>, held: &BTreeMap<u64, Vec<(u64, u64)>>, problems: &mut Vec<String>) {
    for (campaign, seen) in seen {
        let held: BTreeSet<(u64, u64)> = held.get(campaign).into_iter().flatten().copied().collect();
        if !seen.windows(2).all(|two| two[0].0 < two[1].0) {
            problems.push(format!("a follower of campaign {campaign} saw results out of order, or twice: {seen:?}"));
        }
        let seen: BTreeSet<(u64, u64)> = seen.iter().copied().collect();
        if seen != held {
            let missed: Vec<_> = held.difference(&seen).collect();
            let made_up: Vec<_> = seen.difference(&held).collect();
            problems.push(format!("a follower of campaign {campaign} missed {missed:?}, and saw {made_up:?}"));
        }
    }
}

/// The newest acknowledged snapshot of each host is its latest result.
async fn latest(
    admin: &TestAdmin,
    pages: &Pages,
    ordinals: &Ordinals,
    query: i64,
    problems: &mut Vec<String>,
) -> anyhow::Result<()> {
    for (host, mark) in &pages.snapshots {
        let Some(ordinal) = ordinals.get(host) else { continue };
        let report = get(admin, &format!("hosts/{ordinal}/queries/{query}")).await?;
        if report["results"] != json!([{"columns": {"mark": mark}}]) {
            problems.push(format!("{mark}, the newest snapshot of {host}, is not its latest result: {report}"));
        }
    }
    Ok(())
}

async fn get(admin: &TestAdmin, path: &str) -> anyhow::Result<Value> {
    let answer = admin.try_call(Method::GET, path, None).await?;
    ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text);
    Ok(answer.json)
}
