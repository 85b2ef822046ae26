//! Commands that cannot be answered or executed: each is retried or dead-lettered, and the others go on.

use super::*;

#[test]
fn without_a_way_back_a_command_is_done_or_tried_again_or_laid_aside() {
    let broker = Broker::start();
    let server = server(&broker);
    let caller = Caller::connect(&broker.url(), "replies");
    let book = server.register_book("title01");
    caller.send(&Command::rent(book, 1).id("m1"));
    server.shows("/rents/1", json!({ "status": "Rent" }));
    // It is refused, and there is no queue for the answer.
    caller.send(&Command::new(RENT, "PATCH", "/rents/77", &json!({ "status": "Cancel" })).id("m2"));
    let dead = eventually("it is laid aside", || caller.take_dead(DEAD));
    assert_eq!(dead, ("/rents/77".to_owned(), "rejected".to_owned()));
    assert_eq!(server.metric("holdfast_commands_rejected_total"), 1.0);
    // It cannot be done now, but later.
    server.stop("bookrent.rent");
    caller.send(&Command::new(RENT, "PATCH", "/rents/1", &json!({ "status": "Cancel" })).id("m3"));
    eventually("it has been tried", || (caller.waiting(RENTS) == 0).then_some(()));
    server.start_again("bookrent.rent");
    server.shows("/rents/1", json!({ "status": "Cancel" }));
    // The reply goes to a queue that is no more: what was asked is done all the same.
    caller.send(&Command::rent(book, 2).id("m4").reply_to("gone"));
    server.shows("/rents/2", json!({ "status": "Rent" }));
    let unroutable = || server.metric("holdfast_commands_unroutable_total");
    eventually("it is counted", || (unroutable() == 1.0).then_some(()));
    assert_eq!((caller.waiting(RENTS), caller.waiting(DEAD)), (0, 0));
    assert!(!server.said().contains("address1"), "{}", server.said());
    assert_eq!(server.metric("holdfast_commands_reconnects_total"), 0.0);
}

#[test]
fn one_whose_replies_are_not_kept_is_no_trouble_to_the_others() {
    let broker = Broker::start();
    let server = server(&broker);
    let mut caller = Caller::connect(&broker.url(), "replies");
    let books: Vec<_> = (0..3).map(|_| server.register_book("title01")).collect();
    caller.declare_narrow("narrow");
    for (user, book) in books.iter().enumerate() {
        caller.send(
            &Command::rent(*book, user as u64).id(&format!("narrow-{user}")).reply_to("narrow"),
        );
        caller
            .call(Command::new(RENT, "PATCH", "/rents/77", &json!({ "status": "Cancel" })))
            .is(404);
    }
    server.shows("/rents/3", json!({ "status": "Rent" }));
    caller.call(Command::new(RENT, "PATCH", "/rents/1", &json!({ "status": "Cancel" }))).is(200);
    // Each reply comes as soon as there is room for it.
    let mut told = BTreeSet::new();
    eventually("all have been told", || {
        told.extend(caller.take("narrow"));
        (told.len() == 3).then_some(())
    });
    assert_eq!((server.total("rents"), caller.waiting(DEAD)), (3, 0));
    assert_eq!(server.metric("holdfast_commands_reconnects_total"), 0.0);
}

#[test]
fn a_queue_that_cannot_be_consumed_does_not_affect_the_others() {
    let broker = Broker::start();
    let mut caller = Caller::connect(&broker.url(), "replies");
    let delivery = "holdfast.commands.bookrent.delivery";
    caller.declare(delivery);
    let server =
        Server::configured(&format!("[amqp]\nurl = '{}'\ncommands = true\n", broker.url()));
    let trouble = || {
        let health = server.get("/actuator/health").is(200);
        health["components"]["commands"]["details"]["error"].as_str().unwrap_or_default().to_owned()
    };
    let is_reported = || {
        trouble().starts_with("bookrent.delivery: ") && trouble().contains("PRECONDITION_FAILED")
    };
    eventually("it says why", || is_reported().then_some(()));
    let book = server.register_book("title01");
    eventually("rents are heard", || {
        let queues = broker.tells(&["list_queues", "name", "consumers", "--no-table-headers"]);
        let heard = queues.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        heard.into_iter().any(|queue| queue == [RENTS, "1"]).then_some(())
    });
    caller.call(Command::rent(book, 1)).is(201).has("status", "Rent");
    assert_eq!(server.metric("holdfast_commands_up"), 0.0);
    caller.delete(delivery);
    takes_commands(&server);
    // One that is deleted under its consumer is declared again.
    caller.delete(RENTS);
    eventually("it is there again", || server.said().contains("the queue is gone").then_some(()));
    takes_commands(&server);
    caller.call(Command::new(RENT, "PATCH", "/rents/1", &json!({ "status": "Cancel" }))).is(200);
    assert_eq!(server.metric("holdfast_commands_reconnects_total"), 0.0);
}

#[test]
fn a_command_that_is_late_or_crashes_its_consumers_is_dead_lettered() {
    let broker = Broker::start();
    let mut server = server(&broker);
    let caller = Caller::connect(&broker.url(), "replies");
    assert!(server.terminate().success());
    let mut late = Command::rent(1, 1).id("m1");
    late.properties = late.properties.with_expiration("1".into());
    caller.send(&late);
    let dead = eventually("it is laid aside", || caller.take_dead(DEAD));
    assert_eq!(dead, ("/rents".to_owned(), "expired".to_owned()));
    caller.send(&Command::rent(1, 1).id("m2"));
    let mut tries = 0;
    let dead = eventually("it is laid aside", || {
        tries += usize::from(caller.fail_at(RENTS));
        caller.take_dead(DEAD)
    });
    assert_eq!((dead.1.as_str(), tries), ("delivery_limit", 6));
    server.restart();
    takes_commands(&server);
    assert_eq!(server.total("rents"), 0);
}
