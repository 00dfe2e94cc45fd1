//! Published shapes stand still. What is in the log was written in the shape that its version names, and others read it
//! by the files; so a shape that is frozen is never changed, only followed by the next version.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use domain::published::{self, Published};
use serde_json::{Map, Value, json};

/// The frozen schemas by file name.
pub fn frozen() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let schema = serde_json::from_slice(&fs::read(&path).unwrap());
        (name.clone(), schema.unwrap_or_else(|error| panic!("domain/schemas/{name} is no JSON: {error}")))
    };
    entries.map(read).collect()
}

#[test]
fn every_published_shape_has_a_frozen_file_that_says_the_same() {
    let frozen = frozen();
    let wrong: Vec<String> = published::all().iter().filter_map(|one| complaint(one, &frozen)).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn complaint(published: &Published, frozen: &BTreeMap<String, Value>) -> Option<String> {
    let Published { name, version, schema } = published;
    let file = published.file_name();
    let Some(held) = frozen.get(&file) else {
        let hint = "run `make schemas`, add a golden file beside the others, and commit both";
        return Some(format!("{name} version {version} has no file domain/schemas/{file}: {hint}"));
    };
    let (held, coded) = (shape(held), shape(schema.as_ref()?.as_value()));
    (held != coded).then(|| {
        format!(
            "{name} version {version} is not what domain/schemas/{file} says. A shape that was written is never \
             changed: give the new one version {}, keep a way from the old one (ARCHITECTURE.md, \"When the shape of \
             an event changes\"), and run `make schemas`. Or, if that version was never on main, delete the file \
             first.\n  frozen: {held}\n  coded:  {coded}",
            version + 1,
        )
    })
}

#[test]
fn no_frozen_file_is_unknown_to_the_code() {
    let known: BTreeSet<String> = published::all().iter().map(Published::file_name).collect();
    let unknown: Vec<String> = frozen().into_keys().filter(|file| !known.contains(file)).collect();
    assert!(
        unknown.is_empty(),
        "domain/schemas has {unknown:?}, of which the code knows nothing: what was ever written must be readable for \
         ever, so put its shape and its upcast back into domain/src/stored.rs"
    );
}

#[test]
fn every_version_from_the_first_to_the_newest_is_published() {
    let mut versions: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for one in published::all() {
        versions.entry(one.name).or_default().push(one.version);
    }
    for (name, mut versions) in versions {
        versions.sort();
        let all: Vec<u32> = (1..=*versions.last().unwrap()).collect();
        assert_eq!(versions, all, "{name}: a retired shape belongs into stored::retired_schemas");
    }
}

/// What a schema says of values, without what it tells people: a text may be put better, a shape may not change.
fn shape(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let said = members.iter().filter(|(name, _)| !["title", "description"].contains(&name.as_str()));
            let said = said.map(|(name, value)| match (name.as_str(), value) {
                // The names in here are those of fields and types, which may be called anything.
                ("properties" | "$defs" | "patternProperties", Value::Object(named)) => {
                    let named: Map<String, Value> =
                        named.iter().map(|(name, one)| (name.clone(), shape(one))).collect();
                    (name.clone(), Value::Object(named))
                }
                ("oneOf", Value::Array(alternatives)) => match words(alternatives) {
                    Some(words) => ("enum".to_owned(), json!(words)),
                    None => (name.clone(), alternatives.iter().map(shape).collect()),
                },
                ("enum" | "required", Value::Array(values)) => {
                    (name.clone(), json!(values.iter().map(Value::to_string).collect::<BTreeSet<_>>()))
                }
                ("const" | "default" | "enum", value) => (name.clone(), value.clone()),
                (_, value) => (name.clone(), shape(value)),
            });
            let mut said: BTreeMap<String, Value> = said.collect();
            if said.contains_key("enum") {
                said.insert("type".to_owned(), json!("string"));
            }
            json!(said)
        }
        Value::Array(items) => items.iter().map(shape).collect(),
        other => other.clone(),
    }
}

/// The words of an enumeration, which is written as alternatives as soon as one word has an explanation.
fn words(alternatives: &[Value]) -> Option<BTreeSet<String>> {
    let mut words = BTreeSet::new();
    for one in alternatives.iter().map(Value::as_object) {
        let one = one?;
        let word =
            one.get("const").map(std::slice::from_ref).or_else(|| one.get("enum")?.as_array().map(Vec::as_slice));
        words.extend(word?.iter().map(Value::to_string));
    }
    Some(words)
}

#[test]
fn a_shape_is_compared_without_its_explanations_and_nothing_else() {
    let one = json!({"description": "a", "properties": {"description": {"type": "string", "title": "b"}},
        "oneOf": [{"const": "x", "description": "c"}, {"enum": ["y"]}]});
    let two =
        json!({"title": "t", "type": "string", "enum": ["y", "x"], "properties": {"description": {"type": "string"}}});
    assert_eq!(shape(&one), shape(&two));
    assert_ne!(shape(&json!({"properties": {"description": {}}})), shape(&json!({"properties": {}})));
    assert_ne!(shape(&json!({"required": ["a", "b"]})), shape(&json!({"required": ["a"]})));
    assert_ne!(shape(&json!({"enum": ["a"]})), shape(&json!({"enum": ["a", "b"]})));
}
