//! Lists that are sorted by a field: along its index, or, where few are left to sort, by looking at each.

use super::{
    ahead::Ahead,
    filters::{self, Filter},
    page::{Page, SortPosition},
    reading::{Reading, Walked},
};
use crate::{
    actors::{
        erased::Versioned,
        port::fault::Fault,
        tables::{
            indexes::{self, CHUNK, Posting},
            states::{decode_state, state_key},
        },
    },
    domain::Key,
    store::{
        Scan,
        keys::{key_after, prefix_end},
        paging::Pages,
    },
};
use std::{cmp::Ordering, collections::BTreeMap};

/// Which numbers of each chunk pass the filters.
pub type Matching = BTreeMap<u64, Posting>;

/// What a row of the sorted index has to be besides listed.
pub enum RowFilter<'a> {
    /// Nothing.
    Anything,
    /// One of these.
    Known(&'a Matching),
    /// What passes these, which are too many to know them all.
    Passes(&'a mut [Filter]),
}

impl RowFilter<'_> {
    fn keep_wanted(
        &mut self,
        reading: &mut Reading<'_>,
        chunk: u64,
        posting: Posting,
    ) -> Result<Posting, Fault> {
        match self {
            Self::Anything => Ok(posting),
            Self::Known(matching) => Ok(matching
                .get(&chunk)
                .map_or_else(Posting::default, |wanted| posting.intersect_with(wanted))),
            Self::Passes(filters) => filters::keep_passing(filters, reading, chunk, posting),
        }
    }
}

/// Fills `page` along the index of `field`, from after `after`.
pub fn walk_index(
    reading: &mut Reading<'_>,
    generation: u32,
    (field, down): (&str, bool),
    mut wanted: RowFilter<'_>,
    after: Option<&SortPosition>,
    page: &mut Page,
) -> Result<Walked<SortPosition>, Fault> {
    let prefix = indexes::field_prefix(generation, field).build();
    let mut from = prefix.clone();
    let mut to = prefix_end(&prefix);
    if let Some(SortPosition { value, number }) = after {
        let chunk = indexes::chunk_of(*number).0;
        let alone = indexes::stands_alone(value);
        let last = if alone { *number } else { chunk };
        let begin = indexes::value_prefix(generation, field, value).number(last).build();
        let behind_it = key_after(&begin);
        // The row that it is in may have more.
        let more = !alone && Ahead::all_numbers(down).end_of(chunk) != *number;
        match (down, more) {
            (false, true) => from = begin,
            (false, false) => from = behind_it,
            (true, true) => to = behind_it,
            (true, false) => to = begin,
        }
    }
    let mut batch = page.wanted_rows().div_ceil(2);
    let mut pages = Pages::over_scan(Scan { from, to, backwards: down, limit: 0 });
    loop {
        pages.set_limit(reading.next_limit(&mut batch));
        let Some(rows) = pages.next(|scan| reading.scan_rows(scan))? else {
            return Ok(Walked::Through);
        };
        let mut rows = rows.into_iter().peekable();
        while let Some((key, row)) = rows.next() {
            let read = indexes::read_row(prefix.len(), &key, &row.record).map(Some);
            let Some(row) = reading.skip_damaged(read)? else { continue };
            let mut posting = row.posting;
            if let Some(after) = after.filter(|after| {
                after.value == row.value && indexes::chunk_of(after.number).0 == row.chunk
            }) {
                let ahead = Ahead::all_numbers(down).rest_after(after.number);
                posting = ahead
                    .map_or_else(Posting::default, |ahead| ahead.keep_ahead(row.chunk, posting));
            }
            let left = wanted.keep_wanted(reading, row.chunk, posting)?;
            if !page.take_numbers(&row.value, row.chunk, &left, down) {
                return Ok(Walked::Enough);
            }
            let last = rows.peek().is_none();
            if reading.is_overdrawn() && !last || reading.is_spent() && last && !pages.is_over() {
                let low = row.chunk.saturating_mul(CHUNK);
                let number = if indexes::stands_alone(&row.value) {
                    row.last
                } else if down {
                    low
                } else {
                    low.saturating_add(CHUNK - 1)
                };
                return Ok(Walked::Spent(SortPosition { value: row.value, number }));
            }
        }
    }
}

/// Fills `page` with those of `matching` by looking at every one of them.
pub fn by_looking(
    reading: &mut Reading<'_>,
    generation: u32,
    (field, down): (&str, bool),
    matching: &Matching,
    after: Option<&SortPosition>,
    page: &mut Page,
) -> Result<(), Fault> {
    let numbers = matching.iter().flat_map(|(chunk, posting)| {
        posting.offsets().map(move |at| chunk * CHUNK + u64::from(at))
    });
    let numbers: Vec<u64> = numbers.collect();
    let mut found = Vec::with_capacity(numbers.len());
    for some in numbers.chunks(super::reading::ROWS) {
        let keys: Vec<_> = some.iter().map(|number| state_key(generation, *number)).collect();
        for (number, row) in some.iter().zip(reading.read_rows(&keys)?) {
            // A row that cannot be read sorts as if its value were unknown, and the page that shows it reports it.
            let kept = row.and_then(|row| decode_state(reading.entity(), &row.record).ok());
            let value = kept.map_or(Key::Missing, |kept| value_of(&kept, field));
            found.push(SortPosition { value, number: *number });
        }
    }
    let order = |one: &SortPosition, other: &SortPosition| {
        if down { other.compare_to(one) } else { one.compare_to(other) }
    };
    found.retain(|place| after.is_none_or(|after| order(after, place) == Ordering::Less));
    found.sort_unstable_by(order);
    for SortPosition { value, number } in found {
        let (chunk, offset) = indexes::chunk_of(number);
        if !page.take_numbers(&value, chunk, &Posting::of(offset), down) {
            break;
        }
    }
    Ok(())
}

fn value_of(kept: &Versioned, field: &str) -> Key {
    let value = kept.state.indexes().into_iter().find(|(known, _)| *known == field);
    value.map_or(Key::Missing, |(_, value)| value)
}
