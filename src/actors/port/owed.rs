//! What a context still owes: open questions, timers, events that it has set aside or not taken yet.

use super::{health::ParkedId, saga::SagaId};
use crate::{
    domain::{OrderOutcome, Timestamp},
    store::StoreError,
};
use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Names one thing that a context owes, among all that it owes. They order as they are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwedPlace {
    /// The open question of the thing with this number.
    Ask(u64),
    /// The timer that is due then, of the thing with this number.
    Due(Timestamp, u64),
    /// An event set aside.
    Parked(ParkedId),
    /// An event that is not taken yet, by source and sequence.
    Event(String, u64),
    /// A text message that its gateway refuses.
    Text(u64),
    /// An order that has ended: it is owed nothing.
    Ended(u64),
}

impl OwedPlace {
    /// What is owed, in one word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ask(_) => "ask",
            Self::Due(..) => "due",
            Self::Parked(_) => "parked",
            Self::Event(..) => "event",
            Self::Text(_) => "text",
            Self::Ended(_) => "ended",
        }
    }
}

impl fmt::Display for OwedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            Self::Ask(number) | Self::Text(number) | Self::Ended(number) => {
                write!(f, "{kind}~{number}")
            }
            Self::Due(at, number) => write!(f, "{kind}~{}~{number}", at.micros()),
            Self::Parked(ParkedId { source, aggregate, sequence }) => {
                write!(f, "{kind}~{source}~{aggregate}~{sequence}")
            }
            Self::Event(source, sequence) => write!(f, "{kind}~{source}~{sequence}"),
        }
    }
}

/// That a text names nothing that is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it names nothing that is owed")]
pub struct NotAPlace;

impl FromStr for OwedPlace {
    type Err = NotAPlace;
    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        let number = |text: &str| text.parse().map_err(|_| NotAPlace);
        let parts: Vec<&str> = text.split('~').collect();
        match parts.as_slice() {
            ["ask", of] => Ok(Self::Ask(number(of)?)),
            ["text", of] => Ok(Self::Text(number(of)?)),
            ["ended", of] => Ok(Self::Ended(number(of)?)),
            ["due", at, of] => {
                let at = at.parse().map_err(|_| NotAPlace)?;
                Ok(Self::Due(Timestamp::from_micros(at), number(of)?))
            }
            ["event", source, at] => Ok(Self::Event((*source).to_owned(), number(at)?)),
            ["parked", source, aggregate, sequence] => Ok(Self::Parked(ParkedId {
                source: (*source).to_owned(),
                aggregate: number(aggregate)?,
                sequence: number(sequence)?,
            })),
            _ => Err(NotAPlace),
        }
    }
}

/// One thing that a context owes.
#[derive(Debug, Clone, PartialEq)]
pub struct Owed {
    /// Names it, and what is owed.
    pub place: OwedPlace,
    /// To which saga.
    pub saga: SagaId,
    /// The thing that waits here; of an event, the thing that it happened to.
    pub number: u64,
    /// Since when, in business time, where that is known.
    pub since: Option<Timestamp>,
    /// The context that is asked, or whose event it is.
    pub waits_for: Option<String>,
    /// Why it has not been done, where a try has failed.
    pub why: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// How long until it is tried again, where that is known.
    pub retry_in: Option<Duration>,
    /// The customer whose saga it is, where one is known.
    pub owner: Option<Arc<str>>,
}

/// Some of what a context owes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OwedPage {
    /// What is owed.
    pub items: Vec<Owed>,
    /// The place that the rest comes after, where there may be more.
    pub next: Option<OwedPlace>,
}

/// An order that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedOrder {
    /// Its number.
    pub number: u64,
    /// How it ended.
    pub outcome: OrderOutcome,
    /// When the last thing happened to it, in business time, where that is known.
    pub since: Option<Timestamp>,
    /// The customer whose it is, where one is known.
    pub owner: Option<Arc<str>>,
}

/// Some of the orders that have ended, from the latest number down.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EndedPage {
    /// The orders.
    pub orders: Vec<EndedOrder>,
    /// The number below which there may be more.
    pub next: Option<u64>,
}

/// An event of a log that a context listens to.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceEvent {
    /// Its place in the log.
    pub sequence: u64,
    /// The thing that it happened to.
    pub number: u64,
    /// Business time.
    pub at: Timestamp,
    /// The saga that it belongs to.
    pub saga: SagaId,
    /// The customer whose saga it is, where one is known.
    pub owner: Option<Arc<str>>,
    /// Whether the listener has to do something about it.
    pub concerns: bool,
}

/// Reads events of a log that a context listens to: from a sequence on, about so many.
pub type ReadSource = Box<dyn Fn(u64, usize) -> Result<Vec<SourceEvent>, StoreError> + Send + Sync>;

/// How often something was tried without success, and when it is tried again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// The tries so far.
    pub times: u32,
    /// When the next one is.
    pub at: Instant,
}

/// What a context tries again: the questions and timers of its things, by their number.
#[derive(Debug, Default)]
pub struct Retries {
    /// Questions whose answer changed nothing.
    pub asks: BTreeMap<u64, Retry>,
    /// Timers whose command changed nothing.
    pub timers: BTreeMap<u64, Retry>,
}

impl Retries {
    /// Whether something was tried at least so often.
    pub fn has_tried(&self, times: u32) -> bool {
        let mut all = self.asks.values().chain(self.timers.values());
        all.any(|retry| retry.times >= times)
    }
}

/// Notes a retry, or that there is none any more.
pub fn note_retry(of: &mut BTreeMap<u64, Retry>, number: u64, retry: Option<Retry>) {
    match retry {
        Some(retry) => drop(of.insert(number, retry)),
        None => drop(of.remove(&number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places() -> impl Strategy<Value = OwedPlace> {
        let source = "[a-z]{1,8}\\.[a-z]{1,8}";
        prop_oneof![
            any::<u64>().prop_map(OwedPlace::Ask),
            any::<u64>().prop_map(OwedPlace::Text),
            any::<u64>().prop_map(OwedPlace::Ended),
            (any::<i64>(), any::<u64>())
                .prop_map(|(at, number)| OwedPlace::Due(Timestamp::from_micros(at), number)),
            (source, any::<u64>()).prop_map(|(source, at)| OwedPlace::Event(source, at)),
            (source, any::<u64>(), any::<u64>()).prop_map(|(source, aggregate, sequence)| {
                OwedPlace::Parked(ParkedId { source, aggregate, sequence })
            }),
        ]
    }

    proptest! {
        #[test]
        fn a_place_is_read_as_it_is_written(place in places()) {
            prop_assert_eq!(place.to_string().parse(), Ok(place));
        }

        #[test]
        fn what_is_no_place_is_refused(text in "[a-z~0-9-]{0,20}") {
            if let Ok(place) = text.parse::<OwedPlace>() {
                // Numbers may be written with zeros in front of them.
                prop_assert_eq!(place.to_string().parse(), Ok(place));
            }
        }
    }
}
