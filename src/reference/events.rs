//! The event types.

use super::table::{code_text, write_table};
use crate::{
    events::{self, EventNames},
    systems,
};
use serde_json::Value;

/// Context, type and fields of every event of `system`, or of all systems.
pub fn list_events(system: Option<&str>) -> String {
    let described = events::describe_events(&EventNames::default(), |board| {
        for name in systems::NAMES {
            if system.is_none_or(|system| system == *name) {
                systems::lay_out(name, board);
            }
        }
    });
    let rows = described.iter().map(|event| {
        let schema = resolve_reference(&event.schema);
        let fields = schema.get("properties").and_then(Value::as_object);
        let required = schema.get("required").and_then(Value::as_array);
        let fields = fields.into_iter().flatten().map(|(name, _)| {
            let is_required = required.is_some_and(|all| all.iter().any(|field| field == name));
            format!("{}{}", code_text(name), if is_required { "" } else { "?" })
        });
        let fields = fields.collect::<Vec<_>>().join(", ");
        [code_text(event.context), code_text(&event.kind), fields]
    });
    write_table(["context", "type", "fields of `data` (`?`: may be absent)"], rows)
}

/// The schema of the fields, which may be a definition of its own.
fn resolve_reference(schema: &Value) -> &Value {
    let target = schema.get("$ref").and_then(Value::as_str);
    let target = target.and_then(|path| schema.pointer(path.trim_start_matches('#')));
    target.unwrap_or(schema)
}
