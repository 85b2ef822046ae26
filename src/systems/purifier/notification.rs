//! Notification (문자): one text message for each change of a rental or its delivery, as the rental tells them.

pub use super::order::Text;
use super::{
    order::{Canceled, Changed, Ordered},
    product::Reason,
    rental::{self, Rental},
};
use crate::{
    domain::prelude::*,
    systems::text::{Sending, Status, short_enough, telephone},
};

mod version_1;

/// One text message.
#[entity(
    context = "purifier.notification", reads = owner, personal(customer_id, phone, text),
    collection = "notifications",
    korean = "문자 메시지",
    generic,
    owner = self.text.customer_id,
    index(status, rental_id, customer_id),
    index_version = 2,
    lifecycle = self.sending.status.lifecycle(),
    old_versions(version_1::Notification)
)]
pub struct Notification {
    #[shown(rental_id: Id<Rental>, customer_id: u64, phone: Option<String>, text: String)]
    text: Text,
    #[shown(
        /// Whether it was sent.
        status: Status,
        sent_at: Option<Timestamp>,
        /// Why the gateway refuses it.
        reason: Option<String>
    )]
    sending: Sending,
}

/// What may be asked of a notification.
#[command]
pub enum Command {
    /// A new text message.
    Queue(Text),
    /// What became of it.
    Report(MessageOutcome),
}

/// What a notification may say has happened.
#[event]
pub enum Event {
    /// The gateway has taken it.
    MessageSent {
        rental_id: Id<Rental>,
        customer_id: u64,
        phone: Option<String>,
        text: String,
        sent_at: Timestamp,
    },
    /// It waits to be sent.
    MessageQueued(Text),
    /// The gateway will never take it.
    MessageRefused { rental_id: Id<Rental>, customer_id: u64, reason: String },
}

impl Aggregate for Notification {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        let Text { rental_id, customer_id, phone, text } = self.text.clone();
        match command {
            Queue(text) => self.sending.queue(MessageQueued(text)),
            Report(outcome) => self.sending.report(
                outcome,
                || MessageQueued(self.text.clone()),
                || MessageSent { rental_id, customer_id, phone, text, sent_at: this.at },
                |reason| MessageRefused { rental_id, customer_id, reason },
            ),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event.clone() {
            Event::MessageQueued(text) => *self = Self { text, sending: Sending::queued() },
            // Before there was a queue, this was the only event.
            Event::MessageSent { rental_id, customer_id, phone, text, sent_at } => {
                self.text = Text { rental_id, customer_id, phone, text };
                self.sending = Sending::sent(sent_at);
            }
            Event::MessageRefused { reason, .. } => self.sending = Sending::refused(reason),
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.creating::<Rental>(|event| {
            let (rental, customer, phone, words) = match event {
                rental::Event::RentalPlaced(Ordered { rental_id, customer_id, phone, .. }) => {
                    (rental_id, customer_id, phone, "렌탈 신청이 접수되었습니다")
                }
                rental::Event::RentalSupplied(Changed { rental_id, customer_id, phone }) => {
                    (rental_id, customer_id, phone, "배송이 시작되었습니다")
                }
                rental::Event::RentalCanceled(Canceled {
                    rental_id,
                    customer_id,
                    phone,
                    reason,
                }) => (rental_id, customer_id, phone, canceled(*reason)),
                rental::Event::RentalRecalled(Changed { rental_id, customer_id, phone }) => {
                    (rental_id, customer_id, phone, "배송이 취소되었습니다")
                }
                _ => return None,
            };
            let phone = Some(telephone(phone)?);
            let text = short_enough(format!("[정수기 렌탈 {rental}번] {words}"));
            let customer_id = *customer;
            Some(Command::Queue(Text { rental_id: *rental, customer_id, phone, text }))
        });
    }

    fn messages(messages: &mut impl Messages<Self>) {
        messages.sending(
            |it| it.sending.waiting(it.text.phone.as_deref()?, &it.text.text),
            Command::Report,
        );
    }
}

/// The text of a cancel. A customer who did not ask for it reads why.
fn canceled(reason: Option<Reason>) -> &'static str {
    match reason {
        None => "렌탈이 취소되었습니다",
        Some(Reason::OutOfStock) => "재고가 없어 렌탈이 취소되었습니다. 결제 금액은 환불됩니다",
        Some(Reason::ProductUnknown) => {
            "없는 상품이어서 렌탈이 취소되었습니다. 결제 금액은 환불됩니다"
        }
        Some(Reason::PriceDiffers) => {
            "상품 가격이 달라 렌탈이 취소되었습니다. 결제 금액은 환불됩니다"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::{Given, given};

    const RENTAL: Id<Rental> = Id::new(3);

    fn waiting(message: &Given<Notification>) -> Option<Message> {
        let Notification { text, sending } = &message.0;
        sending.waiting(text.phone.as_deref()?, &text.text)
    }
    fn text() -> Text {
        let phone = Some("010-0000-0000".to_owned());
        Text { rental_id: RENTAL, customer_id: 7, phone, text: "hello".into() }
    }
    fn sent() -> Event {
        let Text { rental_id, customer_id, phone, text } = text();
        MessageSent { rental_id, customer_id, phone, text, sent_at: Timestamp::default() }
    }
    fn refused() -> Event {
        MessageRefused { rental_id: RENTAL, customer_id: 7, reason: "410 Gone".into() }
    }
    fn no() -> Command {
        Report(MessageOutcome::Refused { reason: "410 Gone".into() })
    }

    #[test]
    fn a_message_waits_until_it_is_sent_once() {
        let message = given::<Notification>([]).when(Queue(text())).then([MessageQueued(text())]);
        let to = "010-0000-0000".to_owned();
        assert_eq!(waiting(&message), Some(Message { to, text: "hello".into() }));
        assert_eq!(message.0.sending.sent_at, None);
        let message = message.when(Queue(text())).then_nothing();
        let message = message.when(Report(MessageOutcome::Sent)).then([sent()]);
        assert_eq!(
            (waiting(&message), message.0.sending.sent_at),
            (None, Some(Timestamp::default()))
        );
        let _ = message.when(no()).then_nothing();
    }

    #[test]
    fn a_refused_message_says_why_and_may_be_queued_again() {
        let message = given::<Notification>([MessageQueued(text())]).when(no()).then([refused()]);
        let shown = message.0.represent(Id::new(1));
        assert_eq!((shown.status, shown.reason.as_deref()), (Status::Refused, Some("410 Gone")));
        assert_eq!((waiting(&message), message.0.sending.sent_at), (None, None));
        let message = message.when(Report(MessageOutcome::Requeued)).then([MessageQueued(text())]);
        assert_eq!((message.0.sending.status, &message.0.sending.reason), (Status::Queued, &None));
        let _ = message.when(Report(MessageOutcome::Sent)).then([sent()]);
    }

    #[test]
    fn what_was_sent_before_there_was_a_queue_counts_as_sent() {
        assert_eq!(given::<Notification>([sent()]).0.sending.status, Status::Sent);
    }
}
