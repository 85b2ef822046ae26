//! A real server on port 0 before a node that is not one.

mod access;
mod edge;
mod nodes;

use super::*;
use crate::{
    actors::*,
    domain::{Name, OrderOutcome, Reads, Refusal, Role, Timestamp},
    store::{Commit, StoreHealth},
};
use futures_util::{FutureExt, future::BoxFuture};
use schemars::{Schema, SchemaGenerator};
use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
    time::Duration,
};
use tokio::sync::oneshot;

struct Things {
    routes: [RouteInfo; 2],
    reads: Reads,
}
struct Fake([Arc<dyn Context>; 1]);

impl Declaration for Things {
    fn name(&self) -> Name {
        Name {
            system: "shop",
            context: "shop.thing",
            collection: "things",
            item: "thing",
            korean: "물건",
        }
    }
    fn aliases(&self) -> &'static [&'static str] {
        &["Notes"]
    }
    fn personal_fields(&self) -> &'static [&'static str] {
        &["address"]
    }
    fn reads(&self) -> Reads {
        self.reads
    }
    fn is_view(&self) -> bool {
        false
    }
    fn is_order(&self) -> bool {
        true
    }
    fn routes(&self) -> &[RouteInfo] {
        &self.routes
    }
    fn shown_schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<String>()
    }
    fn filter_fields(&self) -> &[&'static str] {
        &["status"]
    }
}

impl Context for Things {
    fn execute_command(
        &self,
        order: CommandRequest,
    ) -> BoxFuture<'static, Result<Outcome, CommandFault>> {
        assert_ne!(order.body["boom"], true, "boom");
        let stale = order.if_match.iter().any(|version| *version != 3);
        let body = br#"{"a":1}"#.to_vec();
        let outcome = Outcome {
            number: 7,
            version: 3,
            body,
            settled: true,
            replayed: false,
            order: OrderOutcome::Established,
            owner: None,
        };
        Box::pin(async move {
            if stale { Err(Fault::VersionMismatch { current: 3 }.into()) } else { Ok(outcome) }
        })
    }
    fn read_item(&self, number: u64) -> Result<Seen, Fault> {
        match number {
            7 => Ok(Seen {
                number,
                version: 3,
                body: br#"{"a":1}"#.to_vec(),
                owner: Some("7".into()),
                commit: 1,
            }),
            _ => Err(Refusal::absent(self.name()).into()),
        }
    }
    fn list_items(&self, query: &ListQuery) -> Result<ListPage, Fault> {
        // What takes more than a little is asked for again, by another thread; the total shows which.
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        let wanted = query.filters.first().map(|(_, value)| value.as_str());
        let total = if thread.starts_with("actix") { 1 } else { 2 };
        let few = query.limits.rows < ListLimits::default().rows;
        match wanted {
            Some("long") => return Ok(ListPage { total, at_least: few, ..ListPage::default() }),
            Some("deep") if few => return Err(Fault::PageTooDeep),
            Some("deep" | "short") => return Ok(ListPage { total, ..ListPage::default() }),
            _ => {}
        }
        Ok(ListPage { items: vec![self.read_item(7)?], total: 5, commit: 1, ..ListPage::default() })
    }
    fn health(&self) -> ContextHealth {
        unreachable!()
    }
    fn stop(&self) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
    fn start(&self) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
    fn set_fault(&self, _: Option<Injected>) {}
    fn rebuild_view(&self) -> BoxFuture<'static, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }
    fn list_parked(&self, _: Option<&ParkedId>, _: usize) -> Result<Vec<ParkedEvent>, Fault> {
        Ok(Vec::new())
    }
    fn parked_among(&self, _: Vec<ParkedId>) -> Result<Vec<ParkedEvent>, Fault> {
        Ok(Vec::new())
    }
    fn settle_parked(&self, _: ParkedId, _: bool) -> BoxFuture<'static, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }
    fn saga_part(&self, _: &str, _: u64, _: u64, _: usize) -> Result<SagaPart, Fault> {
        Ok(SagaPart::default())
    }
}

impl Node for Fake {
    fn accepted_commit(&self) -> Commit {
        0
    }
    fn contexts(&self) -> &[Arc<dyn Context>] {
        &self.0
    }
    fn systems(&self) -> &[&'static str] {
        &["shop"]
    }
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }
    fn advance_clock(&self, _: Duration) -> Result<(), AdvanceError> {
        Ok(())
    }
    fn wait_durable(&self, _: Commit) -> BoxFuture<'static, Result<(), Fault>> {
        Box::pin(async { Ok(()) })
    }
    fn is_durable(&self, _: Commit) -> bool {
        false
    }
    fn store_health(&self) -> StoreHealth {
        StoreHealth::default()
    }
    fn is_ready(&self) -> bool {
        true
    }
}

/// Sends each request on a connection of its own and returns the answers, status line and headers in lower case.
fn send_raw(requests: &[&str]) -> Vec<String> {
    send_to(|settings| settings, requests)
}

/// The same, to a server with other settings.
fn send_to(
    change: impl FnOnce(HttpSettings) -> HttpSettings + Send + 'static,
    requests: &[&str],
) -> Vec<String> {
    send_to_things(Reads::Public, change, requests)
}

/// The same, where the things are for these readers.
fn send_to_things(
    reads: Reads,
    change: impl FnOnce(HttpSettings) -> HttpSettings + Send + 'static,
    requests: &[&str],
) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        let body: fn(&mut SchemaGenerator) -> Schema =
            |generator| generator.subschema_for::<String>();
        let route = |verb| RouteInfo {
            verb,
            word: None,
            role: Role::Both,
            bodies: vec![body],
            subject: None,
            grade: None,
            withdraws: false,
        };
        let routes = [route(Verb::Post), route(Verb::Patch)];
        let node = Arc::new(Fake([Arc::new(Things { routes, reads })]));
        let settings = HttpSettings {
            workers: 1,
            bare: true,
            open: true,
            development: true,
            cors_origins: None,
            body_timeout: Duration::from_millis(200),
            ..HttpSettings::default()
        };
        actix_web::rt::System::new()
            .block_on(serve_http(
                change(settings),
                node,
                listener,
                stopped.map(|_| Drain::Announced),
            ))
            .unwrap();
    });
    let answers = requests.iter().map(|request| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answers = answers.collect();
    stop.send(()).unwrap();
    server.join().unwrap();
    answers
}

fn raw_request(line: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{line} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

#[track_caller]
fn check_answer(line: &str, headers: &str, body: &str, words: &[&str]) {
    let answer = send_raw(&[&raw_request(line, headers, body)]).remove(0);
    for word in words {
        assert!(
            answer.to_lowercase().contains(&word.to_lowercase()),
            "`{word}` is missing from {answer}"
        );
    }
}
const JSON: &str = "Content-Type: application/json\r\n";

#[test]
fn a_post_answers_with_its_place_and_links() {
    check_answer(
        "POST /shop/things",
        JSON,
        "{}",
        &["201 Created", "location: http://h/shop/things/7", "etag: \"3\"", "\"id\":7"],
    );
}
#[test]
fn a_panic_is_a_problem() {
    check_answer(
        "POST /things",
        JSON,
        r#"{"boom":true}"#,
        &["500", "application/problem+json", "\"code\":\"crashed\""],
    );
}
#[test]
fn a_wrong_method_names_the_right_ones() {
    check_answer(
        "PUT /things/7",
        "",
        "",
        &["405", "allow: GET, HEAD, PATCH, OPTIONS", "problem+json"],
    );
}
#[test]
fn media_type_size_depth_and_encoding_are_checked() {
    check_answer(
        "POST /things",
        "Content-Type: text/plain\r\n",
        "{}",
        &["415", "accept-post: application/json"],
    );
    check_answer("POST /things", JSON, &" ".repeat(64 * 1024 + 1), &["413", "body-too-large"]);
    check_answer("POST /things", JSON, &"[".repeat(33), &["400", "too-deep"]);
    check_answer("POST /things", JSON, "{", &["400", "bad-json"]);
}
#[test]
fn a_body_that_does_not_come_is_given_up() {
    let half = "POST /things HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{";
    assert!(send_raw(&[half]).remove(0).starts_with("HTTP/1.1 408"));
}
#[test]
fn versions_are_compared() {
    check_answer("GET /things/7", "If-None-Match: \"3\"\r\n", "", &["304", "etag: \"3\""]);
    check_answer(
        "PATCH /things/7",
        &format!("{JSON}If-Match: \"2\"\r\n"),
        "{}",
        &["412", "etag: \"3\""],
    );
}
#[test]
fn a_problem_speaks_the_language_of_its_reader() {
    check_answer(
        "GET /things/8",
        "Accept-Language: ko-KR,en;q=0.5\r\n",
        "",
        &["404", "찾을 수 없습니다"],
    );
    check_answer("GET /nothing", "", "", &["404", "Not found"]);
}
#[test]
fn a_list_links_to_the_pages_beside_it() {
    check_answer(
        "GET /things?page=1&size=2&status=x",
        "",
        "",
        &["page=0&size=2&status=x", "page=2&size=2&status=x", "\"totalPages\":3"],
    );
    check_answer("GET /things?size=0", "", "", &["400", "bad-page"]);
}
#[test]
fn a_list_that_takes_long_is_found_by_another_thread_and_a_short_one_at_once() {
    check_answer("GET /things?status=short", "", "", &["200", "\"totalElements\":1,"]);
    check_answer("GET /things?status=long", "", "", &["200", "\"totalElements\":2,"]);
    check_answer("GET /things?status=deep", "", "", &["200", "\"totalElements\":2,"]);
}
#[test]
fn what_is_given_twice_or_is_no_direction_is_refused() {
    for (query, code) in [
        ("page=1&page=1", "bad-page"),
        ("size=1&p%61ge=1&size=2", "bad-page"),
        ("sort=id&sort=id,desc", "sort-unsupported"),
        ("sort=id,sideways", "sort-unsupported"),
        ("after=x&after=x", "bad-cursor"),
        ("after=x&page=0", "bad-cursor"),
        ("%ff=%fe&=", ""),
    ] {
        check_answer(
            &format!("GET /things?{query}"),
            "",
            "",
            &[if code.is_empty() { "http/1.1" } else { "400" }, code],
        );
    }
}
#[test]
fn a_preflight_is_answered() {
    let headers = "Origin: http://o\r\nAccess-Control-Request-Method: PATCH\r\n";
    check_answer(
        "OPTIONS /things/7",
        headers,
        "",
        &["200", "access-control-allow-origin: http://o"],
    );
}
#[test]
fn administration_validates_its_input() {
    check_answer("POST /admin/clock", JSON, r#"{"advance":"PT10M"}"#, &["200", "\"now\""]);
    check_answer(
        "POST /admin/clock",
        JSON,
        r#"{"advance":"-PT10M"}"#,
        &["400", "\"pointer\":\"/advance\""],
    );
    check_answer(
        "PUT /admin/contexts/shop.thing/fault",
        JSON,
        r#"{"failureRate":2}"#,
        &["400", "/failureRate"],
    );
    check_answer("POST /admin/contexts/shop.none/stop", "", "", &["404", "problem+json"]);
    check_answer("GET /admin/clock", "", "", &["405", "allow: POST"]);
}
