//! Pictures of pages for the documents. `HOLDFAST_PICTURES=write` makes them anew.

use crate::{browser::with_browser, customers::act_as};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;
use std::{fs, path::Path};
use support::Server;

#[test]
fn the_main_pages_can_be_shown_at_both_widths() {
    let server =
        Server::of("ebook", "[pages.brand]\nname = \"Maple Library\"\ncolour = \"#8a3b12\"\n", &[]);
    for (title, fee) in [
        ("Hello, JAVA", 3000),
        ("The Rust Book", 4500),
        ("혼자 공부하는 파이썬", 2500),
        ("Domain Modeling", 5200),
    ] {
        server.post("/books", json!({ "bookName": title, "rentalFee": fee })).is(201);
    }
    server.post("/rents", json!({ "userId": 1, "bookId": 1, "rentalFee": 3000 })).is(201);
    server.shows("/books/1", json!({ "status": "PAID" }));
    server.post("/rents", json!({ "userId": 2, "bookId": 3, "rentalFee": 2500 })).is(201);
    server.shows("/books/3", json!({ "status": "PAID" }));
    server.call("PATCH", "/books/approve/3", |request| request).is(200);
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    let is_written = std::env::var_os("HOLDFAST_PICTURES").is_some();
    with_browser(|browser| {
        let visits = [
            ("1", "/pages/ebook/books", "catalogue"),
            ("1", "/pages/ebook/rents/new?bookId=2", "order"),
            ("1", "/pages/ebook/mine", "my-page"),
            ("1", "/pages/ebook/rents/1", "progress"),
            ("1", "/pages/ebook/rents/1/receipt", "receipt"),
            ("", "/pages/ebook/waiting", "waiting"),
            ("", "/pages/ebook/books/2", "correct"),
            ("", "/pages/ebook/books/new", "register"),
        ];
        for (customer, path, name) in visits {
            browser.run_scripts(true);
            if customer.is_empty() {
                browser.open(&format!("{}/pages/who", server.url()));
                browser.click_text("Staff");
                browser.says("Waiting for staff");
            } else {
                act_as(browser, &server, customer);
            }
            for (width, height) in [(390, 844), (1280, 800)] {
                browser.resize(width, height);
                browser.open(&format!("{}{path}", server.url()));
                browser.says("Maple Library");
                let picture = BASE64_STANDARD.decode(browser.picture()).unwrap();
                assert!(picture.starts_with(b"\x89PNG"), "{path} {width}");
                if is_written {
                    fs::create_dir_all(&directory).unwrap();
                    fs::write(directory.join(format!("{name}-{width}.png")), picture).unwrap();
                }
            }
        }
    });
}
