//! Claims, lists and timers are functions of what is stored, and the rows that they wrote lie on disks. When such a
//! function has changed, its rows are rewritten from the states, before the context answers any request: in pages, each
//! one batch with the place after it, so that a crash loses no more than a page.

mod rows;
mod states;

use super::{
    counters::{Counters, Rebuild, Versions, counters_key, encode_counters},
    indexes::Posting,
    tree::Tree,
};
use crate::{
    actors::{
        erased::{EntityType, FunctionVersions},
        port::{saga::SagaId, status::ContextStatus},
        tables::claims::CONTESTED,
    },
    store::{
        Batch, Commit, Epoch, Scan, StoreError, codec,
        keys::{KeyBuf, Space, key_after},
        paging::Pages,
    },
};
use serde::Serialize;
use serde_bytes::ByteBuf;
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
};

/// The version of the rows that the runtime keeps for itself: 1 has answers with what was asked, keys of requests by
/// their sums, and notes of what expires; 2 has long claims by their sums; 3 has texts of lists in NFC, and of unique fields
/// in the form in which texts claim; 4 has states with their owners, and lists of each owner.
const ROWS: u16 = 4;
const ROWS_WITH_NOTES: u16 = 1;
const ROWS_WITH_SHORT_CLAIMS: u16 = 2;
const ROWS_WITH_PLAIN_TEXTS: u16 = 3;
const ROWS_WITH_OWNERS: u16 = 4;
/// So many rows are looked at for a batch.
const PAGE: usize = 256;

const CLAIMS: u8 = 0;
const TIMERS: u8 = 1;
const INDEXES: u8 = 2;
const STATES: u8 = 3;
const QUESTIONS: u8 = 4;
const ANSWERS: u8 = 5;
const DONE: u8 = 7;

/// By which versions of its functions, and of the runtime's own rows, the rows of an entity are written now.
fn current_versions(entity: &dyn EntityType) -> Versions {
    let FunctionVersions { claims, indexes, due } = entity.function_versions();
    Versions { rows: ROWS, claims, indexes, due }
}

/// The counters of a context as it finds them, and the commit that wrote them. One that has none has had no event: all that
/// may be there are answers, and requests that were refused.
///
/// # Errors
/// [`StoreError::Damaged`] when they cannot be read, or are missing.
pub fn load_counters(tree: &Tree) -> Result<(Counters, Commit), StoreError> {
    let (mut meta, commit) = tree.read_counters()?;
    if commit == 0 {
        let is_there = |space: Space, from: Vec<u8>| {
            let any = Scan { from, ..Scan::space(space, 1) };
            Ok::<_, StoreError>(!tree.scan_rows(&any)?.is_empty())
        };
        if is_there(Space::State, vec![Space::State as u8])?
            || is_there(Space::Log, vec![Space::Log as u8])?
        {
            return Err(StoreError::Damaged(format!(
                "the counters of {} are missing",
                tree.entity.name()
            )));
        }
        meta.written_by = current_versions(tree.entity);
        if is_there(Space::Answer, old_rows(Space::Answer))?
            || is_there(Space::Idempotency, old_rows(Space::Idempotency))?
        {
            meta.written_by.rows = 0;
        }
    }
    Ok((meta, commit))
}

/// Where rows of version 1 begin, which have a name there; those of now have a zero and a small number.
fn old_rows(space: Space) -> Vec<u8> {
    vec![space as u8, 0, 0x80]
}

/// Whether rows have to be written anew.
pub fn is_due(meta: &Counters, tree: &Tree) -> bool {
    meta.rebuild.is_some() || meta.written_by != current_versions(tree.entity)
}

/// A context whose rows have to be rewritten answers no request before that, also before its actor exists.
pub fn say_whether_due(shared: &ContextStatus, tree: &Tree) -> Result<(), StoreError> {
    match load_counters(tree) {
        Ok((meta, _)) => shared.rebuilding.store(is_due(&meta, tree), Relaxed),
        // Its actor reports it, and fails; the others go on.
        Err(StoreError::Damaged(_)) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

/// The next page of the work, if any is left.
pub fn next_batch(
    tree: &Tree,
    epoch: Epoch,
    (counters, commit): (&Counters, Commit),
    (status, owner_of_saga): (&ContextStatus, OwnerOfSaga<'_>),
) -> Result<Option<Batch>, StoreError> {
    if !is_due(counters, tree) {
        return Ok(None);
    }
    let mut meta = counters.clone();
    let now = current_versions(tree.entity);
    let plan = match meta.rebuild.take() {
        Some(plan) if plan.to == now => plan,
        interrupted => {
            // What another version had begun is neither as it was nor as that one would have had it.
            if let Some(Rebuild { to, .. }) = interrupted {
                let was = &mut meta.written_by;
                let touched = |was: &mut u16, to| *was = if *was == to { to } else { u16::MAX };
                touched(&mut was.claims, to.claims);
                touched(&mut was.indexes, to.indexes);
                touched(&mut was.due, to.due);
            }
            Rebuild { to: now, ..Rebuild::default() }
        }
    };
    let changed = ChangedFunctions {
        claims: meta.written_by.claims != plan.to.claims
            || meta.written_by.rows < ROWS_WITH_SHORT_CLAIMS.max(ROWS_WITH_PLAIN_TEXTS),
        indexes: meta.written_by.indexes != plan.to.indexes
            || meta.written_by.rows < ROWS_WITH_PLAIN_TEXTS.max(ROWS_WITH_OWNERS),
        due: meta.written_by.due != plan.to.due,
        owners: meta.written_by.rows < ROWS_WITH_OWNERS && tree.entity.is_owned(),
    };
    let (second, kept) = status.keeping();
    let rows = BTreeMap::new();
    let postings = BTreeMap::new();
    let mut page =
        RebuildPage { tree, changed, meta, plan, second, kept, owner_of_saga, rows, postings };
    page.rewrite_rows()?;
    let (batch, after) = page.into_batch(epoch, commit)?;
    status.rebuilt.store(after.rebuild.map_or(0, |rebuild| rebuild.rows), Relaxed);
    Ok(Some(batch))
}

#[derive(Clone, Copy)]
struct ChangedFunctions {
    claims: bool,
    indexes: bool,
    due: bool,
    owners: bool,
}

/// Finds the customer whose saga it is.
pub type OwnerOfSaga<'a> = &'a dyn Fn(&SagaId) -> Option<Arc<str>>;

/// One page of the work.
struct RebuildPage<'a> {
    tree: &'a Tree,
    changed: ChangedFunctions,
    meta: Counters,
    plan: Rebuild,
    second: u64,
    kept: u64,
    owner_of_saga: OwnerOfSaga<'a>,
    rows: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    postings: BTreeMap<Vec<u8>, Posting>,
}

impl RebuildPage<'_> {
    /// Works on until there is something for a batch, or nothing is left.
    fn rewrite_rows(&mut self) -> Result<(), StoreError> {
        let ChangedFunctions { claims, indexes, due, owners } = self.changed;
        let rows = self.meta.written_by.rows < ROWS_WITH_NOTES;
        while self.plan.stage < DONE && self.rows.is_empty() && self.postings.is_empty() {
            let (wanted, space) = match self.plan.stage {
                CLAIMS => (claims, Space::Claim),
                TIMERS => (due, Space::Timer),
                INDEXES => (indexes, Space::Index),
                STATES => (claims || indexes || due || owners, Space::State),
                QUESTIONS => (rows, Space::Question),
                ANSWERS => (rows, Space::Answer),
                _ => (rows, Space::Idempotency),
            };
            let is_over = !wanted || self.walk_space(space)?;
            if is_over {
                self.plan.stage += 1;
                self.plan.behind.clear();
            }
        }
        Ok(())
    }

    /// Looks at a page of a key space. Returns whether it was the last.
    fn walk_space(&mut self, space: Space) -> Result<bool, StoreError> {
        let first = match space {
            Space::Answer | Space::Idempotency => old_rows(space),
            space => vec![space as u8],
        };
        let from = if self.plan.behind.is_empty() { first } else { key_after(&self.plan.behind) };
        let scan = Scan { from, ..Scan::space(space, PAGE) };
        let (rows, is_all) = self.tree.scan_over(&scan, 1)?;
        for (key, row) in &rows {
            let taken = match space {
                Space::State => self.rewrite_state(key, &row.record),
                Space::Question => self.rewrite_questions(key, &row.record),
                Space::Answer => self.rewrite_answers(key, &row.record),
                Space::Idempotency => self.rewrite_request(key, &row.record),
                Space::Claim if self.is_held_unreadably(&row.record) => Ok(()),
                _ => {
                    self.rows.insert(key.clone(), None);
                    Ok(())
                }
            };
            match taken {
                // It costs its own number only.
                Err(StoreError::Damaged(what)) => {
                    self.tree.report_damage(&format!("it cannot be rewritten: {what}"))
                }
                taken => taken?,
            }
        }
        if let Some((last, _)) = rows.last() {
            self.plan.behind = ByteBuf::from(last.clone());
        }
        Ok(rows.is_empty() || (is_all && rows.len() < PAGE))
    }

    /// Whether a claim is of something that cannot be read: it cannot say what it claims, and no other aggregate may have that.
    fn is_held_unreadably(&self, claim: &[u8]) -> bool {
        let holder = codec::decode::<u64>(Space::Claim, claim);
        holder.is_ok_and(|holder| {
            matches!(self.tree.read_state(0, holder), Err(StoreError::Damaged(_)))
        })
    }

    fn get<T: serde::de::DeserializeOwned>(
        &self,
        space: Space,
        key: &[u8],
    ) -> Result<Option<T>, StoreError> {
        match self.rows.get(key) {
            Some(Some(record)) => codec::decode(space, record).map(Some),
            Some(None) => Ok(None),
            None => {
                self.tree.read_row(key)?.map(|row| codec::decode(space, &row.record)).transpose()
            }
        }
    }

    fn put_row<T: Serialize>(
        &mut self,
        space: Space,
        version: u16,
        key: Vec<u8>,
        value: &T,
    ) -> Result<(), StoreError> {
        self.rows.insert(key, Some(codec::encode(space, version, value)?));
        Ok(())
    }

    fn into_batch(self, epoch: Epoch, commit: Commit) -> Result<(Batch, Counters), StoreError> {
        let Self { tree, mut meta, mut plan, rows, postings, .. } = self;
        let mut writes: Vec<_> = rows.into_iter().collect();
        for (key, posting) in postings {
            writes.push((key, Some(posting.encode()?)));
        }
        plan.rows += writes.len() as u64;
        if plan.stage == DONE {
            meta.written_by = plan.to;
            tracing::info!(
                context = tree.entity.name().context,
                rows = plan.rows,
                "rewrote claims, lists and timers"
            );
        } else {
            meta.rebuild = Some(plan);
        }
        writes.push((counters_key(), Some(encode_counters(&meta)?)));
        Ok((Batch { tree: tree.id, epoch, expects: vec![(counters_key(), commit)], writes }, meta))
    }
}

/// Keys that several claim, and who they are.
pub fn contested_claims(tree: &Tree) -> Result<BTreeMap<String, Vec<u64>>, StoreError> {
    let prefix = KeyBuf::new(Space::Claim).bytes(&CONTESTED).build();
    let mut pages = Pages::over_scan(Scan::prefix(&prefix, PAGE));
    let mut found = BTreeMap::new();
    loop {
        let rows = match tree.next_page(&mut pages) {
            Ok(Some(rows)) => rows,
            Ok(None) => return Ok(found),
            Err(StoreError::Damaged(what)) => {
                tree.report_damage(&format!("who claims what others claim too: {what}"));
                return Ok(found);
            }
            Err(error) => return Err(error),
        };
        for (key, row) in &rows {
            let name = key.get(2..).and_then(text_of).unwrap_or_default();
            match codec::decode(Space::Claim, &row.record) {
                Ok(numbers) => drop(found.insert(name, numbers)),
                Err(StoreError::Damaged(what)) => {
                    tree.report_damage(&format!("who claims `{name}`: {what}"))
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// The text of a key after its first byte.
fn text_of(key: &[u8]) -> Option<String> {
    let mut text = Vec::new();
    let mut bytes = key.get(1..)?.iter();
    loop {
        match bytes.next()? {
            0 => match bytes.next()? {
                0xff => text.push(0),
                _ => return String::from_utf8(text).ok(),
            },
            byte => text.push(*byte),
        }
    }
}
