//! How the shape of a stored type is told.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

/// The shape that a type is written in. A part that may be nothing is written all the same, as null.
pub fn schema_of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}
