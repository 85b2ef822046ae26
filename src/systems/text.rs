//! What the text messages of several systems share: how far one has come, and what is too long. Their names for it, on the
//! wire and in the log, are each system's own.

use crate::domain::{Decision, Message, MessageOutcome, Timestamp, emit, ignore, status};
use serde::{Deserialize, Serialize};

/// A text has at most so many bytes: what a gateway takes as one long message.
const LONGEST_TEXT: usize = 2000;

/// How far a text message has come.
#[status(rename_all = "SCREAMING_SNAKE_CASE", title = "MessageStatus")]
pub enum Status {
    #[absent]
    New,
    /// It waits to be sent.
    Queued,
    /// The gateway has taken it.
    Sent,
    /// The gateway refuses it for good.
    Refused,
}

/// A text message, as far as it has come: what a notification holds beside whom it is about.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sending {
    /// Whether it was sent.
    pub status: Status,
    /// When.
    pub sent_at: Option<Timestamp>,
    /// Why the gateway refuses it.
    pub reason: Option<String>,
}

impl Sending {
    /// It waits to be sent.
    pub fn queued() -> Self {
        Self { status: Status::Queued, ..Self::default() }
    }
    /// It was sent then.
    pub fn sent(at: Timestamp) -> Self {
        Self { status: Status::Sent, sent_at: Some(at), reason: None }
    }
    /// The gateway refuses it, and says why.
    pub fn refused(reason: String) -> Self {
        Self { status: Status::Refused, sent_at: None, reason: Some(reason) }
    }

    /// The message to `phone`, while it waits to be sent.
    pub fn waiting(&self, phone: &str, text: &str) -> Option<Message> {
        let message = || Message { to: phone.to_owned(), text: text.to_owned() };
        (self.status == Status::Queued).then(message)
    }

    /// Queues a new message. `queued` is the system's event for it.
    ///
    /// # Errors
    /// Never: policies queue messages.
    pub fn queue<E>(&self, queued: E) -> Decision<E> {
        if self.status == Status::New { emit(queued) } else { ignore() }
    }

    /// What `outcome` comes to, in the system's events.
    ///
    /// # Errors
    /// Never; the type is that of a decision.
    pub fn report<E>(
        &self,
        outcome: MessageOutcome,
        queued: impl FnOnce() -> E,
        sent: impl FnOnce() -> E,
        refused: impl FnOnce(String) -> E,
    ) -> Decision<E> {
        match (self.status, outcome) {
            (Status::Queued, MessageOutcome::Sent) => emit(sent()),
            (Status::Queued, MessageOutcome::Refused { reason }) => emit(refused(reason)),
            (Status::Refused, MessageOutcome::Requeued) => emit(queued()),
            _ => ignore(),
        }
    }
}

/// The telephone that a customer gets messages on; none where that is blank.
pub fn telephone(phone: &Option<String>) -> Option<String> {
    let phone = phone.as_deref()?.trim();
    (!phone.is_empty()).then(|| phone.to_owned())
}

/// `text`, cut where it is too long for one message.
pub fn short_enough(mut text: String) -> String {
    while text.len() > LONGEST_TEXT {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{New, Queued, Refused, Sent};

    fn message(status: Status) -> Sending {
        Sending { status, ..Sending::default() }
    }
    fn report(status: Status, outcome: MessageOutcome) -> Decision<String> {
        message(status).report(outcome, || "queued".into(), || "sent".into(), |why| why)
    }

    #[test]
    fn a_message_is_queued_once_and_sent_or_refused_once() {
        let no = || MessageOutcome::Refused { reason: "404".into() };
        assert_eq!(message(New).queue("queued"), emit("queued"));
        assert_eq!(message(Queued).queue("queued"), ignore());
        assert_eq!(report(Queued, MessageOutcome::Sent), emit("sent".into()));
        assert_eq!(report(Queued, no()), emit("404".into()));
        for status in [New, Sent] {
            for outcome in [MessageOutcome::Sent, no(), MessageOutcome::Requeued] {
                assert_eq!(report(status, outcome), ignore());
            }
        }
    }

    #[test]
    fn a_refused_message_may_be_queued_again_and_nothing_else() {
        assert_eq!(report(Refused, MessageOutcome::Requeued), emit("queued".into()));
        assert_eq!(report(Refused, MessageOutcome::Sent), ignore());
        assert_eq!(report(Queued, MessageOutcome::Requeued), ignore());
    }

    #[test]
    fn a_message_waits_while_it_is_queued_and_says_why_while_it_is_refused() {
        let at = Timestamp::from_micros(5);
        let to_send = Message { to: "010".into(), text: "hello".into() };
        assert_eq!(Sending::queued().waiting("010", "hello"), Some(to_send));
        for (sending, sent_at, reason) in [
            (Sending::default(), None, None),
            (Sending::sent(at), Some(at), None),
            (Sending::refused("404".into()), None, Some("404")),
        ] {
            assert_eq!(sending.waiting("010", "hello"), None);
            assert_eq!((sending.sent_at, sending.reason.as_deref()), (sent_at, reason));
        }
    }

    #[test]
    fn a_blank_telephone_is_none_and_a_long_text_is_cut_between_letters() {
        assert_eq!(telephone(&Some(" 010 ".into())), Some("010".into()));
        assert_eq!(telephone(&Some(" ".into())), None);
        assert_eq!(telephone(&None), None);
        let text = short_enough("책".repeat(1000));
        assert_eq!((text.len(), text.chars().count()), (1998, 666));
    }
}
