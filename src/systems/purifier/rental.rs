//! Rental (렌탈): a customer orders a unit and pays for it in one step; all else follows.
//!
//! It follows its delivery, so that the customer's messages come from its own events, in their order.

mod state;

pub use super::order::{Canceled, Changed, Ended, Failed, Ordered, Request};
pub use state::Status;

use super::{
    delivery::{self, Delivery},
    payment::{self, Payment},
    product::{self, Product, Reason},
    stock::Decreased,
};
use crate::domain::prelude::*;

/// One rental of one unit by one customer.
#[entity(
    context = "purifier.rental", reads = owner, personal(customer_id, address, phone),
    collection = "rentals",
    korean = "렌탈",
    port = 8081,
    order,
    index(status, customer_id, product_id),
    owner = self.request.customer_id,
    credit(paid = self.status.is_paid().then_some(self.request.amt))
)]
pub struct Rental {
    #[shown(
        customer_id: u64,
        product_id: Id<Product>,
        /// What the customer says that it costs, in won: this is charged, and it must be right.
        amt: u64,
        address: String,
        phone: Option<String>
    )]
    request: Request,
    status: Status,
    /// Why it was canceled, where that was not the customer's wish.
    reason: Option<Reason>,
}

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

#[event]
pub enum Event {
    /// It asks for its payment.
    RentalRequested(Ordered),
    /// It is paid for.
    RentalPlaced(Ordered),
    /// It never came to be.
    RentalFailed(Failed),
    /// It is over; the reason is there where that was not the customer's wish.
    RentalCanceled(Canceled),
    /// Its unit is on its way.
    RentalSupplied(Changed),
    /// Its unit is not on its way any more.
    RentalRecalled(Changed),
}

impl Aggregate for Rental {
    type Command = Command;
    type Event = Event;
    type Settings = ();
    const MAY_ASK: MayAsk = &[("Request", &[Payment::NAME])];

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*, Status::*};
        let id = this.id;
        let it = self.request.clone();
        match (self.status, command) {
            (New, Request(wanted)) => emit(RentalRequested(wanted.ordered(id))),
            (Requested, Settle(Ok(()))) => emit(RentalPlaced(it.ordered(id))),
            (Requested, Settle(Err(no))) => emit(RentalFailed(it.failed(id, &no))),
            (Placed, Supply) => emit(RentalSupplied(it.changed(id))),
            (Placed | Supplied, Cancel) => emit(RentalCanceled(it.canceled(id, None))),
            (Placed, Refuse { reason }) => emit(RentalCanceled(it.canceled(id, Some(reason)))),
            (Recalled, EndDelivery) => emit(RentalRecalled(it.changed(id))),
            (Canceled | Recalled, Cancel) | (_, Request(_) | Settle(_)) => ignore(),
            (_, Refuse { .. } | Supply | EndDelivery) => ignore(),
            (New | Requested | Declined | Unanswered, Cancel) => Err(self.not_established()),
        }
    }

    fn evolve(&mut self, event: &Event) {
        self.status = self.status.after(event);
        match event {
            Event::RentalRequested(order) => self.request = order.clone().into(),
            Event::RentalCanceled(canceled) => self.reason = canceled.reason,
            _ => {}
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        use {Command::*, delivery::Event::*, product::Event::*};
        policies.on::<Product>(|event| match *event {
            ProductDecreased(Decreased { rental_id, .. }) => Some((rental_id, Supply)),
            ProductRefused { rental_id, reason, .. } => Some((rental_id, Refuse { reason })),
            _ => None,
        });
        policies.on::<Delivery>(|event| match *event {
            DeliveryCanceled { rental_id, .. } => Some((rental_id, EndDelivery)),
            _ => None,
        });
    }

    fn awaits(&self, rental: Id<Self>) -> Option<Ask<Self>> {
        let Request { product_id: product, amt, .. } = self.request;
        let approve = payment::Command::Approve { product, amt };
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
    use crate::{
        domain::spec::{Given, given},
        systems::payment::declined,
    };

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
        let phone = order().phone;
        RentalCanceled(Canceled { rental_id: RENTAL, customer_id: 7, phone, reason })
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
            let event = RentalFailed(Failed {
                rental_id: RENTAL,
                customer_id: 7,
                product_id: PRODUCT,
                reason,
            });
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
