//! Names of events, and what a log's past is to others: who wrote which part of it.
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{fmt, str::FromStr};

/// At most so many epochs of a past are sent; an older event cannot be judged then, and is believed.
pub(crate) const TOLD: usize = 32;

/// What one start of a log's writer is called. The epoch of all that was written before there were words has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(pub(crate) u64);

impl Word {
    /// One that does not exist yet, if the number is a random one.
    pub fn new(random: u64) -> Self {
        // Forty-eight bits are written as twelve letters.
        Self((random & 0xffff_ffff_ffff).max(1))
    }
    /// Whether it is that of the first epoch.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }
    /// The same, for what is not sent then.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(crate) fn is_none_at(&self) -> bool {
        self.is_none()
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl FromStr for Word {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let is_hex = text.bytes().all(|letter| matches!(letter, b'0'..=b'9' | b'a'..=b'f'));
        u64::from_str_radix(text, 16).ok().filter(|_| is_hex).map(Self).ok_or(())
    }
}

/// As text, the way it is sent.
impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| D::Error::custom(format!("`{text}` is no word of an epoch")))
    }
}

/// Names one event of a context for ever: `3f0c2a91b7d4-13`, or `13` in the first epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct EventId {
    /// Whose it is.
    pub word: Word,
    /// Its place in the log, from 1; 0 is before the first.
    pub sequence: u64,
}

impl EventId {
    /// Its name, also with the word of the first epoch: `0-13`. No mere number is taken for it.
    pub fn in_full(self) -> String {
        format!("{}-{}", self.word, self.sequence)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.word.is_none() {
            write!(f, "{}", self.sequence)
        } else {
            write!(f, "{}-{}", self.word, self.sequence)
        }
    }
}

impl FromStr for EventId {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (word, sequence) = text.split_once('-').unwrap_or(("0", text));
        let is_number = sequence.bytes().all(|digit| digit.is_ascii_digit());
        let sequence = sequence.parse().ok().filter(|_| is_number).ok_or(())?;
        Ok(Self { word: word.parse()?, sequence })
    }
}

/// As text, the way it is sent.
impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| D::Error::custom(format!("`{text}` is no id of an event")))
    }
}

pub(crate) fn word_at(began: &[(u64, Word)], sequence: u64) -> Word {
    let behind = began.partition_point(|(first, _)| *first <= sequence);
    behind
        .checked_sub(1)
        .and_then(|place| began.get(place))
        .map_or(Word::default(), |(_, word)| *word)
}

/// The past of a log, as far as it is sent to others: `41;0;1:3f0c2a91b7d4,30:9b1d`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// The last event.
    pub latest: u64,
    /// The sequence from which on it is sent.
    pub(crate) since: u64,
    pub(crate) began: Vec<(u64, Word)>,
}

/// How one past of a context's log compares to another that is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// What is known is part of it.
    GoesOn,
    /// It is part of what is known: a late message of a node that has ended.
    Behind,
    /// Neither: these are two logs.
    Apart,
}

impl Past {
    /// The last event.
    pub fn last(&self) -> EventId {
        EventId { word: word_at(&self.began, self.latest), sequence: self.latest }
    }

    /// Whether an event is in it. Words of one writer overtake each other on their way, so what is after its last event
    /// is believed of the writer's own epoch.
    pub fn has_event(&self, id: EventId) -> bool {
        id.sequence == 0 || id.sequence < self.since || word_at(&self.began, id.sequence) == id.word
    }

    /// How it compares to what is known.
    pub fn relation_to(&self, known: &Self) -> Relation {
        let own = self.began.last().copied();
        if self.has_event(known.last()) {
            return Relation::GoesOn;
        }
        let last = self.last();
        let ended = own.is_none_or(|(first, word)| {
            last.sequence < first
                || known.began.iter().rev().skip(1).any(|(_, known)| *known == word)
        });
        if ended && last.sequence <= known.latest && known.has_event(last) {
            Relation::Behind
        } else {
            Relation::Apart
        }
    }

    /// Whether the writer is the same, and has got no further.
    pub fn is_no_news(&self, known: &Self) -> bool {
        self.began.last() == known.began.last() && self.latest <= known.latest
    }
}

impl fmt::Display for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};{};", self.latest, self.since)?;
        for (place, (first, word)) in self.began.iter().enumerate() {
            write!(f, "{}{first}:{word}", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for Past {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, ';');
        let mut number = || parts.next().and_then(|text| text.parse().ok()).ok_or(());
        let latest = number()?;
        let since = number()?;
        let epochs = parts.next().ok_or(())?.split(',').filter(|epoch| !epoch.is_empty());
        let began = epochs.map(|epoch| {
            let (first, word) = epoch.split_once(':').ok_or(())?;
            Ok((first.parse().map_err(|_| ())?, word.parse()?))
        });
        let began: Vec<(u64, Word)> = began.collect::<Result<_, ()>>()?;
        let in_order = began.is_sorted_by(|(one, _), (other, _)| one < other);
        if !in_order || began.len() > TOLD { Err(()) } else { Ok(Self { latest, since, began }) }
    }
}

impl Serialize for Past {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Past {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| D::Error::custom(format!("`{text}` is no past of a log")))
    }
}
