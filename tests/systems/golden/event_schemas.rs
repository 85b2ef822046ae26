//! The schemas of events, as consumers know them: they only grow.

use super::{COMMAND, is_writing, names, read, write};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::{holdfast, run};

/// What of a schema consumers rest on must stay: what was there keeps its form, and what was always there stays so.
fn breaks(old: &Value, new: &Value, at: &str, found: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (word, value) in
                old.iter().filter(|(word, _)| *word != "description" && *word != "title")
            {
                match new.get(word) {
                    Some(now) => breaks(value, now, &format!("{at}/{word}"), found),
                    None => found.push(format!("{at}/{word} is gone")),
                }
            }
            // A new bound narrows what may come, which no consumer minds; a new list of words does, unless it is new.
        }
        (Value::Array(old), Value::Array(new)) if at.ends_with("/required") => {
            found.extend(
                old.iter()
                    .filter(|name| !new.contains(name))
                    .map(|name| format!("{name} may be absent at {at}")),
            );
        }
        // The variants of an enum: each may be described in other words.
        (Value::Array(old), Value::Array(new))
            if at.ends_with("/oneOf") && old.len() == new.len() =>
        {
            for (place, (value, now)) in old.iter().zip(new).enumerate() {
                breaks(value, now, &format!("{at}/{place}"), found);
            }
        }
        (old, new) if old != new => found.push(format!("{at} is {new}, was {old}")),
        _ => {}
    }
}

#[test]
fn schemas_of_events_only_ever_grow() {
    let document = run(holdfast().arg("asyncapi"));
    let document: Value = serde_json::from_slice(&document.stdout).unwrap();
    let mut wrong = Vec::new();
    let mut kinds = BTreeSet::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let kind = document["components"]["messages"][name]["name"].as_str().unwrap();
        kinds.insert(kind.to_owned());
        let file = format!("schemas/{kind}.json");
        let old = read(&file).map(|text| serde_json::from_str::<Value>(&text).unwrap());
        let mut broken = Vec::new();
        if let Some(old) = &old {
            breaks(old, schema, "", &mut broken);
        }
        if !broken.is_empty() {
            wrong.push(format!("{kind} breaks its consumers, it needs a new version: {broken:?}"));
        } else if is_writing() {
            write(&file, &format!("{schema:#}\n"));
        } else if old.as_ref() != Some(schema) {
            wrong.push(format!("{kind} is new or has grown; {COMMAND}"));
        }
    }
    let gone = names("schemas", "", ".json");
    wrong.extend(
        gone.difference(&kinds).map(|kind| format!("{kind} is gone; its consumers wait for it")),
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_field_that_goes_or_changes_breaks_and_one_that_comes_does_not() {
    let old = json!({ "properties": { "a": { "type": "string" } }, "required": ["a"] });
    let grown =
        json!({ "properties": { "a": { "type": "string" }, "b": {} }, "required": ["a", "b"] });
    let check = |new: &Value| {
        let mut found = Vec::new();
        breaks(&old, new, "", &mut found);
        found.len()
    };
    assert_eq!(check(&grown), 0);
    assert_eq!(
        check(&json!({ "properties": { "a": { "type": "integer" } }, "required": ["a"] })),
        1
    );
    assert_eq!(check(&json!({ "properties": {}, "required": ["a"] })), 1);
    assert_eq!(check(&json!({ "properties": { "a": { "type": "string" } }, "required": [] })), 1);
}

#[test]
fn a_value_that_goes_breaks_and_one_that_is_described_anew_does_not() {
    let status = |values: &[(&str, &str)]| {
        let described =
            |(value, text): &(&str, &str)| json!({ "const": value, "description": text });
        json!({ "oneOf": values.iter().map(described).collect::<Vec<_>>() })
    };
    let old = status(&[("Rent", "It is out."), ("Cancel", "It is back.")]);
    let check = |new: &Value| {
        let mut found = Vec::new();
        breaks(&old, new, "", &mut found);
        found.len()
    };
    assert_eq!(check(&status(&[("Rent", "A customer has it."), ("Cancel", "It is back.")])), 0);
    assert_eq!(check(&status(&[("Lent", "It is out."), ("Cancel", "It is back.")])), 1);
    assert_eq!(check(&status(&[("Rent", "It is out.")])), 1);
}
