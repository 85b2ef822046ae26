//! Which path leads where.

use crate::{
    actors::{Context, DoorInfo, Verb},
    domain::Name,
};
use std::{collections::HashMap, sync::Arc};

/// Paths of collections, and what each leads to.
#[derive(Debug)]
pub struct Paths<T> {
    /// `bookrent/rents`, and `rents` when bare.
    collections: HashMap<String, Collection<T>>,
    bare: bool,
}

/// A collection, its path as it was written, and what follows it.
pub type RouteMatch<'a, T> = (&'a Collection<T>, &'a str, &'a str);

/// A collection of a context.
#[derive(Debug)]
pub struct Collection<T> {
    /// What its path leads to.
    pub place: T,
    /// `/bookrent/rents`, whichever path led here.
    pub path: Arc<str>,
    /// `/bookrent/rents/{id}`.
    pub item: Arc<str>,
}

impl<T: Copy> Paths<T> {
    /// No paths yet; `bare` when there are to be some without their system too.
    pub fn new(bare: bool) -> Self {
        Self { collections: HashMap::new(), bare }
    }

    /// The collection of the context `name`, in every spelling, leads to `place`.
    pub fn lead(&mut self, name: Name, aliases: &[&str], place: T) {
        let path: Arc<str> = format!("/{}/{}", name.system, name.collection).into();
        let collection =
            || Collection { place, path: path.clone(), item: format!("{path}/{{id}}").into() };
        for spelling in [name.collection].iter().chain(aliases) {
            self.collections.insert(format!("{}/{spelling}", name.system), collection());
            if self.bare {
                self.collections.insert((*spelling).to_owned(), collection());
            }
        }
    }

    /// The collection that `path` leads into, its path as it was written, and what follows it.
    pub fn find<'a>(&'a self, path: &'a str) -> Option<RouteMatch<'a, T>> {
        let mut slashes = path.char_indices().skip(1).filter(|(_, c)| *c == '/').map(|(at, _)| at);
        let ends = [slashes.next().unwrap_or(path.len()), slashes.next().unwrap_or(path.len())];
        ends.into_iter().find_map(|end| {
            let (collection, rest) = path.split_at(end);
            Some((self.collections.get(collection.strip_prefix('/')?)?, collection, rest))
        })
    }
}

/// Where in a collection a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathTarget<'a> {
    /// To the collection itself.
    Collection,
    /// To the thing of this number, behind a word or not.
    Item(Option<&'a str>, u64),
}

/// Where in the collection of `context` the path leads that goes on with `rest`.
pub fn place<'a>(context: &dyn Context, rest: &'a str) -> Option<PathTarget<'a>> {
    let number = |text: &str| {
        text.parse::<u64>().ok().filter(|n| *n > 0 && text.bytes().all(|b| b.is_ascii_digit()))
    };
    let Some(rest) = rest.strip_prefix('/').filter(|rest| !rest.is_empty()) else {
        return Some(PathTarget::Collection);
    };
    match rest.split_once('/') {
        None => Some(PathTarget::Item(None, number(rest)?)),
        Some((word, rest)) if context.doors().iter().any(|door| door.word == Some(word)) => {
            Some(PathTarget::Item(Some(word), number(rest)?))
        }
        Some(_) => None,
    }
}

/// A door that a command enters by.
#[derive(Clone, Copy)]
pub struct Door<'a> {
    /// Its place among the context's doors.
    pub at: usize,
    /// The door.
    pub info: &'a DoorInfo,
    /// Which thing it is about, where the path says so.
    pub number: Option<u64>,
}

const METHODS: [(Verb, &str); 3] =
    [(Verb::Post, "POST"), (Verb::Patch, "PATCH"), (Verb::Delete, "DELETE")];

fn is_at(door: &DoorInfo, place: &PathTarget<'_>) -> bool {
    match place {
        PathTarget::Collection => door.verb == Verb::Post && door.word.is_none(),
        PathTarget::Item(None, _) => door.verb != Verb::Post && door.word.is_none(),
        PathTarget::Item(word, _) => door.word == *word,
    }
}

/// The door that `method` opens at `place`.
pub fn door<'a>(
    context: &'a dyn Context,
    place: &PathTarget<'_>,
    method: &str,
) -> Option<Door<'a>> {
    let (verb, _) = METHODS.into_iter().find(|(_, name)| *name == method)?;
    let (at, info) = context
        .doors()
        .iter()
        .enumerate()
        .find(|(_, door)| door.verb == verb && is_at(door, place))?;
    let number = if let PathTarget::Item(_, number) = place { Some(*number) } else { None };
    Some(Door { at, info, number })
}

/// The methods that open a door at `place`.
pub fn methods(context: &dyn Context, place: &PathTarget<'_>) -> Vec<&'static str> {
    let opens = |(verb, _): &(Verb, &str)| {
        context.doors().iter().any(|door| door.verb == *verb && is_at(door, place))
    };
    METHODS.into_iter().filter(opens).map(|(_, name)| name).collect()
}
