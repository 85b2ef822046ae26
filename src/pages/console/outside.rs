//! What leaves the server and what it rests on: the parts of its health.

use super::{
    reading::{state_badge, text},
    screen::{Card, Screen, Section, answer},
    texts,
};
use crate::pages::{
    context::{PageContext, PageResult},
    language::Language,
    values::{group_digits, words_of},
};
use serde_json::Value;

/// What is said of one part, as label and value; lists and objects in one line each.
fn facts_of(t: Language, details: &Value, within: &str, facts: &mut Vec<(String, String)>) {
    let Some(fields) = details.as_object() else { return };
    for (name, value) in fields {
        let label = if within.is_empty() { words_of(name) } else { format!("{within} · {name}") };
        match value {
            Value::Null => {}
            Value::Object(_) => facts_of(t, value, &label, facts),
            Value::Array(all) if all.is_empty() => {}
            Value::Array(all) => {
                facts.push((label, all.iter().map(line_of).collect::<Vec<_>>().join("; ")))
            }
            Value::String(text) => facts.push((label, text.clone())),
            Value::Number(number) => facts.push((label, group_digits(&number.to_string()))),
            Value::Bool(is_so) => {
                facts.push((label, if *is_so { t.yes() } else { t.no() }.to_owned()));
            }
        }
    }
}

fn line_of(value: &Value) -> String {
    let Some(fields) = value.as_object() else {
        return value.as_str().unwrap_or_default().to_owned();
    };
    let known = fields.iter().filter(|(_, value)| !value.is_null() && !value.is_array());
    let words = known.map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name} {value}")
    });
    words.collect::<Vec<_>>().join(", ")
}

/// `GET /pages/console/outside`
pub async fn show(page: &PageContext<'_>) -> PageResult {
    let t = page.language();
    let health = page.get("/actuator/health").await?;
    let components = health.get("components").and_then(Value::as_object);
    // Contexts and nodes have pages of their own.
    let parts = components
        .into_iter()
        .flatten()
        .filter(|(name, _)| !name.contains('.') && *name != "nodes");
    let cards = parts.map(|(name, part)| {
        let mut facts = Vec::new();
        facts_of(t, part.get("details").unwrap_or(&Value::Null), "", &mut facts);
        Card {
            heading: texts::part(t, name),
            kicker: name.clone(),
            badges: vec![state_badge(t, &text(part, "status"))],
            facts,
            ..Card::default()
        }
    });
    let sections = vec![Section { heading: None, cards: cards.collect(), is_grid: false }];
    let heading = texts::outside(t).into();
    let lead = Some(texts::outside_lead(t).into());
    answer(page, Screen { heading, lead, sections, ..Screen::default() })
}
