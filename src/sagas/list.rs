//! The sagas of one node, page by page: context after context, and what each owes in its order.

use super::{filter::SagaFilter, row::SagaRow, settings::SagaSettings, state::SagaState};
use crate::actors::{Context, Fault, Node, OwedPlace};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// So many are asked of a context at once.
const PAGE: usize = 128;
/// So many are looked at for one page of the list, at most, whatever the filter.
const LOOKED_AT: usize = 2000;

/// Where a page begins: after this place of this context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowStart {
    /// The context.
    pub context: String,
    /// The place that the page comes after.
    pub after: OwedPlace,
}

impl RowStart {
    /// What the cursor of a row says.
    pub fn from_cursor(cursor: &str) -> Option<Self> {
        let (context, after) = cursor.split_once('~')?;
        Some(Self { context: context.to_owned(), after: after.parse().ok()? })
    }
}

/// One page of rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RowPage {
    /// What is owed.
    pub rows: Vec<SagaRow>,
    /// Where there may be more: the cursor to go on from. A page may be short, and have more after it.
    pub next: Option<String>,
}

/// A page that is being gathered.
struct Gathering<'a> {
    node: &'a dyn Node,
    settings: &'a SagaSettings,
    filter: &'a SagaFilter,
    limit: usize,
    looked_at: usize,
    page: RowPage,
}

impl Gathering<'_> {
    /// Takes a row if it is wanted. Returns whether the page ends with it.
    fn add_row(&mut self, row: SagaRow) -> bool {
        self.looked_at += 1;
        let cursor = row.cursor.clone();
        if self.filter.accepts(&row) {
            self.page.rows.push(row);
        }
        let is_over = self.page.rows.len() >= self.limit || self.looked_at >= LOOKED_AT;
        if is_over {
            self.page.next = Some(cursor);
        }
        is_over
    }

    /// What a context owes, from a place on. Returns whether the page ends there.
    fn add_owed(
        &mut self,
        context: &dyn Context,
        mut after: Option<OwedPlace>,
    ) -> Result<bool, Fault> {
        let name = context.name().context;
        while !matches!(after, Some(OwedPlace::Text(_))) {
            let page = context.list_owed(after.as_ref(), PAGE)?;
            for owed in page.items {
                let row = SagaRow::of_owed(self.node, self.settings, name, owed);
                if self.add_row(row) {
                    return Ok(true);
                }
            }
            // What does not concern the context costs as well.
            self.looked_at += 1;
            match page.next {
                Some(next) if self.looked_at < LOOKED_AT => after = Some(next),
                Some(next) => {
                    self.page.next = Some(format!("{name}~{next}"));
                    return Ok(true);
                }
                None => {
                    after = None;
                    break;
                }
            }
        }
        self.add_texts(name, after)
    }

    fn add_texts(&mut self, name: &str, after: Option<OwedPlace>) -> Result<bool, Fault> {
        let mut after = match after {
            Some(OwedPlace::Text(number)) => number,
            _ => 0,
        };
        loop {
            let page = self.node.refused_messages(Some((name, after)), PAGE)?;
            let is_full = page.len() >= PAGE;
            let own: Vec<_> = page.into_iter().take_while(|text| text.context == name).collect();
            let is_all = own.len() < PAGE || !is_full;
            for text in own {
                after = text.number;
                let row = SagaRow::of_text(self.node, self.settings, text);
                if self.add_row(row) {
                    return Ok(true);
                }
            }
            if is_all {
                return Ok(false);
            }
        }
    }

    /// The orders of a context that have ended, from a number down. Returns whether the page ends there.
    fn add_ended(&mut self, context: &dyn Context, mut below: Option<u64>) -> Result<bool, Fault> {
        let name = context.name().context;
        loop {
            let page = context.list_ended(below, PAGE)?;
            let most = self.looked_at + PAGE;
            for order in page.orders {
                if self.add_row(SagaRow::of_ended(name, order)) {
                    return Ok(true);
                }
            }
            // Those that have not ended cost as well.
            self.looked_at = most;
            match page.next {
                Some(next) if self.looked_at < LOOKED_AT => below = Some(next),
                Some(next) => {
                    self.page.next = Some(format!("{name}~{}", OwedPlace::Ended(next)));
                    return Ok(true);
                }
                None => return Ok(false),
            }
        }
    }
}

/// At most `limit` rows that `filter` wants, from `start` on.
///
/// # Errors
/// The first [`Fault`] of a context.
pub fn list_rows(
    node: &dyn Node,
    settings: &SagaSettings,
    filter: &SagaFilter,
    start: Option<&RowStart>,
    limit: usize,
) -> Result<RowPage, Fault> {
    let is_over = filter.state.is_some_and(SagaState::is_over);
    let contexts: &[Arc<dyn Context>] = node.contexts();
    let named = |start: &RowStart| {
        contexts.iter().position(|context| context.name().context == start.context)
    };
    let first = start.and_then(named).unwrap_or(0);
    let page = RowPage::default();
    let mut found = Gathering { node, settings, filter, limit, looked_at: 0, page };
    for (place, context) in contexts.iter().enumerate().skip(first) {
        if !filter.is_of_context(context.name().context) {
            continue;
        }
        let after = start.filter(|_| place == first).map(|start| start.after.clone());
        let ends = match (is_over, after) {
            (true, Some(OwedPlace::Ended(below))) => found.add_ended(context.as_ref(), Some(below)),
            (true, _) => found.add_ended(context.as_ref(), None),
            (false, after) => found.add_owed(context.as_ref(), after),
        };
        if ends? {
            break;
        }
    }
    Ok(found.page)
}
