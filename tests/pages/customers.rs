//! What customers do, by clicking alone.

use crate::{
    browser::{Browser, with_browser},
    plain::{FORM, form_of},
};
use serde_json::json;
use support::Server;

/// Acts as that customer from now on.
#[track_caller]
pub fn act_as(browser: &Browser, server: &Server, customer: &str) {
    browser.open(&format!("{}/pages/who", server.url()));
    browser.enter("customer", customer);
    browser.click_text("Go on as this customer");
    browser.says(&format!("Customer {customer}"));
}

#[test]
fn a_customer_rents_a_book_sees_it_delivered_and_gives_it_back() {
    let server = Server::of("bookrent", "", &[]);
    server.post("/books", json!({ "title": "The Hobbit" })).is(201);
    with_browser(|browser| {
        act_as(browser, &server, "7");
        browser.open(server.url());
        browser.says("The Hobbit");
        browser.says("Available");
        browser.click("main .card .button");
        browser.says("The Hobbit");
        browser.enter("f.address", "1 Bag End");
        browser.click_text("Order now");
        browser.says("Your order is in.");
        browser.says("Rented");
        browser.says("Delivery started");
        browser.click_text("My page");
        browser.says("1 Bag End");
        browser.click("main .card h3 a");
        browser.click_text("Cancel the rent");
        browser.says("Delivery cancelled");
        browser.click_text("Receipt");
        browser.says("1 Bag End");
    });
    server.shows("/rents/1", json!({ "status": "Cancel", "userId": 7 }));
    server.shows("/books/1", json!({ "status": true }));
}

#[test]
fn of_two_customers_who_want_the_last_book_one_gets_it_and_the_other_a_reason() {
    let server = Server::of("bookrent", "", &[]);
    server.post("/books", json!({ "title": "The Hobbit" })).is(201);
    with_browser(|browser| {
        act_as(browser, &server, "7");
        browser.open(&format!("{}/pages/bookrent/rents/new?bookId=1", server.url()));
        // Meanwhile the other one has it.
        server.post("/rents", json!({ "bookId": 1, "userId": 8, "address": "elsewhere" })).is(201);
        browser.enter("f.address", "1 Bag End");
        browser.click_text("Order now");
        browser.says("It did not work out");
        browser.says("the book is out");
        browser.open(server.url());
        browser.says("On loan");
        assert_eq!(browser.find("main .card .button").len(), 0, "it cannot be ordered");
        // What is another's is not shown.
        browser.open(&format!("{}/pages/bookrent/rents/1", server.url()));
        browser.says("There is nothing here");
    });
}

#[test]
fn pressed_twice_it_is_one_order() {
    let server = Server::of("movie", "", &[]);
    let form = server.call("GET", "/pages/movie/books/new", |request| {
        request.header("Cookie", "holdfast-acting-as=customer%2F7")
    });
    let key = form.is(200).text;
    let key = key.split("name=\"_key\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = [
        ("_key", key),
        ("f.qty", "2"),
        ("f.movieName", "soul"),
        ("f.seat", "1A,2B"),
        ("f.totalPrice", "10000"),
    ];
    let press = || {
        server.call("POST", "/pages/movie/books/new", |request| {
            let request = request.header("Cookie", "holdfast-acting-as=customer%2F7");
            request
                .header("Sec-Fetch-Site", "same-origin")
                .header("Content-Type", FORM)
                .body(form_of(&fields))
        })
    };
    // Both lead to the same order.
    assert!(press().is(200).text.contains("Booking 1"));
    assert!(press().is(200).text.contains("Booking 1"));
    assert_eq!(server.get("/books").is(200)["page"]["totalElements"], 1);
    with_browser(|browser| {
        act_as(browser, &server, "8");
        browser.open(&format!("{}/pages/movie/books/new", server.url()));
        browser.enter("f.qty", "1");
        browser.enter("f.movieName", "soul");
        browser.enter("f.seat", "3C");
        browser.enter("f.totalPrice", "5000");
        browser.script("const form = document.querySelector('main form'); form.requestSubmit(); form.requestSubmit();", &[]);
        browser.says("Your order is in.");
        browser.says("₩5,000");
    });
    assert_eq!(server.get("/books").is(200)["page"]["totalElements"], 2);
}

#[test]
fn what_is_wrong_stands_at_its_field_and_in_the_language_of_the_page() {
    let server = Server::of("gbike", "", &[]);
    server.post("/bikes", json!({ "bikeid": 1, "status": "사용가능", "location": "분당" })).is(201);
    with_browser(|browser| {
        act_as(browser, &server, "1");
        browser.open(&format!("{}/pages/gbike/userDeposits/new", server.url()));
        browser.enter("f.deposit", "lots");
        browser.click("main form button");
        let error = "return document.querySelector('.field.wrong .error').textContent";
        browser.says("Please check what you entered.");
        assert!(browser.script(error, &[]).as_str().unwrap().contains("`lots`"));
        browser.click("button[name=language][value=ko]");
        browser.says("예치금");
        browser.enter("f.deposit", "lots");
        browser.click("main form button");
        browser.says("입력한 내용을 확인해 주세요.");
        browser.enter("f.deposit", "100000");
        browser.click("main form button");
        browser.says("100,000원");
        browser.open(server.url());
        browser.says("이용 가능");
        browser.click_text("신청 분당");
        browser.click_text("신청하기");
        browser.says("이용 중");
        browser.enter("f.endlocation", "정자역");
        browser.click("main form.stack button");
        browser.says("반납됨");
        browser.says("정산 완료");
    });
}

#[test]
fn without_scripts_and_with_the_keyboard_alone_everything_works() {
    let server = Server::of("ticketing", "", &["--clock", "2021-06-28T12:00:00+09:00"]);
    let ticket = json!({ "ticketId": 1, "status": "예약가능", "starttime": "2021-07-06", "endtime": "2021-07-06" });
    server.post("/tickets", ticket).is(201);
    with_browser(|browser| {
        act_as(browser, &server, "A");
        browser.run_scripts(false);
        browser.open(server.url());
        browser.says("Available");
        let tab = "\u{e004}";
        let enter = "\u{e007}";
        let focused =
            "const at = document.activeElement; return (at.textContent || at.value || '').trim()";
        // The first stop leads past the head of the page.
        browser.key(tab);
        browser.run_scripts(true);
        assert_eq!(browser.script(focused, &[]), "Skip to the content");
        browser.run_scripts(false);
        browser.key(enter);
        let reach = |wanted: &str| {
            for _ in 0..40 {
                browser.key(tab);
                browser.run_scripts(true);
                let at = browser.script(focused, &[]);
                browser.run_scripts(false);
                if at.as_str().is_some_and(|at| at.starts_with(wanted)) {
                    return browser.key(enter);
                }
            }
            panic!("`{wanted}` is not reached: {}", browser.text());
        };
        reach("Order");
        browser.says("Order now");
        reach("Order now");
        browser.says("Your order is in.");
        browser.says("Reserved");
        browser.run_scripts(true);
    });
    server.shows("/reservations/1", json!({ "status": "RESERVED", "userId": "A" }));
}

#[test]
fn an_order_that_changes_elsewhere_changes_on_the_page_by_itself() {
    let server = Server::of("ebook", "", &[]);
    server.post("/books", json!({ "bookName": "Hello, JAVA", "rentalFee": 3000 })).is(201);
    with_browser(|browser| {
        act_as(browser, &server, "1");
        browser.open(&format!("{}/pages/ebook/rents/new?bookId=1", server.url()));
        browser.says("₩3,000");
        browser.click_text("Order now");
        browser.says("Awaiting approval");
        server.shows("/books/1", json!({ "status": "PAID" }));
        server.call("PATCH", "/books/approve/1", |request| request).is(200);
        browser.says("On loan");
        browser.click_text("Return the book");
        browser.says("Returned");
    });
}
