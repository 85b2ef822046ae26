//! The event types.

use super::table::{code, table};
use crate::{
    events::{self, EventNames},
    systems,
};
use serde_json::Value;

/// Context, type and fields of every event of `system`, or of all systems.
pub fn events(system: Option<&str>) -> String {
    let described = events::describe(&EventNames::default(), |board| {
        for name in systems::NAMES {
            if system.is_none_or(|system| system == *name) {
                systems::lay_out(name, board);
            }
        }
    });
    let rows = described.iter().map(|event| {
        let schema = resolve(&event.schema);
        let fields = schema.get("properties").and_then(Value::as_object);
        let required = schema.get("required").and_then(Value::as_array);
        let fields = fields.into_iter().flatten().map(|(name, _)| {
            let is_required = required.is_some_and(|all| all.iter().any(|field| field == name));
            format!("{}{}", code(name), if is_required { "" } else { "?" })
        });
        let fields = fields.collect::<Vec<_>>().join(", ");
        [code(event.context), code(&event.kind), fields]
    });
    table(["context", "type", "fields of `data` (`?`: may be absent)"], rows)
}

/// The schema of the fields, which may be a definition of its own.
fn resolve(schema: &Value) -> &Value {
    let target = schema.get("$ref").and_then(Value::as_str);
    let target = target.and_then(|path| schema.pointer(path.trim_start_matches('#')));
    target.unwrap_or(schema)
}
