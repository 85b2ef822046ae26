//! A bound on the text messages that one telephone gets in a day: an order can name any telephone.

use crate::{
    actors::{MessageGateway, NotSent, OutboundMessage},
    sync,
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex},
};

/// Why a message beyond the cap is refused.
pub const CAPPED: &str = "capped";
/// The messages of so many telephones are counted, so that those who name ever new ones fill no memory. On a day with more of
/// them, the others get theirs uncounted: an order goes on.
const MOST_TELEPHONES: usize = 100_000;
/// Microseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// What one telephone got on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sent {
    day: i64,
    count: u32,
}

/// Hands messages to `gateway` until their telephone has had enough of them for a day. What has been sent is counted by this
/// process: it begins at none after a restart. A day is one of UTC, and that on which the message was caused.
pub struct DailyCap {
    gateway: Arc<dyn MessageGateway>,
    most: NonZeroU32,
    sent: Mutex<Counts>,
    most_telephones: usize,
}

/// What was sent, by telephone.
#[derive(Default)]
struct Counts {
    by_telephone: HashMap<String, Sent>,
    /// The last day on which those of the days before were forgotten.
    forgotten: i64,
}

impl DailyCap {
    /// Hands at most `most` messages a telephone and day to `gateway`.
    pub fn new(gateway: Arc<dyn MessageGateway>, most: NonZeroU32) -> Self {
        Self { gateway, most, sent: Mutex::default(), most_telephones: MOST_TELEPHONES }
    }

    /// Counts a message to `to`, unless that has had enough.
    fn count(&self, to: &str, day: i64) -> Result<(), NotSent> {
        let mut counts = sync::lock(&self.sent);
        let Counts { by_telephone, forgotten } = &mut *counts;
        if by_telephone.len() >= self.most_telephones && *forgotten < day {
            by_telephone.retain(|_, sent| sent.day >= day);
            *forgotten = day;
        }
        if by_telephone.len() >= self.most_telephones && !by_telephone.contains_key(to) {
            return Ok(());
        }
        let known = by_telephone.get(to).copied().filter(|sent| sent.day >= day);
        let count = known.map_or(0, |sent| sent.count);
        if count >= self.most.get() {
            return Err(NotSent::Refused(CAPPED.to_owned()));
        }
        let day = known.map_or(day, |sent| sent.day);
        by_telephone.insert(to.to_owned(), Sent { day, count: count + 1 });
        Ok(())
    }

    /// A message to `to` was not sent after all.
    fn uncount(&self, to: &str) {
        if let Some(sent) = sync::lock(&self.sent).by_telephone.get_mut(to) {
            sent.count = sent.count.saturating_sub(1);
        }
    }
}

impl MessageGateway for DailyCap {
    fn send<'a>(&'a self, message: &'a OutboundMessage) -> BoxFuture<'a, Result<(), NotSent>> {
        async move {
            self.count(&message.to, message.at.micros().div_euclid(DAY))?;
            let outcome = self.gateway.send(message).await;
            if outcome.is_err() {
                self.uncount(&message.to);
            }
            outcome
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{actors::EventId, domain::Timestamp};
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    /// Fails at first, then takes everything.
    #[derive(Default)]
    struct Receiver {
        failures: AtomicU32,
        taken: AtomicU32,
    }

    impl MessageGateway for Receiver {
        fn send<'a>(&'a self, _: &'a OutboundMessage) -> BoxFuture<'a, Result<(), NotSent>> {
            let fails = self.failures.load(Relaxed) > 0;
            if fails {
                self.failures.fetch_sub(1, Relaxed);
            } else {
                self.taken.fetch_add(1, Relaxed);
            }
            let outcome = if fails { Err(NotSent::Failed("away".into())) } else { Ok(()) };
            std::future::ready(outcome).boxed()
        }
    }

    fn message(to: &str, day: i64) -> OutboundMessage {
        OutboundMessage {
            context: "shop.text",
            event: EventId { word: Default::default(), sequence: 1 },
            number: 1,
            at: Timestamp::from_micros(day * DAY + 1),
            saga: String::new(),
            to: to.to_owned(),
            text: String::new(),
        }
    }

    #[tokio::test]
    async fn a_telephone_gets_so_many_a_day_and_no_other_has_less() {
        let receiver = Arc::new(Receiver::default());
        let cap = DailyCap::new(receiver.clone(), NonZeroU32::new(2).unwrap());
        let capped = Err(NotSent::Refused("capped".into()));
        for _ in 0..2 {
            assert_eq!(cap.send(&message("1", 7)).await, Ok(()));
        }
        assert_eq!(cap.send(&message("1", 7)).await, capped);
        assert_eq!(cap.send(&message("2", 7)).await, Ok(()));
        assert_eq!(cap.send(&message("1", 8)).await, Ok(()));
        assert_eq!(cap.send(&message("1", 8)).await, Ok(()));
        // One that was caused before and comes late counts with those of today.
        assert_eq!(cap.send(&message("1", 7)).await, capped);
        assert_eq!(receiver.taken.load(Relaxed), 5);
    }

    #[tokio::test]
    async fn ever_new_telephones_are_sent_to_and_fill_no_memory() {
        let receiver = Arc::new(Receiver::default());
        let cap =
            DailyCap { most_telephones: 2, ..DailyCap::new(receiver.clone(), NonZeroU32::MIN) };
        let capped = Err(NotSent::Refused("capped".into()));
        for to in ["1", "2", "3", "3"] {
            assert_eq!(cap.send(&message(to, 7)).await, Ok(()), "{to}");
        }
        assert_eq!(cap.send(&message("1", 7)).await, capped, "those that are counted still are");
        assert_eq!(sync::lock(&cap.sent).by_telephone.len(), 2);
        // Those of the day before make room.
        assert_eq!(cap.send(&message("3", 8)).await, Ok(()));
        assert_eq!(cap.send(&message("3", 8)).await, capped);
        assert_eq!(sync::lock(&cap.sent).by_telephone.len(), 1);
    }

    #[tokio::test]
    async fn what_was_not_sent_does_not_count() {
        let receiver = Arc::new(Receiver::default());
        receiver.failures.store(3, Relaxed);
        let cap = DailyCap::new(receiver.clone(), NonZeroU32::MIN);
        for _ in 0..3 {
            assert_eq!(cap.send(&message("1", 7)).await, Err(NotSent::Failed("away".into())));
        }
        assert_eq!(cap.send(&message("1", 7)).await, Ok(()));
        assert_eq!(cap.send(&message("1", 7)).await, Err(NotSent::Refused("capped".into())));
    }
}
