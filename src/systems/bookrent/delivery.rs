//! Delivery (배송관리): follows its rent, whether the event of its start or of its end comes first.

use super::{
    book::Book,
    rent::{self, Rent},
};
use crate::domain::prelude::*;

/// The delivery of the rent with the same number.
#[entity(
    context = "bookrent.delivery", reads = owner, personal(user_id, address),
    collection = "deliveries",
    korean = "배송",
    port = 8083,
    supporting,
    id_aliases("rentId"),
    owner = self.user_id,
    index(status, user_id, book_id)
)]
pub struct Delivery {
    #[shown(book_id: Id<Book> = self.book_id, rent_id: Id<Rent> = id.of())]
    book_id: Id<Book>,
    user_id: u64,
    /// Where to.
    address: String,
    status: Status,
}

/// How far the delivery has come.
#[status]
pub enum Status {
    #[absent]
    New,
    #[name = "Delivery Started"]
    Started,
    #[name = "Delivery Cancelled"]
    Cancelled,
    /// The rent was cancelled before the delivery started: it never will.
    #[absent]
    Withheld,
}

#[command]
pub enum Command {
    Start { book: Id<Book>, user: u64, address: String },
    Cancel { book: Id<Book> },
}

#[event]
pub enum Event {
    DeliveryStarted { rent_id: Id<Rent>, book_id: Id<Book>, user_id: u64, address: String },
    DeliveryCancelled { rent_id: Id<Rent>, book_id: Id<Book> },
    DeliveryWithheld { rent_id: Id<Rent>, book_id: Id<Book> },
}

impl Aggregate for Delivery {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let rent_id = this.id.of();
        match (self.status, command) {
            (New, Start { book, user, address }) => {
                emit(DeliveryStarted { rent_id, book_id: book, user_id: user, address })
            }
            (Started, Cancel { book }) => emit(DeliveryCancelled { rent_id, book_id: book }),
            (New, Cancel { book }) => emit(DeliveryWithheld { rent_id, book_id: book }),
            (Started | Cancelled | Withheld, Start { .. })
            | (Cancelled | Withheld, Cancel { .. }) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event.clone() {
            Event::DeliveryStarted { book_id, user_id, address, .. } => {
                *self = Delivery { book_id, user_id, address, status: Status::Started };
            }
            Event::DeliveryCancelled { .. } => self.status = Status::Cancelled,
            Event::DeliveryWithheld { .. } => self.status = Status::Withheld,
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Rent>(|event| match event.clone() {
            rent::Event::BookRented { rent_id, book_id, user_id, address } => {
                Some((rent_id.of(), Command::Start { book: book_id, user: user_id, address }))
            }
            rent::Event::BookCancelled { rent_id, book_id, .. } => {
                Some((rent_id.of(), Command::Cancel { book: book_id }))
            }
            _ => None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::given;

    const RENT: Id<Rent> = Id::new(1);
    const BOOK: Id<Book> = Id::new(3);

    fn start() -> Command {
        Start { book: BOOK, user: 9, address: "분당".into() }
    }
    fn started() -> Event {
        DeliveryStarted { rent_id: RENT, book_id: BOOK, user_id: 9, address: "분당".into() }
    }

    #[test]
    fn it_starts_once_and_is_cancelled_once() {
        let delivery =
            given::<Delivery>([]).when(start()).then([started()]).when(start()).then_nothing();
        let cancelled = DeliveryCancelled { rent_id: RENT, book_id: BOOK };
        let delivery = delivery.when(Cancel { book: BOOK }).then([cancelled]);
        let _ = delivery.when(Cancel { book: BOOK }).then_nothing().when(start()).then_nothing();
    }

    #[test]
    fn a_cancel_that_comes_first_is_remembered_and_nothing_starts() {
        let withheld = DeliveryWithheld { rent_id: RENT, book_id: BOOK };
        let delivery = given::<Delivery>([]).when(Cancel { book: BOOK }).then([withheld]);
        let delivery = delivery.when(start()).then_nothing();
        assert_eq!(delivery.0.lifecycle(), Lifecycle::Absent, "there is no such delivery to see");
    }
}
