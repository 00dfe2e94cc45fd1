//! A change of settings as an admin sends it: a part of the tree, with strict keys and types.
//!
//! What is absent stays, or goes back to its default when everything is overwritten. Source: rest-api §1.2 and §7.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Settings, agent_options, defaults, duration};

/// Why a change cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatchError {
    /// A key that does not exist there; the bare last key.
    UnsupportedKey(String),
    /// Something has another type than the settings have.
    WrongType,
    AgentOptions(agent_options::Wrong),
    /// Values that make no sense: field (the bare last key) and reason, all at once.
    Invalid(Vec<(&'static str, String)>),
}

/// How to take a change.
#[derive(Clone, Copy, Debug, Default)]
pub struct How {
    /// What the change does not name goes back to its default.
    pub overwrite: bool,
    /// Agent options are taken as they are, whatever is wrong with them; but for secrets.
    pub force: bool,
}

/// The whole new value of every section that the change names (of all, when overwriting). Secrets are still plain, or
/// the mask that stands for the old one.
pub fn patched(held: &Settings, patch: &Map<String, Value>, how: How) -> Result<BTreeMap<String, Value>, PatchError> {
    let patch = with_old_names(patch);
    let Value::Object(defaults) = defaults() else { unreachable!("the defaults are an object") };
    if let Some(unknown) = patch.keys().find(|key| !defaults.contains_key(*key)) {
        return Err(PatchError::UnsupportedKey(unknown.clone()));
    }
    let mut sections = BTreeMap::new();
    for (name, default) in &defaults {
        let base = if how.overwrite { default } else { held.section(name).unwrap_or(default) };
        let section = match patch.get(name) {
            None if how.overwrite => default.clone(),
            None => continue,
            Some(change) if name == "agent_options" => options(base, change, how)?,
            Some(change) => merged(&format!("/{name}"), default, base, change)?,
        };
        sections.insert(name.clone(), section);
    }
    check(&sections)?;
    Ok(sections)
}

/// The old name of `features` replaces the whole section: what it leaves out is off.
fn with_old_names(patch: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = patch.clone();
    if let Some(Value::Object(old)) = patch.remove("host_settings") {
        let mut features = old;
        for switch in ["enable_host_users", "enable_software_inventory"] {
            features.entry(switch).or_insert(Value::Bool(false));
        }
        patch.entry("features").or_insert(Value::Object(features));
    }
    patch
}

fn options(base: &Value, change: &Value, how: How) -> Result<Value, PatchError> {
    if change.is_null() {
        return Ok(base.clone());
    }
    let check = if how.force { agent_options::check_forced } else { agent_options::check };
    check(change).map_err(PatchError::AgentOptions)?;
    if change.is_object() { Ok(change.clone()) } else { Err(PatchError::WrongType) }
}

/// `change` laid over `base`, in the shape of `shape`. Null changes nothing where a value must be.
fn merged(path: &str, shape: &Value, base: &Value, change: &Value) -> Result<Value, PatchError> {
    if let Some(free) = free_form(path) {
        return if free.takes(change) { Ok(change.clone()) } else { Err(PatchError::WrongType) };
    }
    match (shape, change) {
        (_, Value::Null) => Ok(base.clone()),
        (Value::Object(shape), Value::Object(change)) => {
            let mut all = base.as_object().cloned().unwrap_or_default();
            for (name, value) in change {
                let below = format!("{path}/{name}");
                let shape = match shape.get(name) {
                    Some(shape) => shape,
                    None if free_form(&below).is_some() => &Value::Null,
                    None => return Err(PatchError::UnsupportedKey(name.clone())),
                };
                let base = all.get(name).cloned().unwrap_or(Value::Null);
                all.insert(name.clone(), merged(&below, shape, &base, value)?);
            }
            Ok(Value::Object(all))
        }
        (Value::String(_), change) if path == "/webhook_settings/interval" => {
            duration::normal(change).map(Value::String).ok_or(PatchError::WrongType)
        }
        (Value::Bool(_), Value::Bool(_)) | (Value::String(_), Value::String(_)) => Ok(change.clone()),
        (Value::Number(_), Value::Number(number)) if number.is_u64() => Ok(change.clone()),
        (Value::Number(_), Value::Number(number)) if path.ends_with("_percentage") && number.is_f64() => {
            Ok(change.clone())
        }
        _ => Err(PatchError::WrongType),
    }
}

/// Parts whose inside has no fixed keys.
#[derive(Clone, Copy)]
enum Free {
    Object,
    Objects,
    Ids,
    Texts,
    Switch,
}

fn free_form(path: &str) -> Option<Free> {
    Some(match path {
        "/features/additional_queries" | "/features/detail_query_overrides" => Free::Object,
        "/integrations/digicert" | "/integrations/jira" | "/integrations/zendesk" | "/integrations/google_calendar" => {
            Free::Objects
        }
        "/integrations/custom_scep_proxy" => Free::Objects,
        "/integrations/ndes_scep_proxy" => Free::Object,
        "/integrations/conditional_access_enabled" => Free::Switch,
        "/server_settings/debug_host_ids" | "/webhook_settings/failing_policies_webhook/policy_ids" => Free::Ids,
        "/scripts" => Free::Texts,
        _ => return None,
    })
}

impl Free {
    fn takes(self, value: &Value) -> bool {
        let all = |fits: fn(&Value) -> bool| value.as_array().is_some_and(|items| items.iter().all(fits));
        value.is_null()
            || match self {
                Free::Object => value.is_object(),
                Free::Objects => all(Value::is_object),
                Free::Ids => all(Value::is_u64),
                Free::Texts => all(Value::is_string),
                Free::Switch => value.is_boolean(),
            }
    }
}

/// The rules about values, all that are broken at once.
fn check(sections: &BTreeMap<String, Value>) -> Result<(), PatchError> {
    let mut wrong: Vec<(&'static str, String)> = vec![];
    let at = |section: &str, pointer: &str| sections.get(section).and_then(|value| value.pointer(pointer));
    let blank = |section: &str, pointer: &str| {
        at(section, pointer).is_some_and(|value| value.as_str().is_some_and(|text| text.trim().is_empty()))
    };
    let on = |section: &str, pointer: &str| at(section, pointer) == Some(&Value::Bool(true));
    let zero = |section: &str, pointer: &str| at(section, pointer).is_some_and(|value| value.as_f64() == Some(0.0));
    let mut say = |field: &'static str, reason: &str| wrong.push((field, reason.to_owned()));
    if blank("org_info", "/org_name") {
        say("org_name", "organization name must be present");
    }
    if blank("server_settings", "/server_url") {
        say("server_url", "Fleet server URL must be present");
    } else if at("server_settings", "/server_url").and_then(Value::as_str).is_some_and(|url| !is_web(url)) {
        say("server_url", "Fleet server URL must use “https” or “http”.");
    }
    if on("host_expiry_settings", "/host_expiry_enabled") && zero("host_expiry_settings", "/host_expiry_window") {
        say("host_expiry_window", "must be greater than 0");
    }
    if on("activity_expiry_settings", "/activity_expiry_enabled")
        && zero("activity_expiry_settings", "/activity_expiry_window")
    {
        say("activity_expiry_window", "must be greater than 0");
    }
    for hook in ["activities_webhook", "host_status_webhook", "failing_policies_webhook", "vulnerabilities_webhook"] {
        if on("webhook_settings", &format!("/{hook}/enable_{hook}"))
            && blank("webhook_settings", &format!("/{hook}/destination_url"))
        {
            say("destination_url", &format!("destination_url is required to enable the {hook}"));
        }
    }
    if on("webhook_settings", "/host_status_webhook/enable_host_status_webhook") {
        for (field, pointer) in [
            ("days_count", "/host_status_webhook/days_count"),
            ("host_percentage", "/host_status_webhook/host_percentage"),
        ] {
            if zero("webhook_settings", pointer) {
                say(field, "must be greater than 0 to enable the host status webhook");
            }
        }
    }
    if on("sso_settings", "/enable_sso") {
        if blank("sso_settings", "/metadata") && blank("sso_settings", "/metadata_url") {
            say("metadata", "either metadata or metadata_url must be defined");
        }
        for (field, pointer) in [("entity_id", "/entity_id"), ("idp_name", "/idp_name")] {
            if blank("sso_settings", pointer) {
                say(field, "required");
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(PatchError::Invalid(wrong)) }
}

/// Whether an address can be one of a web server.
pub fn is_web(url: &str) -> bool {
    ["https://", "http://"]
        .iter()
        .any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

#[cfg(test)]
mod tests;
