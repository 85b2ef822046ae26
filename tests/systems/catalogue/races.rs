//! Staff and customers at once, and the server killed meanwhile.

use serde_json::json;
use std::{
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};
use support::{Client, Server, eventually};

/// Lets each of `acts` happen at the same moment, over a connection of its own.
fn at_once(server: &Server, acts: &[&(dyn Fn(&Client) + Sync)]) {
    let gate = Barrier::new(acts.len());
    thread::scope(|scope| {
        for act in acts {
            let client = server.apart();
            let gate = &gate;
            scope.spawn(move || {
                gate.wait();
                act(&client);
            });
        }
    });
}

#[test]
fn of_a_withdrawal_and_rents_at_once_one_rent_has_the_book_or_none_and_no_later_one() {
    let server = Server::of("bookrent", "", &[]);
    for round in 0..20 {
        let book = server.register_book("title01");
        let path = format!("/books/{book}");
        let take = |client: &Client| drop(client.rent(book, 1));
        let withdraw = |client: &Client| drop(client.delete(&path).is(204));
        at_once(&server, &[&take, &take, &withdraw, &take]);
        let rents = server.get(&format!("/rents?bookId={book}&status=Rent")).is(200);
        let held: Vec<u64> =
            rents.items("rents").iter().filter_map(|rent| rent["id"].as_u64()).collect();
        assert!(held.len() < 2, "round {round}: {held:?}");
        server.get(&path).is(200).has("withdrawn", true).has("status", held.is_empty());
        server.rent(book, 2).has("status", "Fail");
        for rent in held {
            server.cancel(rent).is(200);
        }
        server.shows(&path, json!({"status": true, "withdrawn": true}));
    }
}

#[test]
fn of_a_correction_and_rents_at_once_the_book_is_on_the_shelf_or_held() {
    let server = Server::of("bookrent", "", &[]);
    for round in 0..20 {
        let book = server.register_book("title01");
        let path = format!("/books/{book}");
        let take = |client: &Client| drop(client.rent(book, 1));
        let put_away = |client: &Client| {
            let answer = client.patch(&path, json!({"status": false}));
            assert!(matches!(answer.status, 200 | 409), "{}", answer.text);
        };
        let put_back = |client: &Client| {
            let answer = client.patch(&path, json!({"status": true}));
            assert!(matches!(answer.status, 200 | 409), "{}", answer.text);
        };
        at_once(&server, &[&take, &put_away, &take, &put_back, &take]);
        let rents = server.get(&format!("/rents?bookId={book}&status=Rent")).is(200);
        let held = rents.items("rents").len();
        assert!(held < 2, "round {round}: {held} rents");
        if held == 1 {
            server.get(&path).is(200).has("status", false);
        }
    }
}

/// An order with the old price is on its way to the product when the price changes.
#[test]
fn an_order_on_its_way_with_the_old_price_is_refused_and_paid_back() {
    let server = Server::of("purifier", "", &[]);
    let product = server.post("/products", json!({"amt": 30_000, "stock": 5})).is(201).id();
    let order = |amt: u64| {
        let body = json!({"customerId": 7, "productId": product, "amt": amt, "address": "Seoul"});
        server.post("/rentals", body).is(201).id()
    };
    let kept = order(30_000);
    server.shows(&format!("/mypages/{kept}"), json!({"status": "DeliveryStarted"}));
    eventually("its unit is out", || {
        (server.get(&format!("/products/{product}")).is(200)["stock"] == 4).then_some(())
    });
    server.stop("purifier.delivery");
    let late = order(30_000);
    server.patch(&format!("/products/{product}"), json!({"amt": 40_000})).is(200);
    server.start_again("purifier.delivery");
    server.shows(&format!("/payments/{late}"), json!({"status": "PAYMENT CANCELED"}));
    server.shows(&format!("/rentals/{late}"), json!({"status": "RentalCanceled"}));
    let refused = server.get("/events/purifier.product").is(200);
    let told = refused.body.as_array().unwrap().iter().map(|event| &event["data"]);
    let reasons: Vec<_> = told.filter(|data| data["rentalId"] == late).collect();
    assert_eq!(reasons[0]["reason"], "price-differs");
    server
        .get(&format!("/rentals/{kept}"))
        .is(200)
        .has("status", "RentalPlaced")
        .has("amt", 30_000);
    let dearer = order(40_000);
    server.shows(&format!("/mypages/{dearer}"), json!({"status": "DeliveryStarted"}));
    server.shows(&format!("/products/{product}"), json!({"stock": 3}));
}

#[test]
fn rentals_while_the_price_changes_and_the_stock_is_counted_keep_their_unit_or_their_money() {
    const RENTALS: u64 = 12;
    let server = Server::of("purifier", "", &[]);
    let product = server.post("/products", json!({"amt": 30_000, "stock": 100})).is(201).id();
    let path = format!("/products/{product}");
    let rent = |client: &Client| {
        for _ in 0..RENTALS / 2 {
            let body =
                json!({"customerId": 7, "productId": product, "amt": 30_000, "address": "Seoul"});
            client.post("/rentals", body).is(201);
        }
    };
    let change = |client: &Client| {
        for amt in [40_000, 30_000, 40_000] {
            client.patch(&path, json!({"amt": amt, "stockChange": 1})).is(200);
        }
    };
    at_once(&server, &[&rent, &change, &rent]);
    let said = |kind: &str| {
        let all = server.get("/events/purifier.product?limit=1000").is(200).body;
        let of_kind = all
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["type"].as_str().unwrap().contains(&format!(".{kind}.")));
        of_kind.count() as u64
    };
    eventually("each has its unit or is refused", || {
        (said("ProductDecreased") + said("ProductRefused") == RENTALS).then_some(())
    });
    let out = said("ProductDecreased");
    let pages = |status: &str| {
        let pages = server.all("mypages");
        pages.iter().filter(|page| page["status"] == status).count() as u64
    };
    eventually("those without a unit are paid back", || {
        let is_right =
            pages("DeliveryStarted") == out && pages("DeliveryCanceled") == RENTALS - out;
        is_right.then_some(())
    });
    assert_eq!(said("ProductCorrected"), 3);
    server.get(&path).is(200).has("stock", 103 - out);
}

#[test]
fn a_ticket_is_reserved_or_withdrawn_first_and_the_lists_agree() {
    let server = Server::of("ticketing", "", &["--clock", "2021-06-28T12:00:00+09:00"]);
    for number in 1..=10 {
        let body = json!({"ticketId": number, "starttime": "2021-07-06", "endtime": "2021-07-06"});
        server.post("/tickets", body).is(201);
        let reserved = AtomicU64::new(0);
        let reserve = |client: &Client| {
            let body = json!({"ticketId": number, "userId": "A", "userGrade": "VIP"});
            let answer = client.post("/reservations", body);
            assert!(matches!(answer.status, 201 | 409), "{}", answer.text);
            reserved.fetch_add(u64::from(answer.status == 201), Ordering::SeqCst);
        };
        let path = format!("/tickets/{number}");
        let withdraw = |client: &Client| drop(client.delete(&path).is(204));
        at_once(&server, &[&reserve, &withdraw, &reserve]);
        let held = reserved.load(Ordering::SeqCst);
        assert!(held < 2, "ticket {number}: {held}");
        for list in ["prices", "views"] {
            eventually(&format!("{list} show ticket {number} while it is held"), || {
                let items = server.all(list);
                let is_listed = items.iter().any(|item| item["ticketId"] == number);
                (is_listed == (held == 1)).then_some(())
            });
        }
    }
}

/// Corrections go on while the server is killed: what was answered is kept, and nothing that was not sent.
#[test]
fn what_staff_was_told_is_corrected_stands_after_a_kill() {
    let mut server = Server::of("purifier", "", &[]);
    let product = server.post("/products", json!({"amt": 1, "stock": 0})).is(201).id();
    let path = format!("/products/{product}");
    let mut sent = 1;
    for _ in 0..3 {
        let answered = AtomicU64::new(sent);
        let client = server.apart();
        let corrected = path.clone();
        thread::scope(|scope| {
            let answered = &answered;
            let staff = scope.spawn(move || {
                let mut last = answered.load(Ordering::SeqCst);
                loop {
                    let body = json!({"amt": last + 1});
                    last += 1;
                    match client.attempt("PATCH", &corrected, |request| request.json(&body)) {
                        Ok(answer) => {
                            answer.is(200).has("amt", last);
                            answered.store(last, Ordering::SeqCst);
                        }
                        Err(_) => return last,
                    }
                }
            });
            let before = answered.load(Ordering::SeqCst);
            eventually("some corrections are answered", || {
                (answered.load(Ordering::SeqCst) > before + 20).then_some(())
            });
            server.kill();
            sent = staff.join().unwrap();
        });
        let told = answered.load(Ordering::SeqCst);
        server.restart();
        let seen = server.get(&path).is(200);
        let amt = seen["amt"].as_u64().unwrap();
        assert!((told..=sent).contains(&amt), "{amt}, after {told} was answered and {sent} sent");
        // The version counts the events: one for each correction, and the registration.
        assert_eq!(seen.header("etag"), format!("\"{amt}\""));
        sent = amt;
    }
}
