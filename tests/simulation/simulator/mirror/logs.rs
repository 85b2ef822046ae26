//! The logs of contexts, as they were read.

use crate::simulator::trace::Digest;
use holdfast::domain::Aggregate;
use std::{any::Any, cell::RefCell, collections::BTreeMap, rc::Rc};

/// An event in the log of its context.
pub struct Said<E> {
    pub number: u64,
    pub version: u64,
    /// The digest of the events of this thing up to here.
    pub history: Digest,
    pub event: E,
}

/// The log of a context. Clones are the same one.
pub type Log<S> = Rc<RefCell<Vec<Said<<S as Aggregate>::Event>>>>;

/// The logs of all contexts, by name; a view may be laid out before its source.
#[derive(Default)]
pub struct Logs(BTreeMap<&'static str, Box<dyn Any>>);

impl Logs {
    pub fn of<S: Aggregate>(&mut self) -> Log<S> {
        let log = self.0.entry(S::NAME.context).or_insert_with(|| Box::new(Log::<S>::default()));
        log.downcast_ref::<Log<S>>().expect("the log of that type").clone()
    }
}
