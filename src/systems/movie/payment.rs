//! Payment: the money of the booking with the same number.

use super::book::{self, Book};
use crate::{
    domain::*,
    systems::payment::{Progress, Terms},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// The payment of the booking with the same number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Payment {
    total_price: Option<u64>,
    progress: Progress,
}

/// Where the money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Status {
    Paid,
    Canceled,
}

/// A payment as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "MoviePayment")]
pub struct Shown {
    /// The booking's number.
    pub booking_id: Id<Book>,
    /// How much was charged, in won; null when the booking named no price.
    pub total_price: Option<u64>,
    /// Where the money is.
    pub status: Status,
}

/// What may be asked of a payment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[allow(missing_docs)]
pub enum Command {
    Pay {
        total_price: Option<u64>,
    },
    /// The booking never was, or is no more: what came in goes back.
    CallOff {
        booking: Id<Book>,
    },
}

/// What a payment may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[allow(missing_docs)]
pub enum Event {
    Paid {
        booking_id: Id<Book>,
        total_price: Option<u64>,
    },
    PaymentCanceled {
        booking_id: Id<Book>,
    },
    /// It was called off before anybody asked for it.
    PaymentWithheld {
        booking_id: Id<Book>,
    },
}

impl Payment {
    fn status(&self) -> Option<Status> {
        match self.progress {
            Progress::New | Progress::Withheld => None,
            Progress::Paid => Some(Status::Paid),
            Progress::PaidBack => Some(Status::Canceled),
        }
    }
}

impl Entity for Payment {
    const NAME: Name =
        Name { system: "movie", context: "movie.payment", collection: "payments", item: "payment" };
    const SUBDOMAIN: Subdomain = Subdomain::Generic;
    const PORT: Option<u16> = Some(8082);
    type Representation = Shown;

    fn represent(&self, id: Id<Self>) -> Shown {
        let status = self.status().unwrap_or(Status::Canceled);
        Shown { booking_id: id.of(), total_price: self.total_price, status }
    }
    fn lifecycle(&self) -> Lifecycle {
        if self.status().is_some() { Lifecycle::Established } else { Lifecycle::Absent }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![("status", self.status().map_or(Key::Missing, |status| status.as_ref().into()))]
    }
    fn id_aliases() -> &'static [&'static str] {
        &["bookingId"]
    }
}

impl Aggregate for Payment {
    type Command = Command;
    type Event = Event;
    type Settings = Terms;

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        let booking_id = this.id.of();
        match command {
            Pay { total_price } => {
                self.progress.pay(total_price, this.settings, Paid { booking_id, total_price })
            }
            CallOff { .. } => self
                .progress
                .call_off(PaymentCanceled { booking_id }, PaymentWithheld { booking_id }),
        }
    }

    fn evolve(&mut self, event: &Event) {
        self.progress = match event {
            Event::Paid { total_price, .. } => {
                self.total_price = *total_price;
                Progress::Paid
            }
            Event::PaymentCanceled { .. } => Progress::PaidBack,
            Event::PaymentWithheld { .. } => Progress::Withheld,
        };
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Book>(|event| match event {
            book::Event::BookFailed { booking_id, .. } | book::Event::Canceled { booking_id } => {
                Some((booking_id.of(), Command::CallOff { booking: *booking_id }))
            }
            _ => None,
        });
    }

    fn compensates(command: &Command) -> Option<AskId> {
        match command {
            Command::CallOff { booking } => Some(AskId::of(*booking, book::ONLY_ATTEMPT)),
            Command::Pay { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::given;

    const BOOKING: Id<Book> = Id::new(1);
    const PAY: Command = Pay { total_price: Some(10_000) };
    const CALL_OFF: Command = CallOff { booking: BOOKING };

    fn paid() -> Event {
        Paid { booking_id: BOOKING, total_price: Some(10_000) }
    }

    #[test]
    fn it_is_paid_once_and_paid_back_once() {
        let payment = given::<Payment>([]).when(PAY).then([paid()]).when(PAY).then_nothing();
        let payment = payment.when(CALL_OFF).then([PaymentCanceled { booking_id: BOOKING }]);
        let payment = payment.when(CALL_OFF).then_nothing();
        assert_eq!(payment.0.represent(Id::new(1)).status, Status::Canceled);
    }

    #[test]
    fn what_is_called_off_before_it_was_asked_for_is_never_paid_and_cannot_be_seen() {
        let payment =
            given::<Payment>([]).when(CALL_OFF).then([PaymentWithheld { booking_id: BOOKING }]);
        assert_eq!(payment.0.lifecycle(), Lifecycle::Absent);
        payment.when(PAY).refused(Kind::Conflict, "payment-called-off");
    }

    #[test]
    fn calling_it_off_takes_the_question_back() {
        assert_eq!(Payment::compensates(&CALL_OFF), Some(AskId::of(BOOKING, 1)));
        assert_eq!(Payment::compensates(&PAY), None);
    }
}
