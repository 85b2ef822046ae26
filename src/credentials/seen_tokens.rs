//! Which tokens of a node have been shown here: each is good for one request.

use serde::{Deserialize, Serialize, de};
use std::{fmt, str::FromStr};

/// So many tokens before the newest one of a process are remembered each by itself. An older one counts as shown.
const WINDOW: u64 = 1 << 16;
/// So many processes of one node are known at once; a process is forgotten when its last token has ended.
const MOST_RUNS: usize = 16;
const WORD: u64 = u64::BITS as u64;

/// The number of a token: those of one process count up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TokenNumber {
    /// The process.
    pub run: u64,
    /// How many it had made before.
    pub sequence: u64,
}

impl fmt::Display for TokenNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.run, self.sequence)
    }
}

impl FromStr for TokenNumber {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "no number of a token";
        let (run, sequence) = text.split_once('-').ok_or(WRONG)?;
        let run = u64::from_str_radix(run, 16).map_err(|_| WRONG)?;
        Ok(Self { run, sequence: sequence.parse().map_err(|_| WRONG)? })
    }
}

impl Serialize for TokenNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TokenNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The tokens of one process that were shown.
struct Run {
    id: u64,
    newest: u64,
    /// A bit for each of the last [`WINDOW`] numbers, in a ring.
    shown: Vec<u64>,
    /// When the last of its tokens ends, in seconds.
    until: i64,
}

impl Run {
    fn new(id: u64) -> Self {
        let words = usize::try_from(WINDOW / WORD).unwrap_or_default();
        Self { id, newest: 0, shown: vec![0; words], until: i64::MIN }
    }

    /// The word with the bit of `sequence`, and the bit.
    fn bit(&mut self, sequence: u64) -> Option<(&mut u64, u64)> {
        let place = sequence % WINDOW;
        let word = usize::try_from(place / WORD).ok()?;
        Some((self.shown.get_mut(word)?, 1 << (place % WORD)))
    }

    /// Whether `sequence` is shown for the first time.
    fn note(&mut self, sequence: u64) -> bool {
        if sequence > self.newest {
            let skipped = (sequence - self.newest).min(WINDOW);
            for number in sequence - skipped + 1..=sequence {
                if let Some((word, bit)) = self.bit(number) {
                    *word &= !bit;
                }
            }
            self.newest = sequence;
        } else if self.newest - sequence >= WINDOW {
            return false;
        }
        let Some((word, bit)) = self.bit(sequence) else { return false };
        let is_first = *word & bit == 0;
        *word |= bit;
        is_first
    }
}

/// The tokens of one node that were shown here, in bounded memory: 8 KiB for each of its processes.
#[derive(Default)]
pub(super) struct SeenTokens(Vec<Run>);

impl SeenTokens {
    /// Whether the token with this number, which ends at `until`, is shown for the first time. Times are in seconds.
    pub fn note(&mut self, number: TokenNumber, until: i64, now: i64) -> bool {
        let TokenNumber { run, sequence } = number;
        let runs = &mut self.0;
        if !runs.iter().any(|known| known.id == run) {
            runs.retain(|known| now < known.until);
            // One more would be more than a node can have: the oldest ends within two minutes.
            if runs.len() >= MOST_RUNS {
                return false;
            }
            runs.push(Run::new(run));
        }
        let Some(known) = runs.iter_mut().find(|known| known.id == run) else { return false };
        known.until = known.until.max(until);
        known.note(sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    const NOW: i64 = 1_000;
    const UNTIL: i64 = 1_090;

    fn number(run: u64, sequence: u64) -> TokenNumber {
        TokenNumber { run, sequence }
    }

    #[test]
    fn a_number_is_written_as_it_is_read() {
        let number = number(u64::MAX - 1, 7);
        assert_eq!(number.to_string().parse(), Ok(number));
        for wrong in ["", "7", "-7", "g-7", "7-", "7-x", "7-7-7"] {
            assert!(wrong.parse::<TokenNumber>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_too_old_to_be_known_counts_as_shown() {
        let mut seen = SeenTokens::default();
        assert!(seen.note(number(1, WINDOW), UNTIL, NOW));
        assert!(!seen.note(number(1, 0), UNTIL, NOW));
        assert!(seen.note(number(1, 1), UNTIL, NOW) && !seen.note(number(1, 1), UNTIL, NOW));
        assert!(seen.note(number(1, u64::MAX), UNTIL, NOW));
        assert!(!seen.note(number(1, WINDOW), UNTIL, NOW));
    }

    #[test]
    fn the_memory_for_processes_is_bounded_and_one_that_is_full_lets_in_none_until_another_ends() {
        let mut seen = SeenTokens::default();
        let most = MOST_RUNS as u64;
        for run in 0..most {
            assert!(seen.note(number(run, 0), UNTIL + (run > 0) as i64, NOW));
        }
        assert!(!seen.note(number(most, 0), UNTIL, NOW));
        assert!(seen.note(number(most, 0), UNTIL, UNTIL));
        assert_eq!(seen.0.len(), MOST_RUNS);
        // Those that go on are known still.
        assert!(!seen.note(number(1, 0), UNTIL, UNTIL));
    }

    proptest! {
        #[test]
        fn within_the_window_each_number_is_good_once(
            sent in prop::collection::vec((0u64..3, 0u64..200), 1..400)
        ) {
            let mut seen = SeenTokens::default();
            let mut known = HashSet::new();
            for (run, sequence) in sent {
                let is_first = known.insert((run, sequence));
                prop_assert_eq!(seen.note(number(run, sequence), UNTIL, NOW), is_first);
            }
        }
    }
}
