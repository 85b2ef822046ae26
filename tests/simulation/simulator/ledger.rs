//! What contexts declare of each other: who has a thing, and which sums come out even. It is kept as their events are read.

use holdfast::domain::{Aggregate, Entry, Id, Key, Name};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

/// One thing: its context, and its number.
type Place = (&'static str, u64);

/// A thing, by its number or its key.
type Named = (Name, Key);

/// What the things of all contexts say of each other. Clones are the same one.
#[derive(Clone, Default)]
pub struct Ledger(Rc<RefCell<Book>>);

#[derive(Default)]
struct Book {
    /// What an order says that it has.
    holds: BTreeMap<Place, Named>,
    /// Who a thing says that has it.
    held_by: BTreeMap<Place, Named>,
    /// Which thing has a key.
    keys: BTreeMap<(&'static str, String), u64>,
    /// What each context adds to the sums of its system, by name and number.
    sums: BTreeMap<Name, BTreeMap<(&'static str, u64), i64>>,
    /// Who has what has changed since that was checked.
    is_new: bool,
}

fn write((context, number): Place) -> String {
    format!("{context} #{number}")
}

impl Book {
    fn place(&self, (name, key): &Named) -> Option<Place> {
        let number = match key {
            Key::Number(number) => Some(*number),
            Key::Text(key) => self.keys.get(&(name.context, key.clone())).copied(),
            Key::Missing | Key::Flag(_) => None,
        };
        Some((name.context, number?))
    }
    fn add(&mut self, context: Name, entry: Entry) {
        let sums = self.sums.entry(context).or_default();
        *sums.entry((entry.sum, entry.number)).or_default() += entry.amount;
    }
}

impl Ledger {
    /// An event has happened to a thing that was as `before` and is as `after`.
    pub fn note<A: Aggregate>(&self, number: u64, before: &A, event: &A::Event, after: &A) {
        let context = A::NAME.context;
        let place = (context, number);
        let mut book = self.0.borrow_mut();
        let id = Id::new(number);
        for entry in before.balances(id) {
            book.add(A::NAME, Entry { amount: -entry.amount, ..entry });
        }
        for entry in after.balances(id).into_iter().chain(before.entries(id, event)) {
            book.add(A::NAME, entry);
        }
        for key in before.held_keys() {
            book.keys.remove(&(context, key));
        }
        for key in after.held_keys() {
            book.keys.insert((context, key), number);
        }
        book.is_new |= before.holds() != after.holds() || before.held_by() != after.held_by();
        match after.holds() {
            Some(thing) => drop(book.holds.insert(place, thing)),
            None => drop(book.holds.remove(&place)),
        }
        match after.held_by() {
            Some(order) => drop(book.held_by.insert(place, order)),
            None => drop(book.held_by.remove(&place)),
        }
    }

    /// The log of a context is read anew.
    pub fn forget(&self, context: &'static str) {
        let mut book = self.0.borrow_mut();
        book.holds.retain(|(of, _), _| *of != context);
        book.held_by.retain(|(of, _), _| *of != context);
        book.keys.retain(|(of, _), _| *of != context);
        book.sums.retain(|of, _| of.context != context);
        book.is_new = true;
    }

    /// At any time a thing has one holder, and knows it.
    pub fn holds_always(&self) -> Result<(), String> {
        let mut book = self.0.borrow_mut();
        if !std::mem::take(&mut book.is_new) {
            return Ok(());
        }
        let mut holders = BTreeMap::new();
        for (order, named) in &book.holds {
            let Some(thing) = book.place(named) else {
                return Err(format!("{} has {named:?}, which is not there", write(*order)));
            };
            if let Some(other) = holders.insert(thing, *order) {
                let holders = [other, *order].map(write);
                return Err(format!("{} has two holders, {}", write(thing), holders.join(" and ")));
            }
            let holder = book.held_by.get(&thing).and_then(|holder| book.place(holder));
            if holder != Some(*order) {
                let says = holder.map_or("free".to_owned(), write);
                return Err(format!(
                    "{} has {}, whose holder is {says}",
                    write(*order),
                    write(thing)
                ));
            }
        }
        Ok(())
    }

    /// When nothing is left to do, what is held is held for an order that says so, and each sum is zero.
    pub fn holds_at_rest(&self) -> Result<(), String> {
        let book = self.0.borrow();
        for (thing, named) in &book.held_by {
            let held = book.place(named).and_then(|order| book.holds.get(&order));
            let held = held.and_then(|held| book.place(held));
            if held != Some(*thing) {
                return Err(format!("{} is held for {named:?}, which has {held:?}", write(*thing)));
            }
        }
        let mut sums = BTreeMap::<_, i64>::new();
        for (name, of_context) in &book.sums {
            for ((sum, number), amount) in of_context {
                *sums.entry((name.system, *sum, *number)).or_default() += amount;
            }
        }
        match sums.into_iter().find(|(_, left)| *left != 0) {
            Some(((system, sum, number), left)) => {
                Err(format!("`{sum}` of {number} in {system} is off by {left}"))
            }
            None => Ok(()),
        }
    }
}
