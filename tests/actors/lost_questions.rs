//! Open questions where a row is damaged: each is put again.

use super::{
    bench::{Bench, eventually},
    damage::{flip, found, keys, state},
    test_system::kiosk,
};
use holdfast::{
    actors::{CommandRequest, NodeSettings},
    store::{MemoryStore, keys::Space},
};
use serde_json::json;

#[actix_rt::test]
async fn a_damaged_page_of_questions_is_found_again_from_the_states() {
    let bench = Bench::of(MemoryStore::new(), NodeSettings::default(), kiosk).ready().await;
    bench.context("kiosk.desk").stop().await;
    let body = json!({ "seat": "A1", "desk": 1, "asks": 0 });
    bench.enter("kiosk.order", 0, None, body).await.unwrap();
    // It asks until it is answered, and no context is there.
    let context = bench.context("kiosk.order");
    let change = CommandRequest {
        route: 1,
        number: Some(1),
        body: json!(null),
        ..CommandRequest::default()
    };
    let waits = context.execute_command(change);
    let questions = || keys(&bench, "kiosk.order", Space::Question);
    let waits = actix_rt::spawn(waits);
    eventually(|| !questions().is_empty()).await;
    for key in questions() {
        flip(&bench.store, "kiosk.order", &key);
    }
    waits.abort();
    let bench = bench.crashed(NodeSettings::default(), kiosk).await;
    assert!(found(&bench, "kiosk.order") > 0);
    eventually(|| bench.see("kiosk.order", 1).unwrap()["status"] == "Placed").await;
}

#[actix_rt::test]
async fn the_question_of_a_state_that_cannot_be_read_is_put_once_it_can() {
    let bench = Bench::of(MemoryStore::new(), NodeSettings::default(), kiosk).ready().await;
    bench.context("kiosk.desk").stop().await;
    let context = bench.context("kiosk.order");
    let records = || bench.store.rows_of("kiosk.order");
    let pages = || -> Vec<_> {
        let is_page = |key: &[u8]| key.first() == Some(&(Space::Question as u8));
        records().into_iter().filter(|(key, _)| is_page(key)).collect()
    };
    let mut waiting = Vec::new();
    let mut ask = async |number: u64| {
        let body = json!({ "seat": format!("A{number}"), "desk": 1, "asks": 0 });
        bench.enter("kiosk.order", 0, None, body).await.unwrap();
        let before = pages();
        let change = CommandRequest { route: 1, number: Some(number), ..CommandRequest::default() };
        waiting.push(actix_rt::spawn(context.execute_command(change)));
        eventually(|| pages() != before).await;
    };
    ask(1).await;
    let whole = records().into_iter().find(|(key, _)| *key == state(1)).unwrap().1;
    flip(&bench.store, "kiosk.order", &state(1));
    context.stop().await;
    context.start().await;
    eventually(|| context.health().damaged > 0).await;
    // The page is written again, by the question of another.
    ask(2).await;
    waiting.iter().for_each(|waits| waits.abort());
    bench.store.damage_row("kiosk.order", &state(1), Some(whole));
    let bench = bench.crashed(NodeSettings::default(), kiosk).await;
    eventually(|| {
        (1..=2).all(|number| bench.see("kiosk.order", number).unwrap()["status"] == "Placed")
    })
    .await;
}
