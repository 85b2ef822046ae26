//! Lists: pages, filters and sorting from the indexes alone; only what a page shows is loaded.

use super::{
    desk::{Judged, Tree},
    front::{Fault, ListPage, ListQuery, Seen},
    postings::{self, CHUNK, Posting},
};
use crate::{
    domain::{Entity, Id, Key},
    store::{Scan, StoreError, keys::behind},
};
use std::collections::BTreeMap;

/// How many index rows are read at once.
const ROWS: usize = 512;
/// The largest page.
const LARGEST: u64 = 100;

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Behind => Self::Busy { retry_after: std::time::Duration::from_secs(1) },
            StoreError::Damaged(what) => Self::Damaged(what),
            error => Self::Store(error.to_string()),
        }
    }
}

/// What lists of `E` filter by and sort by besides `id`.
pub fn filters<E: Entity>() -> Vec<&'static str> {
    let indexed = E::default().indexes().into_iter().map(|(field, _)| field);
    indexed.chain(E::numbered_by().iter().copied()).collect()
}

/// One page of what `query` asks for.
pub fn list<E: Entity>(tree: &Tree<E>, generation: u32, query: &ListQuery) -> Result<ListPage, Fault> {
    let size = query.size.clamp(1, LARGEST);
    let mut wanted = Wanted { skip: query.page.saturating_mul(size), left: size, numbers: Vec::new() };
    let mut judged = Judged::default();
    let numbered = E::numbered_by();
    let (field, downwards) = match &query.sort {
        None => (postings::ALL, false),
        Some((field, down)) if field == "id" || numbered.contains(&field.as_str()) => (postings::ALL, *down),
        Some((field, down)) => match filters::<E>().into_iter().find(|known| known == field) {
            Some(known) => (known, *down),
            None => {
                let allowed = ["id"].into_iter().chain(filters::<E>()).collect::<Vec<_>>().join(", ");
                return Err(Fault::SortUnsupported { collection: E::NAME.collection, allowed });
            }
        },
    };

    let mut matching: Option<Matching> = None;
    for (name, value) in &query.filters {
        let next = if numbered.contains(&name.as_str()) {
            let number = value.parse::<u64>().map_err(|_| bad(name, value))?;
            numbered_by(tree, generation, number, &mut judged)?
        } else {
            let key = parse::<E>(name, value)?;
            everything_under(tree, generation, name, &key, &mut judged)?
        };
        matching = Some(match matching {
            Some(before) => intersect(before, &next),
            None => next,
        });
    }

    let total = match matching {
        // Sorted by number and filtered: the filter's own order is the list's.
        Some(matching) if field == postings::ALL => {
            let chunks: Box<dyn Iterator<Item = _>> =
                if downwards { Box::new(matching.iter().rev()) } else { Box::new(matching.iter()) };
            chunks.for_each(|(chunk, posting)| wanted.take(*chunk, posting, downwards));
            matching.values().map(|posting| posting.len() as u64).sum()
        }
        matching => {
            let (start, prefix) = (
                postings::field_prefix(generation, field).build().len(),
                match field {
                    postings::ALL => postings::value_prefix(generation, field, &Key::Missing).build(),
                    field => postings::field_prefix(generation, field).build(),
                },
            );
            // What a filter leaves is counted already, and so is everything; the walk ends with the page.
            let known = match &matching {
                Some(matching) => Some(matching.values().map(|posting| posting.len() as u64).sum()),
                None if field == postings::ALL => None,
                None => Some(count_all(tree, generation, &mut judged)?),
            };
            let mut counted = 0;
            walk(tree, generation, start, &prefix, downwards, &mut judged, |chunk, mut posting| {
                if let Some(matching) = &matching {
                    posting = matching.get(&chunk).map_or_else(Posting::default, |other| posting.and(other));
                }
                counted += posting.len() as u64;
                wanted.take(chunk, &posting, downwards);
                wanted.left > 0 || known.is_none()
            })?;
            known.unwrap_or(counted)
        }
    };

    let mut items = Vec::with_capacity(wanted.numbers.len());
    for number in wanted.numbers {
        // What cannot be shown is left out and told of: the others are shown all the same.
        match see(tree, generation, number) {
            Ok(Some(seen)) => {
                judged.by(seen.commit);
                items.push(seen);
            }
            Ok(None) => tree.report(generation, &format!("{number} is listed, and there is no row of it")),
            Err(Fault::Damaged(what)) => tree.report(generation, &format!("{number} cannot be shown: {what}")),
            Err(fault) => return Err(fault),
        }
    }
    Ok(ListPage { items, total, commit: judged.0 })
}

/// What is under `number`, as it looks from outside, whatever its standing.
pub fn see<E: Entity>(tree: &Tree<E>, generation: u32, number: u64) -> Result<Option<Seen>, Fault> {
    let Some((commit, kept)) = tree.state(generation, number)? else { return Ok(None) };
    Ok(Some(Seen { number, version: kept.version, body: shown(&kept.state, number)?, commit }))
}

/// How a state looks: a JSON object.
pub fn shown<E: Entity>(state: &E, number: u64) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(&state.show(Id::new(number))).map_err(|error| Fault::Store(error.to_string()))
}

type Matching = BTreeMap<u64, Posting>;

struct Wanted {
    skip: u64,
    left: u64,
    numbers: Vec<u64>,
}

impl Wanted {
    fn take(&mut self, chunk: u64, posting: &Posting, downwards: bool) {
        let count = posting.len() as u64;
        if self.left == 0 || count <= self.skip {
            self.skip = self.skip.saturating_sub(count);
            return;
        }
        let number = |offset: u16| chunk * CHUNK + u64::from(offset);
        let (skip, left) = (self.skip as usize, self.left as usize);
        match downwards {
            true => self.numbers.extend(posting.offsets().rev().skip(skip).take(left).map(number)),
            false => self.numbers.extend(posting.offsets().skip(skip).take(left).map(number)),
        }
        self.left -= (count - self.skip).min(self.left);
        self.skip = 0;
    }
}

/// Shows `visit` the rows of an index that begin with `prefix`, in order, for as long as it wants more. `start` is how
/// long the keys of the field are before their values begin.
fn walk<E: Entity>(
    tree: &Tree<E>,
    generation: u32,
    start: usize,
    prefix: &[u8],
    backwards: bool,
    judged: &mut Judged,
    mut visit: impl FnMut(u64, Posting) -> bool,
) -> Result<(), Fault> {
    let mut scan = Scan { from: prefix.to_vec(), to: behind(prefix), backwards, limit: ROWS };
    loop {
        let rows = tree.scan(&scan)?;
        for (key, row) in &rows {
            judged.by(row.commit);
            let (chunk, posting) = match postings::read_row(start, key, &row.record) {
                Ok(read) => read,
                Err(StoreError::Damaged(what)) => {
                    tree.report(generation, &format!("a list lacks what stands in one of its rows: {what}"));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if !visit(chunk, posting) {
                return Ok(());
            }
        }
        match rows.last() {
            Some((last, _)) if rows.len() == ROWS && backwards => scan.to = last.clone(),
            Some((last, _)) if rows.len() == ROWS => scan.from = [last.as_slice(), &[0]].concat(),
            _ => return Ok(()),
        }
    }
}

fn everything_under<E: Entity>(
    tree: &Tree<E>,
    generation: u32,
    field: &str,
    value: &Key,
    judged: &mut Judged,
) -> Result<Matching, Fault> {
    let start = postings::field_prefix(generation, field).build().len();
    let prefix = postings::value_prefix(generation, field, value).build();
    let mut matching = Matching::new();
    walk(tree, generation, start, &prefix, false, judged, |chunk, posting| {
        matching.entry(chunk).or_default().add(&posting);
        true
    })?;
    Ok(matching)
}

fn count_all<E: Entity>(tree: &Tree<E>, generation: u32, judged: &mut Judged) -> Result<u64, Fault> {
    let all = everything_under(tree, generation, postings::ALL, &Key::Missing, judged)?;
    Ok(all.values().map(|posting| posting.len() as u64).sum())
}

fn numbered_by<E: Entity>(
    tree: &Tree<E>,
    generation: u32,
    number: u64,
    judged: &mut Judged,
) -> Result<Matching, Fault> {
    let (chunk, offset) = postings::place(number);
    let key = postings::value_prefix(generation, postings::ALL, &Key::Missing).number(chunk).build();
    let mut found = Posting::default();
    if let Some(row) = tree.row(&key)? {
        judged.by(row.commit);
        match Posting::decode(&row.record) {
            Ok(posting) if posting.contains(offset) => found.insert(offset),
            Ok(_) => {}
            Err(StoreError::Damaged(what)) => {
                tree.report(generation, &format!("a list lacks what stands in one of its rows: {what}"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Matching::from([(chunk, found)]))
}

fn intersect(one: Matching, other: &Matching) -> Matching {
    one.into_iter().filter_map(|(chunk, posting)| Some((chunk, posting.and(other.get(&chunk)?)))).collect()
}

/// A filter's value as the field has it. Which kind of value that is, the default state tells; a field that has none
/// by default takes a number where the words are one.
fn parse<E: Entity>(field: &str, value: &str) -> Result<Key, Fault> {
    let indexes = E::default().indexes();
    let Some((_, kind)) = indexes.iter().find(|(known, _)| *known == field) else { return Err(bad(field, value)) };
    match kind {
        Key::Number(_) => value.parse().map(Key::Number).map_err(|_| bad(field, value)),
        Key::Flag(_) => value.parse().map(Key::Flag).map_err(|_| bad(field, value)),
        Key::Text(_) => Ok(Key::Text(value.to_owned())),
        Key::Missing => Ok(value.parse().map_or_else(|_| Key::Text(value.to_owned()), Key::Number)),
    }
}

fn bad(field: &str, value: &str) -> Fault {
    Fault::BadFilter { field: field.to_owned(), value: value.to_owned() }
}
