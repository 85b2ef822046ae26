//! The stored bytes of the runtime's own rows.

use super::{
    answers::{ANSWER_VERSION, AnswerPage, AnswerPageV1, AskResult, RecordedAnswer},
    clipping::{clip_refusal, clip_words},
    counters::{Counters, Rebuild, Versions, decode_counters, encode_counters},
    key_pages::{KeyPage, key_pages},
    log::Cause,
    parked::ParkedRow,
    questions::{QUESTION_PAGE, QuestionPage},
    responses::{IdempotencyRow, StoredResponse},
    sagas::{SAGA_ENTRIES, SagaPage},
    states::decode_state,
    version::VERSION,
};
use crate::{
    actors::{
        erased::{self, Versioned},
        port::{history::EventId, saga::SagaId},
        tables::log::{Envelope, LogEntry, decode_log, encode_event, encode_log},
    },
    domain::{Aggregate, AskId, Refusal, Timestamp},
    store::{codec, keys::Space},
    systems::bookrent::rent::{self, Rent},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;
use std::{
    collections::BTreeMap,
    fmt::{Debug, Write},
};

fn to_hex(record: &[u8]) -> String {
    record.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn from_hex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|place| u8::from_str_radix(&hex[place * 2..place * 2 + 2], 16).unwrap())
        .collect()
}

/// Holds the bytes of `value`, and that they read as it.
#[track_caller]
fn check_golden<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    space: Space,
    value: &T,
    bytes: &str,
) {
    let record = codec::encode(space, VERSION, value).unwrap();
    assert_eq!(
        to_hex(&record),
        bytes,
        "the layout of stored rows has changed: keep the old one readable"
    );
    assert_eq!(&codec::decode::<T>(space, &record).unwrap(), value);
}

/// An event with its type.
type RentEvent = (Envelope, rent::Event);

fn sample_event() -> RentEvent {
    let envelope = Envelope {
        sequence: 300,
        aggregate: 7,
        version: 2,
        at: Timestamp::from_micros(1_000_000),
        saga: SagaId { context: "bookrent.rent".into(), number: 7 },
        cause: Cause::Answer("bookrent.book".into()),
        client: Some("c-1".into()),
        trace: None,
        owner: None,
    };
    let event = rent::Event::RentFailed {
        rent_id: crate::domain::Id::new(7),
        book_id: crate::domain::Id::new(9),
        user_id: 1,
        reason: "book-out".into(),
    };
    (envelope, event)
}

fn typed_event(logged: &LogEntry) -> RentEvent {
    let event = erased::event_of::<Rent>(logged.event.as_ref()).expect("an event of a rent");
    (logged.envelope.clone(), event.clone())
}

/// The events in a row of a log.
fn read_events(record: &[u8]) -> Vec<RentEvent> {
    let events = decode_log(erased::aggregate_type::<Rent>(), record).unwrap();
    events.iter().map(typed_event).collect()
}

#[test]
fn rows_of_the_runtime_are_stored_as_they_always_were() {
    let meta = Counters {
        last_number: 7,
        last_sequence: 300,
        highest: 7,
        positions: BTreeMap::from([("bookrent.delivery".into(), 5)]),
        generation: 1,
        building: Some((2, BTreeMap::new())),
        written_by: Versions::not_recorded(),
        rebuild: None,
        lists: 0,
    };
    assert_eq!(
        decode_counters(&from_hex(META_V1)).unwrap(),
        meta,
        "counters of version 1 are read"
    );
    let to = Versions { rows: 1, claims: 2, indexes: 1, due: 1 };
    let rebuild = Rebuild { to, stage: 3, behind: ByteBuf::from(*b"s7"), rows: 9 };
    let written_by = Versions { rows: 1, ..Versions::not_recorded() };
    let meta = Counters { written_by, rebuild: Some(rebuild), lists: 4, ..meta };
    let record = encode_counters(&meta).unwrap();
    assert_eq!(to_hex(&record), META);
    assert_eq!(decode_counters(&record).unwrap(), meta);
    let refusal = Refusal::retry_later();
    let answers = AnswerPageV1::from([
        ((7, 1), (AskResult::Yes, 9)),
        ((8, 1), (AskResult::Withdrawn, 9)),
        ((9, 2), (AskResult::No(refusal), 9)),
    ]);
    check_golden(Space::Answer, &answers, ANSWERS_V1);
    let answers = answers
        .into_iter()
        .map(|(ask, (kept, at))| (ask, RecordedAnswer { kept, at, asked: Some((1, [7; 16])) }));
    let page = AnswerPage { answers: answers.collect(), others_until: 10 };
    let record = codec::encode(Space::Answer, ANSWER_VERSION, &page).unwrap();
    assert_eq!(to_hex(&record), ANSWERS);
    check_golden(
        Space::Expiry,
        &vec![ByteBuf::from(*b"a7"), ByteBuf::from(*b"k8")] as &KeyPage,
        KEYS,
    );
    check_golden(
        Space::Question,
        &QuestionPage::from([(7, vec!["anonymous POST /rents k".into()])]),
        QUESTIONS,
    );
    let answer = Some(StoredResponse::Done { version: 2, body: ByteBuf::from(*b"{}") });
    check_golden(
        Space::Idempotency,
        &IdempotencyRow { fingerprint: 1 << 60, number: 7, at: 9, answer },
        IDEMPOTENCY,
    );
    check_golden(Space::Parked, &ParkedRow { attempts: 3, error: "it panicked".into() }, PARKED);
    check_golden(Space::Saga, &vec![(7_u64, 300_u64), (8, 301)] as &SagaPage, SAGA);
}

#[test]
fn every_cause_is_stored_as_it_always_was() {
    let ask = || AskId { context: "bookrent.rent".into(), number: 7, attempt: 2 };
    let event: EventId = "a-8".parse().unwrap();
    for (cause, bytes) in [
        (Cause::Command("Cancel".into()), "000643616e63656c"),
        (Cause::Event("bookrent.rent".into(), 300), "010d626f6f6b72656e742e72656e74fb2c01"),
        (Cause::Ask(ask()), "020d626f6f6b72656e742e72656e740702"),
        (Cause::Answer("bookrent.book".into()), "030d626f6f6b72656e742e626f6f6b"),
        (Cause::Timer, "04"),
        (Cause::Elsewhere("timer".into()), "050574696d6572"),
        (Cause::AskAfter(ask(), event), "060d626f6f6b72656e742e72656e74070203612d38"),
    ] {
        let record = codec::encode(Space::Log, VERSION, &cause).unwrap();
        let hex = to_hex(&record);
        // Between what every row begins with, and its checksum.
        assert_eq!(&hex[8..hex.len() - 8], bytes, "{cause:?}");
        assert_eq!(codec::decode::<Cause>(Space::Log, &record).unwrap(), cause);
    }
}

fn write_log(events: &[RentEvent]) -> Vec<(u64, Vec<u8>)> {
    let events = events.iter().cloned();
    let events: Vec<_> =
        events.map(|(envelope, event)| LogEntry { envelope, event: Box::new(event) }).collect();
    let written = events.iter().map(|logged| (&logged.envelope, encode_event(logged).unwrap()));
    encode_log(Rent::EVENT_VERSION, written).unwrap()
}

#[test]
fn a_log_row_and_a_state_are_stored_as_they_always_were() {
    let rows = write_log(&[sample_event()]);
    assert_eq!(
        rows.iter().map(|(first, record)| (*first, to_hex(record))).collect::<Vec<_>>(),
        [(300, LOG.to_owned())]
    );
    assert_eq!(read_events(&rows[0].1), [sample_event()]);
    assert_eq!(read_events(&from_hex(LOG_V0)), [sample_event()], "rows without owners are read");
    let owned = Envelope { owner: Some("9".into()), ..sample_event().0 };
    assert_eq!(
        read_events(&write_log(&[(owned.clone(), sample_event().1)])[0].1),
        [(owned, sample_event().1)]
    );
    let mut state = Rent::default();
    Aggregate::evolve(&mut state, &sample_event().1);
    let saga = sample_event().0.saga;
    let record = erased::AnyState::encode_state(&state, 2, Some(&saga), None).unwrap();
    assert_eq!(to_hex(&record), STATE);
    let read = decode_state(erased::aggregate_type::<Rent>(), &record).unwrap();
    assert_eq!((read.version, &read.saga, &read.owner), (2, &Some(saga), &None));
    assert_eq!(erased::state_of(read.state.as_ref()), Some(&state));
    let owned = Versioned { owner: Some("9".into()), ..read };
    let record = owned.encode().unwrap();
    assert_eq!(to_hex(&record), OWNED_STATE);
    let read = decode_state(erased::aggregate_type::<Rent>(), &record).unwrap();
    assert_eq!((read.version, read.saga, read.owner), (2, owned.saga, owned.owner));
    assert_eq!(erased::state_of(read.state.as_ref()), Some(&state));
}

/// `BookCancelled` had no address before.
#[test]
fn an_event_that_has_grown_is_read_as_it_was_stored_and_as_older_nodes_tell_it() {
    let cancelled = rent::Event::BookCancelled {
        rent_id: crate::domain::Id::new(7),
        book_id: crate::domain::Id::new(9),
        user_id: 1,
        address: None,
    };
    let rent = erased::aggregate_type::<Rent>();
    let is_read = |event: &erased::Event| {
        assert_eq!(erased::event_of::<Rent>(event.as_ref()), Some(&cancelled));
    };
    is_read(&rent.decode_event(1, crate::store::EventPart(&[3, 7, 9, 1])).unwrap());
    let event = serde_json::json!({ "BookCancelled": { "rentId": 7, "bookId": 9, "userId": 1 } });
    is_read(&rent.read_event(1, event).unwrap());
}

#[test]
fn a_turn_of_many_events_is_several_rows_and_all_of_it_is_read_again() {
    let events: Vec<_> = (1..=1000)
        .map(|sequence| (Envelope { sequence, ..sample_event().0 }, sample_event().1))
        .collect();
    let rows = write_log(&events);
    assert!(rows.len() > 1 && rows.iter().all(|(_, record)| record.len() <= codec::MAX_RECORD));
    let read: Vec<_> = rows.iter().flat_map(|(_, record)| read_events(record)).collect();
    assert_eq!(read, events);
}

const META: &str = "016d020007fb2c01070111626f6f6b72656e742e64656c697665727905010102000101010101010201010302733709044a7e39cc";
const ANSWERS: &str = "01610200030701000901010707070707070707070707070707070708010209010107070707070707070707070707070707090201030b72657472792d6c617465721c706c656173652074727920616761696e20696e2061206d6f6d656e7425ec9ea0ec8b9c20ed9b8420eb8ba4ec8b9c20ec8b9ceb8f84ed95b420eca3bcec84b8ec9a94090101070707070707070707070707070707070a03a07ecc";
const KEYS: &str = "0178010002026137026b38169c60c5";
const META_V1: &str = "016d010007fb2c01070111626f6f6b72656e742e64656c69766572790501010200d0281eb5";
const ANSWERS_V1: &str = "01610100030701000908010209090201030b72657472792d6c617465721c706c656173652074727920616761696e20696e2061206d6f6d656e7425ec9ea0ec8b9c20ed9b8420eb8ba4ec8b9c20ec8b9ceb8f84ed95b420eca3bcec84b8ec9a94098ca33549";
const QUESTIONS: &str = "0171010001070117616e6f6e796d6f757320504f5354202f72656e7473206b22d0b0a8";
const IDEMPOTENCY: &str = "016b0100fd00000000000000100709010002027b7d1d691ccc";
const PARKED: &str = "01700100030b69742070616e69636b656417d3fae6";
const SAGA: &str = "016701000207fb2c0108fb2d014e5135cf";
const LOG_V0: &str = "016c010001fb2c010702fc80841e000d626f6f6b72656e742e72656e7407030d626f6f6b72656e742e626f6f6b0103632d31000d0207090108626f6f6b2d6f757415846e04";
const LOG: &str = "016c010101fb2c010702fc80841e000d626f6f6b72656e742e72656e7407030d626f6f6b72656e742e626f6f6b0103632d3100000d0207090108626f6f6b2d6f75749f1f4d23";
const STATE: &str =
    "0173010002010d626f6f6b72656e742e72656e7407000000030108626f6f6b2d6f75748da89d27";
const OWNED_STATE: &str =
    "0173010102010d626f6f6b72656e742e72656e74070139000000030108626f6f6b2d6f7574c916c199";

/// What the runtime's rows are made of, of any size, in rows that can be written, and read again.
mod any_size {
    use super::*;
    use crate::actors::tables::answers::spill_oldest;
    use proptest::prelude::*;

    fn any_answer() -> impl Strategy<Value = RecordedAnswer> {
        let no = ("[a-z]{1,20}", ".{0,3000}").prop_map(|(code, words)| {
            let refusal = Refusal {
                code: code.into(),
                en: words.clone().into(),
                ko: words.into(),
                ..Refusal::still_open()
            };
            AskResult::No(clip_refusal(refusal))
        });
        let kept = prop_oneof![4 => Just(AskResult::Yes), 4 => Just(AskResult::Withdrawn), 1 => no];
        (kept, any::<u64>(), any::<Option<(u16, [u8; 16])>>())
            .prop_map(|(kept, at, asked)| RecordedAnswer { kept, at, asked })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn answers_are_all_kept_on_their_page_or_in_rows_of_their_own(
            answers in prop::collection::btree_map((any::<u64>(), any::<u32>()), any_answer(), 0..900)
        ) {
            let mut page = AnswerPage { answers: answers.clone(), others_until: 0 };
            let others = spill_oldest(&mut page, "bookrent.rent", 7).unwrap();
            let record = codec::encode(Space::Answer, ANSWER_VERSION, &page).unwrap();
            let read = codec::decode_versioned::<AnswerPage>(Space::Answer, &record, ANSWER_VERSION, |_, _| unreachable!());
            prop_assert_eq!(read.as_ref(), Ok(&page));
            prop_assert_eq!(page.others_until, if others.is_empty() { 0 } else { 7 });
            for (_, answer) in &others {
                codec::encode(Space::Answer, ANSWER_VERSION, answer).unwrap();
            }
            let keys: std::collections::BTreeSet<_> = others.iter().map(|(key, _)| key.clone()).collect();
            prop_assert_eq!((keys.len(), page.answers.len() + others.len()), (others.len(), answers.len()));
        }

        #[test]
        fn a_state_of_any_customer_is_read_again_as_theirs(owner in prop::option::of(".{0,2000}"), version in any::<u64>()) {
            let state: erased::State = Box::<Rent>::default();
            let owner = owner.as_deref();
            let record = state.encode_state(version, None, owner).unwrap();
            let read = decode_state(erased::aggregate_type::<Rent>(), &record).unwrap();
            prop_assert_eq!((read.version, read.owner.as_deref()), (version, owner));
            prop_assert_eq!(read.encode().unwrap(), record);
        }

        #[test]
        fn keys_are_shared_out_over_rows_in_order(lengths in prop::collection::vec(1..300_usize, 0..800)) {
            let keys: Vec<_> = lengths.into_iter().map(|length| vec![7_u8; length]).collect();
            let pages = key_pages(keys.clone());
            for page in &pages {
                let record = codec::encode(Space::Expiry, VERSION, page).unwrap();
                prop_assert_eq!(&codec::decode::<KeyPage>(Space::Expiry, &record).unwrap(), page);
            }
            prop_assert_eq!(pages.into_iter().flatten().map(ByteBuf::into_vec).collect::<Vec<_>>(), keys);
        }

        #[test]
        fn words_of_any_length_are_kept_in_part(words in ".{0,2000}", most in 0..3000_usize) {
            prop_assert!(words.starts_with(clip_words(&words, most)) && clip_words(&words, most).len() <= most);
            let row = ParkedRow { attempts: u32::MAX, error: clip_words(&words, 1024).to_owned() };
            codec::encode(Space::Parked, VERSION, &row).unwrap();
        }
    }

    #[test]
    fn pages_of_sagas_and_questions_fit_at_their_border() {
        let entries: SagaPage = vec![(u64::MAX, u64::MAX); SAGA_ENTRIES];
        let record = codec::encode(Space::Saga, VERSION, &entries).unwrap();
        assert_eq!(codec::decode::<SagaPage>(Space::Saga, &record).unwrap(), entries);
        let page: QuestionPage =
            (0..QUESTION_PAGE).map(|number| (u64::MAX - number, Vec::new())).collect();
        codec::encode(Space::Question, VERSION, &page).unwrap();
        let answer = Some(StoredResponse::Done {
            version: u64::MAX,
            body: ByteBuf::from(vec![7; 5 * 1024]),
        });
        let row = IdempotencyRow { fingerprint: u64::MAX, number: u64::MAX, at: u64::MAX, answer };
        codec::encode(Space::Idempotency, VERSION, &row).unwrap();
    }
}
