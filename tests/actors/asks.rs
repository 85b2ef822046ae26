//! The contexts that may be asked are declared beforehand, and one that cannot be asked at present is noticed before
//! anything begins.

use super::{
    bench::{Bench, LayOut, eventually},
    test_system,
};
use holdfast::{
    actors::{
        BreakerSettings, CommandRequest, Fault, GuardSettings, Injected, NodeBuilder, NodeSettings,
    },
    board::{explore_states, sample_values},
    domain::{Aggregate, Board, Name, View},
    store::MemoryStore,
    systems,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// What is wrong with what contexts say of whom they ask.
#[derive(Default)]
struct Compared {
    contexts: usize,
    chains: usize,
    wrong: Vec<String>,
}

impl Board for Compared {
    fn aggregate<A: Aggregate>(&mut self) {
        self.contexts += 1;
        let found = explore_states::<A>().unwrap().chains;
        let declared = |command: &A::Command| -> Vec<&str> {
            A::may_ask(command).iter().map(|name: &Name| name.context).collect()
        };
        for (command, asked) in &found {
            self.chains += 1;
            let all = declared(command);
            if !all.starts_with(asked) {
                self.wrong.push(format!(
                    "{}: {command:?} may ask {asked:?}, and declares {all:?}",
                    A::NAME
                ));
            }
        }
        for command in sample_values::<A::Command>().unwrap() {
            let all = declared(&command);
            let longest = found
                .iter()
                .filter(|(by, _)| by.as_ref() == command.as_ref())
                .map(|(_, asked)| asked.len());
            if all.len() > longest.max().unwrap_or(0) {
                self.wrong.push(format!(
                    "{}: {command:?} declares {all:?}, not all of whom it asks",
                    A::NAME
                ));
            }
        }
    }
    fn view<V: View>(&mut self) {}
}

#[test]
fn every_command_declares_which_contexts_it_may_ask_and_in_which_order() {
    let mut compared = Compared::default();
    for system in systems::NAMES {
        assert!(systems::lay_out(system, &mut compared));
    }
    assert!(compared.wrong.is_empty(), "{:#?}", compared.wrong);
    assert!(
        compared.contexts > 15 && compared.chains >= 14,
        "{} chains were walked",
        compared.chains
    );
}

#[test]
fn a_declaration_that_is_forgotten_is_noticed() {
    let mut compared = Compared::default();
    compared.aggregate::<test_system::Order>();
    assert!(
        compared.wrong.iter().any(|wrong| wrong.contains("declares []")),
        "{:?}",
        compared.wrong
    );
}

/// A context, one of its routes, a number and a body.
type Said = (&'static str, usize, Option<u64>, Value);

/// An order that leads to asking `asked`.
struct Case {
    lay_out: LayOut,
    asked: &'static str,
    /// What must be there before.
    opening: Vec<Said>,
    order: Said,
    /// The same kind of order, which gets no answer.
    unanswered: Said,
    /// Whether that one is asked again until there is an answer.
    repeats: bool,
}

fn cases() -> Vec<Case> {
    fn of(system: &'static str, board: &mut NodeBuilder<'_>) {
        assert!(systems::lay_out(system, board));
    }
    let case = |lay_out: LayOut, asked, opening: &[Said], order: Said| {
        let unanswered = order.clone();
        Case { lay_out, asked, opening: opening.to_vec(), order, unanswered, repeats: false }
    };
    let booking: Said = ("movie.book", 0, None, json!({ "qty": 1 }));
    let movie = |asked, context, body: Value, repeats| Case {
        opening: vec![booking.clone(), booking.clone()],
        order: (context, usize::from(context == "movie.book"), Some(2), body.clone()),
        unanswered: (context, usize::from(context == "movie.book"), Some(1), body),
        repeats,
        ..case(|board| of("movie", board), asked, &[], booking.clone())
    };
    let bike: Said = ("gbike.bike", 0, None, json!({ "bikeid": 1, "location": "here" }));
    let ride: Said = ("gbike.rent", 0, None, json!({ "userid": 7, "bikeid": 1 }));
    let ticket = json!({ "ticketId": 1, "starttime": "2099-07-06", "endtime": "2099-07-06" });
    vec![
        case(
            |board| of("bookrent", board),
            "bookrent.book",
            &[("bookrent.book", 0, None, json!({ "title": "t" }))],
            ("bookrent.rent", 0, None, json!({ "bookId": 1, "userId": 1, "address": "here" })),
        ),
        case(
            |board| of("purifier", board),
            "purifier.payment",
            &[("purifier.product", 0, None, json!({ "amt": 5, "stock": 9 }))],
            (
                "purifier.rental",
                0,
                None,
                json!({ "customerId": 1, "productId": 1, "amt": 5, "address": "here" }),
            ),
        ),
        case(
            |board| of("ebook", board),
            "ebook.payment",
            &[("ebook.book", 0, None, json!({ "bookName": "b", "rentalFee": 5 }))],
            ("ebook.rent", 0, None, json!({ "userId": 1, "bookId": 1 })),
        ),
        case(|board| of("movie", board), "movie.payment", &[], booking.clone()),
        movie("movie.ticket", "movie.book", json!({ "status": "Canceled" }), true),
        movie("movie.point", "movie.ticket", json!({ "status": "Printed" }), false),
        case(
            |board| of("ticketing", board),
            "ticketing.ticket",
            &[("ticketing.ticket", 0, None, ticket)],
            ("ticketing.reservation", 0, None, json!({ "ticketId": 1 })),
        ),
        case(
            |board| of("gbike", board),
            "gbike.userDeposit",
            std::slice::from_ref(&bike),
            ride.clone(),
        ),
        case(|board| of("gbike", board), "gbike.bike", &[bike], ride),
    ]
}

const NO_ANSWERS: Option<Injected> = Some(Injected { delay_ms: (0, 0), failure_rate: 1.0 });

impl Case {
    /// All is there, and the breaker of who is asked has opened, for `open_for`.
    async fn broken(&self, open_for: Duration) -> Bench {
        let breaker = BreakerSettings { minimum: 1, open_for, ..BreakerSettings::default() };
        // No asker waits as long as that: a context that does not answer fails at once here.
        let guard =
            GuardSettings { timeout: Duration::from_secs(60), breaker, ..GuardSettings::default() };
        let system = self.asked.split('.').next().unwrap().to_owned();
        let settings = NodeSettings {
            system_guards: BTreeMap::from([(system, guard)]),
            ..NodeSettings::default()
        };
        let bench = Bench::of(MemoryStore::new(), settings, self.lay_out).ready().await;
        for said in &self.opening {
            self.say(&bench, said).await.unwrap();
        }
        bench.becomes_consistent(|_| Ok(())).await;
        bench.context(self.asked).set_fault(NO_ANSWERS);
        let (context, route, number, body) = self.unanswered.clone();
        let order = CommandRequest { route, number, body, ..CommandRequest::default() };
        let answer = actix_rt::spawn(bench.send(context, order));
        eventually(|| breaker_of(&bench, self.asked) != "closed").await;
        if !self.repeats {
            match answer.await.unwrap() {
                // BookRent's order is recorded, and has failed.
                Ok(_) => assert_eq!(self.asked, "bookrent.book"),
                Err(Fault::Busy { retry_after }) => assert!(retry_after <= open_for),
                // It was half-open again when the answer was written.
                Err(fault) => assert!(open_for < Duration::from_secs(1), "{fault:?}"),
            }
        }
        bench.context(self.asked).set_fault(None);
        if !self.repeats {
            bench.becomes_consistent(|_| Ok(())).await;
        }
        bench
    }

    async fn say(
        &self,
        bench: &Bench,
        (context, route, number, body): &Said,
    ) -> Result<Value, Fault> {
        bench
            .enter(context, *route, *number, body.clone())
            .await
            .map(|outcome| super::bench::value(&outcome))
    }
}

fn breaker_of(bench: &Bench, context: &str) -> &'static str {
    bench.context(context).health().guard.unwrap().breaker
}

/// How much has happened in all contexts.
fn happened(bench: &Bench) -> Vec<u64> {
    use holdfast::actors::Node;
    bench.node.contexts().iter().map(|context| context.health().last_sequence).collect()
}

#[actix_rt::test]
async fn when_any_context_of_a_chain_is_unavailable_nothing_begins_and_the_client_gets_retry_after()
{
    for case in cases() {
        let open_for = Duration::from_secs(600);
        let bench = case.broken(open_for).await;
        let before = happened(&bench);
        let asked = bench.context(case.asked).health().guard.unwrap();
        for _ in 0..3 {
            match case.say(&bench, &case.order).await {
                Err(Fault::Busy { retry_after }) => {
                    assert!(
                        retry_after > Duration::from_secs(300) && retry_after <= open_for,
                        "{retry_after:?}"
                    );
                }
                other => panic!("{}: {other:?}", case.asked),
            }
        }
        assert_eq!(happened(&bench), before, "{}: something was recorded", case.asked);
        let now = bench.context(case.asked).health().guard.unwrap();
        assert_eq!(
            (now.breaker, now.opened, now.in_flight),
            (asked.breaker, asked.opened, 0),
            "{}",
            case.asked
        );
        if case.asked == "movie.ticket" || case.asked == "movie.point" {
            // A context that is not asked for a booking keeps no client from booking.
            case.say(&bench, &case.opening[0]).await.unwrap();
        }
    }
}

#[actix_rt::test]
async fn once_its_time_is_over_who_comes_is_let_through_and_it_closes() {
    for case in cases() {
        let bench = case.broken(Duration::from_millis(200)).await;
        eventually(|| breaker_of(&bench, case.asked) != "open").await;
        for _ in 0..3 {
            // A bike is taken by the first, a reservation has its ticket: that is an answer as well.
            match case.say(&bench, &case.order).await {
                Ok(_) | Err(Fault::Refused(_)) => {}
                Err(fault) => panic!("{}: {fault:?}", case.asked),
            }
        }
        if case.asked != "movie.ticket" && case.asked != "movie.point" {
            eventually(|| breaker_of(&bench, case.asked) == "closed").await;
        }
    }
}

#[actix_rt::test]
async fn who_is_asked_later_and_cannot_be_is_no_answer_at_once() {
    let case = cases().pop().unwrap();
    let open_for = Duration::from_secs(600);
    let breaker = BreakerSettings { minimum: 1, open_for, ..BreakerSettings::default() };
    let guard =
        GuardSettings { timeout: Duration::from_secs(60), breaker, ..GuardSettings::default() };
    let guards = BTreeMap::from([("gbike".to_owned(), guard)]);
    let settings = NodeSettings { system_guards: guards, ..NodeSettings::default() };
    let bench = Bench::of(MemoryStore::new(), settings, case.lay_out).ready().await;
    case.say(&bench, &case.opening[0]).await.unwrap();
    // The first one is still asking the deposit when the second one's question to the bike gets no answer.
    let deposit = bench.context("gbike.userDeposit");
    deposit.set_fault(Some(Injected { delay_ms: (5_000, 5_000), failure_rate: 0.0 }));
    let order = super::bench::under(
        "key",
        &CommandRequest { body: case.order.3.clone(), ..CommandRequest::default() },
    );
    let first = actix_rt::spawn(bench.send("gbike.rent", order.clone()));
    eventually(|| deposit.health().guard.unwrap().in_flight == 1).await;
    deposit.set_fault(None);
    bench.context("gbike.bike").set_fault(NO_ANSWERS);
    assert!(matches!(case.say(&bench, &case.order).await, Err(Fault::Busy { .. })));
    assert_eq!(breaker_of(&bench, "gbike.bike"), "open");
    bench.context("gbike.bike").set_fault(None);
    let answer = tokio::time::timeout(Duration::from_secs(30), first)
        .await
        .expect("no request waits for the bike");
    match answer.unwrap() {
        Err(Fault::Busy { retry_after }) => {
            assert!(retry_after > Duration::from_secs(300), "{retry_after:?}")
        }
        other => panic!("{other:?}"),
    }
    bench.becomes_consistent(|_| Ok(())).await;
    assert_eq!(bench.events("gbike.rent", 1), ["RentRequested", "RentCleared", "RentFailed"]);
    assert_eq!(bench.see("gbike.bike", 1).unwrap()["status"], "사용가능");
    // Under the same key it is a new request.
    assert!(matches!(bench.order("gbike.rent", order).await, Err(Fault::Busy { .. })));
}
