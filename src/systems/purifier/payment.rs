//! Payment (결제): the money of the rental with the same number.

use super::{
    product::Product,
    rental::{self, Canceled, Failed, Rental},
};
use crate::{
    domain::prelude::*,
    systems::payment::{Progress, Terms},
};

/// The payment of the rental with the same number.
#[entity(
    context = "purifier.payment", reads = owner, collection = "payments", korean = "결제", title = "RentalPayment",
    port = 8082,
    generic, id(rental_id: Id<Rental>), index(status, product_id),
    lifecycle = self.progress.lifecycle(),
    debit(paid = (self.progress == Progress::Paid).then_some(self.amt))
)]
pub struct Payment {
    product_id: Id<Product>,
    /// How much, in won.
    amt: u64,
    /// Where the money is.
    #[shown(status: Status = self.progress.choose(Status::Completed, Status::Canceled))]
    progress: Progress,
}

/// Where the money is.
#[status(title = "RentalPaymentStatus")]
pub enum Status {
    /// It has come in.
    #[name = "PAYMENT COMPLETED"]
    Completed,
    /// It has gone back.
    #[name = "PAYMENT CANCELED"]
    Canceled,
}

#[command]
pub enum Command {
    /// A yes has charged it.
    Approve { product: Id<Product>, amt: u64 },
    /// The rental was canceled, or given up.
    #[undo(of = rental, attempt = ONLY_ATTEMPT)]
    Cancel { rental: Id<Rental> },
}

#[event]
pub enum Event {
    PaymentApproved { rental_id: Id<Rental>, product_id: Id<Product>, amt: u64 },
    PaymentCanceled { rental_id: Id<Rental>, product_id: Id<Product>, amt: u64 },
    PaymentWithheld { rental_id: Id<Rental> },
}

impl Aggregate for Payment {
    type Command = Command;
    type Event = Event;
    type Settings = Terms;

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        let rental_id = this.id.of();
        match command {
            Approve { product: product_id, amt } => {
                let approved = PaymentApproved { rental_id, product_id, amt };
                self.progress.pay(Some(amt), this.settings, approved)
            }
            Cancel { .. } => {
                let Payment { product_id, amt, .. } = *self;
                let canceled = PaymentCanceled { rental_id, product_id, amt };
                self.progress.call_off(canceled, PaymentWithheld { rental_id })
            }
        }
    }

    fn evolve(&mut self, event: &Event) {
        match *event {
            Event::PaymentApproved { product_id, amt, .. } => {
                *self = Payment { product_id, amt, progress: Progress::Paid };
            }
            Event::PaymentCanceled { .. } => self.progress = Progress::PaidBack,
            Event::PaymentWithheld { .. } => self.progress = Progress::Withheld,
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Rental>(|event| match *event {
            rental::Event::RentalFailed(Failed { rental_id: rental, .. })
            | rental::Event::RentalCanceled(Canceled { rental_id: rental, .. }) => {
                Some((rental.of(), Command::Cancel { rental }))
            }
            _ => None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::given;

    const RENTAL: Id<Rental> = Id::new(1);
    const PRODUCT: Id<Product> = Id::new(3);

    #[test]
    fn it_comes_in_once_and_goes_back_once() {
        let approve = || Approve { product: PRODUCT, amt: 30_000 };
        let cancel = || Cancel { rental: RENTAL };
        let approved = PaymentApproved { rental_id: RENTAL, product_id: PRODUCT, amt: 30_000 };
        let canceled = PaymentCanceled { rental_id: RENTAL, product_id: PRODUCT, amt: 30_000 };
        let payment =
            given::<Payment>([]).when(approve()).then([approved]).when(approve()).then_nothing();
        let _ = payment.when(cancel()).then([canceled]).when(cancel()).then_nothing();
    }

    #[test]
    fn a_rental_that_was_given_up_is_never_charged() {
        let payment = given::<Payment>([])
            .when(Cancel { rental: RENTAL })
            .then([PaymentWithheld { rental_id: RENTAL }]);
        assert_eq!(payment.0.lifecycle(), Lifecycle::Absent);
        payment
            .when(Approve { product: PRODUCT, amt: 1 })
            .refused(Kind::Conflict, "payment-called-off");
        assert_eq!(Cancel { rental: RENTAL }.compensates(), Some(AskId::of(RENTAL, 1)));
    }
}
