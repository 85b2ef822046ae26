//! What is stored today must be readable tomorrow: every sample survives the codec, and the bytes are on record.
//! Write a changed record only together with a new schema version and a reader for the old one.

use super::{compare, names, read};
use holdfast::{
    board::{explore_states, sample_values},
    domain::{
        Aggregate, Board, DecisionContext, Entity, Folds, Id, Lifecycle, NamedMessage, Timestamp,
        View, Wire,
    },
    store::{codec, keys::Space},
    systems::{
        self, bookrent, ebook,
        gbike::{
            self,
            allowance::Allowance,
            billing::Billing,
            user_deposit::{self, UserDeposit},
        },
        movie, purifier, ticketing,
    },
};
use serde_json::Value;
use std::{collections::BTreeSet, fmt::Write};

/// So many states of a context are on record.
const STATES: usize = 60;

/// Writes every sample down, and reads it back.
#[derive(Default)]
struct Recorder {
    files: Vec<(&'static str, String)>,
    /// How many things were grown until they fitted into no record.
    borders: usize,
}

fn record<T: Wire>(file: &mut String, title: &str, space: Space, version: u16, value: &T) {
    let bytes = codec::encode(space, version, value).unwrap();
    let back: T = codec::decode_versioned(space, &bytes, version, |_, _| {
        unreachable!("it is the current one")
    })
    .unwrap();
    assert_eq!(&back, value);
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    writeln!(file, "{title} {value:?}\n  {hex}").unwrap();
}

/// Where something in `value` can grow: its strings, its lists and its maps by number.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(items) => {
            if !items.is_empty() {
                found.push(at.to_owned());
            }
            items
                .iter()
                .enumerate()
                .for_each(|(place, item)| places(item, &format!("{at}/{place}"), found));
        }
        Value::Object(fields) => {
            if !fields.is_empty() && fields.keys().all(|key| key.parse::<u64>().is_ok()) {
                found.push(at.to_owned());
            }
            fields.iter().for_each(|(key, field)| places(field, &format!("{at}/{key}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `value` with `many` of what is at a place; `None` where that does not make a value of its type.
fn grown<T: Wire>(value: &Value, at: &str, many: usize) -> Option<T> {
    let mut grown = value.clone();
    match grown.pointer_mut(at)? {
        Value::String(text) => *text = "x".repeat(many),
        Value::Array(items) => *items = items.clone().into_iter().cycle().take(many).collect(),
        Value::Object(fields) => {
            let field = fields.values().next().cloned()?;
            *fields = (0..many).map(|number| (number.to_string(), field.clone())).collect();
        }
        _ => return None,
    }
    serde_json::from_value(grown).ok()
}

/// Whatever in a value grows, and however far: what can be written can be read.
fn what_is_written_is_read_up_to_the_border<T: Wire>(
    value: &T,
    space: Space,
    version: u16,
    seen: &mut BTreeSet<String>,
) -> usize {
    let value = serde_json::to_value(value).unwrap();
    let mut found = Vec::new();
    places(&value, "", &mut found);
    let mut borders = 0;
    for at in found.into_iter().filter(|at| seen.insert(at.clone())) {
        let fits = |many: usize| {
            grown::<T>(&value, &at, many).map(|value| codec::encode(space, version, &value))
        };
        // A word of a fixed list grows into none of its type.
        let Some(Ok(_)) = fits(1) else { continue };
        let mut most = 1;
        let mut too_many = 2 * codec::MAX_RECORD;
        while most + 1 < too_many {
            let many = most.midpoint(too_many);
            match fits(many) {
                Some(Ok(_)) => most = many,
                _ => too_many = many,
            }
        }
        borders += usize::from(matches!(fits(too_many), Some(Err(_))));
        for many in [most, most - 1, most / 2] {
            let Some(value) = grown::<T>(&value, &at, many) else { continue };
            let bytes = codec::encode(space, version, &value).unwrap();
            let back: Result<T, _> =
                codec::decode_versioned(space, &bytes, version, |_, _| unreachable!());
            assert_eq!(back.as_ref(), Ok(&value), "{many} at {at}, {} bytes", bytes.len());
        }
    }
    borders
}

fn every_variant_is_there<N: NamedMessage>(notes: &[N]) {
    let schema = schemars::schema_for!(N);
    let variants = schema.get("oneOf").and_then(|variants| variants.as_array()).map_or(1, Vec::len);
    let names: std::collections::BTreeSet<&str> = notes.iter().map(AsRef::as_ref).collect();
    assert!(names.len() >= variants, "{names:?} of {variants}");
}

impl Board for Recorder {
    fn aggregate<A: Aggregate>(&mut self) {
        let mut file = String::new();
        let events = sample_values::<A::Event>().unwrap();
        every_variant_is_there(&events);
        let mut in_events = BTreeSet::new();
        let mut in_states = BTreeSet::new();
        for event in events {
            self.borders += what_is_written_is_read_up_to_the_border(
                &event,
                Space::Log,
                A::EVENT_VERSION,
                &mut in_events,
            );
            record(&mut file, "event", Space::Log, A::EVENT_VERSION, &event);
        }
        // Where a state counts there is no end of states; the first ones show its form.
        for (place, state) in explore_states::<A>().unwrap().states.into_iter().enumerate() {
            self.borders += what_is_written_is_read_up_to_the_border(
                &state,
                Space::State,
                A::STATE_VERSION,
                &mut in_states,
            );
            if place >= STATES {
                continue;
            }
            record(&mut file, "state", Space::State, A::STATE_VERSION, &state);
        }
        for command in sample_values::<A::Command>().unwrap() {
            // Commands are kept in open questions and parked mail, never for long: no golden bytes.
            record(&mut String::new(), "command", Space::Question, 1, &command);
        }
        self.files.push((A::NAME.context, file));
    }

    fn view<V: View>(&mut self) {
        let mut rows = Rows::<V>(vec![V::default()]);
        V::folds(&mut rows);
        let mut file = String::new();
        let mut seen = BTreeSet::new();
        for row in rows.0 {
            self.borders += what_is_written_is_read_up_to_the_border(
                &row,
                Space::State,
                V::STATE_VERSION,
                &mut seen,
            );
            record(&mut file, "row", Space::State, V::STATE_VERSION, &row);
        }
        self.files.push((V::NAME.context, file));
    }
}

/// What one event, and one of each source in turn, make of a row.
struct Rows<V>(Vec<V>);
impl<V: View> Folds<V> for Rows<V> {
    fn on<S: Aggregate>(&mut self, row: fn(&S::Event) -> Option<u64>, fold: fn(&mut V, &S::Event)) {
        for before in self.0.clone() {
            for event in
                sample_values::<S::Event>().unwrap().iter().filter(|event| row(event).is_some())
            {
                let mut after = before.clone();
                fold(&mut after, event);
                if !self.0.contains(&after) {
                    self.0.push(after);
                }
            }
        }
    }
}

#[test]
fn everything_stored_survives_the_codec_and_keeps_its_bytes() {
    let mut recorder = Recorder::default();
    for system in systems::NAMES {
        systems::lay_out(system, &mut recorder);
    }
    assert!(!recorder.files.is_empty() && recorder.borders > 50, "{} borders", recorder.borders);
    let file = |context: &str| format!("records/{context}.txt");
    let wrong: Vec<_> =
        recorder.files.iter().filter_map(|(context, now)| compare(&file(context), now)).collect();
    assert!(wrong.is_empty(), "stored forms have changed (see the head of this file): {wrong:#?}");
    let contexts = recorder.files.iter().map(|(context, _)| (*context).to_owned()).collect();
    let gone: Vec<_> = names("records", "", ".txt").difference(&contexts).cloned().collect();
    assert!(gone.is_empty(), "{gone:?} are stored by nothing any more");
}

#[test]
fn a_record_of_one_kind_is_not_read_as_another() {
    let bytes = codec::encode(Space::Log, 1, &Id::<()>::new(7)).unwrap();
    assert!(codec::decode::<Id<()>>(Space::State, &bytes).is_err());
}

fn read_state<E: Entity>(bytes: &[u8]) -> E {
    codec::decode_versioned(Space::State, bytes, E::STATE_VERSION, |version, record| {
        E::old_state(version, record)
    })
    .unwrap()
}

/// The states that an earlier version has stored: the recorded bytes, and how they are read now.
fn reads<E: Entity>(version: u16, after: impl Fn(&str) -> String) {
    read_old::<E>(version, |then, state| assert_eq!(format!("{state:?}"), after(then)));
}

/// The same, each looked at together with how it read then.
fn read_old<E: Entity>(version: u16, check: impl Fn(&str, &E)) {
    let file = read(&format!("records/old/{}.{version}.txt", E::NAME.context)).unwrap();
    let lines: Vec<&str> = file.lines().collect();
    assert!(lines.len() >= 4);
    for pair in lines.chunks(2) {
        let hex = pair[1].trim();
        let bytes: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        let state: E = read_state(&bytes);
        let (_, then) = pair[0].split_once(' ').unwrap();
        check(then, &state);
        codec::encode(Space::State, E::STATE_VERSION, &state).unwrap();
    }
}

/// What could not be withdrawn then is not withdrawn now.
fn with_a_catalogue(then: &str) -> String {
    format!("{}, withdrawn: false }}", then.strip_suffix(" }").unwrap())
}

#[test]
fn what_earlier_versions_have_stored_is_read() {
    reads::<bookrent::book::Book>(1, with_a_catalogue);
    reads::<purifier::product::Product>(1, with_a_catalogue);
    reads::<ticketing::ticket::Ticket>(1, with_a_catalogue);
    reads::<ticketing::price::Price>(1, with_a_catalogue);
    reads::<ticketing::view::Row>(1, with_a_catalogue);
    reads::<gbike::bike::Bike>(1, with_a_catalogue);
    reads::<Billing>(1, |then| then.replace(" }", ", next: None }"));
    reads::<UserDeposit>(1, |then| {
        then.replace("open: ", "arrears: Arrears { at_hand: ")
            .replace(" }", ", chain: None }, rides: Rides({}) }")
    });
    reads::<UserDeposit>(2, |then| {
        format!("{}, rides: Rides({{}}) }}", then.strip_suffix(" }").unwrap())
    });
    reads::<gbike::rent::Rent>(1, |then| {
        then.replace("Requested, cleared: true", "Cleared, cleared: true")
            .replace(" cleared: true,", "")
            .replace(" cleared: false,", "")
    });
    reads::<movie::book::Book>(1, |then| {
        then.replace("PaidComplete, canceling: true", "Canceling, canceling: true")
            .replace(", canceling: true", "")
            .replace(", canceling: false", "")
    });
    reads::<ebook::rent::Rent>(1, |then| then.replace(" }", ", phone: None, reason: None }"));
    read_old::<ebook::dashboard::Row>(1, |then, row| {
        let shown = row.represent(Id::new(1));
        let is_there = row.lifecycle() == Lifecycle::Established;
        assert_eq!(is_there, then.contains("order: Some"), "{then}");
        assert!(then.contains(&format!("status: {:?}", shown.status)), "{then}: {row:?}");
        let fee = format!("rental_fee: {:?}", shown.rental_fee);
        let name = format!("book_name: {:?}", shown.book_name);
        assert!(then.contains(&fee) && then.contains(&name), "{then}: {row:?}");
        assert_eq!((shown.reason, shown.user_id > 0), (None, is_there));
    });
    reads::<ebook::book::Book>(1, |then| then.replace(" }", ", let_go: [], withdrawn: false }"));
    reads::<purifier::notification::Notification>(1, |then| {
        // What was written counts as sent.
        let (status, sent_at) = match then.split_once("sent_at: ") {
            Some((head, at)) if !head.contains("text: \"\"") => {
                ("Sent", format!("Some({})", at.trim_end_matches(" }")))
            }
            _ => ("New", "None".to_owned()),
        };
        let head = then.split(", sent_at: ").next().unwrap_or_default();
        let text = head.replace("Notification { ", "Notification { text: Text { ");
        let sending = format!("status: {status}, sent_at: {sent_at}, reason: None");
        format!("{text} }}, sending: Sending {{ {sending} }} }}")
    });
    reads::<movie::ticket::Ticket>(1, |then| {
        then.replace("Waiting, printing: true", "Printing, printing: true")
            .replace(" printing: true,", "")
            .replace(" printing: false,", "")
    });
}

/// An account of the first version with as many open fees as could be stored loses none of them.
#[test]
fn a_long_list_of_open_fees_is_carried_over_whole() {
    let open: Vec<(u64, u64)> = (1..=440).map(|bill| (bill, 100)).collect();
    let bytes = codec::encode(Space::State, 1, &(true, 50_u64, None::<u64>, &open)).unwrap();
    let mut account: UserDeposit = read_state(&bytes);
    let bytes = codec::encode(Space::State, UserDeposit::STATE_VERSION, &account).unwrap();
    assert_eq!(read_state::<UserDeposit>(&bytes), account);
    let user = Id::new(7);
    let moment =
        DecisionContext { id: user, at: Timestamp::default(), settings: &Allowance::default() };
    let mut paid = Vec::new();
    let mut command = user_deposit::Command::TopUp { deposit: 44_000 - 50 };
    // Each step waits for the last bill that the one before has paid to be closed.
    while account.represent(user).arrears > 0 {
        for event in account.decide(command, &moment).unwrap() {
            account.evolve(&event);
            if let user_deposit::Event::UpdatedDeposit { billid: Some(bill), .. } = event {
                paid.push(bill.get());
            }
        }
        command = user_deposit::Command::GoOn { after: Id::new(*paid.last().unwrap()) };
    }
    assert_eq!(paid, (1..=440).collect::<Vec<_>>());
    assert_eq!(account.represent(user).deposit, 0);
}
