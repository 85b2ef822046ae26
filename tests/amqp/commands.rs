//! Commands over a real broker: the same routes as over HTTP, with the same answers, each with one effect, whichever of the
//! two is killed meanwhile.

mod limits;
mod refused;
mod senders;

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
};
use support::caller::{Caller, Command, Reply, server, takes_commands};
use support::{
    Answer, Server,
    bodies::{BodyRoute, body_routes},
    broker::Broker,
    eventually,
};

const RENT: &str = "bookrent.rent";
const RENTS: &str = "holdfast.commands.bookrent.rent";
const DEAD: &str = "holdfast.commands.dead";

/// The status of the rent in each reply, and how often there was which.
fn statuses<'a>(replies: impl IntoIterator<Item = &'a Reply>) -> BTreeMap<String, usize> {
    let mut statuses = BTreeMap::new();
    for reply in replies {
        *statuses.entry(reply.body["status"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    statuses
}

/// Every one of these commands was answered, each has one rent, and there are no others.
#[track_caller]
fn each_has_one_effect(server: &Server, caller: &mut Caller, count: u64) {
    let replies: Vec<_> =
        (0..count).map(|user| caller.reply(&format!("rent-{user}")).is(201)).collect();
    let numbers: BTreeSet<_> = replies.iter().map(Reply::id).collect();
    assert_eq!(numbers.len() as u64, count);
    assert_eq!(statuses(&replies), BTreeMap::from([("Rent".to_owned(), count as usize)]));
    let rents = server.all("rents");
    let users: BTreeSet<_> = rents.iter().map(|rent| rent["userId"].as_u64().unwrap()).collect();
    assert_eq!((rents.len() as u64, users.len() as u64), (count, count));
    eventually("no command is left", || (caller.waiting(RENTS) == 0).then_some(()));
}

#[test]
fn a_command_is_answered_as_http_answers_it_and_seen_there() {
    let broker = Broker::start();
    let server = server(&broker);
    let mut caller = Caller::connect(&broker.url(), "replies");
    let book = server.register_book("title01");
    let placed = Command::rent(book, 1)
        .header("host", server.address())
        .header("x-correlation-id", "order 17");
    let placed = caller.call(placed).is(201);
    let seen = server.get("/rents/1").is(200);
    assert_eq!(
        (placed.body.clone(), placed.body["status"].as_str()),
        (seen.body.clone(), Some("Rent"))
    );
    assert_eq!(placed.content_type, "application/hal+json");
    assert_eq!(placed.headers["location"], format!("{}/rents/1", server.url()));
    assert_eq!(placed.headers["etag"], seen.header("etag"));
    assert_eq!(placed.headers["x-correlation-id"], "order 17");
    let event = &server.get("/events/bookrent.rent").is(200).body[0];
    assert_eq!(event["clientcorrelationid"], "order 17");
    // A queue has no host; without one, links are paths.
    let path = "/bookrent/rents/1";
    let cancelled =
        caller.call(Command::new(RENT, "PATCH", path, &json!({ "status": "Cancel" }))).is(200);
    assert_eq!(cancelled.body["status"], "Cancel");
    assert_eq!(cancelled.body["_links"]["self"]["href"], path);
    server.shows("/books/1", json!({ "status": true }));
    // Who wants plain JSON gets it, as over HTTP.
    let json = Command::rent(book, 2).header("accept", "application/json");
    assert_eq!(caller.call(json).is(201).content_type, "application/json");
    // Those that a client sends at once are taken in their order.
    let ids: Vec<_> = (0..50).map(|book| format!("book-{book}")).collect();
    for id in &ids {
        let book = json!({ "title": id, "status": true });
        caller.order(Command::new("bookrent.book", "POST", "/books", &book).id(id));
    }
    let numbers: Vec<_> = ids.iter().map(|id| caller.reply(id).is(201).id()).collect();
    assert_eq!(numbers, (2..=51).collect::<Vec<_>>());
    let answered = || server.metric("holdfast_commands_answered_total");
    eventually("they are counted", || (answered() == 53.0).then_some(()));
    assert_eq!(server.metric("holdfast_commands_unroutable_total"), 0.0);
    let health = server.get("/actuator/health").is(200);
    assert_eq!(health["components"]["commands"]["details"]["state"], "connected");
    assert!(server.get("/readyz?verbose").is(200).text.contains("[+]commands connected"));
}

#[test]
fn staff_corrects_withdraws_and_restores_over_a_queue_as_over_http() {
    let broker = Broker::start();
    let server = server(&broker);
    let mut caller = Caller::connect(&broker.url(), "replies");
    let book = server.register_book("title01");
    let path = format!("/bookrent/books/{book}");
    let patch = |body: Value| Command::new("bookrent.book", "PATCH", &path, &body);
    let corrected = caller.call(patch(json!({ "title": "title02" }))).is(200);
    assert_eq!(corrected.body["title"], "title02");
    let version = |tag: &str| patch(json!({ "title": "title03" })).header("if-match", tag);
    caller.call(version("\"1\"")).is(412).has("code", "version-mismatch");
    caller.call(patch(json!({ "title": null }))).is(400).has("code", "nothing-to-change");
    let withdraw = || Command::new("bookrent.book", "DELETE", &path, &Value::Null);
    caller.call(withdraw()).is(204);
    caller.call(withdraw()).is(204);
    server.get(&path).is(200).has("withdrawn", true);
    caller.call(patch(json!({ "title": "title03" }))).is(409).has("code", "withdrawn");
    let rent = caller.call(Command::rent(book, 1)).is(201);
    assert_eq!(rent.body["status"], "Fail");
    let restored = caller.call(patch(json!({ "withdrawn": "false" }))).is(200);
    assert!(restored.body.get("withdrawn").is_none(), "{}", restored.body);
    assert_eq!(server.total("books"), 1);
}

#[test]
fn bodies_are_judged_as_http_judges_them() {
    let broker = Broker::start();
    let url = broker.url();
    let environment = [("HOLDFAST_AMQP__URL", url.as_str()), ("HOLDFAST_AMQP__COMMANDS", "true")];
    let server = Server::over(&environment, tempfile::TempDir::new().unwrap());
    takes_commands(&server);
    let mut caller = Caller::connect(&url, "replies");
    let routes = body_routes(&server.get("/openapi.json").is(200).body);
    let routes: Vec<_> =
        routes.into_iter().filter(|route| !route.path.starts_with("/admin")).collect();
    assert!(routes.len() >= 15, "{routes:?}");
    let mut refuses = |route: &BodyRoute, body: String, status: i64, code: &str, pointer: &str| {
        let mut command = Command::new(&route.context, &route.method, &route.path, &json!({}));
        command.body = body.into_bytes();
        let reply = caller.call(command).is(status);
        assert_eq!(reply.body["code"], code, "{}", reply.text);
        assert_eq!(reply.body["errors"][0]["pointer"], pointer, "{}", reply.text);
    };
    for route in &routes {
        for member in route.members.keys() {
            let value = route.example.get(member).cloned().unwrap_or(json!(1));
            let pointer = format!("/{member}");
            let twice = format!("{{\"{member}\":{value},\"{member}\":{value}}}");
            refuses(route, twice, 400, "bad-body", &pointer);
        }
        refuses(route, route.written_with(r#""x":{"y":1,"y":1}"#), 400, "bad-body", "/x/y");
        for (member, _) in route.members_of("integer") {
            let beyond = route.with(member, json!(1_u64 << 53)).to_string();
            refuses(route, beyond, 422, "out-of-range", &format!("/{member}"));
        }
        for (member, _) in route.texts() {
            let invisible = route.with(member, json!("a\u{200b}")).to_string();
            refuses(route, invisible, 422, "bad-text", &format!("/{member}"));
        }
    }
    let encoded = Command::new("bookrent.book", "POST", "/bookrent/books", &json!({"title": "t"}));
    let coding = |coding: &str| {
        let mut command = encoded.clone();
        command.properties = command.properties.with_content_encoding(coding.into());
        command
    };
    let reply = caller.call(coding("gzip")).is(415);
    assert_eq!(reply.body["code"], "unsupported-encoding", "{}", reply.text);
    assert_eq!(server.get("/events").is(200).body, json!([]));
    // Clients of AMQP name the charset there.
    caller.call(coding("utf-8")).is(201);
}

#[test]
fn of_two_hundred_commands_for_one_book_one_gets_it() {
    let broker = Broker::start();
    let server = server(&broker);
    let book = server.register_book("title01");
    let replies: Vec<_> = thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|caller| {
                let url = broker.url();
                scope.spawn(move || {
                    let name = format!("replies-{caller}");
                    let mut caller = Caller::connect(&url, &name);
                    let ids: Vec<_> = (0..50).map(|user| format!("{name}-{user}")).collect();
                    ids.iter().for_each(|id| caller.order(Command::rent(book, 1).id(id)));
                    ids.iter().map(|id| caller.reply(id).is(201)).collect::<Vec<_>>()
                })
            })
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    let expected = BTreeMap::from([("Fail".to_owned(), 199), ("Rent".to_owned(), 1)]);
    assert_eq!(statuses(&replies), expected);
    assert_eq!(server.total("rents"), 200);
}

#[test]
fn a_message_that_comes_twice_is_one_rent_with_one_answer_over_http_too() {
    let broker = Broker::start();
    let server = server(&broker);
    let mut caller = Caller::connect(&broker.url(), "replies");
    let book = server.register_book("title01");
    let rent = Command::rent(book, 1).header("host", server.address());
    let first = caller.call(rent.clone().id("m1")).is(201);
    let again = caller.call(rent.clone().id("m1")).is(201);
    assert_eq!((&again.body, &again.headers["etag"]), (&first.body, &first.headers["etag"]));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let body = serde_json::from_slice(&rent.body).unwrap();
    let over_http: Answer = server.try_post_once("/rents", "m1", &body).unwrap().is(201);
    assert_eq!((over_http.header("idempotent-replayed"), &over_http.body), ("true", &first.body));
    // Another command under the same name is a mistake.
    let reused = caller.call(Command::rent(book, 2).id("m1")).is(422);
    assert_eq!(reused.body["code"], "key-reused");
    // A key of its own goes before the name.
    let other = caller.call(rent.id("m1").header("Idempotency-Key", "k2")).is(201);
    assert_eq!((other.id(), other.body["status"].as_str()), (2, Some("Fail")));
    assert_eq!(server.total("rents"), 2);
}

#[test]
fn a_server_that_is_killed_and_stopped_answers_every_command_and_does_each_once() {
    const COUNT: u64 = 240;
    let broker = Broker::start();
    let mut server = server(&broker);
    let books: Vec<_> = (0..COUNT).map(|_| server.register_book("title01")).collect();
    let mut caller = Caller::connect(&broker.url(), "replies");
    for round in 0..4 {
        let part = COUNT / 4;
        for user in round * part..(round + 1) * part {
            caller.order(Command::rent(books[user as usize], user).id(&format!("rent-{user}")));
        }
        // The others are under way, or wait.
        caller.reply(&format!("rent-{}", round * part));
        caller.order(
            Command::rent(books[(round * part) as usize], round * part)
                .id(&format!("rent-{}", round * part)),
        );
        match round {
            3 => assert!(server.terminate().success()),
            _ => server.kill(),
        }
        server.restart();
    }
    takes_commands(&server);
    each_has_one_effect(&server, &mut caller, COUNT);
    assert_eq!(caller.waiting(DEAD), 0);
}

#[test]
fn a_broker_that_is_killed_with_commands_under_way_costs_none_of_them() {
    const COUNT: u64 = 200;
    let mut broker = Broker::start();
    let server = server(&broker);
    let books: Vec<_> = (0..COUNT).map(|_| server.register_book("title01")).collect();
    let caller = Caller::connect(&broker.url(), "replies");
    for (user, book) in books.iter().enumerate() {
        caller.order(Command::rent(*book, user as u64).id(&format!("rent-{user}")));
    }
    // Replies that came before are in the queue, which is durable; none was taken.
    drop(caller);
    broker.kill();
    eventually("it is seen", || (server.metric("holdfast_commands_up") == 0.0).then_some(()));
    broker.restart();
    takes_commands(&server);
    assert!(server.metric("holdfast_commands_reconnects_total") >= 1.0);
    let mut caller = Caller::connect(&broker.url(), "replies");
    each_has_one_effect(&server, &mut caller, COUNT);
}

#[test]
fn a_broker_that_takes_nothing_gets_the_replies_afterwards() {
    const COUNT: u64 = 100;
    let broker = Broker::start();
    let mut server = server(&broker);
    let books: Vec<_> = (0..COUNT).map(|_| server.register_book("title01")).collect();
    let mut caller = Caller::connect(&broker.url(), "replies");
    assert!(server.terminate().success());
    for (user, book) in books.iter().enumerate() {
        caller.order(Command::rent(*book, user as u64).id(&format!("rent-{user}")));
    }
    broker.alarm();
    server.restart();
    eventually("commands come in all the same", || (server.total("rents") > 0).then_some(()));
    eventually("it is shown", || {
        server.get("/readyz?verbose").text.contains("[-]commands blocked").then_some(())
    });
    broker.calm();
    each_has_one_effect(&server, &mut caller, COUNT);
    assert_eq!(server.metric("holdfast_commands_reconnects_total"), 0.0);
}

#[test]
fn the_document_names_the_commands_and_what_is_replied() {
    let broker = Broker::absent();
    let server =
        Server::configured(&format!("[amqp]\nurl = '{}'\ncommands = true\n", broker.url()));
    let document = server.get("/asyncapi.json").is(200).body;
    let operation = &document["operations"]["commands.bookrent.rent.patch"];
    assert_eq!(operation["action"], "receive");
    assert_eq!(operation["reply"]["channel"]["$ref"], "#/channels/replies.bookrent.rent");
    let channel = &document["channels"]["commands.bookrent.rent"];
    assert_eq!(
        (&channel["address"], &channel["messages"]["patch"]),
        (&json!(RENT), &operation_message("patch"))
    );
    let message = &document["components"]["messages"]["commands.bookrent.rent.patch"];
    assert_eq!(
        message["headers"]["properties"]["path"]["pattern"],
        "^/bookrent/rents/[1-9][0-9]*$"
    );
    // The words are those of the API document.
    let api = server.get("/openapi.json").is(200).body;
    let content = &api["paths"]["/bookrent/rents/{id}"]["patch"]["requestBody"]["content"]["application/json"];
    assert_eq!(message["payload"], content["schema"]);
    let schema =
        |document: &Value| document["components"]["schemas"]["bookrent.Rent.Patch"].clone();
    assert_eq!(schema(&document), schema(&api));
    assert!(
        document["channels"].get("commands.bookrent.view").is_none(),
        "a view takes no commands"
    );
    // Without them, the document has none of it.
    let without = Server::start(&[]).get("/asyncapi.json").is(200).body;
    assert!(without["channels"].get("commands.bookrent.rent").is_none());
}

fn operation_message(name: &str) -> Value {
    json!({ "$ref": format!("#/components/messages/commands.bookrent.rent.{name}") })
}
