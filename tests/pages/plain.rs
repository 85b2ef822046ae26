//! What pages answer to a client without a browser.

use serde_json::json;
use support::Server;

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
