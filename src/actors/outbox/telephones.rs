//! Which text message is next, for each telephone.

use crate::actors::port::event_log::OutboundMessage;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// At most so many messages wait for one telephone.
pub const MOST: usize = 100;

/// A message, and its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedMessage {
    pub sequence: u64,
    pub message: OutboundMessage,
}

/// What waits for one telephone. While a message is under way, it is not among them.
#[derive(Debug, Default)]
struct TelephoneQueue {
    entries: VecDeque<QueuedMessage>,
    failures: u64,
}

/// The messages that were read and are not settled, by telephone.
#[derive(Debug, Default)]
pub struct Telephones {
    waiting: BTreeMap<String, TelephoneQueue>,
    /// Telephones for which one can be sent, the one that has waited longest first.
    ready: VecDeque<String>,
    /// Telephones that are left alone for a while.
    resting: BTreeSet<(Instant, String)>,
    unsettled: BTreeSet<u64>,
    read_to: u64,
}

impl Telephones {
    /// Those whose messages come after `cursor` in the log.
    pub fn from(cursor: u64) -> Self {
        Self { read_to: cursor, ..Self::default() }
    }

    /// How many messages are not settled.
    pub fn unsettled_count(&self) -> usize {
        self.unsettled.len()
    }
    /// How far the log was read.
    pub fn read_to(&self) -> u64 {
        self.read_to
    }
    /// Every message up to here is settled.
    pub fn settled_to(&self) -> u64 {
        self.unsettled.first().map_or(self.read_to, |first| first - 1)
    }
    /// When the next telephone has rested.
    pub fn next_wake(&self) -> Option<Instant> {
        self.resting.first().map(|(until, _)| *until)
    }

    /// Adds a page of the log, which ends with `last`. Gives what is too much for its telephone: it counts as unsettled, too.
    pub fn add_page(&mut self, page: Vec<(u64, OutboundMessage)>, last: u64) -> Vec<QueuedMessage> {
        self.read_to = self.read_to.max(last);
        let mut overflow = Vec::new();
        for (sequence, message) in page {
            self.unsettled.insert(sequence);
            let to = message.to.clone();
            let entry = QueuedMessage { sequence, message };
            if !self.waiting.contains_key(&to) {
                self.ready.push_back(to.clone());
            }
            let waiting = self.waiting.entry(to).or_default();
            if waiting.entries.len() < MOST {
                waiting.entries.push_back(entry);
            } else {
                overflow.push(entry);
            }
        }
        overflow
    }

    /// Takes at most `most` messages that can be sent now, each to another telephone.
    pub fn start_messages(&mut self, now: Instant, most: usize) -> Vec<QueuedMessage> {
        while self.resting.first().is_some_and(|(until, _)| *until <= now) {
            self.ready.extend(self.resting.pop_first().map(|(_, telephone)| telephone));
        }
        let mut started = Vec::new();
        while started.len() < most
            && let Some(telephone) = self.ready.pop_front()
        {
            let waiting = self.waiting.get_mut(&telephone);
            started.extend(waiting.and_then(|waiting| waiting.entries.pop_front()));
        }
        started
    }

    /// A message that was started, or was too much, is settled: the next one of its telephone can be sent.
    pub fn settle_message(
        &mut self,
        QueuedMessage { sequence, message }: QueuedMessage,
        was_started: bool,
    ) {
        self.unsettled.remove(&sequence);
        if !was_started {
            return;
        }
        let is_empty = self.waiting.get_mut(&message.to).is_none_or(|waiting| {
            waiting.failures = 0;
            waiting.entries.is_empty()
        });
        if is_empty {
            self.waiting.remove(&message.to);
        } else {
            self.ready.push_back(message.to);
        }
    }

    /// A message that was started was not sent: it stays the first of its telephone, which rests at least until `earliest`,
    /// and for `pause` of how often that was so in a row.
    pub fn put_back(
        &mut self,
        entry: QueuedMessage,
        now: Instant,
        earliest: Instant,
        pause: impl FnOnce(u64) -> Duration,
    ) {
        let telephone = entry.message.to.clone();
        let waiting = self.waiting.entry(telephone.clone()).or_default();
        waiting.failures = waiting.failures.saturating_add(1);
        waiting.entries.push_front(entry);
        let until = now + pause(waiting.failures);
        self.resting.insert((until.max(earliest), telephone));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{actors::port::history::EventId, domain::Timestamp};
    use proptest::prelude::*;

    fn rest(failures: u64) -> Duration {
        Duration::from_millis(200) * u32::try_from(failures).unwrap()
    }

    fn page(telephones: &[u8], from: u64) -> Vec<(u64, OutboundMessage)> {
        let message = |(to, sequence): (&u8, u64)| {
            let event = EventId { word: Default::default(), sequence };
            let message = OutboundMessage {
                context: "shop.text",
                event,
                number: sequence,
                at: Timestamp::default(),
                saga: String::new(),
                to: to.to_string(),
                text: String::new(),
            };
            (sequence, message)
        };
        telephones.iter().zip(from..).map(message).collect()
    }
    fn sequences(entries: &[QueuedMessage]) -> Vec<u64> {
        entries.iter().map(|entry| entry.sequence).collect()
    }

    #[test]
    fn one_telephone_that_fails_holds_up_no_other_and_keeps_its_order() {
        let now = Instant::now();
        let mut telephones = Telephones::from(0);
        assert!(telephones.add_page(page(&[1, 1, 2, 2], 1), 4).is_empty());
        let started = telephones.start_messages(now, 9);
        assert_eq!(sequences(&started), [1, 3]);
        assert!(telephones.start_messages(now, 9).is_empty());
        let [bad, good] = started.try_into().unwrap();
        telephones.put_back(bad, now, now, rest);
        telephones.settle_message(good, true);
        let started = telephones.start_messages(now, 9);
        assert_eq!((sequences(&started), telephones.settled_to()), (vec![4], 0));
        let later = telephones.next_wake().unwrap();
        assert!(later > now);
        let again = telephones.start_messages(later, 9);
        assert_eq!(sequences(&again), [1]);
        for entry in started.into_iter().chain(again) {
            telephones.settle_message(entry, true);
        }
        assert_eq!((telephones.settled_to(), telephones.unsettled_count()), (1, 1));
        assert_eq!(sequences(&telephones.start_messages(later, 9)), [2]);
    }

    #[test]
    fn what_is_too_much_for_one_telephone_is_given_back_and_no_other_has_less() {
        let mut telephones = Telephones::from(0);
        let many = vec![1; MOST + 2];
        let overflow = telephones.add_page(page(&many, 1), many.len() as u64);
        assert_eq!(sequences(&overflow), [MOST as u64 + 1, MOST as u64 + 2]);
        assert!(telephones.add_page(page(&[2], 200), 200).is_empty());
        overflow.into_iter().for_each(|entry| telephones.settle_message(entry, false));
        let started = telephones.start_messages(Instant::now(), 9);
        assert_eq!((sequences(&started), telephones.unsettled_count()), (vec![1, 200], MOST + 1));
    }

    proptest! {
        /// Whatever fails how often: each message is settled once, in order for each telephone, and the cursor never passes
        /// one that is not.
        #[test]
        fn each_message_is_settled_once_in_the_order_of_its_telephone(
            telephones in prop::collection::vec(0..4_u8, 1..60),
            outcomes in prop::collection::vec(any::<bool>(), 0..200),
            most in 1..5_usize,
        ) {
            let mut queue = Telephones::from(0);
            let last = telephones.len() as u64;
            queue.add_page(page(&telephones, 1), last);
            let mut outcomes = outcomes.into_iter();
            let mut now = Instant::now();
            let mut settled: Vec<QueuedMessage> = Vec::new();
            while queue.unsettled_count() > 0 {
                let started = queue.start_messages(now, most);
                if started.is_empty() {
                    now = queue.next_wake().unwrap();
                }
                for entry in started {
                    if outcomes.next().unwrap_or(true) {
                        queue.settle_message(entry.clone(), true);
                        settled.push(entry);
                    } else {
                        queue.put_back(entry, now, now, rest);
                    }
                    let done: BTreeSet<u64> = settled.iter().map(|entry| entry.sequence).collect();
                    prop_assert!((1..=queue.settled_to()).all(|sequence| done.contains(&sequence)));
                }
            }
            prop_assert_eq!((settled.len() as u64, queue.settled_to()), (last, last));
            for telephone in 0..4_u8 {
                let of = |entry: &&QueuedMessage| entry.message.to == telephone.to_string();
                let order: Vec<u64> = settled.iter().filter(of).map(|entry| entry.sequence).collect();
                prop_assert!(order.is_sorted(), "{:?}", order);
            }
        }
    }
}
