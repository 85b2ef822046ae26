//! Receipt: a new one for each trip that ended, under a number of its own, and a text message with it.

use super::trip::{Event::TripEnded, Trip};
use crate::domain::prelude::*;

/// The receipt of a trip.
#[entity(
    context = "carshare.receipt",
    collection = "receipts",
    korean = "영수증",
    supporting,
    index(trip_id)
)]
pub struct Receipt {
    #[exists]
    trip_id: Option<Id<Trip>>,
    user_id: u64,
    at: Timestamp,
    /// Whether its text message was sent; null while that waits.
    was_sent: Option<bool>,
}

#[command]
pub enum Command {
    Write { trip_id: Id<Trip>, user_id: u64 },
    Report(MessageOutcome),
}

#[event]
pub enum Event {
    Written { trip_id: Id<Trip>, user_id: u64, at: Timestamp },
    ReceiptReported { was_sent: bool },
}

impl Aggregate for Receipt {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        match command {
            Command::Write { trip_id, user_id } => {
                emit(Event::Written { trip_id, user_id, at: this.at })
            }
            Command::Report(outcome) if self.was_sent.is_none() => {
                emit(Event::ReceiptReported { was_sent: outcome == MessageOutcome::Sent })
            }
            Command::Report(_) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match *event {
            Event::Written { trip_id, user_id, at } => {
                *self = Self { trip_id: Some(trip_id), user_id, at, was_sent: None };
            }
            Event::ReceiptReported { was_sent } => self.was_sent = Some(was_sent),
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.creating::<Trip>(|event| match *event {
            TripEnded { trip_id, user_id, .. } => Some(Command::Write { trip_id, user_id }),
            _ => None,
        });
    }

    fn messages(messages: &mut impl Messages<Self>) {
        let waiting = |receipt: &Self| {
            let trip = receipt.trip_id.filter(|_| receipt.was_sent.is_none())?;
            let text = format!("trip {trip} has ended");
            // The gateway of this business knows the telephones of its users.
            Some(Message { to: format!("user-{}", receipt.user_id), text })
        };
        messages.sending(waiting, Command::Report);
    }
}
