//! Who sees what of things that all may read in part, and what those who run the server see of customers.

use serde_json::{Value, json};
use std::{cell::RefCell, collections::BTreeMap};
use support::{
    Answer, Server, eventually,
    issuer::{TestIssuer, TokenKey},
};
use tempfile::TempDir;

/// Values that nothing else in an answer has.
const ADDRESS: &str = "canary-street-4711";
const PHONE: &str = "010-4711-4712";
const PLACE: &str = "canary-place-4713";
const NAME: &str = "canary-customer-4714";
const DAY: &str = "2999-12-31";
const NUMBER: u64 = 47_154_716;

/// Callers of one server, each with a token of development.
struct Callers<'a> {
    server: &'a Server,
    tokens: RefCell<BTreeMap<String, String>>,
}

impl<'a> Callers<'a> {
    fn of(server: &'a Server) -> Self {
        Self { server, tokens: RefCell::default() }
    }

    /// The token of `whom`: `customer/7`, `staff`.
    fn token(&self, whom: &str) -> String {
        let mut tokens = self.tokens.borrow_mut();
        let made = tokens.entry(whom.to_owned()).or_insert_with(|| {
            let mut command = support::holdfast();
            let command = command.args(["token", "--as", whom, "--data"]).arg(self.server.data());
            let output = command.output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        });
        made.clone()
    }

    fn get(&self, path: &str, whom: &str) -> Answer {
        self.get_unless(path, whom, "")
    }

    /// The same, unless it has this tag.
    fn get_unless(&self, path: &str, whom: &str, tag: &str) -> Answer {
        let token = self.token(whom);
        self.server.call("GET", path, |request| {
            let request = request.bearer_auth(&token);
            if tag.is_empty() { request } else { request.header("If-None-Match", tag) }
        })
    }
}

/// An order of each system with personal values in all of its fields, and where its saga is shown.
fn order_everything(server: &Server) -> Vec<(String, Vec<String>)> {
    let number = NUMBER.to_string();
    let made = |path: &str, body: Value| server.post(path, body).is(201).id();
    let book = made("/bookrent/books", json!({ "title": "a" }));
    let rent = json!({ "bookId": book, "userId": NUMBER, "address": ADDRESS });
    let rent = made("/bookrent/rents", rent);
    let product = made("/purifier/products", json!({ "name": "a", "amt": 30_000, "stock": 3 }));
    let rental = json!({
        "customerId": NUMBER, "productId": product, "amt": 30_000, "address": ADDRESS, "phone": PHONE,
    });
    let rental = made("/purifier/rentals", rental);
    let ebook = made("/ebook/books", json!({ "bookName": "a", "rentalFee": 3000 }));
    let lent = json!({ "userId": NUMBER, "bookId": ebook, "bookName": "a", "rentalFee": 3000, "phone": PHONE });
    let lent = made("/ebook/rents", lent);
    let ticket = json!({ "ticketId": 1, "status": "예약가능", "starttime": DAY, "endtime": DAY });
    let ticket = made("/ticketing/tickets", ticket);
    let reservation = json!({ "ticketId": ticket, "userId": NAME, "userGrade": "VIP" });
    let reservation = made("/ticketing/reservations", reservation);
    let bike =
        made("/gbike/bikes", json!({ "bikeid": 501, "status": "사용가능", "location": PLACE }));
    let account = made("/gbike/userDeposits", json!({ "userid": NUMBER, "deposit": 10_000 }));
    assert_eq!(account, NUMBER);
    let ride = made("/gbike/rents", json!({ "userid": NUMBER, "bikeid": bike }));
    let left = json!({ "endlocation": PLACE });
    server.patch(&format!("/gbike/rents/{ride}"), left).is(200);
    let personal = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    vec![
        (format!("/admin/sagas/bookrent/{rent}"), personal(&[ADDRESS, &number])),
        (format!("/admin/sagas/purifier/{rental}"), personal(&[ADDRESS, PHONE, &number])),
        (format!("/admin/sagas/ebook/{lent}"), personal(&[PHONE, &number])),
        (format!("/admin/sagas/ticketing/{reservation}"), personal(&[NAME])),
        (format!("/admin/sagas/gbike/{ride}"), personal(&[PLACE, &number])),
    ]
}

#[test]
fn operators_see_no_personal_value_in_any_answer_of_administration_and_admins_see_all() {
    let server = Server::over(&[], TempDir::new().unwrap());
    let callers = Callers::of(&server);
    let sagas = order_everything(&server);
    for (path, values) in &sagas {
        eventually("the saga shows what it is about", || {
            let shown = callers.get(path, "admin").is(200).text;
            values.iter().all(|value| shown.contains(value)).then_some(())
        });
        let masked = callers.get(path, "operator").is(200);
        let all = callers.get(path, "admin").is(200);
        assert!(masked.text.contains("\"***\""), "{path}: {}", masked.text);
        for value in values {
            assert!(!masked.text.contains(value), "{value} in {path}: {}", masked.text);
        }
        let count = |answer: &Answer| answer.body["entries"].as_array().map(Vec::len);
        assert_eq!(count(&masked), count(&all), "{path}");
    }
    let staff = callers.token("staff");
    let book = server.post("/bookrent/books", json!({ "title": "b" })).is(201).id();
    let rent = json!({ "bookId": book, "userId": NUMBER, "address": ADDRESS });
    let rent =
        server.call("POST", "/bookrent/rents", |request| request.bearer_auth(&staff).json(&rent));
    rent.is(201);
    let audit = |whom: &str| callers.get("/admin/audit", whom).is(200).text;
    let whose = format!("\"owner\":\"{NUMBER}\"");
    assert!(audit("admin").contains(&whose), "{}", audit("admin"));
    let masked = audit("operator");
    assert!(masked.contains("\"owner\":\"***\"") && !masked.contains(&whose), "{masked}");
    let others =
        ["/admin/contexts", "/admin/parked", "/admin/audit", "/actuator/health", "/metrics"];
    let paths = sagas.iter().map(|(path, _)| path.as_str()).chain(others);
    for path in paths {
        let shown = callers.get(path, "operator").is(200).text;
        for value in [ADDRESS, PHONE, PLACE, NAME] {
            assert!(!shown.contains(value), "{path} shows {value}: {shown}");
        }
    }
}

#[test]
fn who_has_a_book_is_for_its_reader_and_staff() {
    let server = Server::of("ebook", "", &[]);
    let callers = Callers::of(&server);
    let book = server.post("/books", json!({ "bookName": "a", "rentalFee": 3000 })).is(201).id();
    let rent = json!({ "userId": 7, "bookId": book, "bookName": "a", "rentalFee": 3000 });
    let rent = server.post("/rents", rent).is(201).id();
    let path = format!("/books/{book}");
    server.shows(&path, json!({ "rentId": rent, "userId": 7 }));
    let full = server.get(&path).is(200);
    for whom in ["customer/7", "staff", "admin"] {
        let shown = callers.get(&path, whom).is(200);
        assert_eq!(shown.body, full.body, "{whom}");
        assert_eq!(shown.header("etag"), full.header("etag"), "{whom}");
    }
    for whom in ["customer/8", "operator", "auditor"] {
        let shown = callers.get(&path, whom).is(200);
        let mut expected = full.body.clone();
        for field in ["rentId", "userId", "approvedDate"] {
            expected[field] = Value::Null;
        }
        assert_eq!(shown.body, expected, "{whom}");
        let (tag, other) = (shown.header("etag").to_owned(), full.header("etag").to_owned());
        assert_ne!(tag, other, "{whom}");
        assert!(shown.header("vary").contains("Authorization"), "{whom}");
        let again = |tag: &str| callers.get_unless(&path, whom, tag);
        assert_eq!(again(&tag).status, 304);
        assert_eq!(again(&other).is(200).body, expected);
        let listed = callers.get("/books?status=PAID", whom).is(200);
        assert_eq!(listed.body["_embedded"]["books"][0]["userId"], Value::Null, "{whom}");
        for (query, code) in [
            ("userId=7", "bad-filter"),
            ("rentId=1", "bad-filter"),
            ("sort=userId", "sort-unsupported"),
            ("nothing=7", "bad-filter"),
        ] {
            callers.get(&format!("/books?{query}"), whom).refuses(400, code);
        }
        // Nor with the place where a list of staff goes on.
        server.post("/books", json!({ "bookName": "b", "rentalFee": 1 })).is(201);
        let staffs = callers.get("/books?sort=userId&size=1", "staff").is(200);
        let next = staffs.body["_links"]["next"]["href"].as_str().unwrap().to_owned();
        let cursor = &next[next.find("/books").unwrap()..];
        callers.get(cursor, "staff").is(200);
        callers.get(cursor, whom).refuses(400, "bad-cursor");
    }
    let listed = callers.get("/books?userId=7", "staff").is(200);
    assert_eq!(listed.body["page"]["totalElements"], 1);
}

#[test]
fn who_has_a_ticket_is_for_its_holder_and_staff() {
    let server = Server::of("ticketing", "", &[]);
    let callers = Callers::of(&server);
    let ticket = json!({ "ticketId": 1, "status": "예약가능", "starttime": DAY, "endtime": DAY });
    let ticket = server.post("/tickets", ticket).is(201).id();
    let reservation = json!({ "ticketId": ticket, "userId": "A", "userGrade": "VIP" });
    let reservation = server.post("/reservations", reservation).is(201).id();
    let path = format!("/views/{ticket}");
    server.shows(&path, json!({ "reservationId": reservation, "userId": "A", "userGrade": "VIP" }));
    let full = server.get(&path).is(200);
    assert_eq!(callers.get(&path, "customer/A").is(200).body, full.body);
    let reduced = callers.get(&path, "customer/B").is(200).body;
    let mut expected = full.body.clone();
    for field in ["reservationId", "userId", "userGrade"] {
        expected[field] = Value::Null;
    }
    assert_eq!(reduced, expected);
    assert_ne!(reduced["reservationStatus"], Value::Null);
    callers.get("/views?userId=A", "customer/B").refuses(400, "bad-filter");
}

#[test]
fn a_customer_lists_own_things_by_own_totals_and_no_cache_keeps_them() {
    let server = Server::of("bookrent", "", &[]);
    let callers = Callers::of(&server);
    for user in [7, 8, 7, 9, 7] {
        let book = server.register_book("a");
        server.rent(book, user).is(201);
    }
    let listed = |query: &str, whom: &str| {
        let page = callers.get(&format!("/rents{query}"), whom).is(200);
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(page.header("vary").contains("Authorization"));
        page.body
    };
    let numbers = |page: &Value| -> Vec<u64> {
        let rents = page["_embedded"]["rents"].as_array().unwrap();
        rents.iter().map(|rent| rent["id"].as_u64().unwrap()).collect()
    };
    let own = listed("", "customer/7");
    assert_eq!((numbers(&own), &own["page"]["totalElements"]), (vec![1, 3, 5], &json!(3)));
    let sorted = listed("?sort=bookId,desc", "customer/7");
    assert_eq!(numbers(&sorted), [5, 3, 1]);
    let others = listed("?userId=8", "customer/7");
    assert_eq!((numbers(&others), &others["page"]["totalElements"]), (vec![], &json!(0)));
    assert_eq!(numbers(&listed("?bookId=3", "customer/7")), [3]);
    assert_eq!(numbers(&listed("", "staff")), [1, 2, 3, 4, 5]);
    assert_eq!(numbers(&listed("", "customer/10")), Vec::<u64>::new());
    // The place where the list of one customer goes on is none in that of another.
    let first = listed("?size=1", "customer/7");
    let next = first["_links"]["next"]["href"].as_str().unwrap().to_owned();
    let query = &next[next.find('?').unwrap()..];
    assert_eq!(numbers(&listed(query, "customer/7")), [3]);
    assert_eq!(numbers(&listed(query, "customer/8")), [2]);
    assert_eq!(listed(query, "customer/8")["page"]["totalElements"], 1);
    let item = callers.get("/rents/1", "customer/7").is(200);
    assert_eq!(item.header("cache-control"), "no-store");
    assert!(!item.header("etag").is_empty());
    // Who shows nothing while authentication is open sees what all see.
    for path in ["/rents", "/rents/1"] {
        let open = server.get(path).is(200);
        assert_eq!(open.header("cache-control"), "no-cache");
        assert!(!open.header("vary").contains("Authorization"));
    }
}

#[test]
fn the_log_has_telephones_and_texts_only_while_authentication_is_open() {
    let key = TokenKey::generate("ES256", "one");
    let issuer = TestIssuer::start(&[&key]);
    let staff = key.sign(&issuer.claims("kim", &["staff"]));
    for (config, token) in [(String::new(), None), (issuer.section(), Some(&staff))] {
        let server = Server::of("purifier", &config, &[]);
        let post = |path: &str, body: Value| {
            server.call("POST", path, |request| {
                let request = request.json(&body);
                if let Some(token) = token { request.bearer_auth(token) } else { request }
            })
        };
        let product = json!({ "name": "a", "amt": 30_000, "stock": 1 });
        let product = post("/products", product).is(201).id();
        let rental = json!({
            "customerId": 7, "productId": product, "amt": 30_000, "address": ADDRESS, "phone": PHONE,
        });
        post("/rentals", rental).is(201);
        let line = eventually("a text message is in the log", || {
            let said = server.said();
            said.lines().find(|line| line.contains("text message")).map(str::to_owned)
        });
        assert_eq!(line.contains(PHONE), token.is_none(), "{line}");
        assert_eq!(server.said().contains(PHONE), token.is_none());
        assert!(!server.said().contains(ADDRESS));
    }
}
