//! Which path and method lead to which collection, item or command.

use super::problem::Problem;
use crate::{
    actors::{Declaration, RouteInfo, Verb},
    domain::{
        Name,
        number::{self, NumberError},
    },
};
use std::{collections::HashMap, sync::Arc};

/// The paths of collections.
#[derive(Debug)]
pub struct Paths<T> {
    /// `bookrent/rents`, and `rents` if bare.
    collections: HashMap<String, Collection<T>>,
    bare: bool,
}

/// A collection, its path as the client wrote it, and the rest of the path.
pub type RouteMatch<'a, T> = (&'a Collection<T>, &'a str, &'a str);

/// A collection of a context.
#[derive(Debug)]
pub struct Collection<T> {
    /// What the adapter knows the collection by.
    pub place: T,
    /// `/bookrent/rents`, also where the client wrote an alias.
    pub path: Arc<str>,
    /// `/bookrent/rents/{id}`.
    pub item: Arc<str>,
}

impl<T: Copy> Paths<T> {
    /// No paths yet; `bare` adds those without their system too.
    pub fn new(bare: bool) -> Self {
        Self { collections: HashMap::new(), bare }
    }

    /// Adds the collection of the context `name`, under every alias.
    pub fn add_path(&mut self, name: Name, aliases: &[&str], place: T) {
        let path: Arc<str> = format!("/{}/{}", name.system, name.collection).into();
        let collection =
            || Collection { place, path: path.clone(), item: format!("{path}/{{id}}").into() };
        for alias in [name.collection].iter().chain(aliases) {
            self.collections.insert(format!("{}/{alias}", name.system), collection());
            if self.bare {
                self.collections.insert((*alias).to_owned(), collection());
            }
        }
    }

    /// The paths of the collections that `path` would lead into with their system before it; none where it needs none.
    pub fn with_system(&self, path: &str) -> Vec<String> {
        if self.bare {
            return Vec::new();
        }
        let first = path.trim_start_matches('/').split('/').next();
        let keys = self.collections.keys();
        let keys = keys.filter(|key| key.split_once('/').map(|(_, alias)| alias) == first);
        let mut paths: Vec<_> = keys.map(|key| format!("/{key}")).collect();
        paths.sort_unstable();
        paths
    }

    /// The collection that `path` leads into.
    pub fn find_context<'a>(&'a self, path: &'a str) -> Option<RouteMatch<'a, T>> {
        let mut slashes = path.char_indices().skip(1).filter(|(_, c)| *c == '/').map(|(at, _)| at);
        let ends = [slashes.next().unwrap_or(path.len()), slashes.next().unwrap_or(path.len())];
        ends.into_iter().find_map(|end| {
            let (collection, rest) = path.split_at(end);
            Some((self.collections.get(collection.strip_prefix('/')?)?, collection, rest))
        })
    }
}

/// What a path leads to in a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathTarget<'a> {
    /// The collection itself.
    Collection,
    /// The item of this number, with a verb in the path or without.
    Item(Option<&'a str>, u64),
}

/// What the `rest` of a path leads to in the collection of `context`.
///
/// # Errors
/// `not-found`; `out-of-range` where the number is too large for anything.
pub fn find_target<'a>(
    context: &dyn Declaration,
    rest: &'a str,
) -> Result<PathTarget<'a>, Problem> {
    let Some(rest) = rest.strip_prefix('/').filter(|rest| !rest.is_empty()) else {
        return Ok(PathTarget::Collection);
    };
    match rest.split_once('/') {
        None => Ok(PathTarget::Item(None, item_number(rest)?)),
        Some((verb, rest)) if context.routes().iter().any(|route| route.word == Some(verb)) => {
            Ok(PathTarget::Item(Some(verb), item_number(rest)?))
        }
        Some(_) => Err(Problem::not_found()),
    }
}

fn item_number(text: &str) -> Result<u64, Problem> {
    match number::parse_number(text) {
        Ok(0) | Err(NumberError::Malformed) => Err(Problem::not_found()),
        Ok(number) | Err(NumberError::TooLarge(Some(number))) => Ok(number),
        Err(NumberError::TooLarge(None)) => Err(Problem::out_of_range("id")),
    }
}

/// The route of a command.
#[derive(Clone, Copy)]
pub struct CommandRoute<'a> {
    /// Its index among the context's routes.
    pub index: usize,
    /// The route.
    pub info: &'a RouteInfo,
    /// The number in the path, if there is one.
    pub number: Option<u64>,
}

impl CommandRoute<'_> {
    /// The path of the command in the one spelling that it has, where the collection is at `collection`.
    pub fn route_path(&self, collection: &str) -> String {
        let word = self.info.word.map_or(String::new(), |word| format!("/{word}"));
        let number = self.number.map_or(String::new(), |number| format!("/{number}"));
        [collection, &word, &number].concat()
    }
}

const METHODS: [(Verb, &str); 3] =
    [(Verb::Post, "POST"), (Verb::Patch, "PATCH"), (Verb::Delete, "DELETE")];

fn is_at(route: &RouteInfo, target: &PathTarget<'_>) -> bool {
    match target {
        PathTarget::Collection => route.verb == Verb::Post && route.word.is_none(),
        PathTarget::Item(None, _) => route.verb != Verb::Post && route.word.is_none(),
        PathTarget::Item(verb, _) => route.word == *verb,
    }
}

/// The command that `method` sends to `target`.
pub fn find_command<'a>(
    context: &'a dyn Declaration,
    target: &PathTarget<'_>,
    method: &str,
) -> Option<CommandRoute<'a>> {
    let (verb, _) = METHODS.into_iter().find(|(_, name)| *name == method)?;
    let mut routes = context.routes().iter().enumerate();
    let (index, info) = routes.find(|(_, route)| route.verb == verb && is_at(route, target))?;
    let number = if let PathTarget::Item(_, number) = target { Some(*number) } else { None };
    Some(CommandRoute { index, info, number })
}

/// The methods that send a command to `target`.
pub fn allowed_methods(context: &dyn Declaration, target: &PathTarget<'_>) -> Vec<&'static str> {
    let is_offered = |(verb, _): &(Verb, &str)| {
        context.routes().iter().any(|route| route.verb == *verb && is_at(route, target))
    };
    METHODS.into_iter().filter(is_offered).map(|(_, name)| name).collect()
}
