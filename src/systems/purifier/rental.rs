//! Rental (렌탈): a customer orders a unit and pays for it in the same breath; all else follows.

use super::{
    payment::{self, Payment},
    product::{self, Product, Reason},
};
use crate::{domain::*, systems::payment::declined};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// A rental asks for its payment once; after a no, the customer orders anew.
pub const ONLY_ATTEMPT: u32 = 1;

/// One rental of one unit by one customer: as it is kept, and as it looks from outside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rental {
    customer_id: u64,
    product_id: Id<Product>,
    /// What the customer says that it costs, in won: this is charged, and it must be right.
    amt: u64,
    address: String,
    phone: Option<String>,
    /// How far the rental has come.
    status: Status,
    /// Why it was canceled, where that was not the customer's wish.
    reason: Option<Reason>,
}

/// What was ordered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "OrderedRental")]
#[allow(missing_docs)]
pub struct Ordered {
    pub rental_id: Id<Rental>,
    pub customer_id: u64,
    pub product_id: Id<Product>,
    pub amt: u64,
    pub address: String,
    pub phone: Option<String>,
}

/// How far the rental has come.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AsRefStr,
)]
#[schemars(rename = "RentalStatus")]
#[allow(missing_docs)]
pub enum Status {
    #[default]
    New,
    Requested,
    Declined,
    Unanswered,
    #[serde(rename = "RentalPlaced")]
    #[strum(serialize = "RentalPlaced")]
    Placed,
    #[serde(rename = "RentalCanceled")]
    #[strum(serialize = "RentalCanceled")]
    Canceled,
}

/// What may be asked of a rental.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Command {
    Request(Request),
    /// The payment has answered, or nobody has.
    Settle(Result<(), NoAnswer>),
    Cancel,
    Refuse {
        reason: Reason,
    },
}

/// What a rental may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[allow(missing_docs)]
pub enum Event {
    RentalRequested(Ordered),
    RentalPlaced(Ordered),
    RentalFailed {
        rental_id: Id<Rental>,
        customer_id: u64,
        product_id: Id<Product>,
        reason: String,
    },
    RentalCanceled {
        rental_id: Id<Rental>,
        customer_id: u64,
        phone: Option<String>,
        reason: Option<Reason>,
    },
}

impl Entity for Rental {
    const NAME: Name = Name {
        system: "purifier",
        context: "purifier.rental",
        collection: "rentals",
        item: "rental",
    };
    const IS_ORDER: bool = true;
    const PORT: Option<u16> = Some(8081);
    type Representation = Self;

    fn represent(&self, _: Id<Self>) -> Self {
        self.clone()
    }
    fn lifecycle(&self) -> Lifecycle {
        match self.status {
            Status::New => Lifecycle::Absent,
            Status::Requested => Lifecycle::Open,
            Status::Declined => Lifecycle::Ended(declined()),
            Status::Unanswered => Lifecycle::Ended(Refusal::retry_later()),
            Status::Placed | Status::Canceled => Lifecycle::Established,
        }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        let (customer, product) = (self.customer_id.into(), self.product_id.into());
        vec![
            ("status", self.status.as_ref().into()),
            ("customerId", customer),
            ("productId", product),
        ]
    }
}

impl Rental {
    fn canceled(&self, rental_id: Id<Self>, reason: Option<Reason>) -> Event {
        Event::RentalCanceled {
            rental_id,
            customer_id: self.customer_id,
            phone: self.phone.clone(),
            reason,
        }
    }
}

impl Aggregate for Rental {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Request", &[Payment::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let (rental_id, customer_id, product_id) = (this.id, self.customer_id, self.product_id);
        match (self.status, command) {
            (New, Request(wanted)) => {
                let self::Request { customer_id, product_id, amt, address, phone } = wanted;
                emit(RentalRequested(Ordered {
                    rental_id,
                    customer_id,
                    product_id,
                    amt,
                    address,
                    phone,
                }))
            }
            (Requested, Settle(Ok(()))) => {
                let (amt, address, phone) = (self.amt, self.address.clone(), self.phone.clone());
                emit(RentalPlaced(Ordered {
                    rental_id,
                    customer_id,
                    product_id,
                    amt,
                    address,
                    phone,
                }))
            }
            (Requested, Settle(Err(no))) => {
                emit(RentalFailed { rental_id, customer_id, product_id, reason: no.code().into() })
            }
            (Placed, Cancel) => emit(self.canceled(rental_id, None)),
            (Placed, Refuse { reason }) => emit(self.canceled(rental_id, Some(reason))),
            (Canceled, Cancel) | (_, Request(_) | Settle(_) | Refuse { .. }) => ignore(),
            (New | Declined | Unanswered, Cancel) => Err(Refusal::absent("rental")),
            (Requested, Cancel) => Err(Refusal::still_open()),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event.clone() {
            Event::RentalRequested(Ordered {
                customer_id,
                product_id,
                amt,
                address,
                phone,
                ..
            }) => {
                let status = Status::Requested;
                *self =
                    Rental { customer_id, product_id, amt, address, phone, status, reason: None };
            }
            Event::RentalPlaced(_) => self.status = Status::Placed,
            Event::RentalFailed { reason, .. } if reason == declined().code => {
                self.status = Status::Declined
            }
            Event::RentalFailed { .. } => self.status = Status::Unanswered,
            Event::RentalCanceled { reason, .. } => {
                (self.status, self.reason) = (Status::Canceled, reason)
            }
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Product>(|event| match event {
            product::Event::ProductRefused { rental_id, reason, .. } => {
                Some((*rental_id, Command::Refuse { reason: *reason }))
            }
            _ => None,
        });
    }

    fn awaits(&self, rental: Id<Self>) -> Option<Ask<Self>> {
        let approve = payment::Command::Approve { product: self.product_id, amt: self.amt };
        (self.status == Status::Requested)
            .then(|| ask(rental.of::<Payment>(), approve, ONLY_ATTEMPT, Command::Settle))
    }

    fn routes(doors: &mut impl Routes<Self>) {
        doors.post(Role::Customer, |request: Request| (Target::New, Command::Request(request)));
        doors.patch(Role::Customer, |_: Change<Ended>| Command::Cancel);
        doors.delete(Role::Customer, || Command::Cancel);
    }
}

/// `POST /rentals`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RequestRental")]
#[allow(missing_docs)]
pub struct Request {
    pub customer_id: u64,
    pub product_id: Id<Product>,
    /// What the customer believes that it costs, in won: this is charged, and it must be right.
    pub amt: u64,
    pub address: String,
    /// Where text messages go.
    pub phone: Option<String>,
}

/// `PATCH /rentals/{id}`: the status that a client may ask for.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "EndedRental")]
pub enum Ended {
    /// The rental is canceled.
    Cancel,
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::{Given, given};

    const RENTAL: Id<Rental> = Id::new(1);
    const PRODUCT: Id<Product> = Id::new(3);

    fn order() -> Ordered {
        let (address, phone) = ("Seoul".to_owned(), Some("010-0000-0000".to_owned()));
        Ordered {
            rental_id: RENTAL,
            customer_id: 7,
            product_id: PRODUCT,
            amt: 30_000,
            address,
            phone,
        }
    }
    fn placed() -> Given<Rental> {
        given([RentalRequested(order()), RentalPlaced(order())])
    }
    fn canceled(reason: Option<Reason>) -> Event {
        RentalCanceled { rental_id: RENTAL, customer_id: 7, phone: order().phone, reason }
    }

    #[test]
    fn a_request_asks_for_its_payment_and_only_its_yes_places_it() {
        let Ordered { customer_id, product_id, amt, address, phone, .. } = order();
        given::<Rental>([])
            .when(Request(super::Request { customer_id, product_id, amt, address, phone }))
            .then([RentalRequested(order())])
            .awaits("purifier.payment-1 <- Approve { product: #3, amt: 30000 }")
            .when(Settle(Ok(())))
            .then([RentalPlaced(order())])
            .awaits_nothing();
    }

    #[test]
    fn a_no_and_no_answer_establish_nothing_and_say_which_it_was() {
        let failed = |no: NoAnswer| {
            let reason = no.code().to_owned();
            let event =
                RentalFailed { rental_id: RENTAL, customer_id: 7, product_id: PRODUCT, reason };
            given::<Rental>([RentalRequested(order())])
                .when(Settle(Err(no)))
                .then([event])
                .0
                .lifecycle()
        };
        assert_eq!(failed(NoAnswer::Refused(declined())), Lifecycle::Ended(declined()));
        assert_eq!(failed(NoAnswer::Unavailable), Lifecycle::Ended(Refusal::retry_later()));
    }

    #[test]
    fn it_is_canceled_once_by_whoever_comes_first() {
        let refuse = || Refuse { reason: Reason::OutOfStock };
        let rental = placed().when(Cancel).then([canceled(None)]);
        let _ = rental.when(refuse()).then_nothing().when(Cancel).then_nothing();
        let rental = placed().when(refuse()).then([canceled(Some(Reason::OutOfStock))]);
        let _ = rental.when(Cancel).then_nothing().when(refuse()).then_nothing();
    }

    #[test]
    fn what_is_open_or_unknown_cannot_be_canceled_and_a_policy_finds_nothing_to_do() {
        given::<Rental>([RentalRequested(order())])
            .when(Cancel)
            .refused(Kind::Conflict, "still-open");
        given::<Rental>([]).when(Cancel).refused(Kind::Absent, "not-found");
        let _ = given::<Rental>([]).when(Refuse { reason: Reason::PriceDiffers }).then_nothing();
    }
}
