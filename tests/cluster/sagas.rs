//! Orders of the other systems over nodes, each context a process of its own: one that is refused, one whose asked context
//! is away, and one that is canceled, with everything that follows taken back. `script.rs` has BookRent's.
use holdfast::systems;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::{Client, cluster::Cluster, eventually};

/// A node for each context of `system`, and a gateway.
fn nodes_of(system: &'static str) -> Cluster {
    let contexts = systems::contexts(system);
    let contexts: Vec<_> = contexts.iter().map(|context| context.name.short()).collect();
    Cluster::of(system, &contexts, "")
}

/// The order is placed while `asked` is away: it is not, and can be when that is back.
fn is_refused_while_away(cluster: &mut Cluster, asked: &str, path: &str, order: &Value) {
    cluster.kill(asked);
    let failed = cluster.gateway().post(path, order.clone());
    failed.refuses(503, "retry-later");
    assert_eq!(failed.header("holdfast-outcome"), "failed");
    cluster.restart(asked);
}

/// Places an order, however often it must be tried because the other nodes have not all met yet; returns its number.
fn order(client: &Client, path: &str, body: &Value) -> u64 {
    eventually(&format!("{path} is ordered"), || {
        let answer = client.post(path, body.clone());
        assert!(matches!(answer.status, 201 | 503), "{}", answer.text);
        (answer.status == 201).then(|| answer.id())
    })
}

/// Each of these contexts has entries of the saga, at the gateway, and every node has answered.
fn shows_saga(gateway: &Client, system: &str, number: u64, contexts: &[&str]) {
    eventually("all have entries of the saga", || {
        let saga = gateway.get(&format!("/admin/sagas/{system}/{number}")).is(200).body;
        let nodes = saga["nodes"].as_array().unwrap();
        assert!(nodes.iter().all(|node| node["state"] == "reached"), "{saga}");
        let entries = saga["entries"].as_array().unwrap().iter();
        let told: BTreeSet<_> = entries.map(|entry| entry["context"].as_str().unwrap()).collect();
        let is_there = |context: &&str| told.contains(format!("{system}.{context}").as_str());
        contexts.iter().all(is_there).then_some(())
    });
}

#[test]
fn a_purifier_is_rented_refused_and_canceled_over_nodes() {
    let mut cluster = nodes_of("purifier");
    let rental = json!({"customerId": 7, "productId": 1, "amt": 30000, "address": "Seoul"});
    cluster.gateway().post("/products", json!({"name": "P1", "amt": 30000, "stock": 1})).is(201);
    is_refused_while_away(&mut cluster, "payment", "/rentals", &rental);
    let gateway = cluster.gateway();
    let placed = order(gateway, "/rentals", &rental);
    gateway.shows(&format!("/mypages/{placed}"), json!({"status": "DeliveryStarted"}));
    gateway.shows("/products/1", json!({"stock": 0}));
    let late = order(gateway, "/rentals", &rental);
    let sold_out = json!({"status": "RentalCanceled", "reason": "out-of-stock"});
    gateway.shows(&format!("/rentals/{late}"), sold_out);
    gateway.shows(&format!("/payments/{late}"), json!({"status": "PAYMENT CANCELED"}));
    shows_saga(gateway, "purifier", late, &["rental", "payment", "delivery", "product"]);
    // The product is away: the cancel does not wait for it.
    cluster.kill("product");
    cluster.gateway().delete(&format!("/rentals/{placed}")).is(204);
    cluster.restart("product");
    let gateway = cluster.gateway();
    gateway.shows("/products/1", json!({"stock": 1}));
    gateway.shows(&format!("/payments/{placed}"), json!({"status": "PAYMENT CANCELED"}));
    gateway.shows(&format!("/deliveries/{placed}"), json!({"status": "DeliveryCanceled"}));
    shows_saga(gateway, "purifier", placed, &["rental", "payment", "delivery", "product"]);
    assert_eq!(
        gateway.get("/payments?status=PAYMENT COMPLETED").is(200)["page"]["totalElements"],
        0
    );
}

#[test]
fn an_e_book_is_rented_rejected_and_returned_over_nodes() {
    let mut cluster = nodes_of("ebook");
    let rent = json!({"userId": 1, "bookId": 1, "bookName": "Hello, JAVA", "rentalFee": 3000});
    let book = json!({"bookName": "Hello, JAVA", "rentalFee": 3000});
    cluster.gateway().post("/books", book).is(201);
    is_refused_while_away(&mut cluster, "payment", "/rents", &rent);
    let gateway = cluster.gateway();
    let rejected = order(gateway, "/rents", &rent);
    gateway.shows("/books/1", json!({"status": "PAID"}));
    gateway.patch("/books/reject/1", json!({})).is(200);
    gateway.shows(&format!("/rents/{rejected}"), json!({"status": "CANCELED"}));
    gateway.shows(&format!("/payments/{rejected}"), json!({"status": "REFUNDED"}));
    shows_saga(gateway, "ebook", rejected, &["rent", "payment", "book"]);
    // The book is away: requests are taken, and held when it is back.
    gateway.shows("/books/1", json!({"status": "POSSIBLE"}));
    cluster.kill("book");
    let held = order(cluster.gateway(), "/rents", &rent);
    cluster.restart("book");
    let gateway = cluster.gateway();
    gateway.shows("/books/1", json!({"status": "PAID"}));
    gateway.patch("/books/approve/1", json!({})).is(200);
    gateway.shows(&format!("/rents/{held}"), json!({"status": "APPROVED"}));
    gateway.patch(&format!("/rents/return/{held}"), json!({})).is(200);
    gateway.shows("/books/1", json!({"status": "POSSIBLE"}));
    gateway.shows(&format!("/dashboards/{held}"), json!({"status": "RETURNED"}));
}

#[test]
fn a_film_is_booked_printed_and_canceled_over_nodes() {
    let mut cluster = nodes_of("movie");
    let seat = json!({"qty": 1, "movieName": "soul", "seat": "1A", "showtime": "2099-12-24T19:00:00+09:00"});
    is_refused_while_away(&mut cluster, "payment", "/books", &seat);
    let gateway = cluster.gateway();
    let booked = order(gateway, "/books", &seat);
    gateway.post("/books", seat.clone()).refuses(409, "seat-taken");
    gateway.shows(&format!("/tickets/{booked}"), json!({"status": "Waiting"}));
    // The ticket is away: the cancel goes on asking until it is back.
    cluster.kill("ticket");
    cluster.gateway().delete(&format!("/books/{booked}")).is(202);
    cluster.restart("ticket");
    let gateway = cluster.gateway();
    gateway.shows(&format!("/books/{booked}"), json!({"status": "Canceled"}));
    gateway.shows(&format!("/payments/{booked}"), json!({"status": "Canceled"}));
    gateway.shows(&format!("/points/{booked}"), json!({"status": "Canceled"}));
    shows_saga(gateway, "movie", booked, &["book", "payment", "ticket", "point"]);
    // The seat is free again, and what is printed stays.
    let printed = order(gateway, "/books", &seat);
    let ticket = format!("/tickets/{printed}");
    gateway.shows(&ticket, json!({"status": "Waiting"}));
    gateway.patch(&ticket, json!({"status": "Printed"})).is(200);
    gateway.delete(&format!("/books/{printed}")).refuses(409, "ticket-printed");
    gateway.shows(&format!("/mypages/{printed}"), json!({"status": "Printed", "score": 100}));
}

#[test]
fn a_ticket_is_reserved_once_and_given_back_over_nodes() {
    let mut cluster = nodes_of("ticketing");
    let day = "2099-07-07";
    let ticket = json!({"ticketId": 1, "status": "예약가능", "starttime": day, "endtime": day});
    cluster.gateway().post("/tickets", ticket).is(201);
    let reservation = json!({"ticketId": 1, "userId": "B", "userGrade": "VIP"});
    is_refused_while_away(&mut cluster, "ticket", "/reservations", &reservation);
    let gateway = cluster.gateway();
    let reserved = order(gateway, "/reservations", &reservation);
    let taken = gateway.post("/reservations", reservation);
    taken.refuses(409, "ticket-taken");
    assert_eq!(taken.header("holdfast-outcome"), "refused");
    gateway.shows("/views/1", json!({"reservationStatus": "RESERVED"}));
    shows_saga(gateway, "ticketing", reserved, &["reservation", "ticket", "price"]);
    // Ticket and price are away: the cancel does not wait for them.
    cluster.kill("ticket");
    cluster.kill("price");
    let canceled = json!({"status": "CANCELLED"});
    cluster.gateway().patch(&format!("/reservations/{reserved}"), canceled).is(200);
    cluster.restart("ticket");
    cluster.restart("price");
    let gateway = cluster.gateway();
    gateway.shows("/tickets/1", json!({"status": "예약가능"}));
    gateway.shows("/views/1", json!({"reservationStatus": "CANCELLED"}));
}

#[test]
fn a_bike_is_rented_and_paid_for_over_nodes() {
    let mut cluster = nodes_of("gbike");
    let bike = json!({"bikeid": 1, "status": "사용가능", "location": "분당_정자역_1구역"});
    cluster.gateway().post("/bikes", bike).is(201);
    cluster.gateway().post("/userDeposits", json!({"userid": 1, "deposit": 100_000})).is(201);
    let rent = json!({"userid": 1, "bikeid": 1});
    // Two contexts are asked; each of them may be away.
    is_refused_while_away(&mut cluster, "userDeposit", "/rents", &rent);
    is_refused_while_away(&mut cluster, "bike", "/rents", &rent);
    let gateway = cluster.gateway();
    let ride = order(gateway, "/rents", &rent);
    gateway.shows("/bikes/1", json!({"status": "사용중"}));
    gateway.post("/rents", rent).refuses(409, "bike-in-use");
    gateway.shows(&format!("/billings/{ride}"), json!({"status": "OPENBILL"}));
    cluster.gateway().post("/admin/clock", json!({"advance": "PT10M"})).is(200);
    // Billing is away: the return does not wait for it, and the fee is charged when it is back.
    cluster.kill("billing");
    let there = json!({"endlocation": "분당_정자역_3구역"});
    cluster.gateway().patch(&format!("/rents/{ride}"), there).is(200);
    cluster.restart("billing");
    let gateway = cluster.gateway();
    gateway.shows("/bikes/1", json!({"status": "사용가능", "location": "분당_정자역_3구역"}));
    gateway.shows(&format!("/billings/{ride}"), json!({"status": "CLOSEBILL", "fee": 1000}));
    gateway.shows("/userDeposits/1", json!({"deposit": 99_000}));
    shows_saga(gateway, "gbike", ride, &["rent", "bike", "billing", "userDeposit"]);
}
