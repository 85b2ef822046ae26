//! What those who run the server are not shown: the values of personal fields.

use super::personal_numbers::PersonalNumbers;
use crate::{
    actors::Declaration,
    domain::{
        Name,
        quoted::{MASK, without_quoted},
    },
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Whose a thing is, in any context.
const OWNER: &str = "owner";
/// What a thing asks another, in words.
const QUESTION: &str = "question";
/// A message of the broker as it came.
const BODY: &str = "body";
/// A text that is shorter may be part of any other text.
const SHORTEST: usize = 4;

/// The personal fields of all contexts. What one context of a system declares personal is personal in all of them, because
/// events and answers carry the fields of their neighbours.
#[derive(Debug, Clone, Default)]
pub struct PersonalFields {
    by_system: BTreeMap<&'static str, BTreeSet<&'static str>>,
    numbers: PersonalNumbers,
}

impl PersonalFields {
    /// Adds those that `context` declares.
    pub fn add(&mut self, context: &dyn Declaration) {
        let Name { system, .. } = context.name();
        self.by_system.entry(system).or_default().extend(context.personal_fields());
        self.numbers.add(context);
    }

    /// Puts [`MASK`] in the place of every personal value in `shown`, at any depth, and wherever a text repeats one of them.
    /// `context` is what it is about; where that is not known, what is personal anywhere counts.
    pub fn mask(&self, context: Option<&str>, shown: &mut Value) {
        let system = context.and_then(|context| context.split('.').next());
        let of_system = system.and_then(|system| self.by_system.get(system));
        let is_personal = |name: &str| {
            is_of_header(name)
                || match of_system {
                    Some(fields) => fields.contains(name),
                    None => self.by_system.values().any(|fields| fields.contains(name)),
                }
        };
        let mut hidden = BTreeSet::new();
        mask_fields(&is_personal, shown, &mut hidden);
        mask_repeated(&hidden, shown);
        self.numbers.mask(shown);
    }
}

/// Whether a field of this name has the owner, as an attribute of an event has it too, or a secret of the sender.
fn is_of_header(name: &str) -> bool {
    let attribute = name.rsplit([':', '_', '-']).next().unwrap_or(name);
    attribute == OWNER || name.eq_ignore_ascii_case("authorization")
}

/// Masks the fields that are personal, and gathers the texts and numbers that they had.
fn mask_fields(
    is_personal: &dyn Fn(&str) -> bool,
    shown: &mut Value,
    hidden: &mut BTreeSet<String>,
) {
    match shown {
        Value::Object(fields) => {
            for (name, value) in fields {
                if is_personal(name) {
                    gather_texts(value, hidden);
                    if !value.is_null() {
                        *value = MASK.into();
                    }
                } else if name == QUESTION
                    && let Value::String(words) = value
                {
                    // It has values without the names of their fields: what is asked is named, and nothing else.
                    let asked = words.split(['-', ' ']).next().unwrap_or_default();
                    *words = format!("{asked} {MASK}");
                } else if name == BODY
                    && let Value::String(text) = value
                {
                    *text = mask_text(is_personal, text, hidden);
                } else {
                    mask_fields(is_personal, value, hidden);
                }
            }
        }
        Value::Array(values) => {
            values.iter_mut().for_each(|value| mask_fields(is_personal, value, hidden))
        }
        _ => {}
    }
}

/// A message with its personal fields masked. Of one that cannot be read nothing is shown.
fn mask_text(
    is_personal: &dyn Fn(&str) -> bool,
    text: &str,
    hidden: &mut BTreeSet<String>,
) -> String {
    let Ok(mut content @ Value::Object(_)) = serde_json::from_str(text) else {
        return MASK.to_owned();
    };
    mask_fields(is_personal, &mut content, hidden);
    mask_repeated(hidden, &mut content);
    content.to_string()
}

/// The texts in a value, at any depth. A number is nothing that a text can be searched for.
fn gather_texts(value: &Value, hidden: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if !text.trim().is_empty() => drop(hidden.insert(text.clone())),
        Value::Array(values) => values.iter().for_each(|value| gather_texts(value, hidden)),
        Value::Object(fields) => fields.values().for_each(|value| gather_texts(value, hidden)),
        _ => {}
    }
}

/// Masks what texts repeat of `hidden`, and what they quote: an error quotes the value that it is about.
fn mask_repeated(hidden: &BTreeSet<String>, shown: &mut Value) {
    match shown {
        Value::String(text) => {
            for value in hidden.iter().filter(|value| value.chars().count() >= SHORTEST) {
                if text.contains(value.as_str()) {
                    *text = text.replace(value.as_str(), MASK);
                }
            }
            *text = without_quoted(text);
        }
        Value::Array(values) => {
            values.iter_mut().for_each(|value| mask_repeated(hidden, value));
        }
        Value::Object(fields) => {
            let others =
                fields.iter_mut().filter(|(name, value)| *name != BODY || !value.is_string());
            others.for_each(|(_, value)| mask_repeated(hidden, value));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        actors::{Declaration, collect_declarations},
        domain::Reads,
        systems,
    };
    use proptest::prelude::*;
    use schemars::SchemaGenerator;
    use serde_json::json;
    use std::sync::Arc;

    const CANARY: &str = "canary-4711";

    fn all_contexts() -> Vec<Arc<dyn Declaration>> {
        collect_declarations(|board| {
            for system in systems::NAMES {
                systems::lay_out(system, board);
            }
        })
    }

    fn all_fields() -> PersonalFields {
        let mut fields = PersonalFields::default();
        all_contexts().iter().for_each(|context| fields.add(context.as_ref()));
        fields
    }

    /// The names of the fields that a context shows.
    fn shown_fields(context: &dyn Declaration) -> Vec<String> {
        let mut schema = context.shown_schema(&mut SchemaGenerator::default());
        let mut generator = SchemaGenerator::default();
        context.shown_schema(&mut generator);
        let definitions = json!(generator.definitions());
        let mut shown = json!(schema.ensure_object());
        if let Some(name) = shown["$ref"].as_str().and_then(|to| to.rsplit('/').next()) {
            shown = definitions[name].clone();
        }
        let fields = shown["properties"].as_object().expect("properties");
        fields.keys().cloned().collect()
    }

    #[test]
    fn every_personal_field_is_masked_wherever_it_is() {
        let fields = all_fields();
        let mut count = 0;
        for context in all_contexts() {
            for field in context.personal_fields() {
                count += 1;
                for about in [Some(context.name().context), None] {
                    let body = json!({ "data": { *field: CANARY } }).to_string();
                    let mut shown = json!({
                        "entries": [{ "number": 7, "data": { *field: CANARY, "deep": [{ *field: { "x": [CANARY] } }] } }],
                        "states": { "a.b": { *field: CANARY, "status": "OPEN" } },
                        "parked": [{ "error": format!("it has `{CANARY}`"), "body": body }],
                    });
                    fields.mask(about, &mut shown);
                    let text = shown.to_string();
                    assert!(!text.contains(CANARY), "{} {field}: {text}", context.name());
                    assert_eq!(
                        (&shown["entries"][0]["number"], &shown["states"]["a.b"]["status"]),
                        (&json!(7), &json!("OPEN"))
                    );
                    let body: Value =
                        serde_json::from_str(shown["parked"][0]["body"].as_str().expect("text"))
                            .expect("JSON");
                    assert_eq!(body, json!({ "data": { *field: MASK } }));
                }
            }
        }
        assert!(count > 20, "{count}");
    }

    #[test]
    fn what_is_declared_personal_is_shown_somewhere_in_its_system_and_what_is_called_so_is_declared()
     {
        const NAMES: [&str; 8] = [
            "userId",
            "userid",
            "customerId",
            "address",
            "phone",
            "text",
            "location",
            "endlocation",
        ];
        let contexts = all_contexts();
        for context in &contexts {
            let system = context.name().system;
            let neighbours = contexts.iter().filter(|other| other.name().system == system);
            let shown: BTreeSet<String> =
                neighbours.flat_map(|other| shown_fields(other.as_ref())).collect();
            for field in context.personal_fields() {
                assert!(shown.contains(*field), "{}: {field}", context.name());
            }
            let is_public = context.reads() == Reads::Public;
            for field in shown_fields(context.as_ref()).iter().filter(|_| !is_public) {
                let is_declared = context.personal_fields().contains(&field.as_str());
                assert!(
                    is_declared || !NAMES.contains(&field.as_str()),
                    "{}: {field}",
                    context.name()
                );
            }
        }
    }

    #[test]
    fn questions_owners_and_secrets_are_masked_and_nulls_and_operation_stay() {
        let mut shown = json!({
            "context": "bookrent.rent", "what": "asks", "cause": "attempt 2",
            "data": { "question": "bookrent.book-3 <- Take { user: 4711, address: \"x\" }" },
            "owner": "4711", "headers": { "cloudEvents:owner": "4711", "holdfast-owner": "4711", "cloudEvents_id": "a-1", "Authorization": "Bearer 4711" },
            "reason": "invalid type: string \"4711\", expected u64", "userId": null,
        });
        all_fields().mask(Some("bookrent.rent"), &mut shown);
        let expected = json!({
            "context": "bookrent.rent", "what": "asks", "cause": "attempt 2",
            "data": { "question": "bookrent.book ***" },
            "owner": "***", "headers": { "cloudEvents:owner": "***", "holdfast-owner": "***", "cloudEvents_id": "a-1", "Authorization": "***" },
            "reason": "invalid type: string ***, expected u64", "userId": null,
        });
        assert_eq!(shown, expected);
    }

    proptest! {
        #[test]
        fn whatever_a_message_is_its_personal_values_are_not_shown(
            before in ".{0,20}", after in ".{0,20}", is_json in any::<bool>(),
        ) {
            let text = format!("{before}{CANARY}{after}");
            let body = if is_json { json!({ "phone": text, "more": [{ "address": text }] }).to_string() } else { text.clone() };
            let unknown = format!("unknown variant `{}`, expected `a` or `b`", text.replace('"', ""));
            let mut shown = json!({ "body": body, "reason": format!("string {text:?} is no number"), "error": unknown });
            all_fields().mask(None, &mut shown);
            prop_assert!(!shown.to_string().contains(CANARY), "{shown}");
        }
    }
}
