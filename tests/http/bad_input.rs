//! Bad input: each is answered by a problem that names what is wrong, and nothing is changed by it.
mod raw_requests;

use serde_json::{Value, json};
use std::thread;
use support::{
    Answer, Server,
    raw::{exchange, problem_of, status_of},
};

/// A server with one book, rented once, on which nothing may change.
struct Guarded {
    server: Server,
    before: Vec<Value>,
}

impl Guarded {
    fn start() -> Self {
        let server = Server::start(&[]);
        server.register_book("title01");
        server.rent(1, 1).has("status", "Rent");
        server.shows("/views/1", json!({"deliveryStatus": "Delivery Started"}));
        let before = Self::everything(&server);
        Self { server, before }
    }

    fn everything(server: &Server) -> Vec<Value> {
        ["books", "rents", "deliveries", "views"]
            .iter()
            .flat_map(|collection| server.all(collection))
            .collect()
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        media_type: &str,
        body: impl Into<reqwest::blocking::Body>,
    ) -> Answer {
        self.server
            .call(method, path, |request| request.header("Content-Type", media_type).body(body))
    }

    fn post(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, "application/json", body.to_owned())
    }

    /// The world is as it was, and the server is well.
    #[track_caller]
    fn is_unchanged(&self) {
        assert_eq!(Self::everything(&self.server), self.before);
        self.server.get("/readyz").is(200);
    }
}

#[test]
fn a_header_that_a_command_is_judged_by_is_given_once() {
    let world = Guarded::start();
    for (name, one, other) in [
        ("Idempotency-Key", "a", "b"),
        ("If-Match", "\"1\"", "\"2\""),
        ("Content-Type", "application/json", "text/plain"),
        ("Content-Encoding", "identity", "gzip"),
    ] {
        for (one, other) in [(one, other), (other, one), (one, one)] {
            let answer = world.server.call("PATCH", "/rents/1", |request| {
                let request = request.header("Accept-Language", "en");
                let request = match name {
                    "Content-Type" => request,
                    _ => request.header("Content-Type", "application/json"),
                };
                request.header(name, one).header(name, other).body(r#"{"status":"Cancel"}"#)
            });
            answer.refuses(400, "bad-request");
            let detail = answer["detail"].as_str().unwrap();
            assert!(detail.contains(&name.to_lowercase()), "{}", answer.text);
        }
    }
    world.is_unchanged();
}

#[test]
fn values_of_a_wrong_type_are_named_by_their_place() {
    let world = Guarded::start();
    let wrong = [
        r#""one""#, "-1", r#""-1""#, "1.5", r#""1.5""#, "1e3", r#""1e3""#, r#""+1""#, r#"" 1""#,
        r#""01""#, "true", "null", "[]", "{}", r#""""#, r#"" ""#,
    ];
    for value in wrong {
        let answer =
            world.post("/rents", &format!(r#"{{"bookId": {value}, "userId": 1, "address": "a"}}"#));
        answer.problem(400);
        assert_eq!(answer["errors"][0]["pointer"], "/bookId", "{value}: {}", answer.text);
    }
    for value in ["9007199254740992", "18446744073709551616", r#""18446744073709551616""#, "1e30"] {
        let answer =
            world.post("/rents", &format!(r#"{{"bookId": {value}, "userId": 1, "address": "a"}}"#));
        answer.refuses(422, "out-of-range");
        assert_eq!(answer["errors"][0]["pointer"], "/bookId", "{value}: {}", answer.text);
    }
    for value in ["null", "[]", r#"{"a": 1}"#] {
        world.post("/books", &format!(r#"{{"title": {value}}}"#)).problem(400);
    }
    for value in [r#""perhaps""#, "2", "[true]"] {
        world.post("/books", &format!(r#"{{"title": "t", "status": {value}}}"#)).problem(400);
    }
    let cancel_with_data = r#"{"Cancel": null}"#;
    for value in [r#""Rent""#, r#""Fail""#, r#""cancel""#, "7", "null", "true", cancel_with_data] {
        let answer = world.send(
            "PATCH",
            "/rents/1",
            "application/json",
            format!(r#"{{"status": {value}}}"#),
        );
        answer.refuses(400, "bad-body");
    }
    world.is_unchanged();
}

#[test]
fn missing_fields_are_named() {
    let world = Guarded::start();
    let whole = json!({"bookId": 1, "userId": 1, "address": "a"});
    for field in ["bookId", "userId", "address"] {
        let mut body = whole.clone();
        body.as_object_mut().unwrap().remove(field);
        let answer = world.post("/rents", &body.to_string());
        answer.problem(400);
        assert!(answer.text.contains(field), "{field}: {}", answer.text);
    }
    world.send("PATCH", "/rents/1", "application/json", "{}").problem(400);
    world.post("/books", "{}").problem(400);
    world.is_unchanged();
}

#[test]
fn what_is_no_json_object_is_unreadable() {
    let world = Guarded::start();
    let cut = r#"{"title": "title02""#;
    for body in [
        "",
        " ",
        "null",
        "7",
        r#""title""#,
        "[]",
        r#"[{"title": "t"}]"#,
        cut,
        r#"{"title": "t"} x"#,
        "{title: 1}",
    ] {
        world.post("/books", body).problem(400);
    }
    world.post("/books", r#"{"title": "\ud800"}"#).problem(400);
    for bytes in [
        &b"{\"title\": \"\xff\xfe\"}"[..],
        b"{\"title\": \"\xc3\"}",
        b"\xff\xfe{\0}\0",
        b"\0\0\0\0",
    ] {
        world.send("POST", "/books", "application/json", bytes.to_vec()).problem(400);
    }
    world.is_unchanged();
}

#[test]
fn deep_and_oversized_bodies_are_turned_away() {
    let world = Guarded::start();
    for depth in [33, 200, 20_000] {
        let body =
            format!(r#"{{"title": "t", "more": {}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        let answer = world.post("/books", &body);
        assert!(matches!(answer.status, 400 | 422), "depth {depth}: {}", answer.text);
        answer.problem(answer.status);
    }
    world.post("/books", &json!({"title": "t".repeat(70 * 1024)}).to_string()).problem(413);
    // Chunks whose number is not announced.
    let endless = std::io::Read::take(std::io::repeat(b' '), 1 << 20);
    let answer = world.server.attempt("POST", "/books", |request| {
        request
            .header("Content-Type", "application/json")
            .body(reqwest::blocking::Body::new(endless))
    });
    // The server may close the connection on who goes on talking.
    if let Ok(answer) = answer {
        answer.problem(413);
    }
    world.is_unchanged();
}

#[test]
fn the_largest_body_is_kept_or_refused_but_never_a_crash() {
    let server = Server::start(&[]);
    server.register_book("title01");
    for length in [20_000, 40_000, 60_000, 65_000] {
        let address = "가".repeat(length / 3);
        let answer = server.post("/rents", json!({"bookId": 1, "userId": 1, "address": address}));
        assert!(matches!(answer.status, 201 | 400 | 413 | 422), "{length}: {}", answer.text);
        if answer.status != 201 {
            answer.problem(answer.status);
        }
    }
    assert!(!server.said().contains("panicked"), "{}", server.said());
    server.rent(1, 1);
}

#[test]
fn unknown_numbers_are_not_found_and_those_beyond_the_bound_are_named() {
    let world = Guarded::start();
    for collection in ["books", "rents", "deliveries", "views"] {
        for number in ["0", "999", "9007199254740991", "01", "+1", "1e0"] {
            world.server.get(&format!("/{collection}/{number}")).refuses(404, "not-found");
        }
        for number in ["9007199254740992", "18446744073709551615", "18446744073709551616"] {
            world.server.get(&format!("/{collection}/{number}")).refuses(422, "out-of-range");
        }
        for number in ["abc", "-1", "1.5", "%00", "%ff", "1%2f2", "..%2f1", "%31", "１"] {
            let answer = world.server.get(&format!("/{collection}/{number}"));
            assert!(matches!(answer.status, 400 | 404), "{number}: {}", answer.text);
            answer.problem(answer.status);
        }
        for query in ["page", "size"] {
            let path = |number: &str| format!("/{collection}?{query}={number}");
            for number in ["01", "%2B1", "-1", "1.0", "1e1", "", "%201"] {
                world.server.get(&path(number)).refuses(400, "bad-page");
            }
            world.server.get(&path("9007199254740992")).refuses(422, "out-of-range");
            world.server.get(&path("99999999999999999999")).refuses(422, "out-of-range");
        }
    }
    for number in ["01", "%2B1", "1.0", "x", "%201"] {
        world.server.get(&format!("/rents?userId={number}")).refuses(400, "bad-filter");
    }
    for number in ["9007199254740992", "18446744073709551616"] {
        world.server.get(&format!("/rents?userId={number}")).refuses(422, "out-of-range");
        world.server.get(&format!("/rents?bookId=1&userId={number}")).refuses(422, "out-of-range");
        world.server.get(&format!("/views?rentId={number}")).refuses(422, "out-of-range");
    }
    let cancel = |number: &str| {
        let path = format!("/rents/{number}");
        world.send("PATCH", &path, "application/json", r#"{"status": "Cancel"}"#)
    };
    for number in ["999", "0", "01"] {
        cancel(number).refuses(404, "not-found");
    }
    cancel("9007199254740992").refuses(422, "out-of-range");
    world.is_unchanged();
}

#[test]
fn unknown_media_types_and_methods_are_refused() {
    let world = Guarded::start();
    let book = r#"{"title": "title02"}"#;
    for media_type in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "nonsense",
    ] {
        world.send("POST", "/books", media_type, book).problem(415);
        world.send("PATCH", "/rents/1", media_type, r#"{"status": "Cancel"}"#).problem(415);
    }
    for method in ["PUT", "DELETE", "PATCH", "TRACE", "BREW"] {
        let answer = world.send(method, "/books", "application/json", book);
        answer.problem(405);
        assert!(answer.header("allow").contains("POST"), "{:?}", answer.headers);
    }
    world.is_unchanged();
    // What is right besides `application/json`.
    world
        .send("PATCH", "/rents/1", "application/merge-patch+json", r#"{"status": "Cancel"}"#)
        .is(200);
    world.send("POST", "/books", "application/json; charset=utf-8", book).is(201);
}

#[test]
fn bodies_are_sent_in_utf_8_and_as_they_are() {
    let world = Guarded::start();
    let book = r#"{"title": "title02"}"#;
    for charset in ["utf-16", "euc-kr", "\"latin1\""] {
        let answer =
            world.send("POST", "/books", &format!("application/json; charset={charset}"), book);
        answer.refuses(415, "unsupported-media-type");
        assert!(answer.text.contains(charset.trim_matches('"')), "{}", answer.text);
    }
    for coding in ["gzip", "br", "identity, deflate"] {
        for (method, path, body) in
            [("POST", "/books", book), ("PATCH", "/rents/1", r#"{"status": "Cancel"}"#)]
        {
            let answer = world.server.call(method, path, |request| {
                let request = request.header("Content-Encoding", coding);
                request.header("Content-Type", "application/json").body(body)
            });
            answer.refuses(415, "unsupported-encoding");
            assert!(answer.text.contains(coding.rsplit(' ').next().unwrap()), "{}", answer.text);
            assert_eq!(answer.header("accept-encoding"), "identity");
        }
    }
    world.is_unchanged();
    let with_mark = format!("\u{feff}{book}");
    world.send("POST", "/books", "application/json", with_mark).is(201).has("title", "title02");
    let answer = world.server.call("POST", "/books", |request| {
        let request = request.header("Content-Encoding", "identity");
        request.header("Content-Type", "application/json").body(book)
    });
    answer.is(201);
}

#[test]
fn parameters_that_are_not_known_are_refused_where_lists_and_logs_are_read() {
    let world = Guarded::start();
    let job = world.server.post("/admin/parked/redrive", json!({})).is(202)["id"].clone();
    let job = job.as_str().unwrap();
    let document = world.server.get("/openapi.json").is(200);
    let paths = document["paths"].as_object().unwrap().iter();
    let read = paths.filter(|(path, operations)| {
        let is_judged = path.starts_with("/admin/") || path.starts_with("/events");
        is_judged && operations["get"].is_object()
    });
    let mut count = 0;
    for (path, operations) in read {
        count += 1;
        let parameters = operations["get"]["parameters"].as_array().into_iter().flatten();
        let of_query = parameters.filter(|parameter| parameter["in"] == "query");
        let known: Vec<_> = of_query.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        let path = path.replace("{context}", "bookrent.rent");
        let path = path.replace("{system}/{number}", "bookrent/1");
        let path = path.replace("/admin/jobs/{id}", &format!("/admin/jobs/{job}"));
        assert!(!path.contains('{'), "{path}");
        world.server.get(&path).is(200);
        let answer = world.server.get(&format!("{path}?limits=1"));
        answer.refuses(400, "bad-filter");
        for name in &known {
            assert!(answer.text.contains(name), "{path}: {}", answer.text);
            world.server.get(&format!("{path}?{name}=1&{name}=1")).refuses(400, "bad-filter");
        }
        if known.contains(&"limit") {
            for limit in ["0", "01", "-1", "x", "1.0", ""] {
                world.server.get(&format!("{path}?limit={limit}")).refuses(400, "bad-request");
            }
            let beyond = world.server.get(&format!("{path}?limit=9007199254740992"));
            beyond.refuses(422, "out-of-range");
        }
    }
    assert_eq!(count, 12);
    world.is_unchanged();
}

#[test]
fn conditions_and_keys_that_are_none_are_refused() {
    let world = Guarded::start();
    for condition in ["1", "\"1", "nonsense"] {
        let answer = world.server.call("PATCH", "/rents/1", |request| {
            request.header("If-Match", condition).json(&json!({"status": "Cancel"}))
        });
        assert!(matches!(answer.status, 400 | 412), "{condition}: {}", answer.text);
        answer.problem(answer.status);
    }
    for key in ["", "\"\"", &"k".repeat(5000)] {
        let answer = world.server.call("POST", "/books", |request| {
            request.header("Idempotency-Key", key).json(&json!({"title": "title02"}))
        });
        answer.problem(400);
    }
    world.is_unchanged();
}
