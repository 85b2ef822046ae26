//! Tests: names of events, and pasts that go on or do not.

use super::*;
use crate::actors::port::history::Relation;
use proptest::prelude::*;

fn id(word: u64, sequence: u64) -> EventId {
    EventId { word: Word(word), sequence }
}

fn history_of(epochs: impl IntoIterator<Item = (u64, Word)>) -> History {
    History { began: epochs.into_iter().collect(), unsure: 0 }
}

#[test]
fn replicas_are_believed_about_an_unreadable_epoch_and_not_about_the_next() {
    // The second of three is lost; then the last.
    let history = History { began: vec![(1, Word(1)), (20, Word(3))], unsure: 20 };
    assert!(
        history.has_event(id(2, 19), 25)
            && !history.has_event(id(2, 20), 25)
            && !history.has_event(id(2, 19), 18)
    );
    assert!(history.names_event(20) && !history.names_event(19));
    let known: Past = "19;0;1:1,9:2".parse().unwrap();
    assert_eq!(history.past(25).relation_to(&known), Relation::GoesOn);
    assert_eq!(history.past(25).relation_to(&"21;0;1:1,9:2".parse().unwrap()), Relation::Apart);
    let mut history = History { began: vec![(1, Word(1))], unsure: u64::MAX };
    assert!(!history.names_event(19));
    history.begin_epoch(20, Word(3));
    assert_eq!(history.unsure, 20);
    assert_eq!(history.past(19).relation_to(&known), Relation::GoesOn);
}

#[test]
fn an_epoch_is_stored_as_it_always_was() {
    let row = epoch_row(Word(0x3f0c_2a91_b7d4)).unwrap();
    let hex: String = row.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "01650100fdd4b7912a0c3f0000904297cc");
    assert_eq!(codec::decode::<u64>(Space::Epoch, &row).unwrap(), 0x3f0c_2a91_b7d4);
}

#[test]
fn events_written_before_there_were_epochs_keep_their_names() {
    let mut history = History::default();
    assert_eq!(history.id_of(7).to_string(), "7");
    history.begin_epoch(8, Word(0xab));
    assert_eq!(
        (history.id_of(7).to_string(), history.id_of(8).to_string()),
        ("7".into(), "ab-8".into())
    );
    assert_eq!(history.id_of(7).in_full(), "0-7");
}

#[test]
fn an_epoch_without_events_is_replaced() {
    let mut history = History::default();
    history.begin_epoch(1, Word(1));
    history.begin_epoch(1, Word(2));
    history.begin_epoch(5, Word(3));
    assert_eq!(history, history_of([(1, Word(2)), (5, Word(3))]));
}

#[test]
fn a_restored_past_is_distinguished_from_one_that_continues() {
    let went_on = Past { latest: 9, since: 0, began: vec![(1, Word(1)), (6, Word(2))] };
    let known = Past { latest: 7, since: 0, began: vec![(1, Word(1)), (6, Word(2))] };
    assert_eq!(went_on.relation_to(&known), Relation::GoesOn);
    // Words of one writer may overtake each other.
    assert_eq!(known.relation_to(&went_on), Relation::GoesOn);
    let restored = Past { latest: 6, since: 0, began: vec![(1, Word(1)), (6, Word(3))] };
    assert_eq!(restored.relation_to(&went_on), Relation::Apart);
    let copied_later =
        Past { latest: 9, since: 0, began: vec![(1, Word(1)), (6, Word(2)), (9, Word(3))] };
    assert_eq!(copied_later.relation_to(&went_on), Relation::Apart);
    assert_eq!(copied_later.relation_to(&known), Relation::GoesOn);
    let another = Past { latest: 1, since: 0, began: vec![(1, Word(9))] };
    assert_eq!(another.relation_to(&went_on), Relation::Apart);
    // The last word of a process that has ended comes late.
    let late = Past { latest: 5, since: 0, began: vec![(1, Word(1))] };
    assert_eq!(late.relation_to(&went_on), Relation::Behind);
    let lives_on = Past { latest: 6, since: 0, began: vec![(1, Word(1))] };
    assert_eq!(lives_on.relation_to(&went_on), Relation::Apart);
}

#[test]
fn of_a_long_history_the_end_is_sent_and_the_rest_is_believed() {
    let history = history_of((1..=100).map(|place| (place * 10, Word(place))));
    let past = history.past(1005);
    assert_eq!(past.began.len(), TOLD);
    assert!(
        past.has_event(id(7, 75)) && !past.has_event(id(7, 905)) && past.has_event(id(90, 905))
    );
}

proptest! {
    #[test]
    fn names_and_pasts_read_as_they_were_written(word in 0..=u64::MAX, sequence: u64, mut firsts in prop::collection::btree_set(any::<u64>(), 0..40)) {
        let id = id(word, sequence);
        prop_assert_eq!(id.to_string().parse::<EventId>().unwrap(), id);
        prop_assert_eq!(id.in_full().parse::<EventId>().unwrap(), id);
        firsts.insert(word);
        let past = history_of(firsts.into_iter().map(|first| (first, Word(first ^ word)))).past(sequence);
        prop_assert_eq!(past.to_string().parse::<Past>().unwrap(), past);
    }

    /// Whatever is copied, restarted and gone on with: an event is in the history of a log just when it is in the log.
    #[test]
    fn a_history_has_what_its_log_has(steps in prop::collection::vec((0..3_u8, 0..4_usize, 1..5_u64), 1..40)) {
        // Logs, each an event's words in order; and the histories of their writers.
        let mut logs: Vec<(Vec<Word>, History)> = vec![(Vec::new(), History::default())];
        let mut words = 0;
        for (what, which, count) in steps {
            let which = which % logs.len();
            if what == 0 {
                let copy = logs[which].clone();
                logs.push(copy);
            }
            let whose = if what == 0 { logs.len() - 1 } else { which };
            let (log, history) = &mut logs[whose];
            if what < 2 || history.current_epoch().is_none() {
                words += 1;
                history.begin_epoch(log.len() as u64 + 1, Word(words));
            }
            let (_, word) = history.current_epoch().unwrap();
            log.extend((0..count).map(|_| word));
        }
        for (log, _) in &logs {
            for (other, history) in &logs {
                for (place, word) in log.iter().enumerate() {
                    let id = EventId { word: *word, sequence: place as u64 + 1 };
                    prop_assert_eq!(history.has_event(id, other.len() as u64), other.get(place) == Some(word));
                }
            }
        }
    }
}
