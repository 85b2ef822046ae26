//! Lists that are sorted by a field: along its index, or, where few are left to sort, by looking at each.

use super::{
    filters::{self, Filter},
    page::{Page, Place},
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
    fn of(
        &mut self,
        reading: &mut Reading<'_>,
        chunk: u64,
        posting: Posting,
    ) -> Result<Posting, Fault> {
        match self {
            Self::Anything => Ok(posting),
            Self::Known(matching) => {
                Ok(matching.get(&chunk).map_or_else(Posting::default, |wanted| posting.and(wanted)))
            }
            Self::Passes(filters) => filters::pass(filters, reading, chunk, posting),
        }
    }
}

/// Fills `page` along the index of `field`, behind `after`.
pub fn along(
    reading: &mut Reading<'_>,
    generation: u32,
    (field, down): (&str, bool),
    mut wanted: RowFilter<'_>,
    after: Option<&Place>,
    page: &mut Page,
) -> Result<Walked<Place>, Fault> {
    let prefix = indexes::field_prefix(generation, field).build();
    let mut from = prefix.clone();
    let mut to = prefix_end(&prefix);
    if let Some(Place { value, number }) = after {
        let chunk = indexes::place(*number).0;
        let alone = indexes::stands_alone(value);
        let last = if alone { *number } else { chunk };
        let begin = indexes::value_prefix(generation, field, value).number(last).build();
        let behind_it = key_after(&begin);
        // The row in which it stands may have more.
        let more = !alone && filters::Ahead::all(down).end_of(chunk) != *number;
        match (down, more) {
            (false, true) => from = begin,
            (false, false) => from = behind_it,
            (true, true) => to = behind_it,
            (true, false) => to = begin,
        }
    }
    let mut batch = page.wanted().div_ceil(2);
    let mut pages = Pages::of(Scan { from, to, backwards: down, limit: 0 });
    loop {
        pages.set_limit(reading.batch(&mut batch));
        let Some(rows) = pages.next(|scan| reading.scan(scan))? else {
            return Ok(Walked::Through);
        };
        let mut rows = rows.into_iter().peekable();
        while let Some((key, row)) = rows.next() {
            let read = indexes::read_row(prefix.len(), &key, &row.record).map(Some);
            let Some(row) = reading.readable(read)? else { continue };
            let mut posting = row.posting;
            if let Some(after) = after.filter(|after| {
                after.value == row.value && indexes::place(after.number).0 == row.chunk
            }) {
                let ahead = filters::Ahead::all(down).behind(after.number);
                posting =
                    ahead.map_or_else(Posting::default, |ahead| ahead.mask(row.chunk, posting));
            }
            let left = wanted.of(reading, row.chunk, posting)?;
            if !page.take(&row.value, row.chunk, &left, down) {
                return Ok(Walked::Enough);
            }
            let last = rows.peek().is_none();
            if reading.overdrawn() && !last || reading.spent() && last && !pages.is_over() {
                let low = row.chunk.saturating_mul(CHUNK);
                let number = if indexes::stands_alone(&row.value) {
                    row.last
                } else if down {
                    low
                } else {
                    low.saturating_add(CHUNK - 1)
                };
                return Ok(Walked::Spent(Place { value: row.value, number }));
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
    after: Option<&Place>,
    page: &mut Page,
) -> Result<(), Fault> {
    let numbers = matching.iter().flat_map(|(chunk, posting)| {
        posting.offsets().map(move |at| chunk * CHUNK + u64::from(at))
    });
    let numbers: Vec<u64> = numbers.collect();
    let mut found = Vec::with_capacity(numbers.len());
    for some in numbers.chunks(super::reading::ROWS) {
        let keys: Vec<_> = some.iter().map(|number| state_key(generation, *number)).collect();
        for (number, row) in some.iter().zip(reading.rows(&keys)?) {
            // A row that cannot be read sorts as if its value were unknown, and the page that shows it reports it.
            let kept = row.and_then(|row| decode_state(reading.entity(), &row.record).ok());
            let value = kept.map_or(Key::Missing, |kept| value_of(&kept, field));
            found.push(Place { value, number: *number });
        }
    }
    let order =
        |one: &Place, other: &Place| if down { other.compare(one) } else { one.compare(other) };
    found.retain(|place| after.is_none_or(|after| order(after, place) == Ordering::Less));
    found.sort_unstable_by(order);
    for Place { value, number } in found {
        let (chunk, offset) = indexes::place(number);
        if !page.take(&value, chunk, &Posting::of(offset), down) {
            break;
        }
    }
    Ok(())
}

fn value_of(kept: &Versioned, field: &str) -> Key {
    let value = kept.state.indexes().into_iter().find(|(known, _)| *known == field);
    value.map_or(Key::Missing, |(_, value)| value)
}
