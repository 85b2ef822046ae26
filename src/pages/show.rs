//! How a thing looks to people: its heading, its status, its facts.

use super::{
    language::Language,
    shape::{Field, FieldKind},
    site::{Shelf, Site, System},
    values,
};
use crate::domain::Mark;
use serde_json::Value;
use std::collections::HashMap;

/// A status, and what it is to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    pub text: String,
    /// The class that colours it.
    pub tone: &'static str,
}

/// A fact of a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub label: String,
    pub value: String,
    /// Whether it is an amount, which is set apart.
    pub is_money: bool,
    /// The page of the thing that it names, if there is one.
    pub href: Option<String>,
}

/// A thing as people see it.
#[derive(Debug, Clone)]
pub struct Shown {
    pub number: u64,
    pub heading: String,
    /// What kind of thing it is, and its number.
    pub kicker: String,
    pub badges: Vec<Badge>,
    pub facts: Vec<Fact>,
    pub is_free: bool,
    pub is_open: bool,
}

/// What the things of catalogues are called that others refer to: by the field and its value.
pub type Names = HashMap<(String, u64), String>;

/// Shows the things of one context.
pub struct Showing<'a> {
    /// What the things are called that it refers to, where that was found out.
    pub names: Names,
    pub site: &'a Site,
    pub system: &'a System,
    pub shelf: &'a Shelf,
    pub language: Language,
}

impl Showing<'_> {
    /// A thing as people see it.
    pub fn show(&self, item: &Value) -> Shown {
        let number = item.get("id").and_then(Value::as_u64).unwrap_or_default();
        let noun = self.system.noun(self.shelf, self.language);
        let kicker = format!("{noun} {number}");
        let heading_field = self.heading_field();
        let own = heading_field.and_then(|field| item.get(&field.name)?.as_str());
        // An order is called what it is for.
        let of_order = || self.name_of_order(item);
        let heading = own.map(str::to_owned).or_else(of_order);
        let mut badges = Vec::new();
        let mut facts = Vec::new();
        let mut marks = Vec::new();
        for field in &self.shelf.shape.fields {
            if Some(field) == heading_field || self.is_own_number(&field.name) {
                continue;
            }
            let value = item.get(&field.name).unwrap_or(&Value::Null);
            match self.badge(field, value) {
                Some((badge, mark)) => {
                    marks.extend(mark);
                    badges.extend(badge);
                }
                None => facts.extend(self.fact(field, value)),
            }
        }
        let has = |wanted: Mark| marks.contains(&wanted);
        let is_withdrawn = item.get("withdrawn") == Some(&Value::Bool(true));
        // What it is called has been said.
        facts.retain(|fact| fact.href.is_some() || heading.as_ref() != Some(&fact.value));
        Shown {
            number,
            heading: heading.filter(|text| !text.is_empty()).unwrap_or_else(|| kicker.clone()),
            is_free: ![Mark::Taken, Mark::Ended, Mark::Waiting].into_iter().any(has)
                && !is_withdrawn,
            is_open: item.get("status").and_then(Value::as_str) == Some("Requested"),
            kicker,
            badges,
            facts,
        }
    }

    /// The field that names a thing: its title, its name, else its first text that is no status.
    fn heading_field(&self) -> Option<&Field> {
        if !self.shelf.is_catalogue() {
            return None;
        }
        let mut texts = self.shelf.shape.fields.iter();
        texts.find(|field| field.kind == FieldKind::Text)
    }

    fn name_of_order(&self, item: &Value) -> Option<String> {
        if !self.shelf.is_order {
            return None;
        }
        let mut fields = self.shelf.shape.fields.iter();
        fields.find_map(|field| self.name_in(field, item.get(&field.name)?))
    }

    /// What the thing is called that `field` refers to.
    fn name_in(&self, field: &Field, value: &Value) -> Option<String> {
        self.names.get(&(field.name.clone(), value.as_u64()?)).cloned()
    }

    fn is_own_number(&self, name: &str) -> bool {
        self.shelf.own_numbers.contains(&name)
    }

    /// The badge of a value that says how the thing is; `None` where the field says something else. What needs no badge has
    /// `Some` of none.
    fn badge(&self, field: &Field, value: &Value) -> Option<(Option<Badge>, Option<Mark>)> {
        let text = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(flag) => flag.to_string(),
            Value::String(text) => text.clone(),
            Value::Number(number) => {
                let exact = number.to_string();
                let known = |text: &str| self.system.declares((&field.name, text));
                let found = [exact.as_str(), "some"].into_iter().find(|text| known(text))?;
                found.to_owned()
            }
            _ => return None,
        };
        let label = self.system.value_label(self.shelf, (&field.name, &text), self.language);
        let is_state = matches!(field.kind, FieldKind::Choice(_) | FieldKind::Flag);
        match label {
            Some((text, mark)) if mark.is_some() || is_state => {
                let hidden = self.system.mark(self.shelf, &field.name) == Some(Mark::Hidden);
                let badge = Badge { text, tone: tone_of(mark) };
                Some((Some(badge).filter(|_| !hidden || mark == Some(Mark::Ended)), mark))
            }
            _ if is_state && *value == Value::Null => Some((None, None)),
            None if matches!(field.kind, FieldKind::Choice(_)) => {
                Some((Some(Badge { text: values::words_of(&text), tone: "plain" }), None))
            }
            _ => None,
        }
    }

    /// The fact that a field says; none where it says nothing.
    fn fact(&self, field: &Field, value: &Value) -> Option<Fact> {
        let mark = self.system.mark(self.shelf, &field.name);
        if mark == Some(Mark::Hidden) {
            return None;
        }
        let is_money = mark == Some(Mark::Won);
        let name = self.name_in(field, value);
        let text = match name {
            Some(name) => name,
            None => self.text_of(field, value, is_money)?,
        };
        let href = match (self.system.referred(&field.name), value) {
            (Some((shelf, true)), Value::Number(number)) if shelf.is_catalogue() => {
                Some(format!("{}/{number}", shelf.page()))
            }
            _ => None,
        };
        let label = self.system.label(self.shelf, &field.name, self.language);
        Some(Fact { label, value: text, is_money, href })
    }

    /// A value in words; none where there is none.
    fn text_of(&self, field: &Field, value: &Value, is_money: bool) -> Option<String> {
        let t = self.language;
        match value {
            Value::Null => None,
            Value::Bool(flag) => Some(if *flag { t.yes() } else { t.no() }.to_owned()),
            Value::Number(number) if is_money => Some(values::money(&number.to_string(), t)),
            Value::Number(number) => Some(values::group_digits(&number.to_string())),
            Value::String(text) if text.is_empty() => None,
            Value::String(text) if field.kind == FieldKind::Time => {
                Some(values::time(text, &self.site.zone, t))
            }
            Value::String(text) => {
                let label = self.system.value_label(self.shelf, (&field.name, text), t);
                Some(label.map_or_else(|| text.clone(), |(text, _)| text))
            }
            other => Some(other.to_string()),
        }
    }
}

/// The class of a badge.
fn tone_of(mark: Option<Mark>) -> &'static str {
    match mark {
        Some(Mark::Free) => "free",
        Some(Mark::Taken) => "taken",
        Some(Mark::Waiting) => "waiting",
        Some(Mark::Good) => "good",
        Some(Mark::Ended) => "ended",
        Some(Mark::Won | Mark::Hidden) | None => "plain",
    }
}
