//! A page of a list, while it is filled.

use super::reading::ROWS;
use crate::{
    actors::tables::indexes::{self, CHUNK, Posting},
    domain::Key,
};
use std::cmp::Ordering;

/// The place of a row in a list: by its value in the field that sorts it, then by its number.
#[derive(Debug, Clone, PartialEq)]
pub struct SortPosition {
    pub value: Key,
    pub number: u64,
}

impl SortPosition {
    pub fn compare_to(&self, other: &Self) -> Ordering {
        indexes::compare_keys(&self.value, &other.value).then(self.number.cmp(&other.number))
    }
}

/// A page that is being filled.
pub struct Page {
    pub skip: u64,
    pub size: usize,
    pub rows: Vec<SortPosition>,
    /// There is at least one more row after it.
    pub more: bool,
}

impl Page {
    pub fn new(skip: u64, size: usize) -> Self {
        Self { skip, size, rows: Vec::with_capacity(size), more: false }
    }
    /// How many rows it takes to fill it, and to see whether there are more; not more than are read at once.
    pub fn wanted_rows(&self) -> usize {
        usize::try_from(self.skip).unwrap_or(ROWS).saturating_add(self.size + 1).min(ROWS)
    }
    pub fn is_full(&self) -> bool {
        self.rows.len() == self.size
    }
    /// Takes some of a chunk's numbers, which all have `value`. Gives whether it wants more.
    pub fn take_numbers(&mut self, value: &Key, chunk: u64, posting: &Posting, down: bool) -> bool {
        let count = posting.len() as u64;
        if count <= self.skip {
            self.skip -= count;
            return true;
        }
        let skip = usize::try_from(std::mem::take(&mut self.skip)).unwrap_or(usize::MAX);
        let mut take = |offset: u16| {
            self.more = self.is_full();
            if !self.more {
                self.rows.push(SortPosition {
                    value: value.clone(),
                    number: chunk * CHUNK + u64::from(offset),
                });
            }
            !self.more
        };
        if down {
            posting.offsets().rev().skip(skip).all(&mut take)
        } else {
            posting.offsets().skip(skip).all(&mut take)
        }
    }
}
