//! Claims, timers, asks in a row, ends, poison: what BookRent does not have.

use super::{
    bench::{Bench, eventually, guarded, hasty, under, value},
    test_system::{kiosk, mend},
};
use holdfast::{
    actors::{CommandRequest, Fault, Injected, Node, NodeSettings, Outcome, ParkedId},
    domain::{Kind, Refusal},
    store::MemoryStore,
};
use serde_json::json;
use std::time::Duration;

fn quick() -> NodeSettings {
    let mut settings = guarded("kiosk.desk", hasty(100));
    settings.systems.insert("kiosk".into(), json!({ "price": 700 }));
    settings
}

async fn bench() -> Bench {
    Bench::of(MemoryStore::new(), quick(), kiosk).ready().await
}

fn place(seat: &str, asks: u32) -> CommandRequest {
    CommandRequest {
        body: json!({ "seat": seat, "desk": 1, "asks": asks }),
        ..CommandRequest::default()
    }
}

async fn order(bench: &Bench, seat: &str, asks: u32) -> Result<Outcome, Fault> {
    bench.order("kiosk.order", place(seat, asks)).await
}

fn code(answer: Result<Outcome, Fault>) -> (Kind, String) {
    match answer {
        Err(Fault::Refused(refusal) | Fault::RefusedBefore(refusal)) => {
            (refusal.kind, refusal.code.into_owned())
        }
        other => panic!("no refusal: {other:?}"),
    }
}

fn lost(delay: u64) -> Option<Injected> {
    Some(Injected { delay_ms: (delay, delay), failure_rate: 1.0 })
}

#[actix_rt::test]
async fn of_two_claimants_of_a_seat_one_wins_also_after_a_restart() {
    let bench = bench().await;
    order(&bench, "A1", 0).await.unwrap();
    assert_eq!(code(order(&bench, "A1", 0).await), (Kind::Conflict, "taken".into()));
    let bench = bench.crashed(quick(), kiosk).await;
    assert_eq!(code(order(&bench, "A1", 0).await).1, "taken");
    assert_eq!(order(&bench, "A2", 0).await.unwrap().number, 2, "what was refused spent no number");
}

#[actix_rt::test]
async fn a_seat_is_free_again_when_its_order_ends() {
    let bench = bench().await;
    let body = json!({ "seat": "A1", "desk": 13, "asks": 1 });
    let closed = bench.enter("kiosk.order", 0, None, body).await;
    assert_eq!(code(closed), (Kind::Conflict, "closed".into()));
    assert_eq!(bench.see("kiosk.order", 1), None);
    assert_eq!(bench.total("kiosk.order", &[]), 0);
    assert_eq!(
        order(&bench, "A1", 1).await.unwrap().number,
        2,
        "the ended order has spent its number"
    );
}

#[actix_rt::test]
async fn two_asks_in_a_row_are_two_answers_and_the_price_is_the_systems_setting() {
    let bench = bench().await;
    let placed = order(&bench, "A1", 2).await.unwrap();
    assert_eq!(
        (value(&placed)["status"].as_str(), value(&placed)["price"].as_u64()),
        (Some("Placed"), Some(700))
    );
    assert_eq!(bench.see("kiosk.desk", 1).unwrap()["charged"], json!([1, 1]));
}

#[actix_rt::test]
async fn a_number_that_the_client_chose_is_its_order_and_the_next_new_one_passes_it_by() {
    let bench = bench().await;
    let body = json!({ "number": 1, "seat": "A1", "desk": 1, "asks": 0 });
    assert_eq!(bench.enter("kiosk.order", 0, None, body).await.unwrap().number, 1);
    assert_eq!(order(&bench, "A2", 0).await.unwrap().number, 2);
}

#[actix_rt::test]
async fn an_order_expires_by_itself_when_its_time_has_come_also_after_a_restart() {
    let bench = bench().await;
    for seat in ["A1", "A2"] {
        let body = json!({ "seat": seat, "desk": 1, "asks": 0, "seconds": 600 });
        bench.enter("kiosk.order", 0, None, body).await.unwrap();
    }
    bench.node.advance_clock(Duration::from_secs(601)).unwrap();
    eventually(|| bench.see("kiosk.order", 1).unwrap()["status"] == "Expired").await;
    let body = json!({ "seat": "A1", "desk": 1, "asks": 0, "seconds": 600 });
    bench.enter("kiosk.order", 0, None, body).await.unwrap();
    let later = NodeSettings { clock_offset: 3_600_000_000, ..quick() };
    let bench = bench.crashed(later, kiosk).await;
    eventually(|| {
        (1..=3).all(|number| bench.see("kiosk.order", number).unwrap()["status"] == "Expired")
    })
    .await;
}

#[actix_rt::test]
async fn a_stuck_timer_is_tried_again_holds_up_no_other_and_does_not_spin() {
    let turns = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = turns.clone();
    let chaos: holdfast::actors::Chaos = std::sync::Arc::new(move |context, _| {
        counted
            .fetch_add(u64::from(context == "kiosk.order"), std::sync::atomic::Ordering::Relaxed);
    });
    let bench =
        Bench::of(MemoryStore::new(), NodeSettings { chaos: Some(chaos), ..quick() }, kiosk)
            .ready()
            .await;
    for (seat, seconds) in [("stuck-1", 10), ("A2", 20)] {
        let body = json!({ "seat": seat, "desk": 1, "asks": 0, "seconds": seconds });
        bench.enter("kiosk.order", 0, None, body).await.unwrap();
    }
    bench.node.advance_clock(Duration::from_secs(11)).unwrap();
    bench.node.advance_clock(Duration::from_secs(10)).unwrap();
    eventually(|| bench.see("kiosk.order", 2).unwrap()["status"] == "Expired").await;
    assert_eq!(bench.see("kiosk.order", 1).unwrap()["status"], "Placed");
    let before = turns.load(std::sync::atomic::Ordering::Relaxed);
    // Three of its pauses: a spinning context takes thousands of turns meanwhile.
    let ends = std::time::Instant::now() + Duration::from_millis(800);
    eventually(|| std::time::Instant::now() > ends).await;
    let taken = turns.load(std::sync::atomic::Ordering::Relaxed) - before;
    assert!(taken < 100, "{taken} turns for nothing");
    mend("stuck-1");
    eventually(|| bench.see("kiosk.order", 1).unwrap()["status"] == "Expired").await;
}

#[actix_rt::test]
async fn an_order_that_ended_in_try_again_later_leaves_its_key_free() {
    let bench = bench().await;
    bench.context("kiosk.desk").set_fault(lost(0));
    let first = bench.order("kiosk.order", under("key", &place("A1", 1))).await;
    assert_eq!(code(first), (Kind::RetryLater, "retry-later".into()));
    bench.context("kiosk.desk").set_fault(None);
    let second = bench.order("kiosk.order", under("key", &place("A1", 1))).await.unwrap();
    assert_eq!((second.number, second.replayed), (2, false));
    eventually(|| bench.see("kiosk.desk", 1).unwrap()["charged"] == json!([2])).await;
}

#[actix_rt::test]
async fn a_no_is_kept_under_the_key_and_still_open_is_not() {
    let bench = bench().await;
    order(&bench, "A1", 0).await.unwrap();
    assert_eq!(code(bench.order("kiosk.order", under("key", &place("A1", 0))).await).1, "taken");
    let again = bench.order("kiosk.order", under("key", &place("A1", 0))).await;
    assert!(matches!(again, Err(Fault::RefusedBefore(refusal)) if refusal.code == "taken"));

    bench.context("kiosk.desk").stop().await;
    let change = CommandRequest { route: 1, number: Some(9), ..CommandRequest::default() };
    assert_eq!(code(bench.order("kiosk.order", under("change", &change)).await).0, Kind::Absent);
    let again = bench.order("kiosk.order", under("change", &change)).await;
    assert!(matches!(again, Err(Fault::RefusedBefore(Refusal { kind: Kind::Absent, .. }))));
}

#[actix_rt::test]
async fn an_answer_that_changes_nothing_is_asked_for_again_and_a_repeat_under_a_key_keeps_what_settled_it()
 {
    let bench = bench().await;
    order(&bench, "A1", 0).await.unwrap();
    bench.context("kiosk.desk").stop().await;
    let change = CommandRequest { route: 1, number: Some(1), ..CommandRequest::default() };
    let (first, second) = futures_util::future::join(
        bench.order("kiosk.order", under("one", &change)),
        bench.order("kiosk.order", under("two", &change)),
    )
    .await;
    // Both are known so far: the desk is away, and the order keeps asking.
    assert!(!first.unwrap().settled && !second.unwrap().settled);
    bench.context("kiosk.desk").start().await;
    eventually(|| bench.see("kiosk.order", 1).unwrap()["status"] == "Placed").await;
    for key in ["one", "two"] {
        let kept = bench.order("kiosk.order", under(key, &change)).await.unwrap();
        assert_eq!(
            (kept.settled, kept.replayed, value(&kept)["status"].as_str()),
            (true, true, Some("Placed")),
            "{key}"
        );
    }
    assert_eq!(bench.see("kiosk.desk", 1).unwrap()["charged"], json!([1]));
}

#[actix_rt::test]
async fn a_waiting_caller_of_a_rejected_command_gets_the_refusal_and_the_state_is_unchanged() {
    let bench = bench().await;
    let body = json!({ "seat": "A1", "desk": 13, "asks": 0 });
    bench.enter("kiosk.order", 0, None, body).await.unwrap();
    bench.context("kiosk.desk").set_fault(Some(Injected { delay_ms: (50, 50), failure_rate: 0.0 }));
    let change = CommandRequest { route: 1, number: Some(1), ..CommandRequest::default() };
    let (first, second) = futures_util::future::join(
        bench.order("kiosk.order", under("one", &change)),
        bench.order("kiosk.order", change.clone()),
    )
    .await;
    assert_eq!(code(first), (Kind::Conflict, "closed".into()));
    assert_eq!(code(second), (Kind::Conflict, "closed".into()));
    assert_eq!(bench.see("kiosk.order", 1).unwrap()["status"], "Placed");
    let events = bench.events("kiosk.order", 1);
    assert_eq!(events[..4], ["OrderRequested", "OrderPlaced", "ChangeRequested", "ChangeRefused"]);
    let bench = bench.crashed(quick(), kiosk).await;
    let kept = bench.order("kiosk.order", under("one", &change)).await;
    assert!(matches!(kept, Err(Fault::RefusedBefore(refusal)) if refusal.code == "closed"));
    // Who comes anew is asked for anew.
    assert_eq!(code(bench.order("kiosk.order", under("two", &change)).await).1, "closed");
}

#[actix_rt::test]
async fn a_late_yes_after_an_undo_is_refused_and_nothing_stays_charged() {
    let bench = bench().await;
    bench
        .context("kiosk.desk")
        .set_fault(Some(Injected { delay_ms: (200, 200), failure_rate: 0.0 }));
    assert_eq!(code(order(&bench, "A1", 1).await).1, "retry-later");
    bench
        .becomes_consistent(|bench| match bench.see("kiosk.desk", 1) {
            Some(desk) if desk == json!({ "charged": [], "given_back": 1 }) => Ok(()),
            desk => Err(format!("{desk:?}")),
        })
        .await;
}

#[actix_rt::test]
async fn a_policy_that_panics_parks_one_aggregates_events_and_the_others_go_on() {
    let bench = bench().await;
    order(&bench, "choke-1", 0).await.unwrap();
    order(&bench, "B-2", 0).await.unwrap();
    bench.enter("kiosk.order", 1, Some(1), serde_json::Value::Null).await.unwrap();
    let slips = bench.context("kiosk.slip");
    // That it is placed, that a change is wanted, and that it is placed again.
    eventually(|| {
        slips.list_parked(None, 100).unwrap().len() == 3 && bench.see("kiosk.slip", 2).is_some()
    })
    .await;
    assert_eq!(bench.see("kiosk.slip", 1), None);
    let parked = slips.list_parked(None, 100).unwrap();
    let id = |place: usize| parked[place].id.clone();
    let page: Vec<_> =
        slips.list_parked(Some(&id(0)), 1).unwrap().into_iter().map(|event| event.id).collect();
    assert_eq!(page, [id(1)]);
    let others = [id(2), ParkedId { sequence: 99, ..id(0) }].to_vec();
    assert_eq!(slips.parked_among(others).unwrap().len(), 1);
    let behind = slips.settle_parked(id(1), false).await;
    assert!(
        matches!(behind, Err(Fault::Refused(_))),
        "the one behind waits for the first to be dealt with"
    );
    slips.settle_parked(id(0), false).await.unwrap();
    mend("choke-1");
    slips.settle_parked(id(1), true).await.unwrap();
    eventually(|| bench.see("kiosk.slip", 1).is_some_and(|slip| slip["prints"] == 1)).await;
    assert!(slips.list_parked(None, 100).unwrap().is_empty());
    let nothing = ParkedId { source: "kiosk.order".into(), aggregate: 77, sequence: 1 };
    assert!(matches!(slips.settle_parked(nothing, true).await, Err(Fault::Refused(_))));
}

#[actix_rt::test]
async fn a_fold_that_panics_parks_its_event_and_takes_it_once_when_it_can() {
    let bench = bench().await;
    order(&bench, "smudge-5", 0).await.unwrap();
    order(&bench, "B-6", 0).await.unwrap();
    let wall = bench.context("kiosk.wall");
    eventually(|| {
        wall.list_parked(None, 100).unwrap().len() == 1 && bench.see("kiosk.wall", 6).is_some()
    })
    .await;
    let id = wall.list_parked(None, 100).unwrap().remove(0).id;
    mend("smudge-5");
    // Two by hand in one turn, and one by backoff perhaps: the fold counts, so it would show.
    let _ = futures_util::future::join3(
        wall.settle_parked(id.clone(), true),
        wall.settle_parked(id.clone(), true),
        wall.rebuild_view(),
    )
    .await;
    bench
        .becomes_consistent(|bench| match bench.see("kiosk.wall", 5) {
            Some(row) if row["prints"] == 1 => Ok(()),
            row => Err(format!("{row:?}")),
        })
        .await;
}

#[actix_rt::test]
async fn what_is_too_large_to_be_kept_is_set_aside_with_its_reason_and_the_others_go_on() {
    let bench = bench().await;
    for (context, word, one, other) in
        [("kiosk.slip", "endless-7", 7, 8), ("kiosk.wall", "huge-9", 9, 10)]
    {
        order(&bench, word, 0).await.unwrap();
        order(&bench, &format!("B-{other}"), 0).await.unwrap();
        let listener = bench.context(context);
        eventually(|| {
            listener.list_parked(None, 100).unwrap().len() == 1
                && bench.see(context, other).is_some()
        })
        .await;
        let parked = listener.list_parked(None, 100).unwrap().remove(0);
        assert!(
            parked.error.contains("cannot be stored") || parked.error.contains("over the limit"),
            "{}",
            parked.error
        );
        mend(word);
        listener.settle_parked(parked.id, true).await.unwrap();
        eventually(|| bench.see(context, one).is_some_and(|it| it["prints"] == 1)).await;
        assert!(listener.list_parked(None, 100).unwrap().is_empty());
    }
}

#[actix_rt::test]
async fn after_any_failing_step_of_the_kiosk_each_charged_customer_has_a_place() {
    fn right(bench: &Bench) -> Result<(), String> {
        let orders: Vec<_> = (1..=9)
            .filter_map(|number| Some((number, bench.see("kiosk.order", number)?)))
            .collect();
        let charged: Vec<_> =
            orders.iter().flat_map(|(number, _)| [json!(number), json!(number)]).collect();
        let desk = bench.see("kiosk.desk", 1).unwrap_or_default();
        let mut is = desk["charged"].as_array().cloned().unwrap_or_default();
        is.sort_by_key(serde_json::Value::as_u64);
        let placed = orders.iter().all(|(_, order)| order["status"] == "Placed");
        if placed && is == charged && bench.total("kiosk.order", &[]) == orders.len() as u64 {
            Ok(())
        } else {
            Err(format!("{orders:?} and {desk}"))
        }
    }
    let orders = vec![("kiosk.order", place("A1", 2)), ("kiosk.order", place("A2", 2))];
    super::step_failures::fail_every_step(super::step_failures::Saga {
        lay_out: std::sync::Arc::new(kiosk),
        orders,
        right,
    })
    .await;
}
