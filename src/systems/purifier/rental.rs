//! Rental (렌탈): a customer orders a purifier and pays for it in the same breath.
//!
//! Only the payment is waited for: `RentalPlaced` is said after its yes, and the product, which may be away meanwhile, has
//! its say later. Without a yes there never was a rental, and on `RentalFailed` what was paid all the same goes back.

use super::{
    payment::{self, Payment},
    product::{self, Product, Reason},
};
use crate::{domain::*, systems::payment::declined};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// A rental asks for its payment once; after a no, the customer orders again.
pub const ONLY_ATTEMPT: u32 = 1;

/// One rental of one unit by one customer: as it is kept, and as it looks from outside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rental {
    customer_id: u64,
    product_id: Id<Product>,
    /// What the customer says that it costs, in won: this is charged.
    amt: u64,
    /// Where the purifier is delivered.
    address: String,
    /// Where the text messages go.
    phone: Option<String>,
    /// How far the rental has come.
    status: Status,
    /// Why the product refused it, if it did.
    reason: Option<Reason>,
}

/// What was ordered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AsRefStr)]
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
    /// The customer wants it no longer.
    Cancel,
    /// The product does not have it.
    Refuse(Reason),
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
    /// By the customer, or for the product's reason.
    RentalCanceled {
        rental_id: Id<Rental>,
        customer_id: u64,
        product_id: Id<Product>,
        phone: Option<String>,
        reason: Option<Reason>,
    },
}

impl Rental {
    fn ordered(&self, rental_id: Id<Self>) -> Ordered {
        let Rental { customer_id, product_id, amt, address, phone, .. } = self.clone();
        Ordered { rental_id, customer_id, product_id, amt, address, phone }
    }
}

impl Entity for Rental {
    const NAME: Name = Name { system: "purifier", context: "purifier.rental", collection: "rentals", item: "rental" };
    const PORT: Option<u16> = Some(8081);
    type Shown = Self;

    fn show(&self, _: Id<Self>) -> Self {
        self.clone()
    }
    fn standing(&self) -> Standing {
        match self.status {
            Status::New => Standing::Absent,
            Status::Requested => Standing::Open,
            Status::Declined => Standing::Ended(declined()),
            Status::Unanswered => Standing::Ended(Refusal::retry_later()),
            Status::Placed | Status::Canceled => Standing::Established,
        }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        let (customer, product) = (self.customer_id.into(), self.product_id.into());
        vec![("status", self.status.as_ref().into()), ("customerId", customer), ("productId", product)]
    }
}

impl Aggregate for Rental {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &Moment<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let (rental_id, customer_id, product_id) = (this.id, self.customer_id, self.product_id);
        let canceled = |reason| RentalCanceled { rental_id, customer_id, product_id, phone: self.phone.clone(), reason };
        match (self.status, command) {
            (New, Request(wanted)) => {
                let self::Request { customer_id, product_id, amt, address, phone } = wanted;
                emit(RentalRequested(Ordered { rental_id, customer_id, product_id, amt, address, phone }))
            }
            (Requested, Settle(Ok(()))) => emit(RentalPlaced(self.ordered(rental_id))),
            (Requested, Settle(Err(no))) => {
                emit(RentalFailed { rental_id, customer_id, product_id, reason: no.code().into() })
            }
            (Placed, Cancel) => emit(canceled(None)),
            (Placed, Refuse(reason)) => emit(canceled(Some(reason))),
            (Canceled, Cancel) | (_, Request(_) | Settle(_) | Refuse(_)) => ignore(),
            (New | Declined | Unanswered, Cancel) => Err(Refusal::absent("rental")),
            (Requested, Cancel) => Err(Refusal::still_open()),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::RentalRequested(ordered) => {
                let Ordered { customer_id, product_id, amt, address, phone, .. } = ordered.clone();
                let status = Status::Requested;
                *self = Rental { customer_id, product_id, amt, address, phone, status, reason: None };
            }
            Event::RentalPlaced(_) => self.status = Status::Placed,
            Event::RentalFailed { reason, .. } if *reason == declined().code => self.status = Status::Declined,
            Event::RentalFailed { .. } => self.status = Status::Unanswered,
            Event::RentalCanceled { reason, .. } => (self.status, self.reason) = (Status::Canceled, *reason),
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.hearing::<Product>(|event| match event {
            product::Event::ProductRefused { rental_id, reason, .. } => Some((*rental_id, Command::Refuse(*reason))),
            _ => None,
        });
    }

    fn awaits(&self, rental: Id<Self>) -> Option<Ask<Self>> {
        let approve = payment::Command::Approve { product: self.product_id, amt: self.amt };
        (self.status == Status::Requested)
            .then(|| ask(rental.of::<Payment>(), approve, ONLY_ATTEMPT, Command::Settle))
    }

    fn doors(doors: &mut impl Doors<Self>) {
        doors.post(Role::Customer, |request: Request| (Target::New, Command::Request(request)));
        doors.patch(Role::Customer, |_: Change<Ended>| Command::Cancel);
        doors.delete(Role::Customer, || Command::Cancel);
    }
}

/// `POST /rentals`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Request {
    pub customer_id: u64,
    pub product_id: Id<Product>,
    /// What the customer believes that it costs, in won: this is charged, and it must be right.
    pub amt: u64,
    /// Where to.
    pub address: String,
    /// Where text messages about the rental go.
    pub phone: Option<String>,
}

/// `PATCH /rentals/{id}`: the status that a client may ask for.
#[derive(Debug, Deserialize, JsonSchema)]
pub enum Ended {
    /// The rental is canceled; the money and the unit go back.
    Cancel,
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::{Given, given};

    // The number of the rental under test is 1; that of its product is another.
    const RENTAL: Id<Rental> = Id::new(1);
    const PRODUCT: Id<Product> = Id::new(3);

    fn ordered() -> Ordered {
        let (address, phone) = ("Seoul".into(), Some("010-0000-0000".into()));
        Ordered { rental_id: RENTAL, customer_id: 7, product_id: PRODUCT, amt: 30_000, address, phone }
    }
    fn failed(reason: &str) -> Event {
        RentalFailed { rental_id: RENTAL, customer_id: 7, product_id: PRODUCT, reason: reason.into() }
    }
    fn canceled(reason: Option<Reason>) -> Event {
        let phone = ordered().phone;
        RentalCanceled { rental_id: RENTAL, customer_id: 7, product_id: PRODUCT, phone, reason }
    }
    fn placed() -> Given<Rental> {
        given([RentalRequested(ordered()), RentalPlaced(ordered())])
    }

    #[test]
    fn a_request_asks_for_its_payment_and_only_its_yes_places_it() {
        let Ordered { customer_id, product_id, amt, address, phone, .. } = ordered();
        given::<Rental>([])
            .when(Request(super::Request { customer_id, product_id, amt, address, phone }))
            .then([RentalRequested(ordered())])
            .awaits("purifier.payment-1 <- Approve { product: #3, amt: 30000 }")
            .when(Settle(Ok(())))
            .then([RentalPlaced(ordered())])
            .awaits_nothing();
    }

    #[test]
    fn a_declined_payment_ends_it_with_the_payments_no() {
        let rental = given::<Rental>([RentalRequested(ordered())]).when(Settle(Err(NoAnswer::Refused(declined()))));
        let rental = rental.then([failed("payment-declined")]);
        assert_eq!(rental.0.standing(), Standing::Ended(declined()));
        rental.awaits_nothing();
    }

    #[test]
    fn without_an_answer_it_ends_and_a_late_yes_changes_nothing() {
        let rental = given::<Rental>([RentalRequested(ordered())]).when(Settle(Err(NoAnswer::Unavailable)));
        let rental = rental.then([failed("no-answer")]);
        assert_eq!(rental.0.standing(), Standing::Ended(Refusal::retry_later()));
        rental.when(Settle(Ok(()))).then_nothing().when(Cancel).refused(Kind::Absent, "not-found");
    }

    #[test]
    fn a_repeated_cancel_is_no_second_event() {
        let rental = placed().when(Cancel).then([canceled(None)]).when(Cancel).then_nothing();
        assert_eq!(rental.0.standing(), Standing::Established, "what is canceled stays readable");
    }

    #[test]
    fn the_products_refusal_cancels_it_and_says_why() {
        let rental = placed().when(Refuse(Reason::OutOfStock)).then([canceled(Some(Reason::OutOfStock))]);
        let _ = rental.when(Cancel).then_nothing().when(Refuse(Reason::OutOfStock)).then_nothing();
    }

    #[test]
    fn a_refusal_that_comes_after_the_customers_cancel_changes_nothing() {
        let rental = placed().when(Cancel).then([canceled(None)]).when(Refuse(Reason::OutOfStock)).then_nothing();
        assert_eq!(rental.0.reason, None);
        let _ = given::<Rental>([]).when(Refuse(Reason::OutOfStock)).then_nothing();
    }

    #[test]
    fn what_is_open_or_unknown_cannot_be_canceled() {
        given::<Rental>([RentalRequested(ordered())]).when(Cancel).refused(Kind::Conflict, "still-open");
        given::<Rental>([]).when(Cancel).refused(Kind::Absent, "not-found");
    }
}
