//! What pages answer to a client without a browser.

use serde_json::json;
use support::{Answer, Server};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// The media type of forms.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// Fields as browsers send them.
pub fn form_of(fields: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("form:").unwrap();
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap().to_owned()
}

#[test]
fn browsers_are_led_to_the_pages_and_clients_get_the_links_as_before() {
    let server = Server::of("bookrent", "", &[]);
    let links = server.get("/").is(200);
    assert_eq!(links.header("content-type"), "application/hal+json");
    let page = server.call("GET", "/", |request| request.header("Accept", BROWSER)).is(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'self'"));
    assert!(page.text.contains("<html lang=\"en\">"), "{}", page.text);
}

/// The names of what may be commanded of a thing now.
fn offered(server: &Server, path: &str, acting_as: &str) -> Vec<String> {
    let answer = server.call("GET", path, |request| {
        request
            .header("Accept", "application/prs.hal-forms+json")
            .header("X-Holdfast-As", acting_as)
    });
    let answer = answer.is(200);
    assert_eq!(answer.header("content-type"), "application/prs.hal-forms+json");
    answer["_templates"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn a_thing_says_what_may_be_commanded_of_it_now_and_by_whom() {
    let server = Server::of("ebook", "", &[]);
    server.post("/books", json!({ "bookName": "Hello, JAVA", "rentalFee": 3000 })).is(201);
    assert_eq!(offered(&server, "/books/1", "staff"), ["correct", "withdraw"]);
    assert_eq!(offered(&server, "/books/1", "customer/1"), Vec::<String>::new());
    server.post("/rents", json!({ "userId": 1, "bookId": 1, "rentalFee": 3000 })).is(201);
    server.shows("/books/1", json!({ "status": "PAID" }));
    let held = offered(&server, "/books/1", "staff");
    assert!(
        held.contains(&"approve".to_owned()) && held.contains(&"reject".to_owned()),
        "{held:?}"
    );
    assert_eq!(offered(&server, "/rents/1", "customer/1"), ["CANCELED"]);
    // What is offered can be sent as it is offered.
    let answer = server.call("GET", "/rents/1", |request| {
        request.header("Accept", "application/prs.hal-forms+json")
    });
    let template = &answer.body["_templates"]["CANCELED"];
    let field = &template["properties"][0];
    let body = json!({ field["name"].as_str().unwrap(): field["value"] });
    server.patch("/rents/1", body).is(200).has("status", "CANCELED");
    assert_eq!(offered(&server, "/rents/1", "customer/1"), Vec::<String>::new());
}

/// Sends a form as a browser does, as that visitor, and follows where it leads.
#[track_caller]
fn send_form(server: &Server, path: &str, acting_as: &str, fields: &[(&str, &str)]) -> Answer {
    let cookie = format!("holdfast-acting-as={acting_as}");
    server.call("POST", path, |request| {
        request
            .header("Cookie", cookie)
            .header("Sec-Fetch-Site", "same-origin")
            .header("Content-Type", FORM)
            .body(form_of(fields))
    })
}

/// What stands in the field `name` of a page.
#[track_caller]
fn entered<'a>(page: &'a Answer, name: &str) -> &'a str {
    let field = page.text.split(&format!("name=\"{name}\" value=\"")).nth(1);
    field.unwrap_or_else(|| panic!("no {name}: {}", page.text)).split('"').next().unwrap()
}

#[test]
fn times_are_entered_in_the_zone_and_a_form_that_is_saved_as_it_is_changes_nothing() {
    let server = Server::of("ticketing", "", &["--clock", "2021-06-28T12:00:00+09:00"]);
    let new = [
        ("f.ticketId", "2"),
        ("f.starttime", "2021-12-25T19:00"),
        ("f.endtime", "2021-12-25T21:00"),
    ];
    send_form(&server, "/pages/ticketing/tickets/new", "staff", &new).is(200);
    let times = json!({ "starttime": "2021-12-25T10:00:00Z", "endtime": "2021-12-25T12:00:00Z" });
    server.shows("/tickets/2", times);
    let day = json!({ "ticketId": 3, "starttime": "2021-12-25", "endtime": "2021-12-25" });
    server.post("/tickets", day).is(201);
    for number in [2, 3] {
        let item = format!("/tickets/{number}");
        let page = format!("/pages/ticketing{item}");
        let before = server.get(&item).is(200);
        let form = server
            .call("GET", &page, |request| request.header("Cookie", "holdfast-acting-as=staff"));
        let form = form.is(200);
        assert!(form.text.contains("type=\"datetime-local\""), "{}", form.text);
        let correct = [
            ("_do", "correct"),
            ("_tag", before.header("etag")),
            ("f.status", "예약가능"),
            ("f.starttime", entered(&form, "f.starttime")),
            ("f.endtime", entered(&form, "f.endtime")),
        ];
        let saved = send_form(&server, &page, "staff", &correct).is(200);
        assert!(saved.text.contains("Saved."), "{}", saved.text);
        let after = server.get(&item).is(200);
        assert_eq!((&after.text, after.header("etag")), (&before.text, before.header("etag")));
    }
    let later = [("_do", "correct"), ("f.endtime", "2021-12-25T22:30")];
    send_form(&server, "/pages/ticketing/tickets/2", "staff", &later).is(200);
    let times = json!({ "starttime": "2021-12-25T10:00:00Z", "endtime": "2021-12-25T13:30:00Z" });
    server.shows("/tickets/2", times);
}

#[test]
fn a_show_at_seven_in_the_evening_is_booked() {
    let server = Server::of("movie", "", &[]);
    let order = [
        ("f.qty", "1"),
        ("f.movieName", "soul"),
        ("f.seat", "1A"),
        ("f.totalPrice", "5000"),
        ("f.showtime", "2099-12-25T19:00"),
    ];
    send_form(&server, "/pages/movie/books/new", "customer%2F7", &order).is(200);
    server.shows("/books/1", json!({ "showtime": "2099-12-25T10:00:00Z" }));
}

#[test]
fn a_way_back_that_is_no_page_leads_to_the_first_one() {
    let server = Server::of("bookrent", "", &[]);
    for path in ["/pages/language", "/pages/who"] {
        for back in ["/pages/\u{1}", "/pages/\u{7f}", "/pages/a\r\nb", "/pages/\\a", "//elsewhere"]
        {
            let fields = [("language", "en"), ("role", "staff"), ("back", back)];
            let page = send_form(&server, path, "staff", &fields).is(200);
            assert!(page.text.contains("Books"), "{back:?}: {}", page.text);
        }
    }
    // A page says where it is in a form that browsers can be led to.
    let missing = server.get("/pages/%01/%EA%B0%80").is(404);
    assert_eq!(entered(&missing, "back"), "/pages/%01/%EA%B0%80");
}

#[test]
fn a_form_whose_key_version_or_customer_cannot_be_sent_is_refused_and_does_nothing() {
    let server = Server::of("bookrent", "", &[]);
    server.post("/books", json!({ "title": "The Hobbit" })).is(201);
    let order = [("f.bookId", "1"), ("f.userId", "7"), ("f.address", "1 Bag End")];
    let correct = [("_do", "correct"), ("f.title", "There and Back Again")];
    for damaged in
        [("_customer", "7\u{1}"), ("_key", "a\u{7f}b"), ("_tag", "a\nb"), ("_token", "\0")]
    {
        for (path, fields) in
            [("/pages/bookrent/rents/new", &order[..]), ("/pages/bookrent/books/1", &correct[..])]
        {
            let fields = [fields, &[damaged]].concat();
            let page = send_form(&server, path, "staff", &fields).is(400);
            assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
            assert!(page.text.contains("characters that cannot be sent"), "{}", page.text);
        }
    }
    assert_eq!(server.get("/rents").is(200)["page"]["totalElements"], 0);
    server.shows("/books/1", json!({ "title": "The Hobbit", "status": true }));
}

/// A page as that visitor sees it.
#[track_caller]
fn visit(server: &Server, path: &str, acting_as: &str, language: &str) -> Answer {
    let answer = server.call("GET", path, |request| {
        request
            .header("Cookie", format!("holdfast-acting-as={acting_as}"))
            .header("Accept-Language", language.to_owned())
    });
    answer.is(200)
}

#[test]
fn a_customer_gets_from_a_booking_to_its_ticket_and_prints_it() {
    let server = Server::of("movie", "", &[]);
    let customer = "customer%2F7";
    let order =
        [("f.qty", "1"), ("f.movieName", "soul"), ("f.seat", "1A"), ("f.totalPrice", "5000")];
    send_form(&server, "/pages/movie/books/new", customer, &order).is(200);
    server.shows("/tickets/1", json!({ "status": "Waiting" }));
    let booking = visit(&server, "/pages/movie/books/1", customer, "en");
    let ticket = "/pages/movie/tickets/1";
    assert!(booking.text.contains(&format!("<a href=\"{ticket}\">")), "{}", booking.text);
    assert!(visit(&server, ticket, customer, "en").text.contains("Print the ticket"));
    send_form(&server, ticket, customer, &[("_do", "Printed")]).is(200);
    server.shows("/tickets/1", json!({ "status": "Printed" }));
}

#[test]
fn where_nothing_is_free_nothing_can_be_ordered() {
    let server = Server::of("bookrent", "", &[]);
    let form = "/pages/bookrent/rents/new";
    let customer = "customer%2F7";
    for is_free in [false, true, false] {
        for (language, text, button) in [
            ("en", "Nothing is free now", "Order now"),
            ("ko", "지금은 남은 것이 없습니다", "신청하기"),
        ] {
            let page = visit(&server, form, customer, language);
            let says = |text: &str| page.text.contains(text);
            assert_eq!((says(text), says(button)), (!is_free, is_free), "{}", page.text);
        }
        if is_free {
            server.rent(1, 8).is(201);
            server.shows("/books/1", json!({ "status": false }));
        } else if server.get("/books").is(200)["page"]["totalElements"] == 0 {
            server.post("/books", json!({ "title": "The Hobbit" })).is(201);
        }
    }
}

#[test]
fn the_address_of_a_business_leads_to_what_it_offers() {
    for (system, heading) in [("bookrent", "<h1>Books</h1>"), ("movie", "<h1>My page</h1>")] {
        let server = Server::of(system, "", &[]);
        for end in ["", "/"] {
            let page = visit(&server, &format!("/pages/{system}{end}"), "customer%2F7", "en");
            assert!(page.text.contains(heading), "{}", page.text);
        }
        server.get("/pages/elsewhere").is(404);
    }
}

#[test]
fn what_is_refused_is_shown_again_as_it_was_entered_with_the_error_at_its_field() {
    let server = Server::of("movie", "", &[]);
    let order = [("f.qty", "two"), ("f.movieName", "soul"), ("f.seat", "1A")];
    let page = send_form(&server, "/pages/movie/books/new", "customer%2F7", &order).is(400);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!((entered(&page, "f.qty"), entered(&page, "f.movieName")), ("two", "soul"));
    let fields = page.text.split("<div class=\"field");
    let wrong: Vec<&str> = fields.filter(|field| field.starts_with(" wrong")).collect();
    assert!(
        wrong[0].contains("name=\"f.qty\"") && wrong[0].contains("<p class=\"error\""),
        "{wrong:?}"
    );
    assert!(wrong[0].contains("aria-invalid=\"true\""), "{wrong:?}");
    assert_eq!(server.get("/books").is(200)["page"]["totalElements"], 0);
}

#[test]
fn a_deposit_is_paid_in_and_what_is_shown_is_called_by_its_label() {
    let server = Server::of("gbike", "", &[]);
    for (language, button) in [("en", "Pay in"), ("ko", "입금")] {
        for page in ["mine", "userDeposits", "userDeposits/new"] {
            let page = visit(&server, &format!("/pages/gbike/{page}"), "customer%2F1", language);
            assert!(page.text.contains(button), "{}", page.text);
            assert!(
                !page.text.contains("New order") && !page.text.contains("새 주문"),
                "{}",
                page.text
            );
        }
    }
    let views = visit(&server, "/pages/gbike/rentAndBillingViews", "staff", "ko");
    assert!(views.text.contains("<h1>진행 현황</h1>"), "{}", views.text);
    let bike = json!({ "bikeid": 1, "location": "Bundang" });
    server.post("/bikes", bike).is(201);
    let form = visit(&server, "/pages/gbike/bikes/1", "staff", "ko");
    assert!(form.text.contains("<small>(선택)</small>"), "{}", form.text);
}

#[test]
fn a_form_that_no_page_of_this_server_has_sent_is_refused() {
    let server = Server::of("bookrent", "", &[]);
    let send = |site: &str| {
        server.call("POST", "/pages/bookrent/books/new", |request| {
            request
                .header("Sec-Fetch-Site", site)
                .header("Content-Type", FORM)
                .body(form_of(&[("f.title", "forged")]))
        })
    };
    send("cross-site").refuses(403, "origin-refused");
    send("same-site").refuses(403, "origin-refused");
    assert_eq!(server.get("/books").is(200)["page"]["totalElements"], 0);
    send("same-origin").is(200);
    assert_eq!(server.get("/books").is(200)["page"]["totalElements"], 1);
}
