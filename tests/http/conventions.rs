//! The rules of the wire that hold for every system, seen on BookRent.
use serde_json::json;
use support::{Answer, Server};

fn has_hangul(text: &str) -> bool {
    text.chars().any(|letter| ('가'..='힣').contains(&letter))
}

#[test]
fn a_client_sets_neither_id_nor_status_and_unknown_fields_are_ignored() {
    let server = Server::start(&[]);
    server
        .post("/books", json!({"title": "title01", "id": 77, "heldBy": 3, "colour": ["red"]}))
        .is(201)
        .has("id", 1);
    let body = json!({"bookId": 1, "userId": 1, "address": "a", "id": 99, "status": "Cancel", "reason": "because"});
    let rent = server
        .post("/rents", body)
        .is(201)
        .has("id", 1)
        .has("status", "Rent")
        .has("reason", json!(null));
    assert!(rent.body.get("colour").is_none());
    server.get("/rents/99").refuses(404, "not-found");
    server
        .patch("/rents/1", json!({"status": "Cancel", "id": 5, "userId": 5}))
        .is(200)
        .has("id", 1)
        .has("userId", 1);
}

#[test]
fn numbers_follow_each_other_also_over_a_restart() {
    let mut server = Server::start(&[]);
    assert_eq!((1..=3).map(|_| server.register_book("t")).collect::<Vec<_>>(), [1, 2, 3]);
    server.kill();
    server.restart();
    assert_eq!(server.register_book("t"), 4);
    assert!(server.terminate().success());
    server.restart();
    assert_eq!(server.register_book("t"), 5);
}

#[test]
fn lists_come_in_pages() {
    let server = Server::start(&[]);
    let empty = server.get("/books").is(200);
    assert!(empty.items("books").is_empty());
    assert_eq!(
        empty["page"],
        json!({"size": 20, "totalElements": 0, "totalPages": 0, "number": 0})
    );
    for n in 1..=25 {
        server.register_book(&format!("title{n:02}"));
    }

    let second = server.get("/books?page=1&size=10").is(200);
    assert_eq!(
        second["page"],
        json!({"size": 10, "totalElements": 25, "totalPages": 3, "number": 1})
    );
    let ids: Vec<_> =
        second.items("books").iter().map(|book| book["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (11..=20).collect::<Vec<_>>());
    let links = &second["_links"];
    assert!(
        ["first", "prev", "self", "next", "last"].iter().all(|rel| links[rel]["href"].is_string()),
        "{links}"
    );
    let last = server.get("/books?page=2&size=10").is(200);
    assert_eq!(last.items("books").len(), 5);
    assert!(
        last["_links"]["next"].is_null()
            && server.get("/books?size=10")["_links"]["prev"].is_null()
    );
    assert!(server.get("/books?page=9&size=10").is(200).items("books").is_empty());
    assert_eq!(server.get("/books?size=5000").is(200)["page"]["size"], 100);
    for query in ["page=x", "page=-1", "size=0", "size=x", "size=-1"] {
        server.get(&format!("/books?{query}")).problem(400);
    }
}

#[test]
fn lists_are_sorted_and_filtered_by_what_an_index_serves() {
    let server = Server::start(&[]);
    for n in 1..=4 {
        server.register_book(&format!("title{n}"));
    }
    server.rent(1, 10).has("status", "Rent");
    server.rent(1, 11).has("status", "Fail");
    server.rent(2, 10).has("status", "Rent");
    let ids = |query: &str| -> Vec<u64> {
        let collection = query.split('?').next().unwrap();
        let page = server.get(&format!("/{query}")).is(200);
        let ids: Vec<u64> =
            page.items(collection).iter().map(|item| item["id"].as_u64().unwrap()).collect();
        assert_eq!(page["page"]["totalElements"], ids.len(), "{query}");
        ids
    };
    assert_eq!(ids("rents?status=Rent"), [1, 3]);
    assert_eq!(ids("rents?status=Fail"), [2]);
    assert_eq!(ids("rents?userId=10"), [1, 3]);
    assert_eq!(ids("rents?bookId=1"), [1, 2]);
    assert_eq!(ids("rents?bookId=77"), [0; 0]);
    assert_eq!(ids("books?status=true"), [3, 4]);
    assert_eq!(ids("books?sort=id,desc"), [4, 3, 2, 1]);
    assert_eq!(ids("rents?sort=userId,desc").first(), Some(&2));
    server.shows("/views/3", json!({"rentStatus": "Rent"}));
    assert_eq!(ids("views?userId=10"), [1, 3]);
    server.shows("/deliveries/3", json!({"status": "Delivery Started"}));
    assert_eq!(ids("deliveries?rentId=3"), [3]);

    let refused = server.get("/books?sort=title");
    refused.refuses(400, "sort-unsupported");
    assert!(
        ["id", "status"].iter().all(|field| refused["detail"].as_str().unwrap().contains(field)),
        "{}",
        refused.text
    );
    server.get("/rents?userId=none").problem(400);
}

/// Follows `next` to the end; `each` sees every page first.
fn walk(server: &Server, path: &str, collection: &str, mut each: impl FnMut(&Answer)) -> Vec<u64> {
    let mut path = path.to_owned();
    let mut seen = Vec::new();
    loop {
        let page = server.get(&path).is(200);
        each(&page);
        seen.extend(page.items(collection).iter().map(|item| item["id"].as_u64().unwrap()));
        let Some(next) = page["_links"]["next"]["href"].as_str() else { return seen };
        path = next[next.find(&format!("/{collection}?")).unwrap()..].to_owned();
    }
}

#[test]
fn a_job_that_follows_next_and_cancels_each_item_misses_none() {
    let server = Server::start(&[]);
    for user in 0..35 {
        let book = server.register_book("t");
        server.rent(book, user).has("status", "Rent");
    }
    let mut pages = 0;
    let seen = walk(&server, "/rents?status=Rent&size=10", "rents", |page| {
        for rent in page.items("rents") {
            server.cancel(rent["id"].as_u64().unwrap()).is(200);
        }
        // Behind a cursor there is a total, and nothing that is counted from the beginning.
        assert_eq!(page["page"]["totalElements"], 35 - 10 * pages);
        let counted = pages == 0;
        assert_eq!(
            (page["page"]["number"].is_null(), page["_links"]["last"].is_null()),
            (!counted, !counted)
        );
        pages += 1;
    });
    assert_eq!((seen, pages), ((1..=35).collect(), 4));
    assert_eq!(server.get("/rents?status=Rent").is(200)["page"]["totalElements"], 0);
    // With `page` it counts on, and in every order each row comes once.
    let counted = server.get("/rents?page=0&size=10").is(200)["_links"]["next"]["href"].to_string();
    assert!(counted.contains("page=1") && !counted.contains("after="), "{counted}");
    let mut by_book = walk(&server, "/rents?sort=bookId,desc&size=8", "rents", |_| ());
    assert_eq!(by_book.first(), Some(&35));
    by_book.sort_unstable();
    assert_eq!(by_book, (1..=35).collect::<Vec<_>>());
}

#[test]
fn a_list_refuses_an_unknown_parameter_and_names_the_known_ones() {
    let server = Server::start(&[]);
    for _ in 0..3 {
        server.register_book("t");
    }
    let refuses = |query: &str, code: &str, words: &[&str]| {
        let answer = server.get(&format!("/{query}"));
        answer.refuses(400, code);
        let detail = answer["detail"].as_str().unwrap();
        assert!(words.iter().all(|word| detail.contains(word)), "{detail}");
    };
    refuses("rents?userid=1", "bad-filter", &["userid", "bookId", "userId", "status"]);
    refuses("books?title=t", "bad-filter", &["title", "status"]);
    refuses("rents?bookId=1&bookId=1", "bad-filter", &["bookId"]);
    refuses(&format!("rents?{}", "bookId=1&".repeat(500)), "bad-filter", &["bookId"]);
    refuses("rents?status=Rent&page=0&page=1", "bad-page", &[]);
    for cursor in ["x", "AQID", "%00", "", &"A".repeat(4000)] {
        refuses(&format!("books?after={cursor}"), "bad-cursor", &["next"]);
    }
    let next = server.get("/books?size=1&status=true").is(200)["_links"]["next"]["href"]
        .as_str()
        .unwrap()
        .to_owned();
    let after = &next[next.find("after=").unwrap()..];
    assert_eq!(server.get(&format!("/books?{after}")).is(200).items("books")[0]["id"], 2);
    assert_eq!(server.get(&format!("/books?{after}&status=true")).is(200).items("books").len(), 1);
    for other in ["status=false", "sort=id,desc", "page=0"] {
        refuses(&format!("books?{after}&{other}"), "bad-cursor", &[]);
    }
    refuses(&format!("rents?{after}"), "bad-cursor", &[]);
}

#[test]
fn what_only_policies_write_is_read_only() {
    let server = Server::start(&[]);
    server.register_book("title01");
    server.rent(1, 1);
    server.shows("/views/1", json!({"deliveryStatus": "Delivery Started"}));
    let refused = [
        ("POST", "/deliveries"),
        ("PATCH", "/deliveries/1"),
        ("DELETE", "/deliveries/1"),
        ("POST", "/views"),
        ("PATCH", "/views/1"),
        ("PUT", "/views/1"),
        ("PUT", "/books/1"),
        ("DELETE", "/rents/1"),
        ("PUT", "/rents"),
    ];
    for (method, path) in refused {
        let answer =
            server.call(method, path, |request| request.json(&json!({"status": "Cancel"})));
        answer.problem(405);
        let allow: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
        assert!(
            allow.contains(&"GET") && !allow.contains(&method),
            "{method} {path} allows {allow:?}"
        );
    }
    server.shows("/views/1", json!({"rentStatus": "Rent", "deliveryStatus": "Delivery Started"}));
    for path in ["/nothing", "/bookrent/nothing", "/movie/books", "/books/1/take"] {
        server.get(path).problem(404);
    }
}

#[test]
fn problems_are_in_korean_for_a_client_that_prefers_it() {
    let server = Server::start(&[]);
    let told = |language: &str| {
        let answer =
            server.call("GET", "/rents/999", |request| request.header("Accept-Language", language));
        answer.refuses(404, "not-found");
        answer["detail"].as_str().unwrap().to_owned()
    };
    assert!(has_hangul(&told("ko-KR,ko;q=0.9,en;q=0.5")));
    for language in ["en", "en-US,ko;q=0.3", "fr", "*"] {
        assert!(!has_hangul(&told(language)), "{language}");
    }
}

#[test]
fn a_version_is_a_condition() {
    let server = Server::start(&[]);
    server.register_book("title01");
    let rent = server.rent(1, 1);
    let version = rent.header("etag").to_owned();
    assert!(version.len() > 2 && version.starts_with('"') && version.ends_with('"'), "{version}");
    assert_eq!(server.get("/rents/1").header("etag"), version);

    let unchanged =
        server.call("GET", "/rents/1", |request| request.header("If-None-Match", &version)).is(304);
    assert!(unchanged.text.is_empty());
    server.call("GET", "/rents/1", |request| request.header("If-None-Match", "\"12345\"")).is(200);

    let cancel = |condition: &str| {
        let body = json!({"status": "Cancel"});
        server
            .call("PATCH", "/rents/1", |request| request.header("If-Match", condition).json(&body))
    };
    for stale in ["\"12345\"", &format!("W/{version}")] {
        let refused = cancel(stale);
        refused.problem(412);
        assert_eq!(refused.header("etag"), version);
    }
    server.get("/rents/1").is(200).has("status", "Rent");
    let cancelled = cancel(&format!("\"12345\", {version}")).is(200).has("status", "Cancel");
    assert_ne!(cancelled.header("etag"), version);
    cancel(&version).problem(412);
    cancel("*").is(200);
}

#[test]
fn the_media_type_is_what_the_client_prefers() {
    let server = Server::start(&[]);
    server.register_book("title01");
    let as_told = |accept: &str| {
        let answer =
            server.call("GET", "/books/1", |request| request.header("Accept", accept)).is(200);
        answer.header("content-type").split(';').next().unwrap().to_owned()
    };
    assert_eq!(as_told("*/*"), "application/hal+json");
    assert_eq!(as_told("application/hal+json"), "application/hal+json");
    assert_eq!(as_told("application/json, */*;q=0.5"), "application/json");
}

#[test]
fn a_clients_correlation_id_is_echoed() {
    let server = Server::start(&[]);
    let answer = server
        .call("GET", "/books", |request| request.header("X-Correlation-Id", "order-of-mine-7"))
        .is(200);
    assert_eq!(answer.header("x-correlation-id"), "order-of-mine-7");
}

#[test]
fn links_and_types_of_problems_begin_with_the_public_url() {
    let server = Server::configured("http.public_url = 'https://rent.example/api'");
    let public = |path: &str| json!(format!("https://rent.example/api{path}"));
    let book = server.post("/books", json!({"title": "title01", "status": true})).is(201);
    assert_eq!(book.header("location"), "https://rent.example/api/books/1");
    assert_eq!(book["_links"]["self"]["href"], public("/books/1"));
    let list = server.get("/books").is(200);
    assert_eq!(list["_links"]["self"]["href"], public("/books"));
    assert_eq!(server.get("/").is(200)["_links"]["self"]["href"], public("/"));
    assert_eq!(server.get("/openapi.json").is(200)["servers"][0]["url"], public(""));
    let answer = server.get("/books/2");
    answer.refuses(404, "not-found");
    assert_eq!(answer["type"], public("/problems/not-found"));
    // Below any handler too.
    let long = format!("/books?{}", "x".repeat(9_000));
    let answer = server.get(&long);
    answer.refuses(414, "uri-too-long");
    assert_eq!(answer["type"], public("/problems/uri-too-long"));

    let plain = Server::start(&[]);
    let answer = plain.get("/books/2");
    answer.refuses(404, "not-found");
    assert_eq!(answer["type"], "urn:holdfast:problem:not-found");
}

#[test]
fn a_key_is_of_its_route_and_compares_what_a_body_says_and_not_how() {
    let server = Server::start(&[]);
    let book = server.register_book("title01");
    let send = |method: &str, path: &str, key: &str, body: &str| {
        let body = body.to_owned();
        server.call(method, path, |request| {
            let request = request.header("Idempotency-Key", key.to_owned());
            request.header("Content-Type", "application/json").body(body)
        })
    };
    let rent = format!(r#"{{"bookId":{book},"userId":1,"address":"가"}}"#);
    let first = send("POST", "/rents", "k", &rent).is(201);
    let same = [
        rent.clone(),
        format!("\u{feff} {rent}"),
        format!(r#"{{"address":"가","userId":"1","bookId":"{book}"}}"#),
        format!(r#"{{"address":"\u1100\u1161","userId":1,"more":[1],"bookId":{book}}}"#),
    ];
    for body in &same {
        for path in ["/rents", "/rents/", "/bookrent/rents", "/bookrent/rents/"] {
            let again = send("POST", path, "k", body).is(201);
            assert_eq!(again.header("idempotent-replayed"), "true", "{path} {body}");
            assert_eq!(again["id"], first["id"]);
        }
    }
    for other in [
        format!(r#"{{"bookId":{book},"userId":2,"address":"가"}}"#),
        format!(r#"{{"bookId":{book},"userId":1,"address":"가 "}}"#),
    ] {
        send("POST", "/rents", "k", &other).refuses(422, "key-reused");
    }
    // The same key on another route, or for another number, is another request.
    send("POST", "/books", "k", r#"{"title":"title02"}"#).is(201).has("id", book + 1);
    send("PATCH", "/rents/1", "k", r#"{"status":"Cancel"}"#).is(200);
    let cancel = send("PATCH", "/bookrent/rents/1", "k", r#"{"status":"Cancel","x":1}"#).is(200);
    assert_eq!(cancel.header("idempotent-replayed"), "true");
    send("PATCH", "/rents/2", "k", r#"{"status":"Cancel"}"#).refuses(404, "not-found");
    assert_eq!((server.total("rents"), server.total("books")), (1, 2));
}

#[test]
fn filters_find_a_text_in_whatever_form_it_is_asked_for() {
    let server = Server::of("ticketing", "", &[]);
    for (ticket, user) in [(1, "가"), (2, "\u{1100}\u{1161}"), (3, "7")] {
        let day = "2099-07-06";
        let body = json!({"ticketId": ticket, "starttime": day, "endtime": day});
        server.post("/tickets", body).is(201);
        let body = json!({"ticketId": ticket, "userId": user});
        server.post("/reservations", body).is(201);
    }
    for query in ["%EA%B0%80", "%E1%84%80%E1%85%A1"] {
        let found = server.get(&format!("/reservations?userId={query}")).is(200);
        assert_eq!(found["page"]["totalElements"], 2, "{}", found.text);
    }
    let found = server.get("/reservations?userId=7").is(200);
    assert_eq!(found["page"]["totalElements"], 1, "{}", found.text);
    // A number where a text is expected is its text.
    server.post(
        "/tickets",
        json!({"ticketId": 4, "starttime": "2099-07-06", "endtime": "2099-07-06"}),
    );
    server.post("/reservations", json!({"ticketId": 4, "userId": 7})).is(201).has("userId", "7");
    let found = server.get("/reservations?userId=7&size=1").is(200);
    assert_eq!(found["page"]["totalElements"], 2, "{}", found.text);
    let next = found["_links"]["next"]["href"].as_str().unwrap();
    let path = next.trim_start_matches(server.url());
    assert_eq!(server.get(path).is(200).items("reservations").len(), 1);
}
