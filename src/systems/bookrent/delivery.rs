//! Delivery (배송관리): follows the rent, whichever of its start and its end is heard first.

use super::{
    book::Book,
    rent::{self, Rent},
};
use crate::domain::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// The delivery of the rent with the same number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    book_id: Id<Book>,
    user_id: u64,
    address: String,
    status: Status,
}

/// How far the delivery has come.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AsRefStr,
)]
#[allow(missing_docs)]
pub enum Status {
    #[default]
    New,
    #[serde(rename = "Delivery Started")]
    #[strum(serialize = "Delivery Started")]
    Started,
    #[serde(rename = "Delivery Cancelled")]
    #[strum(serialize = "Delivery Cancelled")]
    Cancelled,
    /// The rent was cancelled before the delivery was to start: it never will.
    Withheld,
}

/// A delivery as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Delivery")]
pub struct Shown {
    /// The book's number.
    pub book_id: Id<Book>,
    /// The rent's number.
    pub rent_id: Id<Rent>,
    /// The user's number.
    pub user_id: u64,
    /// Where to.
    pub address: String,
    /// How far the delivery has come.
    pub status: Status,
}

/// What may be asked of a delivery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Command {
    Start { book: Id<Book>, user: u64, address: String },
    Cancel { book: Id<Book> },
}

/// What a delivery may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[allow(missing_docs)]
pub enum Event {
    DeliveryStarted { rent_id: Id<Rent>, book_id: Id<Book>, user_id: u64, address: String },
    DeliveryCancelled { rent_id: Id<Rent>, book_id: Id<Book> },
    DeliveryWithheld { rent_id: Id<Rent>, book_id: Id<Book> },
}

impl Entity for Delivery {
    const NAME: Name = Name {
        system: "bookrent",
        context: "bookrent.delivery",
        collection: "deliveries",
        item: "delivery",
    };
    const SUBDOMAIN: Subdomain = Subdomain::Supporting;
    const PORT: Option<u16> = Some(8083);
    type Representation = Shown;

    fn represent(&self, id: Id<Self>) -> Shown {
        let Delivery { book_id, user_id, address, status } = self.clone();
        Shown { book_id, rent_id: id.of(), user_id, address, status }
    }
    fn lifecycle(&self) -> Lifecycle {
        match self.status {
            Status::New | Status::Withheld => Lifecycle::Absent,
            Status::Started | Status::Cancelled => Lifecycle::Established,
        }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![
            ("status", self.status.as_ref().into()),
            ("userId", self.user_id.into()),
            ("bookId", self.book_id.into()),
        ]
    }
    fn id_aliases() -> &'static [&'static str] {
        &["rentId"]
    }
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
        match event {
            Event::DeliveryStarted { book_id, user_id, address, .. } => {
                let (book_id, user_id, address) = (*book_id, *user_id, address.clone());
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
