//! What a context lists.

use crate::simulator::client::Things;
use holdfast::{
    actors::{Context, ListQuery, Seen},
    domain::{Entity, Lifecycle},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A list, page after page.
pub struct Listed {
    pub shown: Vec<Seen>,
    /// What it names as damaged.
    pub damaged: BTreeSet<u64>,
}

impl Listed {
    /// Everything that a context lists.
    pub fn of(context: &dyn Context) -> Result<Self, String> {
        let mut shown = Vec::new();
        let mut damaged = BTreeSet::new();
        let mut query = ListQuery { size: 100, ..ListQuery::default() };
        loop {
            let page = context
                .list_items(&query)
                .map_err(|fault| format!("it cannot be listed: {fault}"))?;
            shown.extend(page.items);
            damaged.extend(page.damaged);
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(Self { shown, damaged }),
            }
        }
    }

    /// The numbers that it shows or names.
    pub fn numbers(&self) -> BTreeSet<u64> {
        self.shown.iter().map(|seen| seen.number).chain(self.damaged.iter().copied()).collect()
    }
}

/// A list has what is established, as it is, and nothing else.
pub(super) fn lists_what_is_established<'a, E: Entity>(
    context: &dyn Context,
    states: impl Iterator<Item = (u64, &'a E)>,
    shown: &Things,
) -> Result<(), String> {
    let established = states.filter(|(_, state)| state.lifecycle() == Lifecycle::Established);
    let expected: BTreeMap<u64, Value> =
        established.filter_map(|(number, _)| Some((number, shown.get(number)?.clone()))).collect();
    let listed = listed(context)?;
    if listed == expected {
        return Ok(());
    }
    let differs = |number: &&u64| listed.get(*number) != expected.get(*number);
    let number = listed.keys().chain(expected.keys()).find(differs).copied().unwrap_or_default();
    Err(format!(
        "#{number} is listed as {:?}, and the events say {:?}",
        listed.get(&number),
        expected.get(&number)
    ))
}

/// Everything that a context lists, as it is shown.
fn listed(context: &dyn Context) -> Result<BTreeMap<u64, Value>, String> {
    let Listed { shown, damaged } = Listed::of(context)?;
    if !damaged.is_empty() {
        return Err(format!("rows of {damaged:?} are damaged"));
    }
    let mut found = BTreeMap::new();
    for seen in shown {
        let shown = serde_json::from_slice(&seen.body).map_err(|why| why.to_string())?;
        if found.insert(seen.number, shown).is_some() {
            return Err(format!("#{} is listed twice", seen.number));
        }
    }
    Ok(found)
}
