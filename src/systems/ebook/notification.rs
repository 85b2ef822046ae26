//! Notification (문자): one text message for each change of a rent.

pub use super::order::Text;
use super::rent::{self, Ordered, Rent};
use crate::{
    domain::prelude::*,
    systems::text::{Sending, Status, short_enough, telephone},
};

/// One text message.
#[entity(
    context = "ebook.notification", reads = owner, personal(user_id, phone, text),
    collection = "notifications",
    korean = "문자 메시지",
    title = "RentNotification",
    generic,
    owner = self.text.user_id,
    index(status, rent_id, user_id),
    lifecycle = self.sending.status.lifecycle()
)]
pub struct Notification {
    #[shown(rent_id: Id<Rent>, user_id: u64, phone: String, text: String)]
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
    /// It waits to be sent.
    MessageQueued(Text),
    /// The gateway has taken it.
    MessageSent { rent_id: Id<Rent>, user_id: u64, phone: String, text: String, sent_at: Timestamp },
    /// The gateway will never take it.
    MessageRefused { rent_id: Id<Rent>, user_id: u64, reason: String },
}

impl Aggregate for Notification {
    type Command = Command;
    type Event = Event;
    type Settings = ();

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        let Text { rent_id, user_id, phone, text } = self.text.clone();
        match command {
            Queue(text) => self.sending.queue(MessageQueued(text)),
            Report(outcome) => self.sending.report(
                outcome,
                || MessageQueued(self.text.clone()),
                || MessageSent { rent_id, user_id, phone, text, sent_at: this.at },
                |reason| MessageRefused { rent_id, user_id, reason },
            ),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event.clone() {
            Event::MessageQueued(text) => *self = Self { text, sending: Sending::queued() },
            Event::MessageSent { sent_at, .. } => self.sending = Sending::sent(sent_at),
            Event::MessageRefused { reason, .. } => self.sending = Sending::refused(reason),
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        policies.creating::<Rent>(|event| {
            let (rent, user, phone, words) = match event {
                rent::Event::Rented(Ordered { rent_id, user_id, phone, .. }) => {
                    (rent_id, user_id, phone, "대여 신청이 접수되었습니다")
                }
                rent::Event::RentApproved { rent_id, user_id, phone, .. } => {
                    (rent_id, user_id, phone, "대여가 승인되었습니다")
                }
                rent::Event::Returned { rent_id, user_id, phone, .. } => {
                    (rent_id, user_id, phone, "도서가 반납되었습니다")
                }
                rent::Event::Canceled { rent_id, user_id, phone, reason, .. } => {
                    (rent_id, user_id, phone, canceled(reason.as_deref()))
                }
                _ => return None,
            };
            let phone = telephone(phone)?;
            let text = short_enough(format!("[전자도서관 대여 {rent}번] {words}"));
            Some(Command::Queue(Text { rent_id: *rent, user_id: *user, phone, text }))
        });
    }

    fn messages(messages: &mut impl Messages<Self>) {
        messages.sending(|it| it.sending.waiting(&it.text.phone, &it.text.text), Command::Report);
    }
}

/// The text of a cancel, with its reason.
fn canceled(reason: Option<&str>) -> &'static str {
    match reason {
        Some("withdrawn") => "신청하신 대로 대여가 취소되었습니다. 결제 금액은 환불됩니다",
        Some("book-out") => "이미 대여 중인 도서여서 대여가 취소되었습니다. 결제 금액은 환불됩니다",
        Some("book-unknown") => "없는 도서여서 대여가 취소되었습니다. 결제 금액은 환불됩니다",
        Some("fee-differs") => "대여료가 달라 대여가 취소되었습니다. 결제 금액은 환불됩니다",
        Some("declined") => "결제가 거절되어 대여가 취소되었습니다",
        _ => "대여 신청이 거절되어 취소되었습니다. 결제 금액은 환불됩니다",
    }
}

#[cfg(test)]
mod tests {
    use super::{Command::*, Event::*, *};
    use crate::domain::spec::{Given, given};

    fn waiting(message: &Given<Notification>) -> Option<Message> {
        let Notification { text, sending } = &message.0;
        sending.waiting(&text.phone, &text.text)
    }

    #[test]
    fn a_message_waits_until_it_is_sent_or_refused() {
        let rent_id = Id::new(3);
        let user_id = 7;
        let phone = || "010-0000-0000".to_owned();
        let text = || Text { rent_id, user_id, phone: phone(), text: "hello".into() };
        let queued = given::<Notification>([]).when(Queue(text())).then([MessageQueued(text())]);
        assert_eq!(waiting(&queued), Some(Message { to: phone(), text: "hello".into() }));
        let reason = "410 Gone".to_owned();
        let no = Report(MessageOutcome::Refused { reason: reason.clone() });
        let refused = queued.when(no).then([MessageRefused { rent_id, user_id, reason }]);
        assert_eq!(waiting(&refused), None);
        let again = refused.when(Report(MessageOutcome::Requeued)).then([MessageQueued(text())]);
        assert_eq!(again.0.represent(Id::new(1)).reason, None);
        let Text { phone, text, .. } = text();
        let sent = MessageSent { rent_id, user_id, phone, text, sent_at: Timestamp::default() };
        let sent = again.when(Report(MessageOutcome::Sent)).then([sent]);
        let sent_at = sent.0.represent(Id::new(1)).sent_at;
        assert_eq!((waiting(&sent), sent_at), (None, Some(Timestamp::default())));
    }
}
