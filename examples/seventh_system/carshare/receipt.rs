//! Receipt: a new one for each trip that ended, under a number of its own, and a text message with it.

use super::trip::{self, Trip};
use crate::domain::prelude::*;

/// The receipt of a trip.
#[entity(
    context = "carshare.receipt",
    collection = "receipts",
    supporting,
    index(trip_id, user_id)
)]
pub struct Receipt {
    #[exists]
    trip_id: Option<Id<Trip>>,
    user_id: u64,
    at: Timestamp,
}

#[command]
pub enum Command {
    Write { trip: Id<Trip>, user: u64 },
}

#[event]
pub enum Event {
    Written { trip_id: Id<Trip>, user_id: u64, at: Timestamp },
}

impl Aggregate for Receipt {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        let Command::Write { trip: trip_id, user: user_id } = command;
        match self.trip_id {
            None => emit(Event::Written { trip_id, user_id, at: this.at }),
            Some(_) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        let Event::Written { trip_id, user_id, at } = *event;
        *self = Self { trip_id: Some(trip_id), user_id, at };
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.creating::<Trip>(|event| match *event {
            trip::Event::TripEnded { trip_id: trip, user_id: user, .. } => {
                Some(Command::Write { trip, user })
            }
            _ => None,
        });
    }

    fn messages(messages: &mut impl Messages<Self>) {
        messages.sending(|Event::Written { trip_id, user_id, .. }| {
            let text = format!("user {user_id}: trip {trip_id} has ended");
            Some(Message { to: None, text })
        });
    }
}
