//! What a caller may command of a thing as it is now: the templates of HAL-FORMS.

use super::{access::writers_of, schema::example_of};
use crate::{
    actors::{BodySchema, Candidate, Context, Fault, Prospect, RouteInfo, Verb},
    identity::{Owner, Principal, Verdict, allowed},
};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The media type of a thing with what may be commanded of it.
pub const FORMS: &str = "application/prs.hal-forms+json";

/// A command that may be offered: under a name, and with what its sender gives.
struct Offer {
    name: String,
    method: &'static str,
    word: Option<&'static str>,
    /// A field of the body that is always the same.
    fixed: Option<(String, Value)>,
    /// The fields that the sender fills in; whether each has to be.
    fields: Vec<(String, bool)>,
}

/// The templates of what `caller` may command of the thing under `number`, which is of `owner` and at `href`.
///
/// # Errors
/// That the context cannot answer.
pub fn write_templates(
    context: &dyn Context,
    caller: Option<&Principal>,
    owner: Option<&str>,
    (number, path): (u64, &str),
) -> Result<Value, Fault> {
    let is_allowed = |route: &RouteInfo| {
        let writers = writers_of(context, route);
        allowed(writers, caller, Owner::Known(owner)) == Verdict::Allow
    };
    let routes = context.routes().iter().enumerate();
    let routes = routes.filter(|(_, route)| !is_creation(route) && is_allowed(route));
    let mut offers = Vec::new();
    let mut candidates = Vec::new();
    for (index, route) in routes {
        for (offer, body) in offers_of(route) {
            offers.push(offer);
            candidates.push(Candidate { route: index, body });
        }
    }
    let prospects = context.foresee(number, candidates)?;
    let mut templates: Map<String, Value> = Map::new();
    let mut seen = Vec::new();
    for (offer, prospect) in offers.into_iter().zip(prospects) {
        let is_filled_in = !offer.fields.is_empty();
        match prospect {
            Prospect::Refused(_) => continue,
            Prospect::WithoutEffect if !is_filled_in => continue,
            // The same command by another route.
            Prospect::Effective(command) if !is_filled_in && seen.contains(&command) => continue,
            Prospect::Effective(command) => seen.push(command),
            Prospect::WithoutEffect | Prospect::Undecided => {}
        }
        let word = offer.word.map(|word| format!("/{word}")).unwrap_or_default();
        let fixed = offer.fixed.iter().map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            json!({ "name": name, "value": value, "readOnly": true, "required": true })
        });
        let asked = offer.fields.iter();
        let asked = asked.map(|(name, required)| json!({ "name": name, "required": required }));
        let properties: Vec<Value> = fixed.chain(asked).collect();
        let template = templates.entry(offer.name).or_insert_with(|| {
            json!({ "method": offer.method, "target": format!("{path}{word}/{number}"), "properties": [] })
        });
        if let Some(known) = template.get_mut("properties").and_then(Value::as_array_mut) {
            known.extend(properties);
        }
    }
    Ok(Value::Object(templates))
}

fn is_creation(route: &RouteInfo) -> bool {
    route.verb == Verb::Post && route.word.is_none()
}

/// What is offered by `route`, each with a body to try.
fn offers_of(route: &RouteInfo) -> Vec<(Offer, Value)> {
    let method = match route.verb {
        Verb::Post => "POST",
        Verb::Patch => "PATCH",
        Verb::Delete => "DELETE",
    };
    if route.bodies.is_empty() {
        let name = match (route.word, route.withdraws) {
            (Some(word), _) => word,
            (None, true) => "withdraw",
            (None, false) => "cancel",
        };
        let word = route.word;
        let offer = Offer { name: name.into(), method, word, fixed: None, fields: Vec::new() };
        return vec![(offer, Value::Null)];
    }
    route.bodies.iter().flat_map(|body| offers_with_body(*body, method)).collect()
}

fn offers_with_body(body: BodySchema, method: &'static str) -> Vec<(Offer, Value)> {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = body(&mut settings.into_generator()).to_value();
    let properties = schema.get("properties").and_then(Value::as_object);
    let properties: Vec<(&String, &Value)> = properties.into_iter().flatten().collect();
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
    let example = |name: &str, schema: &Value| example_of(schema, &Map::new(), name);
    let fixed = |name: &str, field: &str, value: Value| {
        let body = json!({ field: value });
        let fixed = Some((field.to_owned(), value));
        (Offer { name: name.into(), method, word: None, fixed, fields: Vec::new() }, body)
    };
    if let [(field, schema)] = properties.as_slice() {
        let choices = choices_of(schema);
        if *field == "withdrawn" {
            return vec![fixed("restore", field, false.into())];
        }
        if !choices.is_empty() {
            return choices.iter().map(|choice| fixed(choice, field, (*choice).into())).collect();
        }
    }
    let asks_for_some = properties.iter().any(|(name, _)| is_required(name));
    if asks_for_some {
        let body: Map<String, Value> = properties
            .iter()
            .filter(|(name, _)| is_required(name))
            .map(|(name, schema)| ((*name).clone(), example(name, schema)))
            .collect();
        let fields =
            properties.iter().map(|(name, _)| ((*name).clone(), is_required(name))).collect();
        let offer = Offer { name: "change".into(), method, word: None, fixed: None, fields };
        return vec![(offer, Value::Object(body))];
    }
    let of_each = properties.iter().map(|(name, schema)| {
        let fields = vec![((*name).clone(), false)];
        let offer = Offer { name: "correct".into(), method, word: None, fixed: None, fields };
        (offer, json!({ *name: example(name, schema) }))
    });
    of_each.collect()
}

fn choices_of(schema: &Value) -> Vec<&str> {
    let variants = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let values = variants.filter_map(|variant| variant.get("const")).chain(listed);
    values.chain(schema.get("const")).filter_map(Value::as_str).collect()
}
