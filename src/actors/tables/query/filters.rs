//! Filters: the numbers that pass all of them, in order, without reading what cannot.

use super::{
    ahead::Ahead,
    reading::{ROWS, Reading, Walked},
};
use crate::{
    actors::{
        port::fault::Fault,
        tables::indexes::{self, CHUNK, Posting},
    },
    domain::Key,
    store::{
        Scan, StoreError,
        keys::{last_number, prefix_end},
    },
};
use std::collections::VecDeque;

/// A part of a chunk with so many numbers is looked up at once rather than number by number.
const MANY: usize = 64;
/// So few rows, twice, are read after a leap.
const FIRST: usize = 2;

/// One filter, over an index.
pub enum Filter {
    /// The entity's own number.
    Number(u64),
    /// Rows that begin so and end with a chunk; the last one that was read.
    Chunks { prefix: Vec<u8>, last: Option<Box<(u64, Posting)>> },
    /// Rows that begin so and end with a number.
    Entries { prefix: Vec<u8> },
    /// The same, of what belongs to a customer. It leads every walk: what that reads and where it ends depend on rows of
    /// this customer alone.
    Owned { prefix: Vec<u8> },
}

impl Filter {
    /// Those that have `value` in `field`.
    pub fn by_value(generation: u32, field: &str, value: &Key) -> Self {
        let prefix = indexes::value_prefix(generation, field, value).build();
        if field == indexes::OWNER {
            Self::Owned { prefix }
        } else if indexes::stands_alone(value) {
            Self::Entries { prefix }
        } else {
            Self::Chunks { prefix, last: None }
        }
    }

    /// Everything that is listed.
    pub fn by_nothing(generation: u32) -> Self {
        Self::by_value(generation, indexes::ALL, &Key::Missing)
    }

    /// Those of `posting`, which are numbers of `chunk`, that pass.
    fn keep_passing(
        &mut self,
        reading: &mut Reading<'_>,
        chunk: u64,
        posting: Posting,
    ) -> Result<Posting, Fault> {
        match self {
            _ if posting.len() == 0 => Ok(posting),
            Self::Number(number) => {
                let (own, offset) = indexes::chunk_of(*number);
                Ok(if own == chunk && posting.contains(offset) {
                    Posting::of(offset)
                } else {
                    Posting::default()
                })
            }
            Self::Chunks { prefix, last } => {
                if last.as_ref().is_none_or(|known| known.0 != chunk) {
                    let row = reading.read_rows(&[number_key(prefix, chunk)])?.pop().flatten();
                    let found = row
                        .map(|row| reading.skip_damaged(Posting::decode(&row.record)))
                        .transpose()?;
                    *last = Some(Box::new((chunk, found.unwrap_or_default())));
                }
                Ok(last
                    .as_ref()
                    .map_or_else(Posting::default, |found| posting.intersect_with(&found.1)))
            }
            Self::Entries { prefix } | Self::Owned { prefix } => {
                let first = chunk.saturating_mul(CHUNK);
                let mut found = Posting::default();
                if posting.len() > MANY {
                    let mut scan =
                        number_range(prefix, first, first.saturating_add(CHUNK - 1), false);
                    scan.limit = CHUNK as usize;
                    for (key, row) in reading.scan_rows(&scan)? {
                        let number = last_number(&key).unwrap_or_default();
                        if reading.skip_damaged(indexes::decode_entry(&row.record))? {
                            found.insert(indexes::chunk_of(number).1);
                        }
                    }
                    return Ok(posting.intersect_with(&found));
                }
                let offsets: Vec<u16> = posting.offsets().collect();
                let keys: Vec<_> = offsets
                    .iter()
                    .map(|offset| number_key(prefix, first + u64::from(*offset)))
                    .collect();
                for (offset, row) in offsets.into_iter().zip(reading.read_rows(&keys)?) {
                    if let Some(row) = row
                        && reading.skip_damaged(indexes::decode_entry(&row.record))?
                    {
                        found.insert(offset);
                    }
                }
                Ok(found)
            }
        }
    }
}

fn number_key(prefix: &[u8], number: u64) -> Vec<u8> {
    [prefix, &number.to_be_bytes()].concat()
}

/// The rows from number `low` to number `high`, both inclusive.
fn number_range(prefix: &[u8], low: u64, high: u64, backwards: bool) -> Scan {
    let to = high.checked_add(1).map_or_else(|| prefix_end(prefix), |end| number_key(prefix, end));
    Scan { from: number_key(prefix, low), to, backwards, limit: ROWS }
}

/// Those of `posting` that pass all `filters`.
pub fn keep_passing(
    filters: &mut [Filter],
    reading: &mut Reading<'_>,
    chunk: u64,
    posting: Posting,
) -> Result<Posting, Fault> {
    filters.iter_mut().try_fold(posting, |left, filter| filter.keep_passing(reading, chunk, left))
}

/// Shows `visit` the numbers ahead that pass all filters, in order, some of a chunk at a time, for as long as it wants
/// more and more may be read. `batch` is about how many rows it will take.
pub fn walk_numbers(
    filters: &mut [Filter],
    reading: &mut Reading<'_>,
    ahead: Ahead,
    batch: usize,
    mut visit: impl FnMut(u64, &Posting) -> bool,
) -> Result<Walked<u64>, Fault> {
    // The fewest first: one number; then those of a customer; then those that several fields of ids have in common; then
    // chunks.
    let rank = |filter: &Filter| match filter {
        Filter::Number(_) => 0,
        Filter::Owned { .. } => 1,
        Filter::Entries { .. } => 2,
        Filter::Chunks { .. } => 3,
    };
    filters.sort_by_key(rank);
    let driving = match filters.first() {
        Some(Filter::Number(_) | Filter::Owned { .. } | Filter::Chunks { .. }) => 1,
        Some(Filter::Entries { .. }) => filters.iter().filter(|filter| rank(filter) == 2).count(),
        None => return Ok(Walked::Through),
    };
    let (driving, others) = filters.split_at_mut(driving);
    let mut show = |reading: &mut Reading<'_>, chunk, posting| {
        let left = keep_passing(others, reading, chunk, posting)?;
        Ok::<_, Fault>(left.len() == 0 || visit(chunk, &left))
    };
    match driving {
        [Filter::Number(number)] => {
            let (chunk, offset) = indexes::chunk_of(*number);
            let go_on = !ahead.has_number(*number) || show(reading, chunk, Posting::of(offset))?;
            Ok(if go_on { Walked::Through } else { Walked::Enough })
        }
        [Filter::Chunks { prefix, .. }] => walk_chunks(prefix, reading, ahead, batch / 2, show),
        [Filter::Entries { prefix } | Filter::Owned { prefix }] => {
            walk_entries(prefix, reading, ahead, batch / 2, show)
        }
        several => in_common(several, reading, ahead, show),
    }
}

/// The numbers of an index that has a row a chunk.
fn walk_chunks(
    prefix: &[u8],
    reading: &mut Reading<'_>,
    ahead: Ahead,
    mut batch: usize,
    mut show: impl FnMut(&mut Reading<'_>, u64, Posting) -> Result<bool, Fault>,
) -> Result<Walked<u64>, Fault> {
    let mut next = Some(ahead);
    while let Some(now) = next {
        let low = indexes::chunk_of(now.low).0;
        let high = indexes::chunk_of(now.high).0;
        let scan = Scan {
            limit: reading.next_limit(&mut batch),
            ..number_range(prefix, low, high, ahead.down)
        };
        let rows = reading.scan_rows(&scan)?;
        let last_chunk =
            rows.last().and_then(|(key, _)| last_number(key)).filter(|_| rows.len() == scan.limit);
        next = last_chunk.and_then(|chunk| now.rest_after(ahead.end_of(chunk)));
        let mut rows = rows.into_iter().peekable();
        while let Some((key, row)) = rows.next() {
            let chunk = last_number(&key).unwrap_or_default();
            let posting = reading.skip_damaged(Posting::decode(&row.record))?;
            if !show(reading, chunk, ahead.keep_ahead(chunk, posting))? {
                return Ok(Walked::Enough);
            }
            if reading.is_overdrawn() && (rows.peek().is_some() || next.is_some()) {
                return Ok(Walked::Spent(ahead.end_of(chunk)));
            }
        }
        if let (Some(next), true) = (next, reading.is_spent()) {
            return Ok(Walked::Spent(next.last_passed()));
        }
    }
    Ok(Walked::Through)
}

/// The numbers of an index that has a row a number.
fn walk_entries(
    prefix: &[u8],
    reading: &mut Reading<'_>,
    ahead: Ahead,
    mut batch: usize,
    mut show: impl FnMut(&mut Reading<'_>, u64, Posting) -> Result<bool, Fault>,
) -> Result<Walked<u64>, Fault> {
    let mut next = Some(ahead);
    while let Some(now) = next {
        let scan = Scan {
            limit: reading.next_limit(&mut batch),
            ..number_range(prefix, now.low, now.high, ahead.down)
        };
        let rows = reading.scan_rows(&scan)?;
        next = rows
            .last()
            .and_then(|(key, _)| now.rest_after(last_number(key)?))
            .filter(|_| rows.len() == scan.limit);
        let mut rows = rows.into_iter().peekable();
        while let Some((key, row)) = rows.next() {
            let mut last = last_number(&key).unwrap_or_default();
            let (chunk, offset) = indexes::chunk_of(last);
            let mut posting = Posting::default();
            if reading.skip_damaged(indexes::decode_entry(&row.record))? {
                posting.insert(offset);
            }
            // Neighbours are shown together, no more than are looked up one by one.
            let same = |key: &[u8]| {
                last_number(key).is_some_and(|number| indexes::chunk_of(number).0 == chunk)
            };
            while posting.len() < MANY
                && let Some((key, row)) = rows.next_if(|(key, _)| same(key))
            {
                last = last_number(&key).unwrap_or_default();
                if reading.skip_damaged(indexes::decode_entry(&row.record))? {
                    posting.insert(indexes::chunk_of(last).1);
                }
            }
            if !show(reading, chunk, posting)? {
                return Ok(Walked::Enough);
            }
            if reading.is_overdrawn() && (rows.peek().is_some() || next.is_some()) {
                return Ok(Walked::Spent(last));
            }
        }
        if let (Some(next), true) = (next, reading.is_spent()) {
            return Ok(Walked::Spent(next.last_passed()));
        }
    }
    Ok(Walked::Through)
}

/// One of several lists of numbers that are walked together.
struct Entries<'a> {
    prefix: &'a [u8],
    read: VecDeque<u64>,
    next: Option<Ahead>,
    batch: usize,
}

impl Entries<'_> {
    /// The first number at or after `target`. `Err`: no more may be read, and there is none before this one.
    fn seek_number(
        &mut self,
        reading: &mut Reading<'_>,
        ahead: Ahead,
        target: u64,
    ) -> Result<Result<Option<u64>, u64>, StoreError> {
        loop {
            while self.read.front().is_some_and(|number| ahead.is_before(*number, target)) {
                self.read.pop_front();
            }
            let (None, Some(next)) = (self.read.front(), self.next) else {
                return Ok(Ok(self.read.front().copied()));
            };
            // Each list is looked at once, so that every walk gets somewhere.
            if reading.is_spent() && next != ahead {
                return Ok(Err(next.first_number()));
            }
            // After a leap it begins with few again.
            if ahead.is_before(next.first_number(), target) {
                self.batch = FIRST;
            }
            let now = next.from(target);
            let scan = Scan {
                limit: reading.next_limit(&mut self.batch),
                ..number_range(self.prefix, now.low, now.high, ahead.down)
            };
            let rows = reading.scan_rows(&scan)?;
            self.next = rows
                .last()
                .and_then(|(key, _)| now.rest_after(last_number(key)?))
                .filter(|_| rows.len() == scan.limit);
            for (key, row) in rows {
                if reading.skip_damaged(indexes::decode_entry(&row.record))? {
                    self.read.extend(last_number(&key));
                }
            }
        }
    }
}

/// The numbers that several lists have in common: each in turn leaps to where the others are.
fn in_common(
    filters: &[Filter],
    reading: &mut Reading<'_>,
    ahead: Ahead,
    mut show: impl FnMut(&mut Reading<'_>, u64, Posting) -> Result<bool, Fault>,
) -> Result<Walked<u64>, Fault> {
    let prefixes = filters.iter().filter_map(|filter| match filter {
        Filter::Entries { prefix } => Some(prefix),
        _ => None,
    });
    let mut lists: Vec<_> = prefixes
        .map(|prefix| Entries { prefix, read: VecDeque::new(), next: Some(ahead), batch: FIRST })
        .collect();
    let mut left = ahead;
    loop {
        let mut target = left.first_number();
        let mut agreed = 0;
        while agreed < lists.len() {
            agreed = 0;
            for list in &mut lists {
                match list.seek_number(reading, ahead, target)? {
                    Ok(Some(number)) if number == target => agreed += 1,
                    Ok(Some(number)) => target = number,
                    Ok(None) => return Ok(Walked::Through),
                    Err(reached) => {
                        return Ok(Walked::Spent(left.from(target).from(reached).last_passed()));
                    }
                }
            }
        }
        let (chunk, offset) = indexes::chunk_of(target);
        if !show(reading, chunk, Posting::of(offset))? {
            return Ok(Walked::Enough);
        }
        match left.rest_after(target) {
            Some(behind) => left = behind,
            None => return Ok(Walked::Through),
        }
    }
}
