//! Asks that meet an asker: whether a booking can be canceled is a question to a ticket that may be asking for its
//! points. It waits for that answer, and is answered with what came of it.
//!
//! All questions may take a minute here, so whatever is answered was answered, and not given up or asked again.

use super::bench::{Bench, eventually, guarded, hasty, under, value};
use holdfast::{
    actors::{CommandRequest, Fault, Injected, NodeBuilder, NodeSettings, Outcome},
    domain::Refusal,
    store::MemoryStore,
    systems,
};
use serde_json::json;
use tokio::task::JoinHandle;

const LONG: u64 = 60_000;

pub fn movie(board: &mut NodeBuilder<'_>) {
    assert!(systems::lay_out("movie", board));
}

fn patient() -> NodeSettings {
    let mut settings = guarded("movie.point", hasty(LONG));
    settings.system_guards.insert("movie".into(), hasty(LONG));
    settings
}

fn late(millis: u64, failure_rate: f64) -> Option<Injected> {
    Some(Injected { delay_ms: (millis, millis), failure_rate })
}

fn print() -> CommandRequest {
    CommandRequest {
        route: 0,
        number: Some(1),
        body: json!({ "status": "Printed" }),
        ..CommandRequest::default()
    }
}
fn cancel() -> CommandRequest {
    CommandRequest {
        route: 1,
        number: Some(1),
        body: json!({ "status": "Canceled" }),
        ..CommandRequest::default()
    }
}

type Answering = JoinHandle<Result<Outcome, Fault>>;

/// A booking whose ticket asks for its points, and whose cancel is on its way; both under keys of these names.
async fn both_on_their_way(bench: &Bench, fault: Option<Injected>) -> (Answering, Answering) {
    bench.enter("movie.book", 0, None, json!({ "qty": 2, "movieName": "soul" })).await.unwrap();
    eventually(|| bench.see("movie.ticket", 1).is_some()).await;
    bench.context("movie.point").set_fault(fault);
    let happened = |what: &str| bench.events("movie.book", 1).iter().any(|event| event == what);
    let printing = actix_rt::spawn(bench.send("movie.ticket", under("print", &print())));
    eventually(|| happened("TicketPrintRequested") && happened("WrittenPoint")).await;
    let canceling = actix_rt::spawn(bench.send("movie.book", under("cancel", &cancel())));
    eventually(|| {
        happened("BookCancelRequested") && bench.context("movie.ticket").health().mailbox == 0
    })
    .await;
    (printing, canceling)
}

fn is_late(answer: &Result<Outcome, Fault>) -> bool {
    matches!(answer, Err(Fault::Refused(no) | Fault::RefusedBefore(no)) if no.code == "ticket-printed")
}

/// What there is of booking 1: its own status, and those of payment, ticket, points and row, and the score.
fn world(bench: &Bench) -> Option<([String; 5], u64)> {
    let see = |context: &str| bench.see(&format!("movie.{context}"), 1);
    let status = |context: &str| Some(see(context)?["status"].as_str()?.to_owned());
    let all = [
        status("book")?,
        status("payment")?,
        status("ticket")?,
        status("point")?,
        status("mypage")?,
    ];
    Some((all, see("point")?["score"].as_u64()?))
}
async fn comes_to(bench: &Bench, all: [&str; 5], score: u64) {
    let wanted = Some((all.map(str::to_owned), score));
    bench
        .becomes_consistent(|bench| match world(bench) {
            is if is == wanted => Ok(()),
            is => Err(format!("{is:?}")),
        })
        .await;
}
const PRINTED: [&str; 5] = ["PrintComplete", "Paid", "Printed", "Pointed", "Printed"];

#[actix_rt::test]
async fn an_ask_of_a_context_that_is_itself_asking_waits_and_gets_the_outcome() {
    let bench = Bench::of(MemoryStore::new(), patient(), movie).ready().await;
    let (printing, canceling) = both_on_their_way(&bench, late(300, 0.0)).await;
    assert_eq!(value(&printing.await.unwrap().unwrap())["status"], "Printed");
    assert!(is_late(&canceling.await.unwrap()));
    comes_to(&bench, PRINTED, 100).await;
    // The no is kept as any other.
    assert!(matches!(
        bench.order("movie.book", under("cancel", &cancel())).await,
        Err(Fault::RefusedBefore(_))
    ));
}

#[actix_rt::test]
async fn an_ask_of_a_context_whose_own_ask_gets_no_answer_is_answered_then() {
    let bench = Bench::of(MemoryStore::new(), patient(), movie).ready().await;
    let (printing, canceling) = both_on_their_way(&bench, late(300, 1.0)).await;
    assert_eq!(printing.await.unwrap(), Err(Fault::Refused(Refusal::retry_later())));
    assert_eq!(value(&canceling.await.unwrap().unwrap())["status"], "Canceled");
    comes_to(&bench, ["Canceled"; 5], 0).await;
}

#[actix_rt::test]
async fn a_question_that_waits_is_put_again_after_a_crash_and_answered() {
    let bench = Bench::of(MemoryStore::new(), patient(), movie).ready().await;
    let _ = both_on_their_way(&bench, late(LONG, 0.0)).await;
    let bench = bench.crashed(patient(), movie).await;
    comes_to(&bench, PRINTED, 100).await;
    // A client that repeats it after the crash gets what has settled it.
    assert!(is_late(&bench.order("movie.book", under("cancel", &cancel())).await));
    let printed = bench.order("movie.ticket", under("print", &print())).await.unwrap();
    assert_eq!((value(&printed)["status"].as_str(), printed.replayed), (Some("Printed"), true));
}

#[actix_rt::test]
async fn a_question_that_waits_is_put_again_when_who_is_asked_was_away() {
    let bench = Bench::of(MemoryStore::new(), patient(), movie).ready().await;
    let (printing, canceling) = both_on_their_way(&bench, late(LONG, 0.0)).await;
    bench.context("movie.ticket").stop().await;
    assert!(
        !printing.await.unwrap().unwrap().settled,
        "a request that waits at a stopped context gets the state so far"
    );
    bench.context("movie.point").set_fault(None);
    bench.context("movie.ticket").start().await;
    assert!(is_late(&canceling.await.unwrap()));
    comes_to(&bench, PRINTED, 100).await;
}

#[actix_rt::test]
async fn still_open_is_never_kept_under_a_key() {
    let bench = Bench::of(MemoryStore::new(), patient(), movie).ready().await;
    bench.context("movie.payment").set_fault(late(LONG, 0.0));
    let order = CommandRequest { body: json!({ "qty": 1 }), ..CommandRequest::default() };
    let booking = actix_rt::spawn(bench.send("movie.book", order));
    eventually(|| bench.see("movie.book", 1).is_some_and(|book| book["status"] == "Registered"))
        .await;
    for _ in 0..2 {
        let refused = bench.order("movie.book", under("cancel", &cancel())).await;
        assert_eq!(
            refused,
            Err(Fault::Refused(Refusal::still_open())),
            "and not as one that was kept"
        );
    }
    // The delay outlasts the test; the answer is found after a restart.
    booking.abort();
    let bench = bench.crashed(patient(), movie).await;
    eventually(|| bench.see("movie.book", 1).is_some_and(|book| book["status"] == "PaidComplete"))
        .await;
    let canceled = bench.order("movie.book", under("cancel", &cancel())).await.unwrap();
    assert_eq!((value(&canceled)["status"].as_str(), canceled.replayed), (Some("Canceled"), false));
}

#[actix_rt::test]
async fn a_cancel_without_an_answer_is_reported_as_pending_and_its_key_keeps_the_outcome() {
    let mut settings = NodeSettings::default();
    settings.system_guards.insert("movie".into(), hasty(500));
    let bench = Bench::of(MemoryStore::new(), settings, movie).ready().await;
    bench.enter("movie.book", 0, None, json!({ "qty": 1 })).await.unwrap();
    eventually(|| bench.see("movie.ticket", 1).is_some()).await;
    bench.context("movie.ticket").stop().await;
    let so_far = bench.order("movie.book", under("cancel", &cancel())).await.unwrap();
    assert_eq!((so_far.settled, value(&so_far)["status"].as_str()), (false, Some("PaidComplete")));
    bench.context("movie.ticket").start().await;
    comes_to(&bench, ["Canceled"; 5], 0).await;
    let kept = bench.order("movie.book", under("cancel", &cancel())).await.unwrap();
    assert_eq!(
        (kept.settled, kept.replayed, value(&kept)["status"].as_str()),
        (true, true, Some("Canceled"))
    );
}
