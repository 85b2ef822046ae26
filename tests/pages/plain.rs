//! What pages answer to a client without a browser.

use support::Server;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

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
