//! What operators see: health, metrics, the contexts and what is done to them, and what browsers are allowed.
use serde_json::{Value, json};
use support::Server;

#[test]
fn a_stopped_context_shows_and_does_not_make_the_server_unready() {
    let server = Server::start(&[]);
    server.stop("bookrent.delivery");
    server.stop("bookrent.delivery");
    server.get("/readyz").is(200);
    server.get("/livez").is(200);
    let verbose = server.get("/readyz?verbose").is(200).text;
    assert!(verbose.contains("bookrent.delivery"), "{verbose}");
    server.get("/deliveries").problem(503);
    let state = |context: &str| {
        let listed = server.get("/admin/contexts").is(200).body;
        let listed = listed
            .as_array()
            .cloned()
            .or_else(|| listed.as_object()?.values().find_map(Value::as_array).cloned());
        let found = listed.unwrap().into_iter().find(|entry| entry["context"] == context).unwrap();
        found["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (state("bookrent.delivery"), state("bookrent.rent")),
        ("stopped".into(), "running".into())
    );
    server.start_again("bookrent.delivery");
    server.start_again("bookrent.delivery");
    assert_eq!(state("bookrent.delivery"), "running");
    server.get("/deliveries").is(200);
    server.call("POST", "/admin/contexts/bookrent.nothing/stop", |request| request).problem(404);
}

#[test]
fn a_stopped_view_catches_up_and_a_rebuilt_one_is_the_same() {
    let server = Server::start(&[]);
    server.stop("bookrent.view");
    server.register_book("title01");
    server.rent(1, 1).has("status", "Rent");
    server.rent(1, 2).has("status", "Fail");
    server.get("/views/1").problem(503);
    server.start_again("bookrent.view");
    server.shows("/views/1", json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));
    server.shows("/views/2", json!({"rentStatus": "Fail"}));
    let before = server.all("views");
    let answer = server.call("POST", "/admin/views/bookrent.view/rebuild", |request| request);
    assert!((200..300).contains(&answer.status), "{}", answer.text);
    server.shows("/views/1", json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));
    server.shows("/views/2", json!({"rentStatus": "Fail"}));
    assert_eq!(server.all("views"), before);
}

#[test]
fn health_and_metrics_have_their_usual_names() {
    let server = Server::start(&[]);
    server.get("/actuator/health").is(200).has("status", "UP");
    server.register_book("title01");
    server.rent(1, 1);
    let syncs = server.metric("holdfast_store_syncs_total");
    assert!(syncs >= 1.0, "{syncs}");
    let text = server.get("/metrics").is(200).text;
    for name in [
        "holdfast_build_info",
        "http_server_request_duration_seconds_bucket",
        "holdfast_actor_restarts_total",
    ] {
        assert!(text.contains(name), "{name} is missing in {text}");
    }
    assert!(!text.contains("/rents/1\""), "a metric is labelled by a number: {text}");
}

#[test]
fn orders_are_counted_by_how_they_ended_and_say_it_in_a_header() {
    let server = Server::start(&[]);
    let book = server.register_book("title01");
    let outcome = |answer: &support::Answer| answer.header("holdfast-outcome").to_owned();
    let rented = server.rent(book, 1);
    assert_eq!(
        (rented["status"].as_str(), outcome(&rented).as_str()),
        (Some("Rent"), "established")
    );
    let body = json!({"bookId": book, "userId": 2, "address": "a"});
    let failed = || server.try_post_once("/rents", "key-1", &body).unwrap().is(201);
    assert_eq!(failed()["status"], "Fail");
    // A repeat is answered as before.
    for _ in 0..2 {
        assert_eq!(outcome(&failed()), "failed");
    }
    let canceled = server.cancel(1).is(200);
    assert_eq!(outcome(&canceled), "canceled");
    assert_eq!(outcome(&server.post("/books", json!({"title": "t"}))), "", "a book is no order");
    let counted = |name: &str| {
        let label = format!("holdfast_orders_total{{system=\"bookrent\",outcome=\"{name}\"}} ");
        let text = server.get("/metrics").is(200).text;
        text.lines().find_map(|line| line.strip_prefix(&label)?.parse::<u64>().ok()).unwrap()
    };
    let all = ["established", "refused", "failed", "canceled"].map(counted);
    assert_eq!(all, [1, 0, 1, 1]);
}

#[test]
fn an_order_that_the_business_refuses_is_counted_as_refused() {
    let server = Server::of("ticketing", "", &[]);
    let order = json!({"ticketId": "1", "userId": "A", "userGrade": "Silver"});
    server.post("/reservations", order).problem(409);
    let refused = "holdfast_orders_total{system=\"ticketing\",outcome=\"refused\"}";
    assert_eq!(server.metric(refused.split('{').next().unwrap()), 1.0);
    assert!(server.get("/metrics").is(200).text.contains(&format!("{refused} 1\n")));
}

#[test]
fn the_process_the_disk_and_the_latencies_are_measured() {
    let server = Server::start(&[]);
    server.rent(server.register_book("title01"), 1);
    for name in [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_threads",
        "process_open_fds",
        "process_max_fds",
        "process_start_time_seconds",
        "holdfast_store_free_bytes",
        "holdfast_store_sync_duration_seconds_count",
        "holdfast_store_sync_duration_seconds_sum",
    ] {
        assert!(server.metric(name) > 0.0, "{name}");
    }
    let text = server.get("/metrics").is(200).text;
    let asks =
        "holdfast_ask_duration_seconds_count{context=\"bookrent.book\",answered=\"true\"} 1\n";
    assert!(text.contains(asks), "{text}");
    // Every bucket holds at least what the one before holds, and the last holds all.
    let bucket = |line: &str| -> Option<f64> {
        line.strip_prefix("holdfast_store_sync_duration_seconds_bucket")?
            .rsplit(' ')
            .next()?
            .parse()
            .ok()
    };
    let buckets: Vec<f64> = text.lines().filter_map(bucket).collect();
    assert!(buckets.is_sorted() && buckets.len() > 10, "{buckets:?}");
}

#[test]
fn a_failure_of_the_server_is_counted_under_its_reason_and_one_of_the_client_is_not() {
    let server = Server::start(&[]);
    server.get("/rents/1").problem(404);
    server.stop("bookrent.rent");
    server.get("/rents/1").refuses(503, "context-away");
    let text = server.get("/metrics").is(200).text;
    let counted = |status: u16| {
        let of = format!("http_response_status_code=\"{status}\"");
        let counts = |line: &&str| {
            line.starts_with("http_server_request_duration_seconds_count") && line.contains(&of)
        };
        text.lines().find(counts).unwrap_or_else(|| panic!("no {status} in {text}"))
    };
    assert!(counted(503).contains("error_type=\"context-away\""), "{}", counted(503));
    assert!(!counted(404).contains("error_type"), "{}", counted(404));
}

#[test]
fn a_saga_is_what_happened_under_one_context_and_number() {
    let server = Server::start(&[]);
    // Book 1 and rent 1 have nothing to do with each other.
    server.register_book("title01");
    let book = server.register_book("title02");
    assert_eq!(server.rent(book, 1).id(), 1);
    server.shows("/views/1", json!({"deliveryStatus": "Delivery Started"}));
    let told = |path: &str| {
        let saga = server.get(&format!("/admin/sagas/{path}")).is(200);
        let happened = saga["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["what"].as_str().unwrap().to_owned());
        let states = saga["states"].as_object().unwrap().keys().cloned();
        (happened.collect::<Vec<_>>().join(" "), states.collect::<Vec<_>>().join(" "))
    };
    let of_rent: (String, String) = (
        "RentRequested StatusChanged BookRented DeliveryStarted".into(),
        "bookrent.rent bookrent.delivery bookrent.view".into(),
    );
    assert_eq!(told("bookrent/1"), of_rent);
    assert_eq!(told("bookrent.rent/1"), of_rent);
    assert_eq!(told("bookrent.book/1"), ("Registered".into(), "bookrent.book".into()));
    // One entry at a time, each once and in the same order.
    let mut path = "/admin/sagas/bookrent/1?limit=1".to_owned();
    let mut one_by_one = Vec::new();
    loop {
        let part = server.get(&path).is(200);
        let entries = part["entries"].as_array().unwrap();
        assert!(entries.len() <= 1);
        one_by_one.extend(entries.iter().map(|entry| entry["what"].as_str().unwrap().to_owned()));
        let Some(next) = part["next"].as_str() else { break };
        path = next.to_owned();
    }
    assert_eq!(one_by_one.join(" "), of_rent.0);
    server.get("/admin/sagas/bookrent/1?from=x").refuses(400, "bad-request");
    server.get("/admin/parked?limit=0").refuses(400, "bad-request");
    server.get("/admin/parked?after=x").refuses(400, "bad-request");
    assert_eq!(server.get("/admin/parked?limit=1&after=letter-0").is(200)["parked"], json!([]));
    for nothing in
        ["bookrent/2", "bookrent.delivery/1", "bookrent.view/1", "bookrent.nothing/1", "nothing/1"]
    {
        server.get(&format!("/admin/sagas/{nothing}")).refuses(404, "not-found");
    }
}

#[test]
fn browsers_are_let_in_from_where_the_configuration_says() {
    let server = Server::configured("[http]\ncors_origins = [\"https://shop.example\"]\n");
    let preflight = |origin: &str| {
        server.call("OPTIONS", "/rents/1", |request| {
            request
                .header("Origin", origin)
                .header("Access-Control-Request-Method", "PATCH")
                .header("Access-Control-Request-Headers", "content-type,idempotency-key,if-match")
        })
    };
    let allowed = preflight("https://shop.example");
    assert!((200..300).contains(&allowed.status), "{}", allowed.text);
    assert_eq!(allowed.header("access-control-allow-origin"), "https://shop.example");
    assert!(
        allowed.header("access-control-allow-methods").contains("PATCH"),
        "{:?}",
        allowed.headers
    );
    let refused = preflight("https://elsewhere.example");
    refused.refuses(403, "origin-refused");
    assert_eq!(refused.header("access-control-allow-origin"), "");
}

#[test]
fn pages_of_other_origins_do_not_operate_the_server() {
    let server = Server::start(&[]);
    let stop = |origin: &str| {
        server.call("POST", "/admin/contexts/bookrent.book/stop", |request| {
            request.header("Origin", origin)
        })
    };
    stop("https://elsewhere.example").refuses(403, "origin-refused");
    server.get("/books").is(200);
    stop(server.url()).is(200);
    server.get("/books").problem(503);
}

#[test]
fn a_context_that_is_slow_is_left_alone_after_a_while() {
    let server = Server::configured(
        "[guard.\"bookrent.book\"]\ntimeout_ms = 50\nbreaker_window = 10\nbreaker_minimum = 4\nbreaker_open_ms = 1000\n",
    );
    server.register_book("title01");
    server.delay("bookrent.book", 500, 500);
    let rent = || server.post("/rents", json!({"bookId": 1, "userId": 1, "address": "a"}));
    let refused =
        (0..40).map(|_| rent()).find(|answer| answer.status != 201).expect("the breaker opens");
    refused.refuses(503, "retry-later");
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1));
    server.heal("bookrent.book");
    support::eventually("the breaker lets through again", || {
        let answer = rent();
        (answer.status == 201 && answer["status"] == "Rent").then_some(())
    });
    server.shows("/books/1", json!({"status": false}));
}

#[test]
fn a_404_names_what_there_is() {
    let server = Server::start(&["--system", "ebook"]);
    for (path, told) in [
        ("/books", "/bookrent/books, /ebook/books"),
        ("/deliveries/7", "/bookrent/deliveries"),
        ("/nothing", "GET /"),
        ("/events/bookrent.view", "bookrent.book, bookrent.delivery, bookrent.rent, ebook.book"),
        ("/admin/sagas/nothing/1", "/admin/sagas/{system}/{number}"),
    ] {
        let detail = server.get(path).is(404).body["detail"].clone();
        assert!(detail.as_str().unwrap().contains(told), "{path}: {detail}");
    }
    for (path, told) in [
        ("/admin/contexts/bookrent.nothing/stop", "bookrent.book"),
        ("/admin/views/nothing/rebuild", "bookrent.view"),
        ("/admin/parked/nothing/redrive", "GET /admin/parked"),
        ("/admin/parked/letter-7/drop", "GET /admin/parked"),
        ("/admin/parked/message-7/drop", "GET /admin/parked"),
    ] {
        let detail = server.call("POST", path, |request| request).is(404).body["detail"].clone();
        assert!(detail.as_str().unwrap().contains(told), "{path}: {detail}");
    }
}

#[test]
fn a_check_that_is_excluded_shows_as_such() {
    let server = Server::start(&[]);
    let verbose = server.get("/readyz?verbose&exclude=history").is(200).text;
    assert!(verbose.contains("[+]history excluded: ok\n"), "{verbose}");
    assert!(verbose.contains("[+]store ok\n"), "{verbose}");
}
