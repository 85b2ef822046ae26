//! Rental (렌탈): a customer orders a unit and pays for it in one step; all else follows.
//!
//! It follows its delivery, so that the customer's messages come from its own events, in their order.

use super::delivery::{self, Delivery};
use super::order::Decreased;
pub use super::order::{Changed, Ended, Ordered, Request};
use super::payment::{self, Payment};
use super::product::{self, Product, Reason};
use crate::{domain::prelude::*, systems::payment::declined};

/// A rental asks for its payment once; after a no, the customer orders anew.
pub const ONLY_ATTEMPT: u32 = 1;

/// One rental of one unit by one customer.
#[entity(
    context = "purifier.rental",
    collection = "rentals",
    korean = "렌탈",
    port = 8081,
    order,
    index(status, customer_id, product_id)
)]
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

/// How far the rental has come.
#[status(title = "RentalStatus")]
pub enum Status {
    #[absent]
    New,
    #[open]
    Requested,
    #[ended(declined())]
    Declined,
    #[ended(Refusal::retry_later())]
    Unanswered,
    #[name = "RentalPlaced"]
    Placed,
    #[canceled]
    #[name = "RentalCanceled"]
    Canceled,
    // The product has given its unit.
    #[shown_as(Placed)]
    Supplied,
    // It was canceled after that: its delivery will be.
    #[canceled]
    #[shown_as(Canceled)]
    Recalled,
}

/// What may be asked of a rental.
#[command]
pub enum Command {
    /// A new rental.
    Request(Request),
    /// The answer of the payment, or that none came in time.
    Settle(Result<(), NoAnswer>),
    /// The customer does not want it any more.
    Cancel,
    /// The product has no unit for it.
    Refuse { reason: Reason },
    /// The product has given a unit for it.
    Supply,
    /// Its delivery was canceled.
    EndDelivery,
}

/// What a rental may say has happened.
#[event]
pub enum Event {
    /// It asks for its payment.
    RentalRequested(Ordered),
    /// It is paid for.
    RentalPlaced(Ordered),
    /// It never came to be.
    RentalFailed {
        rental_id: Id<Rental>,
        customer_id: u64,
        product_id: Id<Product>,
        reason: String,
    },
    /// It is over; the reason is there where that was not the customer's wish.
    RentalCanceled {
        rental_id: Id<Rental>,
        customer_id: u64,
        phone: Option<String>,
        reason: Option<Reason>,
    },
    /// Its unit is on its way.
    RentalSupplied(Changed),
    /// Its unit is not on its way any more.
    RentalRecalled(Changed),
}

impl Rental {
    fn ordered(&self, rental_id: Id<Self>) -> Ordered {
        let Rental { customer_id, product_id, amt, address, phone, .. } = self.clone();
        Ordered { rental_id, customer_id, product_id, amt, address, phone }
    }
    fn changed(&self, rental_id: Id<Self>) -> Changed {
        let Self { customer_id, phone, .. } = self.clone();
        Changed { rental_id, customer_id, phone }
    }
    fn canceled(&self, rental_id: Id<Self>, reason: Option<Reason>) -> Event {
        let Self { customer_id, phone, .. } = self.clone();
        Event::RentalCanceled { rental_id, customer_id, phone, reason }
    }
}

impl Aggregate for Rental {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Request", &[Payment::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let rental_id = this.id;
        let Self { customer_id, product_id, status, .. } = *self;
        match (status, command) {
            (New, Request(wanted)) => emit(RentalRequested(wanted.ordered(rental_id))),
            (Requested, Settle(Ok(()))) => emit(RentalPlaced(self.ordered(rental_id))),
            (Requested, Settle(Err(no))) => {
                emit(RentalFailed { rental_id, customer_id, product_id, reason: no.code().into() })
            }
            (Placed, Supply) => emit(RentalSupplied(self.changed(rental_id))),
            (Placed | Supplied, Cancel) => emit(self.canceled(rental_id, None)),
            (Placed, Refuse { reason }) => emit(self.canceled(rental_id, Some(reason))),
            (Recalled, EndDelivery) => emit(RentalRecalled(self.changed(rental_id))),
            (Canceled | Recalled, Cancel) | (_, Request(_) | Settle(_)) => ignore(),
            (_, Refuse { .. } | Supply | EndDelivery) => ignore(),
            (New | Declined | Unanswered, Cancel) => Err(Refusal::absent(Self::NAME)),
            (Requested, Cancel) => Err(Refusal::still_open()),
        }
    }

    fn evolve(&mut self, event: &Event) {
        self.status = match event.clone() {
            Event::RentalRequested(order) => {
                let Ordered { customer_id, product_id, amt, address, phone, .. } = order;
                *self = Self { customer_id, product_id, amt, address, phone, ..Self::default() };
                Status::Requested
            }
            Event::RentalPlaced(_) => Status::Placed,
            Event::RentalFailed { reason, .. } if reason == declined().code => Status::Declined,
            Event::RentalFailed { .. } => Status::Unanswered,
            Event::RentalSupplied(_) => Status::Supplied,
            Event::RentalCanceled { reason, .. } => {
                self.reason = reason;
                let has_unit = self.status == Status::Supplied;
                if has_unit { Status::Recalled } else { Status::Canceled }
            }
            Event::RentalRecalled(_) => Status::Canceled,
        };
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Product>(|event| match *event {
            product::Event::ProductDecreased(Decreased { rental_id, .. }) => {
                Some((rental_id, Command::Supply))
            }
            product::Event::ProductRefused { rental_id, reason, .. } => {
                Some((rental_id, Command::Refuse { reason }))
            }
            _ => None,
        });
        policies.on::<Delivery>(|event| match *event {
            delivery::Event::DeliveryCanceled { rental_id, .. } => {
                Some((rental_id, Command::EndDelivery))
            }
            _ => None,
        });
    }

    fn awaits(&self, rental: Id<Self>) -> Option<Ask<Self>> {
        let approve = payment::Command::Approve { product: self.product_id, amt: self.amt };
        (self.status == Status::Requested).then(|| {
            ask(rental.of::<Payment>(), approve, Command::Settle)
                .undone_by(payment::Command::cancel(rental))
        })
    }

    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Customer, |request: Request| (Target::New, Command::Request(request)));
        routes.patch(Role::Customer, |Change { status: Ended::Cancel }| Command::Cancel);
        routes.delete(Role::Customer, || Command::Cancel);
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::{Given, given};

    const RENTAL: Id<Rental> = Id::new(1);
    const PRODUCT: Id<Product> = Id::new(3);

    fn order() -> Ordered {
        let address = "Seoul".to_owned();
        let phone = Some("010-0000-0000".to_owned());
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
    fn a_refusal_and_no_answer_establish_nothing_and_record_which_it_was() {
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
    fn it_is_canceled_once_by_the_first_cancel() {
        let refuse = || Refuse { reason: Reason::OutOfStock };
        let rental = placed().when(Cancel).then([canceled(None)]);
        let _ = rental.when(refuse()).then_nothing().when(Cancel).then_nothing();
        let rental = placed().when(refuse()).then([canceled(Some(Reason::OutOfStock))]);
        let _ = rental.when(Cancel).then_nothing().when(refuse()).then_nothing();
    }

    fn changed() -> Changed {
        Changed { rental_id: RENTAL, customer_id: 7, phone: order().phone }
    }

    #[test]
    fn the_cancel_of_its_delivery_has_a_message_only_where_its_start_had_one() {
        let rental = placed().when(Supply).then([RentalSupplied(changed())]);
        assert_eq!(rental.0.represent(RENTAL).status.as_ref(), "RentalPlaced");
        let rental = rental.when(Supply).then_nothing().when(EndDelivery).then_nothing();
        let rental = rental.when(Cancel).then([canceled(None)]).when(Cancel).then_nothing();
        assert_eq!(rental.0.represent(RENTAL).status.as_ref(), "RentalCanceled");
        let rental = rental.when(EndDelivery).then([RentalRecalled(changed())]);
        let _ = rental.when(EndDelivery).then_nothing();
    }

    #[test]
    fn a_unit_that_comes_after_the_cancel_is_not_told() {
        let rental = placed().when(Cancel).then([canceled(None)]).when(Supply).then_nothing();
        let _ = rental.when(EndDelivery).then_nothing();
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
