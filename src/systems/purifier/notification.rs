//! Notification (문자): one text message for each change of a rental's or its delivery's status.

use super::{
    delivery::{self, Delivery, Shipped},
    product::Reason,
    rental::{self, Ordered, Rental},
};
use crate::domain::prelude::*;

/// One text message.
#[entity(
    context = "purifier.notification",
    collection = "notifications",
    generic,
    index(rental_id, customer_id)
)]
pub struct Notification {
    rental_id: Id<Rental>,
    customer_id: u64,
    phone: Option<String>,
    #[exists]
    text: String,
    sent_at: Timestamp,
}

/// What may be asked of a notification.
#[command]
pub enum Command {
    Send { rental: Id<Rental>, customer: u64, phone: Option<String>, text: String },
}

/// What a notification may say has happened.
#[event]
pub enum Event {
    MessageSent {
        rental_id: Id<Rental>,
        customer_id: u64,
        phone: Option<String>,
        text: String,
        sent_at: Timestamp,
    },
}

impl Aggregate for Notification {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        let Command::Send { rental: rental_id, customer: customer_id, phone, text } = command;
        match self.lifecycle() {
            Lifecycle::Absent => {
                emit(Event::MessageSent { rental_id, customer_id, phone, text, sent_at: this.at })
            }
            _ => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        let Event::MessageSent { rental_id, customer_id, phone, text, sent_at } = event.clone();
        *self = Notification { rental_id, customer_id, phone, text, sent_at };
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.creating::<Rental>(|event| match event.clone() {
            rental::Event::RentalPlaced(Ordered { rental_id, customer_id, phone, .. }) => {
                Some(send(rental_id, customer_id, phone, "렌탈 신청이 접수되었습니다"))
            }
            rental::Event::RentalCanceled { rental_id, customer_id, phone, reason, .. } => {
                Some(send(rental_id, customer_id, phone, canceled(reason)))
            }
            _ => None,
        });
        policies.creating::<Delivery>(|event| match event.clone() {
            delivery::Event::DeliveryStarted(Shipped { rental_id, customer_id, phone, .. }) => {
                Some(send(rental_id, customer_id, phone, "배송이 시작되었습니다"))
            }
            delivery::Event::DeliveryCanceled { rental_id, customer_id, phone, .. } => {
                Some(send(rental_id, customer_id, phone, "배송이 취소되었습니다"))
            }
            _ => None,
        });
    }

    fn messages(messages: &mut impl Messages<Self>) {
        messages.sending(|Event::MessageSent { phone, text, .. }| {
            Some(Message { to: phone.clone(), text: text.clone() })
        });
    }
}

fn send(rental: Id<Rental>, customer: u64, phone: Option<String>, words: &str) -> Command {
    let text = format!("[정수기 렌탈 {rental}번] {words}");
    Command::Send { rental, customer, phone, text }
}

/// The text of a cancel. A customer who did not ask for it reads why.
fn canceled(reason: Option<Reason>) -> &'static str {
    match reason {
        None => "렌탈이 취소되었습니다",
        Some(Reason::OutOfStock) => "재고가 없어 렌탈이 취소되었습니다",
        Some(Reason::ProductUnknown) => "없는 상품이어서 렌탈이 취소되었습니다",
        Some(Reason::PriceDiffers) => "상품 가격이 달라 렌탈이 취소되었습니다",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::spec::given;

    #[test]
    fn a_message_is_sent_once() {
        let message = || {
            send(Id::new(3), 7, Some("010-0000-0000".into()), canceled(Some(Reason::OutOfStock)))
        };
        let sent = Event::MessageSent {
            rental_id: Id::new(3),
            customer_id: 7,
            phone: Some("010-0000-0000".into()),
            text: "[정수기 렌탈 3번] 재고가 없어 렌탈이 취소되었습니다".into(),
            sent_at: Timestamp::default(),
        };
        let _ =
            given::<Notification>([]).when(message()).then([sent]).when(message()).then_nothing();
    }
}
