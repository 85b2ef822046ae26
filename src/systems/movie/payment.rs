//! Payment: the money of the booking with the same number.

use super::book::{self, Book};
use crate::{
    domain::prelude::*,
    systems::payment::{Progress, Terms},
};

/// The payment of the booking with the same number.
#[entity(
    context = "movie.payment", reads = owner, collection = "payments", korean = "결제", title = "MoviePayment",
    port = 8082, generic,
    id(booking_id: Id<Book>), index(status = self.status()), lifecycle = self.progress.lifecycle(),
    debit(paid = self.total_price.filter(|_| self.progress == Progress::Paid))
)]
pub struct Payment {
    /// How much was charged, in won; null when the booking named no price.
    total_price: Option<u64>,
    /// Where the money is.
    #[shown(status: Status = self.status().unwrap_or(Status::Canceled))]
    progress: Progress,
}

/// Where the money is.
#[status]
pub enum Status {
    Paid,
    Canceled,
}

#[command]
#[serde(rename_all_fields = "camelCase")]
pub enum Command {
    /// A yes has paid.
    Pay { total_price: Option<u64> },
    /// The booking never was, or is no more: what came in goes back.
    #[undo(of = booking, attempt = ONLY_ATTEMPT)]
    CallOff { booking: Id<Book> },
}

#[event]
pub enum Event {
    Paid {
        booking_id: Id<Book>,
        total_price: Option<u64>,
    },
    PaymentCanceled {
        booking_id: Id<Book>,
    },
    /// It was called off before it was asked for.
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
        self.progress = match *event {
            Event::Paid { total_price, .. } => {
                self.total_price = total_price;
                Progress::Paid
            }
            Event::PaymentCanceled { .. } => Progress::PaidBack,
            Event::PaymentWithheld { .. } => Progress::Withheld,
        };
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Book>(|event| match *event {
            book::Event::BookFailed { booking_id: booking, .. }
            | book::Event::Canceled { booking_id: booking } => {
                Some((booking.of(), Command::CallOff { booking }))
            }
            _ => None,
        });
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
        assert_eq!(CALL_OFF.compensates(), Some(AskId::of(BOOKING, 1)));
        assert_eq!(PAY.compensates(), None);
    }
}
