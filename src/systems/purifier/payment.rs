//! Payment (결제): the money of the rental with the same number.

use super::{
    product::Product,
    rental::{self, Rental},
};
use crate::{
    domain::*,
    systems::payment::{Progress, Terms},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// The payment of the rental with the same number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Payment {
    product_id: Id<Product>,
    amt: u64,
    progress: Progress,
}

/// Where the money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[schemars(rename = "RentalPaymentStatus")]
pub enum Status {
    /// It has come in.
    #[serde(rename = "PAYMENT COMPLETED")]
    #[strum(serialize = "PAYMENT COMPLETED")]
    Completed,
    /// It has gone back.
    #[serde(rename = "PAYMENT CANCELED")]
    #[strum(serialize = "PAYMENT CANCELED")]
    Canceled,
}

/// A payment as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RentalPayment")]
pub struct Shown {
    /// The rental's number.
    pub rental_id: Id<Rental>,
    /// The product's number.
    pub product_id: Id<Product>,
    /// How much, in won.
    pub amt: u64,
    /// Where the money is.
    pub status: Status,
}

/// What may be asked of a payment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Command {
    /// A yes has charged it.
    Approve { product: Id<Product>, amt: u64 },
    /// The rental was canceled, or given up.
    Cancel { rental: Id<Rental> },
}

/// What a payment may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[allow(missing_docs)]
pub enum Event {
    PaymentApproved { rental_id: Id<Rental>, product_id: Id<Product>, amt: u64 },
    PaymentCanceled { rental_id: Id<Rental>, product_id: Id<Product>, amt: u64 },
    PaymentWithheld { rental_id: Id<Rental> },
}

impl Payment {
    fn status(&self) -> Status {
        if self.progress == Progress::PaidBack { Status::Canceled } else { Status::Completed }
    }
}

impl Entity for Payment {
    const NAME: Name = Name {
        system: "purifier",
        context: "purifier.payment",
        collection: "payments",
        item: "payment",
    };
    const SUBDOMAIN: Subdomain = Subdomain::Generic;
    const PORT: Option<u16> = Some(8082);
    type Representation = Shown;

    fn represent(&self, id: Id<Self>) -> Shown {
        Shown {
            rental_id: id.of(),
            product_id: self.product_id,
            amt: self.amt,
            status: self.status(),
        }
    }
    fn lifecycle(&self) -> Lifecycle {
        match self.progress {
            Progress::New | Progress::Withheld => Lifecycle::Absent,
            Progress::Paid | Progress::PaidBack => Lifecycle::Established,
        }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![("status", self.status().as_ref().into()), ("productId", self.product_id.into())]
    }
    fn id_aliases() -> &'static [&'static str] {
        &["rentalId"]
    }
}

impl Aggregate for Payment {
    type Command = Command;
    type Event = Event;
    type Settings = Terms;

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        let rental_id = this.id.of();
        match command {
            Approve { product: product_id, amt } => self.progress.pay(
                Some(amt),
                this.settings,
                PaymentApproved { rental_id, product_id, amt },
            ),
            Cancel { .. } => {
                let canceled =
                    PaymentCanceled { rental_id, product_id: self.product_id, amt: self.amt };
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
        policies.on::<Rental>(|event| match event {
            rental::Event::RentalFailed { rental_id, .. }
            | rental::Event::RentalCanceled { rental_id, .. } => {
                Some((rental_id.of(), Command::Cancel { rental: *rental_id }))
            }
            _ => None,
        });
    }

    fn compensates(command: &Command) -> Option<AskId> {
        match command {
            Command::Cancel { rental } => Some(AskId::of(*rental, rental::ONLY_ATTEMPT)),
            Command::Approve { .. } => None,
        }
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
        let (approve, cancel) =
            (|| Approve { product: PRODUCT, amt: 30_000 }, || Cancel { rental: RENTAL });
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
        assert_eq!(Payment::compensates(&Cancel { rental: RENTAL }), Some(AskId::of(RENTAL, 1)));
    }
}
