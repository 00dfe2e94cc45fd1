//! Which crate may lean on which. The rules are mostly about what is absent, so they are held against `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The normal dependencies of every crate of the workspace, by package name.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages is a list");
    packages
        .iter()
        .map(|package| {
            let names = package["dependencies"].as_array().expect("dependencies is a list").iter();
            let normal = names.filter(|dependency| dependency["kind"].is_null());
            let text = |value: &Value| value["name"].as_str().expect("a name is text").to_owned();
            (text(package), normal.map(text).collect())
        })
        .collect()
}

#[track_caller]
fn never(crates: &[&str], on: &[&str]) {
    let all = dependencies();
    for name in crates {
        let have = &all[*name];
        let forbidden: Vec<&&str> = on.iter().filter(|other| have.contains(**other)).collect();
        assert!(forbidden.is_empty(), "{name} must not depend on {forbidden:?}");
    }
}

#[test]
fn the_domain_knows_no_runtime_no_sql_no_http_and_no_log() {
    let all = dependencies();
    let outside = |name: &&String| {
        name.starts_with("infra-")
            || ["tokio", "actix-web", "sqlx", "rusqlite", "rdkafka", "reqwest", "rand", "tracing"]
                .contains(&name.as_str())
    };
    let found: Vec<&String> = all["domain"].iter().filter(outside).collect();
    assert!(found.is_empty(), "domain must not depend on {found:?}");
}

#[test]
fn the_command_side_reads_no_view() {
    never(
        &["command-api"],
        &["projections", "infra-stores", "infra-live", "query-api", "sqlx", "rusqlite", "deadpool-redis"],
    );
}

#[test]
fn the_query_side_does_not_decide() {
    never(&["query-api"], &["command-api", "sqlx", "rusqlite", "rdkafka"]);
}

/// Both lean on the crates of the log and the ledger to read them; what would write has names of its own.
#[test]
fn the_query_side_and_the_projections_append_nothing() {
    for folder in ["query-api", "projections"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder).join("src");
        let files = rust_files(&root);
        assert!(files.len() > 10, "{} has no sources", root.display());
        for file in files {
            let text = std::fs::read_to_string(&file).expect("sources are text");
            // Tests stand at the end, and may fill a log to read from.
            let shipped = text.split("#[cfg(test)]").next().unwrap_or_default().replace("Topic::Ledger", "");
            let words: BTreeSet<&str> = shipped.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            for writes in ["Ledger", "Draft", "AppendError", "parts_of"] {
                assert!(!words.contains(writes), "{} names {writes}, which appends or decides", file.display());
            }
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).expect("the folder can be read").map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let own = files.into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    own.chain(folders.iter().flat_map(|folder| rust_files(folder))).collect()
}

#[test]
fn projections_are_pushed_to_by_nobody() {
    never(&["projections"], &["command-api", "query-api", "actix-web", "infra-http"]);
    never(
        &["infra-log", "infra-ledger", "infra-stores", "infra-live", "infra-blobs", "infra-http"],
        &["projections", "command-api", "query-api"],
    );
}

#[test]
fn only_adapters_speak_to_stores() {
    never(
        &["command-api", "query-api", "projections", "infra-http", "infra-ledger"],
        &["rusqlite", "rdkafka", "deadpool-redis", "aws-sdk-s3"],
    );
}

#[test]
fn the_agent_shares_nothing_with_the_server_but_the_wire() {
    let all = dependencies();
    for name in ["agent", "agent-tables", "agent-protocol"] {
        let ours = |dependency: &&String| all.contains_key(dependency.as_str()) && !dependency.starts_with("agent-");
        let found: Vec<&String> = all[name].iter().filter(ours).collect();
        assert!(found.is_empty(), "{name} must not depend on {found:?}");
    }
}

#[test]
fn no_circle_runs_through_the_crates() {
    let all = dependencies();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    while done.len() < all.len() {
        let ready: Vec<&str> = all
            .iter()
            .filter(|(name, needs)| {
                !done.contains(name.as_str())
                    && needs.iter().all(|need| !all.contains_key(need) || done.contains(need.as_str()))
            })
            .map(|(name, _)| name.as_str())
            .collect();
        assert!(
            !ready.is_empty(),
            "these lean on each other in a circle: {:?}",
            all.keys().filter(|name| !done.contains(name.as_str())).collect::<Vec<_>>()
        );
        done.extend(ready);
    }
}
