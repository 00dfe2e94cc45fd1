//! Names that people type, brought to the ids that the interface wants.

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Client, Pages, Paging, Path, fleet, muster};

/// The id of a label, which may be one that was known at a past time only.
pub async fn label(client: &Client, name: &str, as_of: Option<&String>) -> Result<u64> {
    match only_named(client, fleet(["labels"]).with_some("as_of", as_of), "labels", name).await? {
        Some(id) => Ok(id),
        None => bail!("there is no label `{name}`: `musterctl get labels` lists them"),
    }
}

/// The id of a team, from its name or its id; 0 is no team.
pub async fn team(client: &Client, name: &str) -> Result<u64> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    if name.eq_ignore_ascii_case("no team") {
        return Ok(0);
    }
    match only_named(client, fleet(["teams"]), "teams", name).await? {
        Some(id) => Ok(id),
        None => bail!("there is no team `{name}`: `musterctl get teams` lists them"),
    }
}

/// The id of a saved query: a global one, else the only one of that name among the teams' own.
pub async fn query(client: &Client, name: &str) -> Result<u64> {
    let queries = || fleet(["queries"]).with("query", name);
    if let Some(id) = only_named(client, queries(), "queries", name).await? {
        return Ok(id);
    }
    let mut found = Vec::new();
    for team in all(client, fleet(["teams"]), "teams").await.unwrap_or_default() {
        if let Some(team) = team["id"].as_u64() {
            found.extend(only_named(client, queries().with("team_id", team), "queries", name).await?);
        }
    }
    found.dedup();
    match found[..] {
        [id] => Ok(id),
        [] => bail!("there is no saved query `{name}`: `musterctl get queries` lists them"),
        _ => bail!("several teams have a query `{name}`: choose one with --query-id"),
    }
}

/// A host by `id:12`, or by hostname, uuid or serial number.
pub fn host(identifier: &str) -> Path {
    match identifier.strip_prefix("id:") {
        Some(id) => fleet(["hosts", id]),
        None => fleet(["hosts", "identifier", identifier]),
    }
}

/// The id of a host, by `id:12`, or by hostname, uuid or serial number.
pub async fn host_id(client: &Client, identifier: &str) -> Result<u64> {
    #[derive(Deserialize)]
    struct Found {
        host: Identified,
    }
    #[derive(Deserialize)]
    struct Identified {
        id: u64,
    }
    match identifier.strip_prefix("id:").and_then(|id| id.parse().ok()) {
        Some(id) => Ok(id),
        None => Ok(client.get::<Found>(&host(identifier)).await?.host.id),
    }
}

/// The history of a host, by its id.
pub fn history(id: u64) -> Path {
    muster(["hosts", &id.to_string(), "history"])
}

async fn only_named(client: &Client, path: Path, key: &'static str, name: &str) -> Result<Option<u64>> {
    let items = all(client, path, key).await?;
    Ok(items.iter().find(|item| item["name"] == name).and_then(|item| item["id"].as_u64()))
}

async fn all(client: &Client, path: Path, key: &'static str) -> Result<Vec<Value>> {
    let mut pages = Pages::new(client, path, key, Paging::Numbered, None);
    let mut items = Vec::new();
    while let Some(page) = pages.next().await? {
        items.extend(page.items);
    }
    Ok(items)
}
