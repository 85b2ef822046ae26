//! Many at once: one book for two hundred, one key for a thousand requests.
use serde_json::json;
use support::{Answer, Client, Server, at_once};

/// An answer without the server's port, which changes with a restart.
fn portless(server: &Server, answer: &Answer) -> (u16, String, String) {
    let without = |text: &str| text.replace(server.url(), "");
    (answer.status, without(answer.header("location")), without(&answer.text))
}

#[test]
fn two_hundred_want_one_book_and_one_gets_it() {
    let server = Server::start(&[]);
    let book = server.register_book("title01");
    let rents = at_once(&server, 200, |client, user| client.rent(book, user));
    let of =
        |status: &str| rents.iter().filter(|rent| rent["status"] == status).collect::<Vec<_>>();
    let winners = of("Rent");
    let losers = of("Fail");
    assert_eq!((winners.len(), losers.len()), (1, 199));
    assert!(losers.iter().all(|rent| rent["reason"] == "book-out"));

    let winner = winners[0].id();
    let taken: Vec<_> = server
        .saga(winner)
        .into_iter()
        .filter(|entry| entry["context"] == "bookrent.book")
        .collect();
    assert!(
        taken
            .iter()
            .any(|entry| entry["what"] == "StatusChanged" && entry["data"]["rentId"] == winner),
        "{taken:?}"
    );
    assert_eq!(server.happened(winner, "BookFreed"), 0);
    server.shows(
        &format!("/views/{winner}"),
        json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}),
    );
    for loser in &losers {
        server.shows(
            &format!("/views/{}", loser.id()),
            json!({"rentStatus": "Fail", "deliveryStatus": null}),
        );
    }
    server.get(&format!("/books/{book}")).is(200).has("status", false);
    assert_eq!(server.get("/rents?status=Rent").is(200)["page"]["totalElements"], 1);
    assert_eq!(server.total("deliveries"), 1);
}

#[test]
fn a_cancel_and_a_rent_of_the_same_book_leave_one_holder_at_most() {
    let server = Server::start(&[]);
    let book = server.register_book("title01");
    for round in 0..10 {
        let first = server.rent(book, 1).has("status", "Rent").id();
        let answers = at_once(&server, 8, |client, n| {
            if n == 1 { client.cancel(first).is(200) } else { client.rent(book, n) }
        });
        let rented: Vec<u64> =
            answers[1..].iter().filter(|rent| rent["status"] == "Rent").map(Answer::id).collect();
        assert!(rented.len() <= 1, "round {round}: {rented:?}");
        for rent in rented {
            server.cancel(rent).is(200);
        }
        server.shows(&format!("/books/{book}"), json!({"status": true}));
    }
}

#[test]
fn a_thousand_requests_with_one_key_have_one_effect_and_the_same_answer_also_after_a_crash() {
    let mut server = Server::start(&[]);
    let book = server.register_book("title01");
    let body = json!({"bookId": book, "userId": 1, "address": "address1"});
    let rent = |client: &Client| client.try_post_once("/rents", "the-one", &body).unwrap();
    let answers: Vec<Answer> =
        at_once(&server, 50, |client, _| (0..20).map(|_| rent(client)).collect::<Vec<_>>())
            .into_iter()
            .flatten()
            .collect();
    assert_eq!(answers.len(), 1000);
    let first = portless(&server, &answers[0]);
    assert_eq!(first.0, 201, "{}", first.2);
    assert!(answers.iter().all(|answer| portless(&server, answer) == first));
    assert_eq!((server.total("rents"), server.happened(1, "BookRented")), (1, 1));

    server.kill();
    server.restart();
    let after = rent(&server);
    assert_eq!(portless(&server, &after), first);
    assert_eq!(after.header("idempotent-replayed"), "true");
    let other = json!({"bookId": book, "userId": 2, "address": "address1"});
    server.try_post_once("/rents", "the-one", &other).unwrap().problem(422);
    // What has happened since does not change the answer that was given.
    server.cancel(1).is(200);
    assert_eq!(portless(&server, &rent(&server)), first);
    assert_eq!(server.total("rents"), 1);
}

#[test]
fn a_key_repeats_exactly_what_was_decided() {
    let server = Server::start(&[]);
    let unreadable = json!({"bookId": "one", "userId": 1, "address": "a"});
    server.try_post_once("/rents", "k", &unreadable).unwrap().problem(400);
    // A malformed request is never kept: the same key may be used for the right one.
    let unknown = json!({"bookId": 9, "userId": 1, "address": "a"});
    server.try_post_once("/rents", "k", &unknown).unwrap().is(201).has("status", "Fail");
    // A refusal that was decided is kept like a yes.
    let cancel = json!({"status": "Cancel"});
    server.try_patch_once("/rents/1", "c", &cancel).unwrap().refuses(409, "rent-failed");
    let again = server.try_patch_once("/rents/1", "c", &cancel).unwrap();
    again.refuses(409, "rent-failed");
    assert_eq!(again.header("idempotent-replayed"), "true");
    // The scope is method and path: the same key elsewhere is another one. A bare key is taken as well as a quoted one.
    server.try_post_once("/books", "k", &json!({"title": "t"})).unwrap().is(201).has("id", 1);
    let bare = server.call("POST", "/books", |request| {
        request.header("Idempotency-Key", "k").json(&json!({"title": "t"}))
    });
    assert_eq!((bare.id(), server.total("books")), (1, 1));
}
