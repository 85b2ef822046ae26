//! What is read of a context: one thing, or a page of a list.

use crate::store::Commit;
use std::sync::Arc;

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its number.
    pub number: u64,
    /// Its version.
    pub version: u64,
    /// How it looks: a JSON object, without number and links.
    pub body: Vec<u8>,
    /// Whose it is: a customer, as text in its shortest form. None where it belongs to no customer.
    pub owner: Option<Arc<str>>,
    /// The commit that must be durable before this is sent to a client.
    pub commit: Commit,
}

/// Which part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListQuery {
    /// The page, from 0.
    pub page: u64,
    /// Its size, 1 to 100.
    pub size: u64,
    /// The field to sort by, `id` when absent, and whether downwards.
    pub sort: Option<(String, bool)>,
    /// Fields that must equal, as the query has them.
    pub filters: Vec<(String, String)>,
    /// A [cursor](ListPage::next), to continue after the last row of another page. It brings its own sort and filters.
    pub after: Option<String>,
    /// Only what belongs to this customer.
    pub owner: Option<Arc<str>>,
    /// Fields that the caller is not shown, and so neither filters nor sorts by.
    pub withheld: &'static [&'static str],
    /// How much may be asked at once.
    pub limits: ListLimits,
}

impl Default for ListQuery {
    fn default() -> Self {
        let limits = ListLimits::default();
        let filters = Vec::new();
        let after = None;
        let owner = None;
        Self { page: 0, size: 20, sort: None, filters, after, owner, withheld: &[], limits }
    }
}

/// How much one list may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListLimits {
    /// About so many rows of the store are read to count what there is, and as many again to find the page.
    pub rows: usize,
    /// At most so many filters.
    pub filters: usize,
}

impl Default for ListLimits {
    fn default() -> Self {
        Self { rows: 20_000, filters: 8 }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListPage {
    /// What is on it, in order.
    pub items: Vec<Seen>,
    /// How many there are on all pages.
    pub total: u64,
    /// There may be more than `total`: counting ended with the rows that may be read.
    pub at_least: bool,
    /// The page ended with the rows that may be read, before it was full: `next` goes on where that was.
    pub cut: bool,
    /// The cursor of what follows, if anything does.
    pub next: Option<String>,
    /// Numbers that belong on the page and whose rows are missing or cannot be read.
    pub damaged: Vec<u64>,
    /// The commit that must be durable before this is sent to a client.
    pub commit: Commit,
}
