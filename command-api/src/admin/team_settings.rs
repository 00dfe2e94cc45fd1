//! The settings of a team as requests change them: the known sections, with strict keys and types where specs want it.

use domain::settings::Settings;
use domain::team;
use infra_http::{Problem, json_type, shape};
use serde_json::{Map, Value};

/// The sections that a team keeps.
pub const SECTIONS: [&str; 5] = ["features", "host_expiry_settings", "webhook_settings", "integrations", "scripts"];

/// Lays the sections of `change` over those that are held. Sections absent or null stay.
///
/// 400 for unknown keys and wrong types, by their path below `at` · 422 for values that make no sense.
pub fn changed(global: &Settings, held: &Value, change: &Map<String, Value>, at: &str) -> Result<Value, Problem> {
    let shape = team::default_settings(global);
    let mut settings = held.clone();
    for name in SECTIONS {
        let Some(section) = change.get(name).filter(|section| !section.is_null()) else { continue };
        settings[name] = laid_over(&format!("{at}{name}"), &shape[name], &held[name], section)?;
    }
    check(&settings)?;
    Ok(settings)
}

/// Device management is not managed here: sections that ask for nothing are taken, others refused.
pub fn refuse_mdm(mdm: Option<&Value>) -> Result<(), Problem> {
    match mdm {
        Some(mdm) if !asks_nothing(mdm, &shape::config::mdm()) => Err(Problem::invalid("mdm", MDM_OFF)),
        _ => Ok(()),
    }
}

/// What every request for device management is told.
pub const MDM_OFF: &str = "MDM features aren't turned on in Fleet. For more information about setting up MDM, please visit https://fleetdm.com/docs/using-fleet";

/// Whether a value is empty all the way down, or what is there anyway.
fn asks_nothing(value: &Value, held: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => held == value,
        Value::Number(number) => number.as_f64() == Some(0.0) || held == value,
        Value::String(text) => text.is_empty() || held == value,
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => {
            object.iter().all(|(name, value)| asks_nothing(value, held.get(name).unwrap_or(&Value::Null)))
        }
    }
}

fn laid_over(path: &str, shape: &Value, base: &Value, change: &Value) -> Result<Value, Problem> {
    match (shape, change) {
        (_, Value::Null) => Ok(base.clone()),
        // What is null until it is set has an inside that we do not judge, but for one hook that we know.
        (Value::Null, change) if path.ends_with("host_status_webhook") => {
            let shape = serde_json::json!({
                "enable_host_status_webhook": false, "destination_url": "", "host_percentage": 0, "days_count": 0
            });
            let base = if base.is_object() { base } else { &shape };
            laid_over(path, &shape, base, change)
        }
        (Value::Null, change) => Ok(change.clone()),
        (Value::Object(shape), Value::Object(change)) => {
            let mut all = base.as_object().cloned().unwrap_or_default();
            for (name, value) in change {
                let free = path.ends_with("features")
                    && ["additional_queries", "detail_query_overrides"].contains(&name.as_str());
                let shape = match shape.get(name) {
                    Some(shape) => shape,
                    None if free => &Value::Null,
                    None => return Err(Problem::unsupported_key(name)),
                };
                let base = all.get(name).cloned().unwrap_or(Value::Null);
                all.insert(name.clone(), laid_over(&format!("{path}.{name}"), shape, &base, value)?);
            }
            Ok(Value::Object(all))
        }
        (Value::Bool(_), Value::Bool(_)) | (Value::String(_), Value::String(_)) => Ok(change.clone()),
        (Value::Number(_), Value::Number(number)) if number.as_f64().is_some_and(|number| number >= 0.0) => {
            Ok(change.clone())
        }
        (shape, change) => Err(Problem::wrong_type(path, go_type(shape), json_type(change))),
    }
}

/// The name that Fleet gives a type in its messages.
fn go_type(shape: &Value) -> &'static str {
    match shape {
        Value::Bool(_) => "bool",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        _ => "object",
    }
}

fn check(settings: &Value) -> Result<(), Problem> {
    let expiry = &settings["host_expiry_settings"];
    if expiry["host_expiry_enabled"] == true && expiry["host_expiry_window"].as_f64() == Some(0.0) {
        return Err(Problem::invalid("host_expiry_window", "must be greater than 0"));
    }
    Ok(())
}
