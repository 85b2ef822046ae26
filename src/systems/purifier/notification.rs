//! Notification (문자): one text message for each change of a rental's or a delivery's status.
//!
//! A message is recorded here, and whoever sends text messages takes it from the log.

use super::{
    delivery::{self, Delivery},
    product::Reason,
    rental::{self, Rental},
};
use crate::domain::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// One text message: as it is kept, and as it looks from outside. It has a number of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    rental_id: Id<Rental>,
    customer_id: u64,
    /// Where it goes, if the customer has said.
    phone: Option<String>,
    text: String,
    /// When it was written; nothing while there is no message.
    sent_at: Option<Timestamp>,
}

/// What the customer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum News {
    RentalPlaced,
    /// By the customer, or for the product's reason.
    RentalCanceled(Option<Reason>),
    DeliveryStarted,
    DeliveryCanceled,
}

/// What may be asked of a notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[allow(missing_docs)]
pub enum Command {
    Tell { rental: Id<Rental>, customer: u64, phone: Option<String>, news: News },
}

/// What a notification may say has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[serde(rename_all_fields = "camelCase")]
#[allow(missing_docs)]
pub enum Event {
    MessageSent { rental_id: Id<Rental>, customer_id: u64, phone: Option<String>, text: String, sent_at: Timestamp },
}

impl News {
    /// How it is put to the customer.
    fn text(self, rental: Id<Rental>) -> String {
        let what = match self {
            Self::RentalPlaced => "렌탈이 접수되었습니다",
            Self::RentalCanceled(None) => "렌탈이 취소되었습니다",
            Self::RentalCanceled(Some(Reason::OutOfStock)) => "재고가 없어 렌탈이 취소되었습니다. 결제도 취소됩니다",
            Self::RentalCanceled(Some(Reason::ProductUnknown)) => "없는 상품이어서 렌탈이 취소되었습니다. 결제도 취소됩니다",
            Self::RentalCanceled(Some(Reason::PriceDiffers)) => "상품 가격이 달라 렌탈이 취소되었습니다. 결제도 취소됩니다",
            Self::DeliveryStarted => "배송이 시작되었습니다",
            Self::DeliveryCanceled => "배송이 취소되었습니다",
        };
        format!("[정수기 렌탈 {}번] {what}.", rental.get())
    }
}

impl Entity for Notification {
    const NAME: Name = Name {
        system: "purifier",
        context: "purifier.notification",
        collection: "notifications",
        item: "notification",
    };
    const SUBDOMAIN: Subdomain = Subdomain::Generic;
    type Shown = Self;

    fn show(&self, _: Id<Self>) -> Self {
        self.clone()
    }
    fn standing(&self) -> Standing {
        if self.sent_at.is_some() { Standing::Established } else { Standing::Absent }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![("rentalId", self.rental_id.into()), ("customerId", self.customer_id.into())]
    }
}

impl Aggregate for Notification {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &Moment<'_, Self>) -> Decision<Event> {
        let Command::Tell { rental: rental_id, customer: customer_id, phone, news } = command;
        match self.sent_at {
            None => {
                let (text, sent_at) = (news.text(rental_id), this.at);
                emit(Event::MessageSent { rental_id, customer_id, phone, text, sent_at })
            }
            Some(_) => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        let Event::MessageSent { rental_id, customer_id, phone, text, sent_at } = event.clone();
        *self = Notification { rental_id, customer_id, phone, text, sent_at: Some(sent_at) };
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.creating::<Rental>(|event| {
            let (rental, customer, phone, news) = match event.clone() {
                rental::Event::RentalPlaced(order) => {
                    (order.rental_id, order.customer_id, order.phone, News::RentalPlaced)
                }
                rental::Event::RentalCanceled { rental_id, customer_id, phone, reason, .. } => {
                    (rental_id, customer_id, phone, News::RentalCanceled(reason))
                }
                rental::Event::RentalRequested(_) | rental::Event::RentalFailed { .. } => return None,
            };
            Some(Command::Tell { rental, customer, phone, news })
        });
        policies.creating::<Delivery>(|event| {
            let (rental, customer, phone, news) = match event.clone() {
                delivery::Event::DeliveryStarted { rental_id, customer_id, phone, .. } => {
                    (rental_id, customer_id, phone, News::DeliveryStarted)
                }
                delivery::Event::DeliveryCanceled { rental_id, customer_id, phone, .. } => {
                    (rental_id, customer_id, phone, News::DeliveryCanceled)
                }
                delivery::Event::DeliveryWithheld { .. } => return None,
            };
            Some(Command::Tell { rental, customer, phone, news })
        });
    }

    fn messages(messages: &mut impl Messages<Self>) {
        messages.sending(|Event::MessageSent { phone, text, .. }| {
            Some(Message { to: phone.clone(), text: text.clone() })
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::spec::given;

    const RENTAL: Id<Rental> = Id::new(7);

    fn tell(news: News) -> Command {
        Command::Tell { rental: RENTAL, customer: 9, phone: None, news }
    }

    #[test]
    fn it_is_written_once_and_says_of_which_rental() {
        let text = "[정수기 렌탈 7번] 배송이 시작되었습니다.".into();
        let sent_at = Timestamp::default();
        let sent = Event::MessageSent { rental_id: RENTAL, customer_id: 9, phone: None, text, sent_at };
        let message = given::<Notification>([]).when(tell(News::DeliveryStarted)).then([sent]);
        let _ = message.when(tell(News::DeliveryStarted)).then_nothing();
    }

    #[test]
    fn a_refused_rental_says_why() {
        let reasons = [
            (Some(Reason::OutOfStock), "재고가 없어"),
            (Some(Reason::ProductUnknown), "없는 상품이어서"),
            (Some(Reason::PriceDiffers), "가격이 달라"),
        ];
        for (reason, words) in reasons {
            assert!(News::RentalCanceled(reason).text(RENTAL).contains(words));
        }
        assert!(!News::RentalCanceled(None).text(RENTAL).contains("결제"));
    }
}
