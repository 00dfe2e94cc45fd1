//! JSON objects as flat records, for tables and CSV.

use serde_json::{Map, Value};

/// A value as one cell: text as it is, nothing for null, JSON for what has parts.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The members of an object, those of objects inside it under dotted names, in the order of the object.
pub fn members(object: &Map<String, Value>) -> Vec<(String, String)> {
    let mut flat = Vec::new();
    collect(object, "", &mut flat);
    flat
}

fn collect(object: &Map<String, Value>, prefix: &str, flat: &mut Vec<(String, String)>) {
    for (key, value) in object {
        let name = format!("{prefix}{key}");
        match value {
            Value::Object(inner) if !inner.is_empty() => collect(inner, &format!("{name}."), flat),
            Value::Array(_) => flat.push((name, list(value))),
            other => flat.push((name, cell(other))),
        }
    }
}

/// A list as one cell: plain values and named things as such, any other as JSON.
pub fn list(value: &Value) -> String {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let named = |thing: &Map<String, Value>| {
        ["name", "username", "address"].iter().find_map(|key| thing.get(*key)?.as_str().map(str::to_owned))
    };
    let plain: Option<Vec<String>> = items
        .iter()
        .map(|item| match item {
            Value::Object(thing) => named(thing),
            Value::Array(_) => None,
            scalar => Some(cell(scalar)),
        })
        .collect();
    plain.map_or_else(|| value.to_string(), |names| names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_become_dotted_members() {
        let object = serde_json::json!({
            "id": 12, "name": "a", "team_id": null, "issues": {"total": 3, "deep": {"x": true}}, "none": {},
            "labels": [{"id": 1, "name": "All Hosts"}, {"id": 2, "name": "Ubuntu Linux"}], "odd": [{"x": 1}], "empty": []
        });
        let flat = members(object.as_object().unwrap());
        let expected = [
            ("id", "12"),
            ("name", "a"),
            ("team_id", ""),
            ("issues.total", "3"),
            ("issues.deep.x", "true"),
            ("none", "{}"),
            ("labels", "All Hosts, Ubuntu Linux"),
            ("odd", "[{\"x\":1}]"),
            ("empty", ""),
        ];
        let expected: Vec<_> = expected.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
        assert_eq!(flat, expected);
    }
}
