//! Things and collections as they change.

use serde_json::{Value, json};
use support::{Client, Server, eventually, listener::Listener};

const LIMITS: &str = "[limits]\nrequests = 1000000\nburst = 1000000\nposts = 1000000\n";

fn listen(client: &Client, path: &str) -> Listener {
    client.listen(path, |request| request).unwrap_or_else(|answer| panic!("{}", answer.text))
}

fn resume(client: &Client, path: &str, last: &str) -> Listener {
    let listener = client.listen(path, |request| request.header("last-event-id", last));
    listener.unwrap_or_else(|answer| panic!("{}", answer.text))
}

#[test]
fn a_thing_is_shown_as_get_shows_it_and_again_when_it_has_changed() {
    let server = Server::start(&[]);
    let book = server.register_book("title01");
    let rent = server.rent(book, 7).id();
    let path = format!("/rents/{rent}");
    let mut stream = listen(&server, &path);
    let shown = server.get(&path).is(200);
    let first = stream.event();
    assert_eq!((&first.data, first.name.as_str()), (&shown.body, "message"));
    assert_eq!(format!("\"{}\"", first.id), shown.header("etag"));
    let mut row = listen(&server, &format!("/views/{rent}"));
    row.event();
    server.cancel(rent).is(200);
    let second = stream.hears("message", &json!({ "status": "Cancel" }));
    assert_eq!(second.data, server.get(&path).is(200).body);
    row.awaits(&json!({ "rentStatus": "Cancel", "deliveryStatus": "Delivery Cancelled" }));
    // Who has it already gets what comes after it; the old one is shown what it has become.
    let book_path = format!("/books/{book}");
    let mut has_it = resume(&server, &book_path, &listen(&server, &book_path).event().id);
    resume(&server, &path, &first.id).hears("message", &json!({ "status": "Cancel" }));
    // A context that does not answer for a while is waited for.
    server.stop("bookrent.book");
    server.start_again("bookrent.book");
    server.patch(&book_path, json!({ "title": "title02" })).is(200);
    has_it.hears("message", &json!({ "title": "title02" }));
    let absent = server.get("/rents/99");
    let refused = server.listen("/rents/99", |request| request).err().unwrap();
    assert_eq!((refused.status, refused.text), (404, absent.text));
    let head = server.call("HEAD", &path, |request| request.header("accept", "text/event-stream"));
    assert!(head.is(200).header("content-type").starts_with("text/event-stream"));
}

/// A server with token authentication, and keys for an admin and the customers 7 and 8.
fn shop(system: &str, further: &str) -> (Server, [String; 3]) {
    let toml = format!("{further}[auth]\nmode = 'token'\n{LIMITS}");
    let mut server = Server::of(system, &toml, &[]);
    assert!(server.terminate().success());
    let keys = [("admin", None), ("customer", Some("7")), ("customer", Some("8"))];
    let keys = keys.map(|(role, customer)| key_of(&server, role, customer));
    server.restart();
    (server, keys)
}

/// A key of the stopped server whose data directory this is.
fn key_of(server: &Server, role: &str, customer: Option<&str>) -> String {
    let mut command = support::holdfast();
    command.args(["key", "add", "--name", role, "--role", role]);
    command.args(customer.iter().flat_map(|customer| ["--customer", customer]));
    let output = command.arg("--data").arg(server.data()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn listen_as(server: &Server, key: &str, path: &str) -> Result<Listener, Box<support::Answer>> {
    server.listen(path, |request| request.bearer_auth(key))
}

fn send_as(server: &Server, key: &str, method: &str, path: &str, body: Value) -> support::Answer {
    server.call(method, path, |request| request.bearer_auth(key).json(&body))
}

#[test]
fn customers_hear_of_their_own_things_and_staff_of_all_until_their_credentials_end() {
    let (server, [admin, seven, eight]) = shop("bookrent", "");
    for title in ["a", "b", "c"] {
        send_as(&server, &admin, "POST", "/books", json!({ "title": title })).is(201);
    }
    let rent = |key: &str, book: u64| {
        let body = json!({ "bookId": book, "address": format!("at {book}") });
        send_as(&server, key, "POST", "/rents", body).is(201).id()
    };
    let mut of_staff = listen_as(&server, &admin, "/rents").ok().unwrap();
    let mut of_seven = listen_as(&server, &seven, "/rents").ok().unwrap();
    let mut of_eight = listen_as(&server, &eight, "/rents").ok().unwrap();
    let first = rent(&seven, 1);
    of_seven.awaits(&json!({ "id": first, "status": "Rent", "userId": 7 }));
    let second = rent(&eight, 2);
    for listener in [&mut of_staff, &mut of_eight] {
        listener.awaits(&json!({ "id": second, "status": "Rent", "userId": 8 }));
    }
    // What is another's is absent, in the same words.
    let path = format!("/rents/{first}");
    let refused = listen_as(&server, &eight, &path).err().unwrap();
    let absent = send_as(&server, &eight, "GET", &path, Value::Null);
    assert_eq!((refused.status, refused.text), (404, absent.text));
    listen_as(&server, "hf_wrong", &path).err().unwrap().refuses(401, "invalid-token");
    server.listen(&path, |request| request).err().unwrap().refuses(401, "invalid-token");
    let mut item = listen_as(&server, &seven, &path).ok().unwrap();
    item.hears("message", &json!({ "status": "Rent", "address": "at 1" }));
    let cancel = json!({ "status": "Cancel" });
    send_as(&server, &seven, "PATCH", &path, cancel.clone()).is(200);
    item.hears("message", &json!({ "status": "Cancel" }));
    of_seven.awaits(&json!({ "id": first, "status": "Cancel" }));
    of_staff.awaits(&json!({ "id": first, "status": "Cancel" }));
    // Who was away gets what has changed of theirs meanwhile.
    let reached = of_eight.last_id().to_owned();
    drop(of_eight);
    send_as(&server, &eight, "PATCH", &format!("/rents/{second}"), cancel.clone()).is(200);
    let back = server
        .listen("/rents", |request| request.bearer_auth(&eight).header("last-event-id", &reached));
    back.ok().unwrap().hears("message", &json!({ "id": second, "status": "Cancel" }));
    let lost = server.listen("/rents", |request| {
        request.bearer_auth(&eight).header("last-event-id", "0000000000000000-1")
    });
    lost.ok().unwrap().hears("reset", &json!({ "code": "history-changed" }));
    // The key of the customer ends: the next change ends the streams, and shows nothing.
    let third = rent(&seven, 3);
    let mut item = listen_as(&server, &seven, &format!("/rents/{third}")).ok().unwrap();
    item.event();
    of_seven.awaits(&json!({ "id": third, "status": "Rent" }));
    let id = seven.split('_').nth(1).unwrap();
    send_as(&server, &admin, "DELETE", &format!("/admin/keys/{id}"), Value::Null).is(200);
    send_as(&server, &admin, "PATCH", &format!("/rents/{third}"), cancel).is(200);
    for mut ended in [item, of_seven] {
        ended.hears("end", &json!({ "code": "invalid-token" }));
        assert_eq!(ended.next_event(), None);
    }
    send_as(&server, &admin, "GET", "/rents?page=0", Value::Null).is(200);
    let query = listen_as(&server, &admin, "/rents?page=0").err().unwrap();
    query.refuses(400, "bad-filter");
}

#[test]
fn what_a_caller_is_not_shown_stays_hidden_in_a_stream() {
    let (server, [admin, seven, eight]) = shop("ebook", "");
    let book = json!({ "bookName": "Hello", "rentalFee": 3000 });
    send_as(&server, &admin, "POST", "/books", book).is(201);
    let mut streams = ["/books", "/books/1"]
        .map(|path| [&seven, &eight].map(|key| listen_as(&server, key, path).ok().unwrap()));
    let order = json!({ "bookId": 1, "rentalFee": 3000 });
    let rent = send_as(&server, &seven, "POST", "/rents", order).is(201).id();
    for [own, others] in &mut streams {
        let shown = own.awaits(&json!({ "status": "PAID" }));
        assert_eq!((&shown.data["rentId"], &shown.data["userId"]), (&json!(rent), &json!(7)));
        let shown = others.awaits(&json!({ "status": "PAID" }));
        assert_eq!((&shown.data["rentId"], &shown.data["userId"]), (&json!(null), &json!(null)));
    }
}

#[test]
fn one_caller_has_so_many_streams_open_and_others_have_theirs() {
    let (server, [admin, seven, eight]) = shop("bookrent", "http.max_streams_of_caller = 2\n");
    let book = json!({ "title": "title01" });
    send_as(&server, &admin, "POST", "/books", book.clone()).is(201);
    let first = listen_as(&server, &seven, "/books").ok().unwrap();
    let _second = listen_as(&server, &seven, "/books/1").ok().unwrap();
    let refused = listen_as(&server, &seven, "/books").err().unwrap();
    refused.refuses(503, "too-many-streams");
    listen_as(&server, &eight, "/books").ok().unwrap();
    server.listen("/books", |request| request).ok().unwrap();
    drop(first);
    eventually("its place is free again", || {
        // It is seen to be gone when there is something to send it.
        send_as(&server, &admin, "POST", "/books", book.clone()).is(201);
        listen_as(&server, &seven, "/books").ok()
    });
}

#[test]
fn the_stream_of_a_view_begins_anew_when_it_was_rebuilt() {
    let server = Server::start(&[]);
    server.rent_new_books(2);
    let mut rows = listen(&server, "/views");
    let mut row = listen(&server, "/views/2");
    let before = row.event();
    server.call("POST", "/admin/views/bookrent.view/rebuild", |request| request).is(200);
    assert_eq!(rows.awaits(&json!({ "code": "history-changed" })).name, "reset");
    server.cancel(2).is(200);
    rows.awaits(&json!({ "id": 2, "rentStatus": "Cancel" }));
    assert_ne!(row.awaits(&json!({ "rentStatus": "Cancel" })).id, before.id);
}
