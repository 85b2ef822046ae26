//! Numbers that are customers: the account of the customer 7 is the account 7. Who is not shown the customer is not shown the
//! number either, wherever an answer has it.

use crate::{
    actors::{Declaration, PARKED_NUMBER_HIDDEN},
    domain::quoted::MASK,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The fields with the number of a thing, beside one with its context.
const NUMBERS: [&str; 3] = ["number", "aggregate", "id"];
/// The fields that say of which context a thing is.
const CONTEXTS: [&str; 2] = ["context", "source"];
/// The link to the next page has places in logs, which look like numbers.
const NEXT: &str = "next";

/// The contexts whose numbers are customers, and the names of their collections in paths.
#[derive(Debug, Clone, Default)]
pub struct PersonalNumbers(BTreeMap<&'static str, Vec<&'static str>>);

impl PersonalNumbers {
    /// Adds `context`, if a field with its own number is personal.
    pub fn add(&mut self, context: &dyn Declaration) {
        let personal = context.personal_fields();
        if context.id_aliases().iter().any(|alias| personal.contains(alias)) {
            let name = context.name();
            let collections = [&[name.collection], context.aliases()].concat();
            self.0.insert(name.context, collections);
        }
    }

    /// Masks these numbers in `shown`, at any depth.
    pub fn mask(&self, shown: &mut Value) {
        if !self.0.is_empty() {
            self.mask_within(shown, false);
        }
    }

    fn mask_within(&self, shown: &mut Value, is_next: bool) {
        match shown {
            Value::String(text) => *text = self.mask_text(text, is_next),
            Value::Array(values) => {
                values.iter_mut().for_each(|value| self.mask_within(value, false))
            }
            Value::Object(fields) => {
                let mut names = CONTEXTS.iter().filter_map(|name| fields.get(*name)?.as_str());
                let is_of_customer = names.any(|name| self.0.contains_key(name));
                for (name, value) in fields {
                    if is_of_customer && NUMBERS.contains(&name.as_str()) && value.is_number() {
                        *value = MASK.into();
                    } else {
                        self.mask_within(value, name == NEXT);
                    }
                }
            }
            _ => {}
        }
    }

    /// A text with these numbers masked: in ids of what is parked, which can be used as they are then, in names of things and in
    /// paths.
    fn mask_text(&self, text: &str, is_next: bool) -> String {
        let mut shown = text.to_owned();
        for (context, collections) in &self.0 {
            shown = replace_digits(&shown, &format!("{context}~"), PARKED_NUMBER_HIDDEN);
            if is_next {
                continue;
            }
            for separator in ["-", "/"] {
                shown = replace_digits(&shown, &format!("{context}{separator}"), MASK);
            }
            for collection in collections {
                shown = replace_digits(&shown, &format!("/{collection}/"), MASK);
            }
        }
        shown
    }
}

/// `text` with `instead` for the digits that follow `before`, each time.
fn replace_digits(text: &str, before: &str, instead: &str) -> String {
    let mut parts = text.split(before);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|letter: char| letter.is_ascii_digit());
        shown.push_str(before);
        shown.push_str(if rest.len() < part.len() { instead } else { "" });
        shown.push_str(rest);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{actors::collect_declarations, systems};
    use serde_json::json;

    fn numbers() -> PersonalNumbers {
        let mut numbers = PersonalNumbers::default();
        let contexts = collect_declarations(|board| {
            for system in systems::NAMES {
                systems::lay_out(system, board);
            }
        });
        contexts.iter().for_each(|context| numbers.add(context.as_ref()));
        numbers
    }

    #[test]
    fn accounts_have_the_numbers_of_customers_and_orders_have_not() {
        assert_eq!(numbers().0.keys().copied().collect::<Vec<_>>(), ["gbike.userDeposit"]);
    }

    #[test]
    fn the_number_of_an_account_is_shown_nowhere_and_others_are() {
        let mut shown = json!({
            "audit": [{ "number": 3, "path": "/gbike/userDeposits", "made": "/gbike/userDeposits/4711" }],
            "entries": [
                { "context": "gbike.userDeposit", "number": 4711, "sequence": 12, "cause": "gbike.userDeposit-4711" },
                { "context": "gbike.rent", "number": 5, "data": { "links": "/gbike/rents/5" } },
            ],
            "parked": [{
                "id": "gbike.billing~gbike.userDeposit~4711~12", "source": "gbike.userDeposit", "aggregate": 4711, "sequence": 12,
            }, { "id": "gbike.userDeposit~gbike.billing~5~9", "source": "gbike.billing", "aggregate": 5 }],
            "next": "/admin/parked?after=gbike.billing~gbike.userDeposit~4711~12&limit=1",
            "links": { "saga": "/admin/sagas/gbike.userDeposit/4711" },
        });
        numbers().mask(&mut shown);
        let expected = json!({
            "audit": [{ "number": 3, "path": "/gbike/userDeposits", "made": "/gbike/userDeposits/***" }],
            "entries": [
                { "context": "gbike.userDeposit", "number": "***", "sequence": 12, "cause": "gbike.userDeposit-***" },
                { "context": "gbike.rent", "number": 5, "data": { "links": "/gbike/rents/5" } },
            ],
            "parked": [{
                "id": "gbike.billing~gbike.userDeposit~-~12", "source": "gbike.userDeposit", "aggregate": "***", "sequence": 12,
            }, { "id": "gbike.userDeposit~gbike.billing~5~9", "source": "gbike.billing", "aggregate": 5 }],
            "next": "/admin/parked?after=gbike.billing~gbike.userDeposit~-~12&limit=1",
            "links": { "saga": "/admin/sagas/gbike.userDeposit/***" },
        });
        assert_eq!(shown, expected);
    }
}
