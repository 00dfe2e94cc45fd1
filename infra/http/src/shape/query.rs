//! `Query` and `QuerySpec` of rest-api §11.

use domain::State;
use domain::query::Query;
use infra_blobs::Vault;
use serde_json::{Map, Value, json};

use super::{time, user};

/// A saved query. Its statistics are known to views alone: here they are empty, and `stats` may be replaced.
pub fn query(state: &State, vault: &Vault, query: &Query) -> Value {
    let spec = &query.spec;
    let (author_name, author_email) = user::author(state, vault, query.author);
    let labels: Vec<Value> = labels(state, query).map(|(id, name)| json!({"id": id, "name": name})).collect();
    json!({
        "created_at": time(query.created_at),
        "updated_at": time(query.updated_at),
        "id": query.id,
        "team_id": query.team,
        "name": spec.name,
        "description": spec.description,
        "query": spec.query,
        "platform": spec.platform,
        "min_osquery_version": spec.min_osquery_version,
        "interval": spec.interval,
        "automations_enabled": spec.automations_enabled,
        "logging": spec.logging.name(),
        "discard_data": spec.discard_data,
        "observer_can_run": spec.observer_can_run,
        "saved": true,
        "author_id": query.author,
        "author_name": author_name,
        "author_email": author_email,
        "packs": [],
        "labels_include_any": if labels.is_empty() { Value::Null } else { labels.into() },
        "stats": {
            "system_time_p50": null, "system_time_p95": null, "user_time_p50": null, "user_time_p95": null,
            "total_executions": null
        },
    })
}

/// The query as a document that can be applied again.
pub fn spec(state: &State, query: &Query) -> Value {
    let spec = &query.spec;
    let team = query.team.and_then(|team| state.teams.get(team)).map_or("", |team| team.name.as_str());
    let labels: Vec<Value> = labels(state, query).map(|(_, name)| json!(name)).collect();
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    put("name", json!(spec.name));
    put("description", json!(spec.description));
    put("query", json!(spec.query));
    put("team", json!(team));
    put("interval", json!(spec.interval));
    put("observer_can_run", json!(spec.observer_can_run));
    put("platform", json!(spec.platform));
    put("min_osquery_version", json!(spec.min_osquery_version));
    put("automations_enabled", json!(spec.automations_enabled));
    put("logging", json!(spec.logging.name()));
    put("discard_data", json!(spec.discard_data));
    if !labels.is_empty() {
        put("labels_include_any", labels.into());
    }
    Value::Object(shown)
}

fn labels<'a>(state: &'a State, query: &'a Query) -> impl Iterator<Item = (domain::LabelId, &'a str)> {
    let found = query.spec.labels_include_any.iter().filter_map(|id| state.labels.get(*id));
    found.map(|label| (label.id, label.name.as_str()))
}
