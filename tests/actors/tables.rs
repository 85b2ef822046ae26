//! Lists against a model, and views that are built anew.

use super::bench::{Bench, bookrent, eventually};
use futures_util::future::join_all;
use holdfast::{
    actors::{ListQuery, Node, NodeSettings},
    store::MemoryStore,
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

async fn bench() -> Bench {
    Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await
}

fn rows(bench: &Bench, context: &str, last: u64) -> Vec<Option<Value>> {
    (1..=last).map(|number| bench.see(context, number)).collect()
}

#[actix_rt::test]
async fn pages_filters_and_sorts_agree_with_a_model_over_many_chunks() {
    let bench = bench().await;
    const BOOKS: u64 = 4500;
    let mut shelves = Vec::new();
    for from in (0..BOOKS).step_by(500) {
        let numbers = from..(from + 500).min(BOOKS);
        let books = numbers.map(|number| json!({ "title": "t", "status": number % 7 != 0 }));
        for answer in join_all(books.map(|book| bench.enter("bookrent.book", 0, None, book))).await
        {
            let answer = answer.unwrap();
            shelves.push((answer.number, super::bench::value(&answer)["status"] == true));
        }
    }
    shelves.sort_unstable();
    // Some move from one index row to another.
    let on_shelf: Vec<_> =
        shelves.iter().filter(|(_, on)| *on).map(|(number, _)| *number).step_by(9).collect();
    for numbers in on_shelf.chunks(200) {
        join_all(numbers.iter().map(|number| bench.rent(*number, *number % 5))).await;
        shelves
            .iter_mut()
            .filter(|(number, _)| numbers.contains(number))
            .for_each(|(_, on)| *on = false);
    }
    let config = Config::default();
    let seed = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, seed);
    let filter = prop::option::of(any::<bool>());
    let sort = prop::option::of((prop::sample::select(vec!["id", "status"]), any::<bool>()));
    let queries = (0..60_u64, 1..=120_u64, filter, sort);
    for _ in 0..60 {
        let (page, size, filter, sort) = queries.new_tree(&mut runner).unwrap().current();
        let query = ListQuery {
            page,
            size,
            sort: sort.map(|(field, down)| (field.to_owned(), down)),
            filters: filter.map(|on| ("status".to_owned(), on.to_string())).into_iter().collect(),
            ..ListQuery::default()
        };
        let mut wanted: Vec<_> =
            shelves.iter().filter(|(_, on)| filter.is_none_or(|wanted| wanted == *on)).collect();
        if let Some(("status", _)) = sort {
            wanted.sort_by_key(|(number, on)| (*on, *number));
        }
        if sort.is_some_and(|(_, down)| down) {
            wanted.reverse();
        }
        let size = size.min(100) as usize;
        let numbers: Vec<_> = wanted
            .iter()
            .skip(page as usize * size)
            .take(size)
            .map(|(number, _)| *number)
            .collect();
        let found = bench.context("bookrent.book").list_items(&query).unwrap();
        let shown: Vec<_> = found.items.iter().map(|item| item.number).collect();
        assert_eq!((shown, found.total), (numbers, wanted.len() as u64), "{query:?}");
    }
    let by_user = ListQuery {
        size: 100,
        sort: Some(("userId".into(), true)),
        filters: vec![("status".into(), "Rent".into())],
        ..ListQuery::default()
    };
    let page = bench.context("bookrent.rent").list_items(&by_user).unwrap();
    let users: Vec<u64> = page
        .items
        .iter()
        .map(|item| {
            serde_json::from_slice::<Value>(&item.body).unwrap()["userId"].as_u64().unwrap()
        })
        .collect();
    assert!(
        users.is_sorted_by(|before, after| before >= after) && page.total == on_shelf.len() as u64
    );
}

#[actix_rt::test]
async fn a_rebuild_under_load_gives_the_table_that_was_there_and_readers_see_a_full_one_all_along()
{
    let bench = bench().await;
    let book = bench.register().await;
    for user in 0..60 {
        bench.rent(book, user).await.unwrap();
    }
    eventually(|| bench.is_quiet() && bench.total("bookrent.view", &[]) == 60).await;
    let before = rows(&bench, "bookrent.view", 60);
    let view = bench.context("bookrent.view");
    for user in 60..70 {
        view.rebuild_view().await.unwrap();
        bench.rent(book, user).await.unwrap();
        assert!(bench.total("bookrent.view", &[]) >= 60);
        assert_eq!(rows(&bench, "bookrent.view", 60), before);
    }
    eventually(|| bench.is_quiet() && bench.total("bookrent.view", &[]) == 70).await;
    assert_eq!(rows(&bench, "bookrent.view", 60), before);
}

#[actix_rt::test]
async fn a_crash_in_the_middle_of_a_rebuild_ends_in_the_same_table() {
    let first = bench().await;
    let book = first.register().await;
    for user in 0..30 {
        first.rent(book, user).await.unwrap();
    }
    eventually(|| first.is_quiet() && first.total("bookrent.view", &[]) == 30).await;
    let before = rows(&first, "bookrent.view", 30);
    let accepted = first.node.store_health().accepted_commit;
    // The rebuild begins in the next commit; the process ends after that one, or a little later.
    first.store.crash_after(accepted + 1, accepted + 1);
    first.context("bookrent.view").rebuild_view().await.unwrap();
    let second = first.crashed(NodeSettings::default(), bookrent).await;
    eventually(|| second.is_quiet() && rows(&second, "bookrent.view", 30) == before).await;
    assert_eq!(second.total("bookrent.view", &[]), 30);
}

#[actix_rt::test]
async fn a_stopped_view_falls_behind_says_so_and_catches_up() {
    let bench = bench().await;
    let book = bench.register().await;
    let view = bench.context("bookrent.view");
    view.stop().await;
    for user in 0..100 {
        bench.rent(book, user).await.unwrap();
    }
    // Each rent is two events, the one that got the book has a delivery.
    eventually(|| view.health().backlog == 201).await;
    view.start().await;
    eventually(|| bench.is_quiet() && bench.total("bookrent.view", &[]) == 100).await;
}
