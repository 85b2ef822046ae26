//! Payment: the money of the rent with the same number.
//!
//! Where the customer does not claim what the book costs, an open amount is approved; the book that holds the request
//! fixes it, and then it is judged as a claimed one is.

use super::{
    book::{self, Book},
    order,
    rent::{self, Rent},
};
use crate::{
    domain::prelude::*,
    systems::payment::{Progress, Terms},
};

/// The payment of the rent with the same number.
#[entity(
    context = "ebook.payment", reads = owner, collection = "payments", korean = "결제", port = 8082, generic,
    id(rent_id: Id<Rent>), personal(user_id), index(status, user_id, book_id), owner = self.user_id,
    lifecycle = self.progress.lifecycle(), debit(paid = self.rental_fee.filter(|_| self.progress == Progress::Paid))
)]
pub struct Payment {
    /// Who pays.
    user_id: u64,
    book_id: Id<Book>,
    /// How much, in won; open until the book has said what it costs.
    rental_fee: Option<u64>,
    /// Where the money is.
    #[shown(status: Status = self.progress.choose(Status::Paid, Status::Refunded))]
    progress: Progress,
    paid_date: Option<Timestamp>,
    /// When it was paid back.
    refunded_date: Option<Timestamp>,
}

/// Where the money is.
#[status(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Paid,
    Refunded,
}

/// What may be asked of a payment.
#[command]
pub enum Command {
    /// Without a fee an open amount is approved.
    Pay { user: u64, book: Id<Book>, fee: Option<u64> },
    /// The book holds the request, and costs this.
    Fix { fee: u64 },
    /// The request was rejected or withdrawn, for this reason, or given up.
    #[undo(of = rent, attempt = ONLY_ATTEMPT)]
    Refund { rent: Id<Rent>, reason: Option<String> },
}

/// What a payment may say has happened.
#[event]
pub enum Event {
    /// The money has come in.
    Paid {
        rent_id: Id<Rent>,
        user_id: u64,
        book_id: Id<Book>,
        rental_fee: Option<u64>,
        paid_date: Timestamp,
    },
    /// The amount that was open is approved. Events from before `book_id` name none.
    PaymentFixed {
        rent_id: Id<Rent>,
        rental_fee: u64,
        #[serde(default)]
        book_id: Option<Id<Book>>,
    },
    /// The money has gone back.
    Refunded(order::Refund),
    /// It will never come in.
    PaymentWithheld { rent_id: Id<Rent> },
    /// The amount that was open is declined, and not charged.
    PaymentDeclined { rent_id: Id<Rent>, book_id: Id<Book>, rental_fee: u64 },
}

impl Aggregate for Payment {
    type Command = Command;
    type Event = Event;
    type Settings = Terms;

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        let rent_id = this.id.of();
        let Self { user_id, book_id, rental_fee, .. } = *self;
        match command {
            Pay { user: user_id, book: book_id, fee: rental_fee } => {
                let paid = Paid { rent_id, user_id, book_id, rental_fee, paid_date: this.at };
                self.progress.pay(rental_fee, this.settings, paid)
            }
            Fix { fee } if self.progress == Progress::Paid && rental_fee.is_none() => {
                if this.settings.declines(fee) {
                    emit(PaymentDeclined { rent_id, book_id, rental_fee: fee })
                } else {
                    emit(PaymentFixed { rent_id, rental_fee: fee, book_id: Some(book_id) })
                }
            }
            Fix { .. } => ignore(),
            Refund { reason, .. } => {
                let refunded_date = this.at;
                let refund =
                    order::Refund { rent_id, user_id, book_id, rental_fee, refunded_date, reason };
                self.progress.call_off(Refunded(refund), PaymentWithheld { rent_id })
            }
        }
    }

    fn evolve(&mut self, event: &Event) {
        match *event {
            Event::Paid { user_id, book_id, rental_fee, paid_date, .. } => {
                *self = Self { user_id, book_id, rental_fee, ..Self::default() };
                self.progress = Progress::Paid;
                self.paid_date = Some(paid_date);
            }
            Event::PaymentFixed { rental_fee, .. } => self.rental_fee = Some(rental_fee),
            Event::Refunded(ref refund) => {
                self.progress = Progress::PaidBack;
                self.refunded_date = Some(refund.refunded_date);
            }
            Event::PaymentWithheld { .. } => self.progress = Progress::Withheld,
            // The book rejects the request, and that pays back.
            Event::PaymentDeclined { .. } => {}
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Rent>(|event| match event.clone() {
            rent::Event::RentFailed { rent_id, .. } => refund(rent_id, None),
            // Where it was rejected, the money has gone back already.
            rent::Event::Canceled { rent_id, reason, .. } => refund(rent_id, reason),
            _ => None,
        });
        policies.on::<Book>(|event| match event.clone() {
            book::Event::RequestHeld(held) => {
                Some((held.rent_id.of(), Command::Fix { fee: held.rental_fee }))
            }
            book::Event::Rejected { rent_id, reason, .. } => refund(rent_id, Some(reason)),
            _ => None,
        });
    }
}

fn refund(rent: Id<Rent>, reason: Option<String>) -> Option<(Id<Payment>, Command)> {
    Some((rent.of(), Command::Refund { rent, reason }))
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::given;

    const RENT: Id<Rent> = Id::new(1);
    const BOOK: Id<Book> = Id::new(3);
    const AT: Timestamp = Timestamp::from_micros(0);

    fn pay(fee: Option<u64>) -> Command {
        Pay { user: 9, book: BOOK, fee }
    }
    fn paid(rental_fee: Option<u64>) -> Event {
        Paid { rent_id: RENT, user_id: 9, book_id: BOOK, rental_fee, paid_date: AT }
    }
    fn refunded(rental_fee: Option<u64>) -> Event {
        let reason = Some("rejected".to_owned());
        let (user_id, book_id, refunded_date) = (9, BOOK, AT);
        Refunded(order::Refund {
            rent_id: RENT,
            user_id,
            book_id,
            rental_fee,
            refunded_date,
            reason,
        })
    }
    fn refund() -> Command {
        Refund { rent: RENT, reason: Some("rejected".into()) }
    }
    fn fixed() -> Event {
        PaymentFixed { rent_id: RENT, rental_fee: 3000, book_id: Some(BOOK) }
    }

    #[test]
    fn it_is_paid_once_and_refunded_once() {
        let payment = given::<Payment>([]).when(pay(Some(3000))).then([paid(Some(3000))]);
        let payment = payment.when(pay(Some(3000))).then_nothing();
        let payment = payment.when(refund()).then([refunded(Some(3000))]);
        assert_eq!(payment.0.represent(Id::new(1)).status, Status::Refunded);
        let payment = payment.when(refund()).then_nothing();
        payment.when(pay(Some(3000))).refused(Kind::Conflict, "payment-called-off");
    }

    #[test]
    fn an_open_amount_is_fixed_once_by_the_book_and_a_claimed_one_stays() {
        let payment = given::<Payment>([paid(None)]).when(Fix { fee: 3000 });
        let payment = payment.then([fixed()]);
        assert_eq!(payment.0.represent(Id::new(1)).rental_fee, Some(3000));
        let payment = payment.when(Fix { fee: 4000 }).then_nothing();
        let _ = payment.when(refund()).then([refunded(Some(3000))]);
        let _ = given::<Payment>([paid(Some(3000))]).when(Fix { fee: 3000 }).then_nothing();
    }

    #[test]
    fn an_open_amount_is_judged_when_it_is_fixed() {
        let decide = |fee| {
            let settings = Terms { decline_from: Some(3000) };
            let moment = DecisionContext { id: Id::new(1), at: AT, settings: &settings };
            given::<Payment>([paid(None)]).0.decide(Fix { fee }, &moment)
        };
        let declined = PaymentDeclined { rent_id: RENT, book_id: BOOK, rental_fee: 3000 };
        assert_eq!(decide(3000), emit(declined.clone()));
        let fixed = PaymentFixed { rent_id: RENT, rental_fee: 2999, book_id: Some(BOOK) };
        assert_eq!(decide(2999), emit(fixed));
        let payment = given::<Payment>([paid(None), declined]);
        assert_eq!(payment.0.represent(Id::new(1)).rental_fee, None);
        let _ = payment.when(refund()).then([refunded(None)]);
    }

    #[test]
    fn an_open_amount_that_no_book_fixed_is_refunded_as_it_is() {
        let payment = given::<Payment>([paid(None)]).when(refund()).then([refunded(None)]);
        let _ = payment.when(Fix { fee: 3000 }).then_nothing();
    }

    #[test]
    fn a_refund_that_comes_first_is_remembered_and_nothing_is_paid() {
        let withheld = PaymentWithheld { rent_id: RENT };
        let payment = given::<Payment>([]).when(refund()).then([withheld]);
        assert_eq!(payment.0.lifecycle(), Lifecycle::Absent);
        let payment = payment.when(refund()).then_nothing().when(Fix { fee: 1 }).then_nothing();
        payment.when(pay(None)).refused(Kind::Conflict, "payment-called-off");
    }

    #[test]
    fn a_refund_takes_back_the_question_of_its_rent() {
        assert_eq!(refund().compensates(), Some(AskId::of(RENT, 1)));
        assert_eq!(pay(None).compensates(), None);
    }

    #[test]
    fn a_rejection_is_taken_from_the_rent_and_not_from_its_book() {
        struct Ear(Option<React<Payment, Book>>);
        impl Policies<Payment> for Ear {
            fn on<S: Aggregate>(&mut self, react: React<Payment, S>) {
                let react: &dyn std::any::Any = &react;
                self.0 = self.0.or(react.downcast_ref().copied());
            }
            fn on_key<S: Aggregate>(&mut self, _: ReactByKey<Payment, S>) {}
            fn creating<S: Aggregate>(&mut self, _: fn(&S::Event) -> Option<Command>) {}
        }
        let mut ear = Ear(None);
        Payment::whenever(&mut ear);
        let rejected = book::Event::Rejected {
            rent_id: RENT,
            book_id: BOOK,
            user_id: 9,
            reason: "rejected".into(),
        };
        let heard = ear.0.expect("it listens to the book")(&rejected);
        assert_eq!(heard, Some((Id::new(1), refund())));
    }
}
