//! `Label` and `LabelSpec` of rest-api §10.

use domain::Members;
use domain::label::{Label, Membership};
use serde_json::{Map, Value, json};

use super::time;

/// A label with its members as far as the reader may see them.
pub fn label(label: &Label, visible_members: &Members) -> Value {
    let count = visible_members.len();
    let mut shown = bare(label);
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    if count > 0 {
        put("host_count", json!(count));
    }
    put("display_text", json!(label.name));
    put("count", json!(count));
    Value::Object(shown)
}

/// One label: a manual one also names its members.
pub fn detail(label: &Label, visible_members: &Members) -> Value {
    let mut shown = self::label(label, visible_members);
    if label.membership == Membership::Manual && !label.builtin && !visible_members.is_empty() {
        shown["host_ids"] = visible_members.iter().map(|host| json!(host)).collect();
    }
    shown
}

/// A label as it stands on a host: without counts.
pub fn bare(label: &Label) -> Map<String, Value> {
    let fields = [
        ("created_at", time(label.created_at)),
        ("updated_at", time(label.updated_at)),
        ("id", json!(label.id)),
        ("author_id", json!(label.author)),
        ("name", json!(label.name)),
        ("description", json!(label.description)),
        ("query", json!(label.query)),
        ("platform", json!(label.platform)),
        ("label_type", json!(kind(label))),
        ("label_membership_type", json!(membership(label))),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// `{id, name, description, label_type}`.
pub fn summary(label: &Label) -> Value {
    json!({"id": label.id, "name": label.name, "description": label.description, "label_type": kind(label)})
}

/// The label as a document that can be applied again; `hosts` are identifiers of the members of a manual one.
pub fn spec(label: &Label, hosts: Option<Vec<String>>) -> Value {
    json!({
        "id": label.id,
        "name": label.name,
        "description": label.description,
        "query": label.query,
        "platform": label.platform,
        "label_type": kind(label),
        "label_membership_type": membership(label),
        "hosts": hosts,
    })
}

fn kind(label: &Label) -> &'static str {
    if label.builtin { "builtin" } else { "regular" }
}

fn membership(label: &Label) -> &'static str {
    match label.membership {
        Membership::Dynamic => "dynamic",
        Membership::Manual => "manual",
    }
}
