//! What people read: Korean for those who prefer it, and in both languages the words of the field, not of a library.

use serde_json::Value;
use support::{Answer, Server};

/// A request that is wrong: method, path, headers and body.
struct Wrong(&'static str, String, Vec<(&'static str, String)>, Option<Vec<u8>>);

/// What no client should read: the words of libraries, and of this program's own insides.
const BANNED: &[&str] = &[
    "serde",
    "figment",
    "actix",
    "deserializ",
    "missing field",
    "unknown variant",
    "invalid type",
    "invalid value:",
    "invalid digit",
    "invalid utf-8",
    "expected ident",
    "expected value",
    "expected one of",
    "expected struct",
    "variant",
    "newtype",
    "tuple",
    "struct ",
    "enum ",
    "at line",
    "eof while",
    "trailing char",
    "trailing comma",
    "recursion limit",
    "u64",
    "i64",
    "u32",
    "usize",
    "f64",
    "option<",
    "parseint",
    "panick",
    "unwrap",
    "none of",
    "there is no such",
];

fn json_headers() -> Vec<(&'static str, String)> {
    vec![("Content-Type", "application/json".into())]
}

/// Requests that are wrong in all the ways that a client can think of.
fn wrongs() -> Vec<Wrong> {
    let mut all = Vec::new();
    let bodies: &[(&str, &str, &[&str])] = &[
        (
            "POST",
            "/books",
            &[
                "",
                "{",
                "{}",
                "[]",
                "null",
                "7",
                "\"a\"",
                "{\"title\"}",
                "{\"title\":}",
                "{'title':1}",
                "nul",
                "{\"title\":\"t\",}",
                "{\"title\":\"t\"} x",
                "{\"title\":\"\u{1}\"}",
                "{\"title\":\"\\x\"}",
                "{\"title\":null}",
                "{\"title\":[]}",
                "{\"title\":{}}",
                "{\"title\":\"t\",\"status\":\"perhaps\"}",
                "{\"title\":\"t\",\"status\":7}",
                "{\"title\":\"t\",\"title\":\"u\"}",
                "{\"title\":\"\\ud800\"}",
                "{\"title\":\"t\",\"status\":01}",
                "{\"title\":1e999}",
            ],
        ),
        (
            "POST",
            "/rents",
            &[
                "{}",
                "{\"bookId\":\"x\",\"userId\":1,\"address\":\"a\"}",
                "{\"bookId\":-1,\"userId\":1,\"address\":\"a\"}",
                "{\"bookId\":1.5,\"userId\":1,\"address\":\"a\"}",
                "{\"bookId\":1,\"userId\":null,\"address\":\"a\"}",
                "{\"bookId\":1,\"userId\":1}",
                "{\"bookId\":1,\"userId\":1,\"address\":{}}",
                "{\"bookId\":99999999999999999999,\"userId\":1,\"address\":\"a\"}",
                "{\"bookId\":0,\"userId\":1,\"address\":\"a\"}",
                "{\"bookId\":true,\"userId\":1,\"address\":\"a\"}",
            ],
        ),
        (
            "PATCH",
            "/rents/1",
            &[
                "{}",
                "[]",
                "{\"status\":\"Rent\"}",
                "{\"status\":7}",
                "{\"status\":{\"Cancel\":null}}",
                "{\"status\":null}",
            ],
        ),
        (
            "PUT",
            "/admin/contexts/bookrent.book/fault",
            &[
                "{",
                "[]",
                "{\"delayMs\":1}",
                "{\"delayMs\":[1]}",
                "{\"delayMs\":[2,1]}",
                "{\"delayMs\":[\"a\",1]}",
                "{\"failureRate\":2}",
                "{\"failureRate\":\"x\"}",
                "{\"delayMs\":[-1,1]}",
            ],
        ),
        (
            "POST",
            "/admin/clock",
            &[
                "{}",
                "{\"advance\":1}",
                "{\"advance\":\"soon\"}",
                "{\"advance\":\"-PT1M\"}",
                "{\"advance\":\"PT999999999H\"}",
            ],
        ),
    ];
    for (method, path, bodies) in bodies {
        for body in *bodies {
            all.push(Wrong(method, (*path).into(), json_headers(), Some(body.as_bytes().into())));
        }
    }
    let deep = "[".repeat(100) + &"]".repeat(100);
    for body in [
        b"\xff\xfe".to_vec(),
        b"{\"title\":\"\xc3\x28\"}".to_vec(),
        deep.into_bytes(),
        vec![b'x'; 70_000],
    ] {
        all.push(Wrong("POST", "/books".into(), json_headers(), Some(body)));
    }
    let book = || Some(b"{\"title\":\"t\"}".to_vec());
    for kind in [
        "",
        "text/plain",
        "application/xml",
        "multipart/form-data",
        "application/json; charset=utf-16",
    ] {
        all.push(Wrong("POST", "/books".into(), vec![("Content-Type", kind.into())], book()));
    }
    for (name, value) in [
        ("Idempotency-Key", ""),
        ("Idempotency-Key", "\"a"),
        ("Idempotency-Key", &"k".repeat(300)),
        ("If-Match", "1"),
        ("If-Match", "\"x"),
        ("If-Match", "\"77\""),
        ("Content-Encoding", "gzip"),
    ] {
        let headers = [json_headers(), vec![(name, value.to_owned())]].concat();
        all.push(Wrong("POST", "/books".into(), headers.clone(), book()));
        all.push(Wrong(
            "PATCH",
            "/rents/1".into(),
            headers,
            Some(b"{\"status\":\"Cancel\"}".to_vec()),
        ));
    }
    let long = format!("/books?x={}", "y".repeat(9000));
    for path in [
        "/nothing",
        "/books/0",
        "/books/x",
        "/books/99",
        "/books/01",
        "/books/99999999999999999999",
        "/books?page=x",
        "/books?page=-1",
        "/books?size=0",
        "/books?size=x",
        "/books?page=1&page=2",
        "/books?sort=title",
        "/books?sort=id,up",
        "/books?sort=id&sort=id",
        "/books?after=x",
        "/books?after=x&page=1",
        "/books?page=99999999",
        "/books?colour=red",
        "/rents?userId=x",
        "/rents?userId=1&userId=1",
        "/rents?status=Rent&status=Fail",
        "/books?%ff=1",
        "/books?status=%ff",
        "/events?x=1",
        "/events?limit=x",
        "/events?limit=1&limit=2",
        "/events?from=x",
        "/events?subject=x",
        "/events?type=x",
        "/events?system=x",
        "/events?named=x",
        "/events/nothing",
        "/events/bookrent.rent?from=x",
        "/events/bookrent.rent?from=999",
        "/events/bookrent.rent?from=abc-1",
        "/schemas/x.json",
        "/docs/x.js",
        "/admin/parked?limit=0",
        "/admin/parked?limit=x",
        "/admin/parked?after=x",
        "/admin/sagas/bookrent/x",
        "/admin/sagas/x/1",
        "/admin/sagas/bookrent/1?from=x",
        "/admin/sagas/bookrent/1?limit=x",
        "/internal/events/bookrent.rent",
        &long,
    ] {
        all.push(Wrong("GET", path.to_owned(), Vec::new(), None));
    }
    for (method, path) in [
        ("PUT", "/books/1"),
        ("DELETE", "/rents/1"),
        ("POST", "/views"),
        ("POST", "/livez"),
        ("BREW", "/books"),
        ("POST", "/admin/contexts/x/stop"),
        ("POST", "/admin/views/bookrent.book/rebuild"),
        ("POST", "/admin/parked/x/redrive"),
        ("POST", "/admin/parked/letter-1/drop"),
        ("POST", "/admin/parked/a~b~1~1/drop"),
    ] {
        all.push(Wrong(method, path.into(), Vec::new(), None));
    }
    all
}

fn send(server: &Server, wrong: &Wrong, language: &str) -> Answer {
    let Wrong(method, path, headers, body) = wrong;
    server.call(method, path, |mut request| {
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        request = request.header("Accept-Language", language);
        match body {
            Some(body) => request.body(body.clone()),
            None => request,
        }
    })
}

/// What a person reads of a problem.
fn texts(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().into_iter().flatten();
    let details = errors.filter_map(|error| error["detail"].as_str());
    [&problem["title"], &problem["detail"]]
        .into_iter()
        .filter_map(Value::as_str)
        .chain(details)
        .collect()
}

/// Three words in a row in Latin letters, outside backticks.
fn has_latin_sentence(text: &str) -> bool {
    let prose: Vec<&str> = text.split('`').step_by(2).collect();
    let prose = prose.join(" x1 ");
    // Lists of names have commas, and methods are in capitals.
    let is_latin = |word: &&str| {
        word.len() > 1
            && word.chars().any(|letter| letter.is_ascii_lowercase())
            && word.chars().all(|letter| letter.is_ascii_alphabetic() || ".;:'".contains(letter))
    };
    let words: Vec<&str> = prose.split_whitespace().collect();
    words.windows(3).any(|words| words.iter().all(is_latin))
}

/// A server with one book, rented and cancelled.
fn server() -> Server {
    let server = Server::start(&[]);
    server.rent(server.register_book("title01"), 1);
    server
}

#[test]
fn the_korean_answer_to_whatever_is_wrong_has_no_english_sentence() {
    let server = server();
    let mut codes = std::collections::BTreeSet::new();
    for wrong in wrongs() {
        let answer = send(&server, &wrong, "ko-KR,ko;q=0.9,en;q=0.1");
        let what = format!(
            "{} {} {:?}",
            wrong.0,
            wrong.1,
            wrong.3.as_deref().map(String::from_utf8_lossy)
        );
        if answer.status < 400 {
            continue;
        }
        codes.insert(answer.problem(answer.status).to_owned());
        assert_eq!(answer.header("content-language"), "ko", "{what}");
        let texts = texts(&answer.body);
        assert!(texts.len() >= 2, "{what}: {}", answer.text);
        for text in texts {
            let has_hangul = text.chars().any(|letter| ('가'..='힣').contains(&letter));
            assert!(has_hangul && !has_latin_sentence(text), "{what}: {text}");
        }
    }
    assert!(codes.len() >= 20, "only {codes:?} were provoked");
}

#[test]
fn no_answer_has_words_of_a_library() {
    let server = server();
    for wrong in wrongs() {
        for language in ["en", "ko"] {
            let answer = send(&server, &wrong, language);
            if answer.status < 400 {
                continue;
            }
            for text in texts(&answer.body) {
                let low = text.to_lowercase();
                let found = BANNED.iter().find(|words| low.contains(**words));
                let what = (&wrong.0, &wrong.1, wrong.3.as_deref().map(String::from_utf8_lossy));
                assert!(found.is_none(), "{what:?}: `{}` in `{text}`", found.unwrap());
            }
        }
    }
}
