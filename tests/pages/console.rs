//! What operators do, by clicking alone: a context is stopped and started, and what is stuck is mended.

use crate::browser::{Browser, with_browser};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering::SeqCst},
    },
    thread,
};
use support::{Server, eventually};

#[track_caller]
fn act_as_operator(browser: &Browser, server: &Server) {
    browser.open(&format!("{}/pages/who", server.url()));
    browser.click_text("Operator");
    browser.click_text("Console");
    browser.says("Contexts");
}

#[test]
fn a_context_is_stopped_and_started_and_the_order_that_waits_for_it_is_found() {
    let server = Server::start(&[]);
    server.register_book("title01");
    with_browser(|browser| {
        browser.run_scripts(false);
        act_as_operator(browser, &server);
        browser.click_text("Stop bookrent.delivery");
        browser.says("stopped");
        server.get("/deliveries").problem(503);
        server.rent(1, 7).has("status", "Rent");
        browser.click_text("Orders under way");
        browser.says("bookrent.delivery is stopped");
        browser.choose("context", "bookrent.book");
        browser.click("main form .button");
        browser.says("Nothing here");
        browser.open(&format!("{}/pages/console/sagas/bookrent.rent/1", server.url()));
        browser.says("Still to be done");
        browser.says("Book rented");
        browser.click_text("Contexts");
        browser.click_text("Start bookrent.delivery");
        browser.says("Done.");
        server.get("/deliveries").is(200);
        server.shows("/deliveries/1", json!({ "rentId": 1 }));
        browser.click_text("Nodes");
        browser.says("this node");
        browser.click_text("Outbox and health");
        browser.says("up");
    });
}

/// A gateway of text messages that answers with what is set.
fn gateway() -> (u16, Arc<AtomicU16>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let status = Arc::new(AtomicU16::new(410));
    let answer = status.clone();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let mut length = 0;
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                let lower = line.to_ascii_lowercase();
                let given = lower.strip_prefix("content-length:").map(str::trim);
                length = given.and_then(|given| given.parse().ok()).unwrap_or(length);
                line.clear();
            }
            let mut body = vec![0; length];
            let _ = reader.read_exact(&mut body);
            let status = answer.load(SeqCst);
            let head =
                format!("HTTP/1.1 {status} -\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = reader.get_mut().write_all(head.as_bytes());
        }
    });
    (port, status)
}

fn stuck(server: &Server) -> Vec<Value> {
    let page = server.get("/admin/sagas?state=stuck&limit=1000").is(200);
    page["sagas"].as_array().unwrap().clone()
}

#[test]
fn fifty_stuck_orders_are_redriven_from_the_page_after_a_preview() {
    let (port, status) = gateway();
    let toml = format!(
        "[messages]\ngateway = \"webhook\"\nurl = \"http://127.0.0.1:{port}/\"\nsecret = \"c2VjcmV0\"\n\
         [sagas]\nredrive_per_second = 200\n"
    );
    let server = Server::of("purifier", &toml, &[]);
    let product = json!({ "name": "P1", "amt": 30000, "stock": 100 });
    server.post("/products", product).is(201);
    for customer in 1..=50 {
        let rental = json!({
            "customerId": customer, "productId": 1, "amt": 30000, "address": "Seoul", "phone": format!("010-{customer}"),
        });
        server.post("/rentals", rental).is(201);
    }
    // Each has two messages, that it is taken and that it is on its way.
    eventually("all are stuck", || (stuck(&server).len() == 100).then_some(()));
    status.store(200, SeqCst);
    with_browser(|browser| {
        act_as_operator(browser, &server);
        browser.says("Some orders are stuck.");
        browser.click_text("Set aside");
        browser.says("410");
        browser.click_text("Try all of these again");
        browser.says("100 would be tried again.");
        assert_eq!(stuck(&server).len(), 100, "the preview touches nothing");
        browser.click_text("Try all of these again");
        // The page follows its job by itself.
        browser.says("done");
        assert!(browser.url().contains("/pages/console/jobs/"), "{}", browser.url());
        eventually("none is stuck", || stuck(&server).is_empty().then_some(()));
        browser.click_text("Set aside");
        browser.says("Nothing is set aside");
        browser.click_text("한국어");
        browser.says("보류된 것이 없습니다");
    });
}
