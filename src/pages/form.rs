//! Forms made from the schemas of bodies: their fields, what was entered, and what is wrong with it.

use super::{
    context::{PageContext, Refused},
    language::Language,
    shape::{Field, FieldKind, Shape},
    show::{Names, Showing},
    site::{Shelf, System},
    values,
};
use crate::domain::Mark;
use serde_json::{Map, Value};
use uuid::Uuid;

/// What precedes the names of the fields of a body, so that they are none of the form's own.
const PREFIX: &str = "f.";

/// The most things that a list of choices offers.
const MOST_CHOICES: usize = 100;

/// A choice of a field.
#[derive(Debug, Clone)]
pub struct Choice {
    pub value: String,
    pub text: String,
    pub is_chosen: bool,
}

/// A field of a form.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its name in the form.
    pub name: String,
    pub label: String,
    /// `text`, `number`, `date`, `datetime-local`, `select`, `hidden`.
    pub kind: &'static str,
    pub value: String,
    /// What stands there for people where it cannot be changed.
    pub fixed_text: Option<String>,
    pub choices: Vec<Choice>,
    pub is_required: bool,
    pub error: Option<String>,
    /// What browsers may fill in by themselves.
    pub autocomplete: &'static str,
}

/// A form of a page.
#[derive(Debug, Clone)]
pub struct Form {
    /// Where it is sent.
    pub action: String,
    /// The name of the command, for the page that it is sent to.
    pub does: String,
    pub button: String,
    /// The class of its button.
    pub tone: &'static str,
    pub inputs: Vec<Input>,
    /// Its idempotency key: pressed twice, it is one command.
    pub key: String,
    /// The version that it was made for.
    pub tag: String,
    /// Tells its fields from those of other forms of the page.
    pub id: String,
}

impl Form {
    /// Whether there is something to fill in.
    pub fn is_filled_in(&self) -> bool {
        self.inputs.iter().any(|input| input.kind != "hidden")
    }
}

/// A new idempotency key.
pub fn new_key() -> String {
    Uuid::now_v7().simple().to_string()
}

/// What is known of fields before anyone has filled them in: name, value, text.
pub type Known = Vec<(String, String, String)>;

/// Makes the fields of forms.
pub struct FormMaker<'a> {
    pub page: &'a PageContext<'a>,
    pub system: &'a System,
    pub shelf: &'a Shelf,
}

impl FormMaker<'_> {
    fn language(&self) -> Language {
        self.page.language()
    }

    /// The fields of `shape`. What is `known` is not asked; `refused` is what the server said of what was sent before.
    pub async fn inputs(
        &self,
        shape: &Shape,
        left_out: &[&str],
        known: &Known,
        refused: Option<&Refused>,
    ) -> Vec<Input> {
        let mut inputs = Vec::new();
        for field in &shape.fields {
            if left_out.contains(&field.name.as_str()) {
                continue;
            }
            let fixed = known.iter().find(|(name, ..)| *name == field.name);
            let mut input = self.input(field, fixed);
            if fixed.is_none() {
                self.offer_references(field, &mut input).await;
            }
            let pointer = format!("/{}", field.name);
            let error = refused.and_then(|refused| {
                refused
                    .errors
                    .iter()
                    .find(|(at, _)| *at == pointer || at.starts_with(&format!("{pointer}/")))
            });
            input.error = error.map(|(_, detail)| detail.clone());
            inputs.push(input);
        }
        inputs
    }

    fn input(&self, field: &Field, fixed: Option<&(String, String, String)>) -> Input {
        let t = self.language();
        let name = format!("{PREFIX}{}", field.name);
        let sent = self.page.request.field(&name).map(str::to_owned);
        let value = sent.or_else(|| fixed.map(|(_, value, _)| value.clone())).unwrap_or_default();
        let choice = |choice: &str, text: String| Choice {
            value: choice.to_owned(),
            text,
            is_chosen: value == choice,
        };
        let choices = match &field.kind {
            FieldKind::Choice(choices) => choices
                .iter()
                .map(|one| {
                    let label = self.system.value_label(self.shelf, (&field.name, one), t);
                    choice(one, label.map_or_else(|| values::words_of(one), |(text, _)| text))
                })
                .collect(),
            FieldKind::Flag => [("true", t.yes()), ("false", t.no())]
                .into_iter()
                .map(|(one, usual)| {
                    let label = self.system.value_label(self.shelf, (&field.name, one), t);
                    choice(one, label.map_or_else(|| usual.to_owned(), |(text, _)| text))
                })
                .collect(),
            _ => Vec::new(),
        };
        let kind = match &field.kind {
            _ if fixed.is_some() => "hidden",
            FieldKind::Choice(_) | FieldKind::Flag => "select",
            FieldKind::Number => "number",
            FieldKind::Time => "datetime-local",
            FieldKind::Day => "date",
            FieldKind::Text => "text",
        };
        Input {
            label: self.system.label(self.shelf, &field.name, t),
            kind,
            value,
            fixed_text: fixed.map(|(_, _, text)| text.clone()).filter(|text| !text.is_empty()),
            choices,
            is_required: field.is_required && fixed.is_none(),
            error: None,
            autocomplete: match field.name.as_str() {
                "address" => "street-address",
                "phone" => "tel",
                _ => "off",
            },
            name,
        }
    }

    /// Where a field refers to a thing of a catalogue, the things that may be had are its choices.
    async fn offer_references(&self, field: &Field, input: &mut Input) {
        let Some((shelf, by_number)) = self.system.referred(&field.name) else { return };
        if !shelf.is_catalogue() || shelf.name == self.shelf.name {
            return;
        }
        let Ok(body) = self.page.get(&format!("{}?size={MOST_CHOICES}", shelf.path())).await else {
            return;
        };
        let items = body.get("_embedded").and_then(|all| all.get(shelf.name.collection));
        let items = items.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if items.len() >= MOST_CHOICES {
            return;
        }
        let language = self.language();
        let names = Names::new();
        let showing = Showing { site: self.page.site, system: self.system, shelf, language, names };
        let choices = items.iter().filter_map(|item| {
            let shown = showing.show(item);
            let key = if by_number { item.get("id") } else { item.get(&field.name) }?;
            let value = text_of(key);
            let is_chosen = value == input.value;
            let text = if shown.heading == shown.kicker || !by_number {
                shown.heading
            } else {
                format!("{} ({})", shown.heading, shown.number)
            };
            (shown.is_free || is_chosen).then_some(Choice { value, text, is_chosen })
        });
        input.choices = choices.collect();
        input.kind = "select";
    }

    /// What is known of an order for the thing that the address names: its number, and what it says under the same names.
    pub async fn known_of(&self, shape: &Shape) -> Known {
        let t = self.language();
        let mut known = Known::new();
        for field in &shape.fields {
            let sent = format!("{PREFIX}{}", field.name);
            let given = self.page.request.parameter(&field.name);
            let Some(given) = given.or_else(|| self.page.request.field(&sent)) else { continue };
            let Some((shelf, by_number)) = self.system.referred(&field.name) else { continue };
            if !shelf.is_catalogue() || self.page.request.parameter(&field.name).is_none() {
                continue;
            }
            let path = format!("{}/{}", shelf.path(), values::encode(given));
            let list = format!("{}?{}={}", shelf.path(), field.name, values::encode(given));
            let item = if by_number {
                self.page.get(&path).await
            } else {
                self.page.get(&list).await.map(|body| first_of(&body, shelf))
            };
            let Ok(item) = item else { continue };
            let names = Names::new();
            let showing =
                Showing { site: self.page.site, system: self.system, shelf, language: t, names };
            let heading = showing.show(&item).heading;
            known.push((field.name.clone(), given.to_owned(), heading.clone()));
            for other in &shape.fields {
                let value = item.get(&other.name).filter(|value| !value.is_null());
                let is_known = known.iter().any(|(name, ..)| *name == other.name);
                if let Some(value) = value.filter(|_| !is_known && other.name != "status") {
                    let text = text_of(value);
                    let is_money = self.system.mark(shelf, &other.name) == Some(Mark::Won);
                    let shown = match &other.kind {
                        _ if is_money => values::money(&text, t),
                        FieldKind::Time => values::time(&text, &self.page.site.zone, t),
                        _ => text.clone(),
                    };
                    // What names the thing has been said.
                    let shown = if text == heading { String::new() } else { shown };
                    known.push((other.name.clone(), text, shown));
                }
            }
        }
        known
    }
}

fn first_of(body: &Value, shelf: &Shelf) -> Value {
    let all = body.get("_embedded").and_then(|all| all.get(shelf.name.collection));
    all.and_then(|all| all.get(0)).cloned().unwrap_or_default()
}

/// A value as the text of a form.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The body that a form has sent for `shape`: what was left empty is left out, as clients do. Texts may stand for numbers.
pub fn read_body(page: &PageContext<'_>, shape: &Shape) -> Value {
    let mut body = Map::new();
    for field in &shape.fields {
        let sent = page.request.field(&format!("{PREFIX}{}", field.name)).unwrap_or_default();
        if !sent.trim().is_empty() {
            let sent = match field.kind {
                FieldKind::Time => values::time_entered(sent, &page.site.zone),
                _ => sent.to_owned(),
            };
            body.insert(field.name.clone(), sent.into());
        }
    }
    Value::Object(body)
}

/// The same, without what is so `now`: what is not changed is not sent.
pub fn read_changes(page: &PageContext<'_>, shape: &Shape, now: &Value) -> Value {
    let mut body = read_body(page, shape);
    let as_entered = |field: &Field, value: &Value| match field.kind {
        // Forms have times no more exact than browsers enter them.
        FieldKind::Time => values::time_to_enter(&text_of(value), &page.site.zone),
        _ => text_of(value),
    };
    if let Some(body) = body.as_object_mut() {
        body.retain(|name, sent| match (shape.find(name), now.get(name)) {
            (Some(field), Some(now)) => as_entered(field, sent) != as_entered(field, now),
            _ => true,
        });
    }
    body
}
