//! Payment (결제): the money of the rental with the same number.

use super::{
    product::{self, Product},
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Status {
    #[serde(rename = "PAYMENT COMPLETED")]
    #[strum(serialize = "PAYMENT COMPLETED")]
    Completed,
    #[serde(rename = "PAYMENT CANCELED")]
    #[strum(serialize = "PAYMENT CANCELED")]
    Canceled,
}

/// A payment as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Payment")]
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
    /// May this much be charged? A yes has charged it.
    Approve { product: Id<Product>, amt: u64 },
    /// The rental is canceled, refused, or never was.
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
    const NAME: Name =
        Name { system: "purifier", context: "purifier.payment", collection: "payments", item: "payment" };
    const SUBDOMAIN: Subdomain = Subdomain::Generic;
    const PORT: Option<u16> = Some(8082);
    type Shown = Shown;

    fn show(&self, id: Id<Self>) -> Shown {
        Shown { rental_id: id.of(), product_id: self.product_id, amt: self.amt, status: self.status() }
    }
    fn standing(&self) -> Standing {
        match self.progress {
            Progress::New | Progress::Withheld => Standing::Absent,
            Progress::Paid | Progress::PaidBack => Standing::Established,
        }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![("status", self.status().as_ref().into()), ("productId", self.product_id.into())]
    }
    fn numbered_by() -> &'static [&'static str] {
        &["rentalId"]
    }
}

impl Aggregate for Payment {
    type Command = Command;
    type Event = Event;
    type Settings = Terms;

    fn decide(&self, command: Command, this: &Moment<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        let rental_id = this.id.of();
        match command {
            Approve { product, amt } => {
                let approved = PaymentApproved { rental_id, product_id: product, amt };
                self.progress.pay(Some(amt), this.settings, approved)
            }
            Cancel { .. } => {
                let canceled = PaymentCanceled { rental_id, product_id: self.product_id, amt: self.amt };
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
        policies.hearing::<Rental>(|event| match event {
            rental::Event::RentalFailed { rental_id, .. } | rental::Event::RentalCanceled { rental_id, .. } => {
                Some((rental_id.of(), Command::Cancel { rental: *rental_id }))
            }
            rental::Event::RentalRequested(_) | rental::Event::RentalPlaced(_) => None,
        });
        policies.hearing::<Product>(|event| match event {
            product::Event::ProductRefused { rental_id, .. } => {
                Some((rental_id.of(), Command::Cancel { rental: *rental_id }))
            }
            _ => None,
        });
    }

    fn withdraws(command: &Command) -> Option<AskId> {
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
    const APPROVE: Command = Approve { product: PRODUCT, amt: 30_000 };
    const CANCEL: Command = Cancel { rental: RENTAL };

    #[test]
    fn it_is_approved_once_and_canceled_once() {
        let approved = PaymentApproved { rental_id: RENTAL, product_id: PRODUCT, amt: 30_000 };
        let canceled = PaymentCanceled { rental_id: RENTAL, product_id: PRODUCT, amt: 30_000 };
        let payment = given::<Payment>([]).when(APPROVE).then([approved]).when(APPROVE).then_nothing();
        let payment = payment.when(CANCEL).then([canceled]).when(CANCEL).then_nothing();
        assert_eq!(payment.0.show(Id::new(1)).status, Status::Canceled);
        payment.when(APPROVE).refused(Kind::Conflict, "payment-called-off");
    }

    #[test]
    fn a_cancel_that_comes_first_is_remembered_and_nothing_is_charged() {
        let payment = given::<Payment>([]).when(CANCEL).then([PaymentWithheld { rental_id: RENTAL }]);
        assert_eq!(payment.0.standing(), Standing::Absent, "there is no such payment to see");
        payment.when(CANCEL).then_nothing().when(APPROVE).refused(Kind::Conflict, "payment-called-off");
    }

    #[test]
    fn a_cancel_takes_back_the_question_of_its_rental() {
        assert_eq!(Payment::withdraws(&CANCEL), Some(AskId::of(RENTAL, 1)));
        assert_eq!(Payment::withdraws(&APPROVE), None);
    }
}
