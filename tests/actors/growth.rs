//! What is kept of a thing does not grow with its use, and what an order costs is in proportion to its size.

use super::{
    bench::{Bench, LayOut},
    counting_store::{Counting, Written},
};
use holdfast::{
    actors::{CommandRequest, LocalNode, Node, NodeBuilder, NodeSettings},
    board::sample_values,
    domain::{Aggregate, Board, DecisionContext, Folds, Id, Timestamp, View},
    store::{Store, codec, keys::Space},
    systems::{
        self,
        ebook::book::{self, Book, Register},
    },
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// More than any thing here is large whose texts are short.
const SMALL: usize = 1_000;
/// So much happens to each.
const MUCH: u64 = 3_000;
/// It remembers the rents that were withdrawn before their request came, until they have ended: so many are open at once.
const REMEMBERS_OPEN_RENTS: &str = "ebook.book";
/// They keep the reservations that have a ticket.
const HOLDERS: [&str; 2] = ["ticketing.price", "ticketing.view"];

use support::chance::Chance;

/// The same words with other numbers: of things that were spoken of before, of new ones, or amounts.
fn with_numbers(value: &mut Value, chance: &mut Chance) {
    match value {
        Value::Number(number) if number.is_u64() => {
            let other = match chance.between(0, 4) {
                0 => chance.between(0, 4),
                1 => chance.between(1 << 40, 1 << 50),
                _ => chance.between(1_000, 1_000_000),
            };
            *value = other.into();
        }
        Value::Array(values) => values.iter_mut().for_each(|value| with_numbers(value, chance)),
        Value::Object(fields) => fields.values_mut().for_each(|value| with_numbers(value, chance)),
        _ => {}
    }
}

/// One of the words, about other things.
fn other<T: serde::Serialize + serde::de::DeserializeOwned + Clone>(
    words: &[T],
    chance: &mut Chance,
) -> T {
    let word = &words[chance.number() as usize % words.len()];
    let mut value = serde_json::to_value(word).unwrap();
    with_numbers(&mut value, chance);
    serde_json::from_value(value).unwrap_or_else(|_| word.clone())
}

#[derive(Default)]
struct Driven {
    largest: Vec<(&'static str, usize)>,
}

impl Board for Driven {
    fn aggregate<A: Aggregate>(&mut self) {
        let commands = sample_values::<A::Command>().unwrap();
        let settings = A::Settings::default();
        let mut largest = 0;
        for seed in 0..4 {
            let mut state = A::default();
            let mut chance = Chance::new(seed);
            for step in 0..MUCH {
                let command = match state.awaits(Id::new(1)) {
                    Some(ask) if chance.coin() => (ask.then)(Ok(())),
                    _ => other(&commands, &mut chance),
                };
                let at = Timestamp::from_micros(step as i64 * 1_000_000);
                let moment = DecisionContext { id: Id::new(1), at, settings: &settings };
                for event in state.decide(command, &moment).unwrap_or_default() {
                    state.evolve(&event);
                }
                largest = largest.max(codec::encode(Space::State, 1, &state).unwrap().len());
            }
        }
        self.largest.push((A::NAME.context, largest));
    }

    fn view<V: View>(&mut self) {
        let mut row = Drawn::<V> { row: V::default(), folds: Vec::new() };
        V::folds(&mut row);
        let mut largest = 0;
        let mut chance = Chance::new(1);
        for _ in 0..MUCH {
            let fold = chance.number() as usize % row.folds.len();
            row.folds[fold](&mut row.row, &mut chance);
            largest = largest.max(codec::encode(Space::State, 1, &row.row).unwrap().len());
        }
        self.largest.push((V::NAME.context, largest));
    }
}

type Fold<V> = Box<dyn Fn(&mut V, &mut Chance)>;
struct Drawn<V> {
    row: V,
    folds: Vec<Fold<V>>,
}
impl<V: View> Folds<V> for Drawn<V> {
    fn on<S: Aggregate>(&mut self, _: fn(&S::Event) -> Option<u64>, fold: fn(&mut V, &S::Event)) {
        let events = sample_values::<S::Event>().unwrap();
        self.folds.push(Box::new(move |row, chance| fold(row, &other(&events, chance))));
    }
}

#[test]
fn the_stored_size_of_an_aggregate_stays_small_over_any_number_of_changes() {
    let mut driven = Driven::default();
    for system in systems::NAMES {
        systems::lay_out(system, &mut driven);
    }
    assert!(driven.largest.len() > 20);
    let is_grown =
        |(context, largest): &&(&str, usize)| *largest > SMALL && *context != REMEMBERS_OPEN_RENTS;
    let grown: Vec<_> = driven.largest.iter().filter(is_grown).collect();
    assert!(grown.is_empty(), "these grow: {grown:?}");
}

#[test]
fn a_book_forgets_a_rent_that_was_withdrawn_when_it_has_ended() {
    const OPEN: u64 = 20;
    let mut book = Book::default();
    let mut largest = 0;
    let follow = |book: &mut Book, command| {
        let this = DecisionContext { id: Id::new(1), at: Timestamp::default(), settings: &() };
        for event in book.decide(command, &this).unwrap() {
            book.evolve(&event);
        }
    };
    follow(&mut book, book::Command::Register(Register { book_name: "t".into(), rental_fee: 1 }));
    for rent in 1..=MUCH {
        // It is withdrawn, its request comes late, and it ends while others are open.
        follow(&mut book, book::Command::LetGo { rent: Id::new(rent) });
        let late = book::Command::Hold { rent: Id::new(rent), user: rent, fee: Some(1) };
        follow(&mut book, late);
        if let Some(ended) = rent.checked_sub(OPEN).filter(|ended| *ended > 0) {
            follow(&mut book, book::Command::Free { rent: Id::new(ended) });
        }
        largest = largest.max(codec::encode(Space::State, 1, &book).unwrap().len());
    }
    assert!(largest < SMALL, "{largest}");
    for rent in MUCH - OPEN + 1..=MUCH {
        follow(&mut book, book::Command::Free { rent: Id::new(rent) });
    }
    let nothing = Book::default();
    let room = |book: &Book| codec::encode(Space::State, 1, book).unwrap().len();
    assert!(room(&book) < room(&nothing) + 40, "{}", room(&book));
}

fn of(system: &'static str, board: &mut NodeBuilder<'_>) {
    assert!(systems::lay_out(system, board));
}

async fn bench(lay_out: LayOut, settings: &[(&str, Value)]) -> (Bench, Counting) {
    let counting = Counting::new();
    let systems = settings
        .iter()
        .map(|(system, settings)| ((*system).to_owned(), settings.clone()))
        .collect();
    let store: Arc<dyn Store> = Arc::new(counting.clone());
    let node =
        LocalNode::start(store, NodeSettings { systems, ..NodeSettings::default() }, lay_out)
            .unwrap();
    (Bench { node, store: counting.memory.clone() }.ready().await, counting)
}

async fn quiet(bench: &Bench) {
    bench.becomes_consistent(|_| Ok(())).await;
}

#[actix_rt::test]
async fn a_ticket_that_changes_hands_again_and_again_is_kept_no_larger() {
    let (bench, counting) = bench(|board| of("ticketing", board), &[]).await;
    let ticket = json!({ "ticketId": 1, "starttime": "2099-07-06", "endtime": "2099-07-06" });
    bench.enter("ticketing.ticket", 0, None, ticket).await.unwrap();
    let mut largest = Vec::new();
    for away in [false, true] {
        // What they have missed meanwhile they get in one go.
        if away {
            bench.context("ticketing.price").stop().await;
            bench.context("ticketing.view").stop().await;
        }
        for number in 0..100 {
            let body =
                json!({ "ticketId": 1, "userId": format!("user{number:04}"), "userGrade": "VIP" });
            let number = loop {
                match bench.enter("ticketing.reservation", 0, None, body.clone()).await {
                    Ok(outcome) => break outcome.number,
                    // The last cancel is still on its way.
                    Err(_) => tokio::task::yield_now().await,
                }
            };
            let cancel = json!({ "status": "CANCELLED" });
            bench.enter("ticketing.reservation", 1, Some(number), cancel).await.unwrap();
        }
        if away {
            bench.context("ticketing.price").start().await;
            bench.context("ticketing.view").start().await;
        }
        quiet(&bench).await;
        largest.push(counting.written().largest);
    }
    // A ticket that is had by one is not given to another before that one has given it back: one is kept, not a list.
    for context in HOLDERS {
        assert!(
            largest[1][context] <= largest[0][context] + 16 && largest[0][context] < 200,
            "{context}: {largest:?}"
        );
    }
}

#[actix_rt::test]
async fn a_customer_who_owes_for_many_rides_pays_them_all_and_rents_again() {
    // The long form is that of a whole fleet.
    let rides: u64 = std::env::var("HOLDFAST_RIDES").map_or(300, |rides| rides.parse().unwrap());
    let (bench, counting) =
        bench(|board| of("gbike", board), &[("gbike", json!({ "fee_per_minute": 100 }))]).await;
    let node = |order: CommandRequest, context: &'static str| bench.send(context, order);
    let body = |body: Value| CommandRequest { body, ..CommandRequest::default() };
    let all = |context: &'static str, orders: Vec<CommandRequest>| async move {
        // A context takes so many at once.
        for some in orders.chunks(500) {
            let answers = futures_util::future::join_all(
                some.iter().map(|order| node(order.clone(), context)),
            )
            .await;
            assert!(
                answers.iter().all(Result::is_ok),
                "{:?}",
                answers.iter().find(|answer| answer.is_err())
            );
        }
    };
    let bike = |number| body(json!({ "bikeid": number, "location": "here" }));
    all("gbike.bike", (1..=rides).map(bike).collect()).await;
    all(
        "gbike.rent",
        (1..=rides).map(|number| body(json!({ "userid": 7, "bikeid": number }))).collect(),
    )
    .await;
    quiet(&bench).await;
    bench.node.advance_clock(Duration::from_secs(60)).unwrap();
    let end = |number| CommandRequest {
        route: 1,
        number: Some(number),
        ..body(json!({ "endlocation": "there" }))
    };
    all("gbike.rent", (1..=rides).map(end).collect()).await;
    quiet(&bench).await;
    let account = bench.see("gbike.userDeposit", 7).unwrap();
    assert_eq!((&account["deposit"], &account["arrears"]), (&json!(0), &json!(rides * 100)));
    let ride = body(json!({ "userid": 7, "bikeid": 1 }));
    let refused = node(ride.clone(), "gbike.rent").await.unwrap_err();
    assert!(format!("{refused:?}").contains("in-arrears"), "{refused:?}");

    // All but the last are paid, and that one when there is money for it.
    let pay = |won: u64| body(json!({ "userid": 7, "deposit": won }));
    let answer = node(pay(rides * 100 - 1), "gbike.userDeposit").await.unwrap();
    let shown: Value = super::bench::value(&answer);
    let left = |shown: &Value, field: &str| shown[field].as_u64().unwrap();
    assert_eq!(
        left(&shown, "arrears"),
        left(&shown, "deposit") + 1,
        "what is said is true, whatever is paid by then"
    );
    quiet(&bench).await;
    let account = bench.see("gbike.userDeposit", 7).unwrap();
    assert_eq!((&account["deposit"], &account["arrears"]), (&json!(99), &json!(100)));
    assert!(node(ride.clone(), "gbike.rent").await.is_err());
    node(pay(1), "gbike.userDeposit").await.unwrap();
    quiet(&bench).await;
    assert_eq!(bench.total("gbike.billing", &[("status", "CLOSEBILL")]), rides);
    node(ride, "gbike.rent").await.unwrap();
    for (context, largest) in counting.written().largest {
        assert!(largest <= SMALL, "a state of {context} takes {largest} bytes");
    }
}

/// What an order comes to, all that follows from it included.
async fn cost(bench: &Bench, counting: &Counting, context: &str, body: Value) -> Written {
    quiet(bench).await;
    counting.written();
    bench.enter(context, 0, None, body).await.unwrap();
    quiet(bench).await;
    counting.written()
}

#[actix_rt::test]
async fn a_seat_costs_a_row_of_its_own_and_no_more_however_long_the_title_is() {
    let (bench, counting) = bench(|board| of("movie", board), &[]).await;
    let booking = |title: usize, count: u64, day: u64| {
        let seats: Vec<String> = (1..=count).map(|seat| format!("{seat}A")).collect();
        let showtime = format!("2099-12-{day:02}T19:00:00Z");
        json!({ "qty": count, "movieName": "m".repeat(title), "seat": seats.join(","), "showtime": showtime })
    };
    for (day, title) in [(1, 20), (3, 3_500)] {
        let one = cost(&bench, &counting, "movie.book", booking(title, 1, day)).await;
        let twenty = cost(&bench, &counting, "movie.book", booking(title, 20, day + 1)).await;
        assert_eq!((one.claims, twenty.claims), (1, 20));
        assert!(twenty.rows <= one.rows + 19, "{one:?}\n{twenty:?}");
        // Its name is in each of the dozen places that know of the order, and its claim once.
        assert!(twenty.bytes <= one.bytes + 19 * 160, "{one:?}\n{twenty:?}");
    }
    // The same seats are taken, whatever key their claims are under.
    for (title, day) in [(20, 2), (3_500, 4)] {
        let again = bench.enter("movie.book", 0, None, booking(title, 20, day)).await;
        assert!(format!("{again:?}").contains("seat-taken"), "{again:?}");
    }
    // A canceled booking gives up all of them.
    bench.enter("movie.book", 1, Some(4), json!({ "status": "Canceled" })).await.unwrap();
    bench.enter("movie.book", 0, None, booking(3_500, 20, 4)).await.unwrap();
}

/// A system, what must be there, and an order with a text in it.
type Ordered<'a> = (LayOut, &'a str, &'a [(&'a str, Value)], &'a str, fn(String) -> Value);

#[actix_rt::test]
async fn the_cost_of_an_order_is_in_proportion_to_its_size() {
    let text = |length: usize| "t".repeat(length);
    let orders: [Ordered<'_>; 6] = [
        (
            |board| of("bookrent", board),
            "bookrent",
            &[
                ("bookrent.book", json!({ "title": "t" })),
                ("bookrent.book", json!({ "title": "t" })),
            ],
            "bookrent.rent",
            |text| json!({ "bookId": if text.len() > 999 { 1 } else { 2 }, "userId": 1, "address": text }),
        ),
        (
            |board| of("purifier", board),
            "purifier",
            &[("purifier.product", json!({ "amt": 5, "stock": 9 }))],
            "purifier.rental",
            |text| json!({ "customerId": 1, "productId": 1, "amt": 5, "address": text }),
        ),
        (
            |board| of("ebook", board),
            "ebook",
            &[],
            "ebook.rent",
            |text| json!({ "userId": 1, "bookId": 1, "bookName": text }),
        ),
        (
            |board| of("movie", board),
            "movie",
            &[],
            "movie.book",
            |text| json!({ "qty": 1, "movieName": text }),
        ),
        (
            |board| of("ticketing", board),
            "ticketing",
            &[
                (
                    "ticketing.ticket",
                    json!({ "ticketId": 1, "starttime": "2099-07-06", "endtime": "2099-07-06" }),
                ),
                (
                    "ticketing.ticket",
                    json!({ "ticketId": 2, "starttime": "2099-07-06", "endtime": "2099-07-06" }),
                ),
            ],
            "ticketing.reservation",
            |text| json!({ "ticketId": if text.len() > 999 { 1 } else { 2 }, "userId": text[..text.len().min(1_000)] }),
        ),
        (
            |board| of("gbike", board),
            "gbike",
            &[],
            "gbike.bike",
            |text| json!({ "bikeid": text.len(), "location": text }),
        ),
    ];
    for (lay_out, system, opening, context, body) in orders {
        let (bench, counting) = bench(lay_out, &[]).await;
        for (context, body) in opening {
            bench.enter(context, 0, None, body.clone()).await.unwrap();
        }
        let short = body(text(100));
        let long = body(text(3_500));
        let longer = serde_json::to_string(&long).unwrap().len()
            - serde_json::to_string(&short).unwrap().len();
        let short = cost(&bench, &counting, context, short).await;
        let long = cost(&bench, &counting, context, long).await;
        let copies = (long.bytes - short.bytes) as f64 / longer as f64;
        assert!(copies <= 20.0, "{system} writes {copies} copies: {short:?}\n{long:?}");
        assert!(long.rows <= short.rows + 24, "{system}: {short:?}\n{long:?}");
    }
}
