//! BookRent's sagas, step by step.

use super::bench::{Bench, eventually, value};
use holdfast::{actors::NodeSettings, store::MemoryStore};

async fn bench() -> Bench {
    Bench::on(MemoryStore::new(), NodeSettings::default()).ready().await
}

#[actix_rt::test]
async fn a_rent_takes_its_book_and_a_cancel_gives_it_back() {
    let bench = bench().await;
    let book = bench.register().await;
    let rent = bench.rent(book, 1).await.expect("an answer");
    assert_eq!(value(&rent)["status"], "Rent");
    assert_eq!(bench.see("bookrent.book", book).unwrap()["status"], false);
    eventually(|| {
        bench
            .see("bookrent.view", rent.number)
            .is_some_and(|row| row["deliveryStatus"] == "Delivery Started")
    })
    .await;

    let second = bench.rent(book, 2).await.expect("an answer");
    assert_eq!(
        (value(&second)["status"].as_str(), value(&second)["reason"].as_str()),
        (Some("Fail"), Some("book-out"))
    );

    let cancelled = bench.cancel(rent.number).await.expect("an answer");
    assert_eq!(value(&cancelled)["status"], "Cancel");
    eventually(|| bench.see("bookrent.book", book).unwrap()["status"] == true).await;
    eventually(|| {
        let row = bench.see("bookrent.view", rent.number).unwrap();
        row["rentStatus"] == "Cancel" && row["deliveryStatus"] == "Delivery Cancelled"
    })
    .await;
    assert_eq!(bench.total("bookrent.rent", &[]), 2);
    assert_eq!(bench.total("bookrent.rent", &[("status", "Cancel")]), 1);
    assert_eq!(bench.total("bookrent.view", &[("userId", "2")]), 1);
    assert_eq!(bench.total("bookrent.delivery", &[("rentId", "1")]), 1);
}
