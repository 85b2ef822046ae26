//! What axe finds, in light and dark, on a phone and on a desk; and what pages cost.

use crate::{
    browser::{Browser, with_browser},
    customers::act_as,
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};
use support::Server;

/// The script of axe-core, which `scripts/test` installs.
fn axe() -> Option<String> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/node/node_modules");
    let modules = std::env::var_os("CONSUMERS_NODE_MODULES").map_or_else(beside, PathBuf::from);
    let text = fs::read_to_string(modules.join("axe-core/axe.min.js")).ok();
    assert!(
        text.is_some() || std::env::var_os("CI").is_none(),
        "axe-core is not installed: scripts/test installs it"
    );
    text
}

/// What is seriously wrong with the page.
fn findings(browser: &Browser, axe: &str) -> Vec<String> {
    browser.script(axe, &[]);
    let run = "const done = arguments[arguments.length - 1]; axe.run().then((found) => done(found.violations))";
    let found = browser.script_later(run);
    let violations = found.as_array().unwrap().iter();
    let is_serious = |one: &&Value| one["impact"] == "serious" || one["impact"] == "critical";
    violations
        .filter(is_serious)
        .map(|one| format!("{}: {}", one["id"], one["nodes"][0]["html"]))
        .collect()
}

#[test]
fn axe_has_no_serious_findings_and_pages_stay_small() {
    let Some(axe) = axe() else { return };
    let server = Server::of("ebook", "", &[]);
    for number in 1..=3 {
        let body = json!({ "bookName": format!("Book {number}"), "rentalFee": 1000 * number });
        server.post("/books", body).is(201);
    }
    server.post("/rents", json!({ "userId": 1, "bookId": 1, "rentalFee": 1000 })).is(201);
    server.shows("/books/1", json!({ "status": "PAID" }));
    let paths = [
        "/pages/",
        "/pages/who",
        "/pages/ebook/books/1",
        "/pages/ebook/rents/new?bookId=2",
        "/pages/ebook/mine",
        "/pages/ebook/waiting",
        "/pages/ebook/rents/1",
        "/pages/ebook/rents/1/receipt",
        "/pages/nothing",
    ];
    with_browser(|browser| {
        for (width, is_dark) in [(390, false), (1280, true), (390, true), (1280, false)] {
            browser.resize(width, 900);
            browser.use_dark(is_dark);
            for path in paths {
                browser.open(&format!("{}{path}", server.url()));
                let wider = "return document.documentElement.scrollWidth > innerWidth";
                assert_eq!(browser.script(wider, &[]), false, "{path} is wider than {width}");
                assert_eq!(
                    findings(browser, &axe),
                    Vec::<String>::new(),
                    "{path} {width} {is_dark}"
                );
            }
        }
        act_as(browser, &server, "1");
        for path in ["/pages/ebook/books", "/pages/ebook/mine", "/pages/ebook/rents/1"] {
            browser.tell("Network.clearBrowserCache", &json!({}));
            browser.open(&format!("{}{path}", server.url()));
            let cost = "const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]; \
                        const mine = all.filter((one) => one.initiatorType !== 'eventsource' && one.initiatorType !== 'other' || one.entryType === 'navigation'); \
                        return [mine.length, mine.reduce((sum, one) => sum + one.transferSize, 0)]";
            let cost = browser.script(cost, &[]);
            let bytes = cost[1].as_u64().unwrap();
            println!("{path}: {} requests, {bytes} bytes", cost[0]);
            assert!(bytes < 300 * 1024 && bytes > 0, "{path}: {bytes} bytes");
        }
    });
}
