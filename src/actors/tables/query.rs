//! Lists: pages, filters and sorting from the indexes alone; only what a page shows is loaded.
//!
//! The cost of one list is bounded for any data and any query: so many rows to count, and as many
//! again to find the page. A count that ends there is "at least"; a page that ends there is cut, and its cursor goes
//! on where it was; a page that is to be found by counting, deeper than that, is refused.

mod ahead;
mod cursor;
mod filters;
mod page;
mod plan;
mod reading;
mod sorted;

pub use plan::{filter_fields, unique_fields};

use self::{
    ahead::Ahead,
    cursor::Cursor,
    page::{Page, SortPosition},
    plan::Plan,
    reading::{ROWS, Reading, Walked},
    sorted::{Matching, RowFilter},
};
use super::{
    indexes,
    states::{decode_state, state_key},
    tree::Tree,
};
use crate::{
    actors::{
        erased::AnyState,
        port::{
            fault::Fault,
            reads::{ListPage, ListQuery, Seen},
            safeguard::Safeguard,
        },
    },
    domain::Key,
    store::StoreError,
};

/// The largest page.
const MAX_SIZE: u64 = 100;
/// At most so many rows are sorted by reading each of them.
const FEW: u64 = 256;

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Overloaded => Self::Busy { retry_after: std::time::Duration::from_secs(1) },
            StoreError::Damaged(what) => Self::Damaged(what),
            StoreError::Unknown => Self::Unknown,
            error => Self::Store(error.to_string()),
        }
    }
}

/// A page that has been found, by rows only.
struct FoundPage {
    page: Page,
    total: u64,
    at_least: bool,
    /// Up to where everything was looked at, if not all was.
    reached: Option<SortPosition>,
}

/// Sort, filters, and the place that a page begins after.
type Resumed = (Option<(String, bool)>, Vec<(String, String)>, Option<SortPosition>);

/// One page of what `query` asks for.
pub fn list_items(tree: &Tree, generation: u32, query: &ListQuery) -> Result<ListPage, Fault> {
    let entity = tree.entity;
    let context = tree.entity.name().context;
    let size = query.size.clamp(1, MAX_SIZE);
    let skip = query.page.saturating_mul(size);
    let cursor = query.after.as_deref();
    let limits = query.limits;
    let (sort, filters, after) = resume_at_cursor(query, context)?;
    let plan = Plan::from_query(entity, sort.as_ref(), &filters, query);
    let mut plan = if cursor.is_some() { plan.map_err(|_| Fault::BadCursor)? } else { plan? };

    let mut reading = Reading::new(tree, generation);
    let mut find = |plan: &Plan| {
        let page = Page::new(skip, usize::try_from(size).unwrap_or(1));
        let after = after.clone();
        if plan.field == indexes::ALL {
            by_number(&mut reading, generation, plan, after, page, limits.rows)
        } else {
            by_field(&mut reading, generation, plan, after, page, limits.rows)
        }
    };
    let is_none = |found: &FoundPage| found.total == 0 && !found.at_least;
    let mut found = find(&plan)?;
    if is_none(&found)
        && let Some(other) = plan.with_texts(entity)
    {
        plan = other;
        found = find(&plan)?;
    }
    if is_none(&found)
        && let Some(field) = plan.out_of_range
    {
        return Err(Fault::OutOfRange(field.to_owned()));
    }
    let FoundPage { page, total, at_least, reached } = found;
    let cut = reached.is_some() && !page.is_full();
    if cut && skip > 0 {
        return Err(Fault::PageTooDeep);
    }
    let last = if page.more { page.rows.last().cloned() } else { reached };
    let next = last.and_then(|place| Cursor { sort, filters, place }.into_text(context));

    let mut shown = ListPage { total, at_least, cut, next, ..ListPage::default() };
    show_rows(&mut reading, generation, &plan, &page.rows, &mut shown)?;
    shown.commit = reading.judged.0;
    Ok(shown)
}

/// Sort and filters of `query`, and the place after which its page begins: where it has a cursor, those of the cursor.
fn resume_at_cursor(query: &ListQuery, context: &str) -> Result<Resumed, Fault> {
    let Some(text) = &query.after else {
        return Ok((query.sort.clone(), query.filters.clone(), None));
    };
    let Cursor { sort, filters, place } =
        Cursor::from_text(text, context).ok_or(Fault::BadCursor)?;
    // What it carries may be repeated beside it.
    let same = query.sort.is_none() || query.sort == sort;
    let same = same && query.filters.iter().all(|filter| filters.contains(filter));
    if !same
        || query.page > 0
        || !(query.filters.is_empty() || query.filters.len() == filters.len())
    {
        return Err(Fault::BadCursor);
    }
    Ok((sort, filters, Some(place)))
}

/// Reads the states of these rows, and adds them to the page.
fn show_rows(
    reading: &mut Reading<'_>,
    generation: u32,
    plan: &Plan,
    rows: &[SortPosition],
    shown: &mut ListPage,
) -> Result<(), Fault> {
    let entity = reading.entity();
    let keys: Vec<_> = rows.iter().map(|place| state_key(generation, place.number)).collect();
    for (SortPosition { number, .. }, row) in rows.iter().zip(reading.read_rows(&keys)?) {
        match row.map(|row| (row.commit, decode_state(entity, &row.record))) {
            Some((commit, Ok(kept))) if plan.accepts_state(&kept, *number) => {
                let body = self::represent(kept.state.as_ref(), *number)?;
                let owner = kept.owner_of(*number);
                let version = kept.version;
                shown.items.push(Seen { number: *number, version, body, owner, commit });
            }
            Some((_, Ok(_))) => {}
            // What cannot be shown is left out and named: the others are shown all the same.
            None if !reading.does(Safeguard::NameMissingRows) => {}
            None => {
                reading.report_damage(&format!("{number} is listed, and there is no row of it"));
                shown.damaged.push(*number);
            }
            Some((_, Err(StoreError::Damaged(what)))) => {
                reading.report_damage(&format!("{number} cannot be shown: {what}"));
                shown.damaged.push(*number);
            }
            Some((_, Err(error))) => return Err(error.into()),
        }
    }
    Ok(())
}

/// A list in the order of numbers, which is that of every filter.
fn by_number(
    reading: &mut Reading<'_>,
    generation: u32,
    plan: &Plan,
    after: Option<SortPosition>,
    mut page: Page,
    rows: usize,
) -> Result<FoundPage, Fault> {
    let mut filters = plan.build_filters(generation);
    let down = plan.down;
    let mut total = 0;
    reading.allow_rows(rows);
    let place = |number| SortPosition { value: Key::Missing, number };
    let Some(after) = after else {
        let walked = filters::walk_numbers(
            &mut filters,
            reading,
            Ahead::all_numbers(down),
            ROWS,
            |chunk, posting| {
                total += posting.len() as u64;
                page.take_numbers(&Key::Missing, chunk, posting, down);
                true
            },
        )?;
        let reached = if let Walked::Spent(number) = walked { Some(place(number)) } else { None };
        return Ok(FoundPage { page, total, at_least: reached.is_some(), reached });
    };
    let counted = filters::walk_numbers(
        &mut filters,
        reading,
        Ahead::all_numbers(false),
        ROWS,
        |_, posting| {
            total += posting.len() as u64;
            true
        },
    )?;
    reading.allow_rows(rows);
    let walked = match Ahead::all_numbers(down).rest_after(after.number) {
        Some(ahead) => filters::walk_numbers(
            &mut filters,
            reading,
            ahead,
            page.wanted_rows(),
            |chunk, posting| page.take_numbers(&Key::Missing, chunk, posting, down),
        )?,
        None => Walked::Through,
    };
    let reached = if let Walked::Spent(number) = walked { Some(place(number)) } else { None };
    Ok(FoundPage { page, total, at_least: counted != Walked::Through, reached })
}

/// A list in the order of a field.
fn by_field(
    reading: &mut Reading<'_>,
    generation: u32,
    plan: &Plan,
    after: Option<SortPosition>,
    mut page: Page,
    rows: usize,
) -> Result<FoundPage, Fault> {
    let mut filters = plan.build_filters(generation);
    let mut total = 0;
    let mut matching = Matching::new();
    reading.allow_rows(rows);
    let counted = filters::walk_numbers(
        &mut filters,
        reading,
        Ahead::all_numbers(false),
        ROWS,
        |chunk, posting| {
            total += posting.len() as u64;
            if plan.is_filtered() {
                matching.entry(chunk).or_default().add_all(posting);
            }
            true
        },
    )?;
    let at_least = counted != Walked::Through;
    let sort = (plan.field, plan.down);
    let after = after.as_ref();
    let skip = page.skip;
    let size = page.size;
    let new_page = || Page::new(skip, size);
    // They are few enough to look at them all, at the same price as trying the index first.
    // Those of a customer are looked at one by one: then the cost depends on them alone, and no cursor names a row of
    // another customer.
    let of_owner = plan.is_of_owner();
    let few = plan.is_filtered() && !at_least && (of_owner || total <= rows as u64 / 2);
    if few && (of_owner || total <= FEW) {
        reading.allow_rows(rows);
        sorted::by_looking(reading, generation, sort, &matching, after, &mut page)?;
        return Ok(FoundPage { page, total, at_least, reached: None });
    }
    reading.allow_rows(if few { usize::try_from(total).unwrap_or(rows) } else { rows });
    if at_least {
        let wanted = RowFilter::Passes(&mut filters);
        let walked = sorted::walk_index(reading, generation, sort, wanted, after, &mut page)?;
        let reached = stopped_at(walked);
        if of_owner && reached.is_some() {
            if !page.is_full() {
                return Err(Fault::PageTooDeep);
            }
            page.more = true;
        }
        return Ok(FoundPage { page, total, at_least, reached });
    }
    let wanted = if plan.is_filtered() { RowFilter::Known(&matching) } else { RowFilter::Anything };
    // What lies nearer to the end is found from there.
    let from_end = after.is_none() && skip > total / 2;
    let walked = if skip >= total && after.is_none() {
        Walked::Through
    } else if from_end {
        let before_page = total.saturating_sub(skip.saturating_add(size as u64));
        let left = usize::try_from(total - skip).unwrap_or(size).min(size);
        let mut backwards = Page::new(before_page, left);
        let sort = (plan.field, !plan.down);
        let walked = sorted::walk_index(reading, generation, sort, wanted, None, &mut backwards)?;
        page.more = before_page > 0;
        // A page of the end that is short is not to be taken for one that was cut.
        let walked = if backwards.is_full() { Walked::Enough } else { walked };
        page.rows = backwards.rows;
        page.rows.reverse();
        walked
    } else {
        sorted::walk_index(reading, generation, sort, wanted, after, &mut page)?
    };
    if few && !page.is_full() && matches!(walked, Walked::Spent(_)) {
        page = new_page();
        sorted::by_looking(reading, generation, sort, &matching, after, &mut page)?;
        return Ok(FoundPage { page, total, at_least, reached: None });
    }
    Ok(FoundPage { page, total, at_least, reached: stopped_at(walked) })
}

fn stopped_at(walked: Walked<SortPosition>) -> Option<SortPosition> {
    if let Walked::Spent(place) = walked { Some(place) } else { None }
}

/// The representation of `number`, in any lifecycle.
pub fn look_up(tree: &Tree, generation: u32, number: u64) -> Result<Option<Seen>, Fault> {
    let Some((commit, kept)) = tree.read_state(generation, number)? else { return Ok(None) };
    Ok(Some(Seen {
        number,
        version: kept.version,
        body: represent(kept.state.as_ref(), number)?,
        owner: kept.owner_of(number),
        commit,
    }))
}

/// How a state looks: a JSON object.
pub fn represent(state: &dyn AnyState, number: u64) -> Result<Vec<u8>, Fault> {
    state.represent(number).map_err(|error| Fault::Store(error.to_string()))
}

#[cfg(test)]
mod tests;
