//! Receipt: a new one for each trip that ended, under a number of its own.

use super::trip::{Event::Ended, Trip};
use crate::domain::prelude::*;

/// The receipt of a trip.
#[entity(context = "carshare.receipt", reads = owner, collection = "receipts", korean = "영수증", index(trip_id),
    owner = self.user_id)]
pub struct Receipt {
    #[exists]
    trip_id: Option<Id<Trip>>,
    user_id: u64,
}

#[command]
pub enum Command {
    Write { trip_id: Id<Trip>, user_id: u64 },
}

#[event]
pub enum Event {
    Written { trip_id: Id<Trip>, user_id: u64 },
}

impl Aggregate for Receipt {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, _: &DecisionContext<'_, Self>) -> Decision<Event> {
        let Command::Write { trip_id, user_id } = command;
        emit(Event::Written { trip_id, user_id })
    }

    fn evolve(&mut self, event: &Event) {
        let Event::Written { trip_id, user_id } = *event;
        *self = Self { trip_id: Some(trip_id), user_id };
    }

    fn entries(&self, _: Id<Self>, event: &Event) -> Vec<Entry> {
        let Event::Written { trip_id, .. } = *event;
        vec![Entry::credit("receipts", trip_id, 1)]
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.creating::<Trip>(|event| match *event {
            Ended { trip_id, user_id, .. } => Some(Command::Write { trip_id, user_id }),
            _ => None,
        });
    }
}
