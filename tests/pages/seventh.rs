//! A system of which nothing but its folder knows has pages.

use crate::browser::with_browser;
use serde_json::json;
use support::SeventhSystem;

#[test]
fn the_seventh_system_is_used_by_clicking() {
    let directory = tempfile::tempdir().unwrap();
    let server = SeventhSystem::start(directory.path());
    with_browser(|browser| {
        browser.open(server.url());
        browser.says("Nothing here");
        browser.click_text("Register");
        browser.enter("f.plate", "12가3456");
        browser.click("main form .button");
        browser.says("12가3456");
        browser.open(&format!("{}/pages/carshare/members/new", server.url()));
        browser.enter("f.userId", "7");
        browser.enter("f.phone", "010-0000-0000");
        browser.click_text("Order now");
        browser.says("010-0000-0000");
        browser.open(server.url());
        browser.click("main .card .button");
        browser.enter("f.userId", "7");
        browser.click_text("Order now");
        browser.says("Your order is in.");
        browser.says("Driving");
        browser.click_text("End the trip");
        browser.says("Done.");
    });
    server.shows("/trips/1", json!({ "status": "Over" }));
}
