//! What staff does, by clicking alone.

use crate::browser::{Browser, with_browser};
use serde_json::json;
use support::Server;

#[track_caller]
fn act_as_staff(browser: &Browser, server: &Server) {
    browser.open(&format!("{}/pages/who", server.url()));
    browser.click_text("Staff");
    browser.says("Waiting for staff");
}

#[test]
fn staff_registers_a_book_and_approves_one_request_and_rejects_the_next() {
    let server = Server::of("ebook", "", &[]);
    let request = |user: u64| {
        server.post("/rents", json!({ "userId": user, "bookId": 1, "rentalFee": 3000 })).is(201);
        server.shows("/books/1", json!({ "status": "PAID" }));
    };
    with_browser(|browser| {
        act_as_staff(browser, &server);
        browser.open(server.url());
        browser.says("Nothing here");
        browser.click_text("Register");
        browser.enter("f.bookName", "Hello, JAVA");
        browser.enter("f.rentalFee", "3000");
        browser.click("main form .button");
        browser.says("Registered.");
        browser.says("₩3,000");
        request(1);
        browser.click_text("Waiting for staff");
        browser.says("Hello, JAVA");
        browser.click("main form .button");
        browser.says("Nothing waits for you");
        server.shows("/rents/1", json!({ "status": "APPROVED" }));
        server.call("PATCH", "/rents/return/1", |request| request).is(200);
        server.shows("/books/1", json!({ "status": "POSSIBLE" }));
        request(2);
        browser.says("Hello, JAVA");
        browser.click_text("Reject Hello, JAVA");
        browser.says("Nothing waits for you");
        server.shows("/rents/2", json!({ "status": "CANCELED" }));
        browser.click_text("All orders");
        browser.says("Returned");
        browser.says("Cancelled");
        browser.open(&format!("{}/pages/ebook/rents/2", server.url()));
        browser.says("Refunded");
    });
}

#[test]
fn what_has_changed_meanwhile_is_not_overwritten() {
    let server = Server::of("bookrent", "", &[]);
    server.post("/books", json!({ "title": "The Hobit" })).is(201);
    with_browser(|browser| {
        act_as_admin(browser, &server);
        browser.run_scripts(false);
        browser.open(&format!("{}/pages/bookrent/books/1", server.url()));
        browser.enter("f.title", "The Hobbit");
        server.patch("/books/1", json!({ "title": "There and Back Again" })).is(200);
        browser.click_text("Save");
        browser.says("It has changed meanwhile");
        browser.open(&format!("{}/pages/bookrent/books/1", server.url()));
        browser.run_scripts(true);
        browser.says("There and Back Again");
        browser.enter("f.title", "The Hobbit");
        browser.click_text("Save");
        browser.says("Saved.");
        browser.click_text("Withdraw");
        browser.says("Withdrawn");
        browser.click_text("Offer again");
        browser.says("Available");
    });
    server.shows("/books/1", json!({ "title": "The Hobbit" }));
}

#[track_caller]
fn act_as_admin(browser: &Browser, server: &Server) {
    browser.open(&format!("{}/pages/who", server.url()));
    browser.click_text("Administrator");
    browser.says("Console");
}

#[test]
fn staff_orders_for_a_customer_who_then_has_the_order() {
    let server = Server::of("purifier", "", &[]);
    server.post("/products", json!({ "name": "Clear", "amt": 20000, "stock": 1 })).is(201);
    with_browser(|browser| {
        act_as_admin(browser, &server);
        browser.open(&format!("{}/pages/purifier/rentals/new?productId=1", server.url()));
        browser.enter("f.customerId", "42");
        browser.enter("f.address", "Seoul");
        browser.click_text("Order now");
        browser.says("Your order is in.");
        browser.says("Delivery started");
        crate::customers::act_as(browser, &server, "42");
        browser.open(&format!("{}/pages/purifier/mine", server.url()));
        browser.says("Seoul");
        browser.says("₩20,000");
    });
}
