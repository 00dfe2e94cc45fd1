//! The organisation's settings. Source: rest-api §7.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::role::{Action, Scope};
use domain::settings::patch::{How, patched};
use domain::settings::{self, is_sealed};
use infra_blobs::Vault;
use infra_http::shape::MASK;
use infra_http::{Body, Problem, Reply, shape};
use serde_json::{Map, Value, json};

use crate::admin::agent_options::wrong_patch;
use crate::admin::{Call, team_settings};

/// `PATCH ~/config` with a part of the config → the whole new one. `force`, `dry_run`, `overwrite`.
///
/// 400 `unsupported key provided` · 400 `failed to decode app config` for wrong types · 422 for values that make no sense.
pub async fn change(call: Call, body: Body<Value>) -> Result<Reply, Problem> {
    call.may(Action::WriteConfig, Scope::Global)?;
    let Value::Object(mut patch) = body.0 else {
        return Err(Problem::bad_request("failed to decode app config"));
    };
    take_unmanaged(&mut patch)?;
    let how = How { overwrite: call.params.is_true("overwrite"), force: call.params.is_true("force") };
    let held = &call.state().settings;
    let mut sections = patched(held, &patch, how).map_err(wrong_patch)?;
    for (name, section) in &mut sections {
        let held = held.section(name).cloned().unwrap_or(Value::Null);
        seal_secrets(&call.app.vault, &format!("/{name}"), section, &held);
    }
    let sections: BTreeMap<String, Arc<Value>> =
        sections.into_iter().map(|(name, section)| (name, section.into())).collect();
    let command = settings::Command::Change { sections };
    let state =
        if call.is_dry_run() { call.imagine(command)? } else { call.execute(command).await?.fold.state.clone() };
    Ok(Reply::ok(shape::config::changed(&state, &call.user.roles)))
}

/// Parts that clients send because they read them, and that are not settings of ours: taken when they ask for nothing.
fn take_unmanaged(patch: &mut Map<String, Value>) -> Result<(), Problem> {
    if let Some(mdm) = patch.remove("mdm") {
        if let Some(unknown) = mdm.as_object().and_then(|mdm| unknown_key(mdm, &shape::config::mdm())) {
            return Err(Problem::unsupported_key(&unknown));
        }
        team_settings::refuse_mdm(Some(&mdm))?;
    }
    if let Some(rules) = patch.remove("yara_rules")
        && rules.as_array().is_some_and(|rules| !rules.is_empty())
    {
        return Err(Problem::invalid("yara_rules", "yara rules are not served by this server"));
    }
    Ok(())
}

fn unknown_key(given: &Map<String, Value>, known: &Value) -> Option<String> {
    let known = known.as_object()?;
    given.iter().find_map(|(name, value)| match (known.get(name), value) {
        (None, _) => Some(name.clone()),
        (Some(known @ Value::Object(_)), Value::Object(value)) => unknown_key(value, known),
        _ => None,
    })
}

/// Names of values that are secrets, wherever they stand in these sections.
fn is_secret(path: &str) -> bool {
    let mut parts = path.trim_start_matches('/').split('/');
    let (section, last) = (parts.next(), parts.next_back());
    match section {
        Some("smtp_settings") => last == Some("password"),
        Some("integrations") => {
            matches!(last, Some("api_token" | "password" | "private_key" | "api_key_json" | "challenge"))
        }
        _ => false,
    }
}

/// Seals every secret in a new section. The mask keeps the secret that stood in the same place, in the same item of a
/// list told by its other values.
fn seal_secrets(vault: &Vault, path: &str, new: &mut Value, held: &Value) {
    match new {
        _ if is_secret(path) => *new = sealed(vault, new, held),
        Value::Object(object) if !is_sealed(object) => {
            for (name, value) in object {
                let held = held.get(name).unwrap_or(&Value::Null);
                seal_secrets(vault, &format!("{path}/{name}"), value, held);
            }
        }
        Value::Array(items) => {
            let none = vec![];
            let held = held.as_array().unwrap_or(&none);
            for item in items {
                let same = held.iter().find(|held| same_but_secrets(path, item, held));
                seal_secrets(vault, &format!("{path}/*"), item, same.unwrap_or(&Value::Null));
            }
        }
        _ => {}
    }
}

fn sealed(vault: &Vault, new: &Value, held: &Value) -> Value {
    let kept = held.as_object().is_some_and(is_sealed);
    match new {
        Value::String(text) if text == MASK => {
            if kept {
                held.clone()
            } else {
                json!("")
            }
        }
        Value::String(text) if text.is_empty() => json!(""),
        Value::Null => Value::Null,
        // Equal secrets stay sealed as they are: nothing changed.
        Value::String(text) if kept && opened(vault, held).as_deref() == Some(text) => held.clone(),
        Value::String(text) => json!({"sealed": vault.seal_server(text)}),
        // What was not touched comes as it is held; nobody else may send something sealed.
        untouched if untouched == held => held.clone(),
        other => json!({"sealed": vault.seal_server(&other.to_string())}),
    }
}

fn opened(vault: &Vault, held: &Value) -> Option<String> {
    vault.open(&serde_json::from_value(held.get("sealed")?.clone()).ok()?)
}

fn same_but_secrets(path: &str, one: &Value, other: &Value) -> bool {
    let plain = |value: &Value| -> Option<Map<String, Value>> {
        let object = value.as_object()?.iter();
        let plain = object.filter(|(name, _)| !is_secret(&format!("{path}/*/{name}")));
        Some(plain.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    plain(one).is_some() && plain(one) == plain(other)
}
