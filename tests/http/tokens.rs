//! Tokens of OpenID providers: who is let in, while keys change, the provider is away or is another one than it should be.

use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
};
use support::{
    Answer, Client, Server, at_once,
    chance::Chance,
    eventually,
    issuer::{TestIssuer, TokenKey, base64url},
};

/// So that no test meets a limit that it does not test.
const NO_LIMITS: &str = "[limits]\nrequests = 1000000\nburst = 1000000\nposts = 1000000\n";

fn with_token(client: &Client, method: &str, path: &str, token: &str, body: &Value) -> Answer {
    client.call(method, path, |request| request.bearer_auth(token).json(body))
}

fn get_with(client: &Client, path: &str, token: &str) -> Answer {
    client.call("GET", path, |request| request.bearer_auth(token))
}

#[track_caller]
fn is_invalid(answer: &Answer) {
    answer.refuses(401, "invalid-token");
    assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
}

#[test]
fn a_token_of_the_issuer_lets_its_holder_in_and_no_other_credentials_do() {
    let key = TokenKey::generate("ES256", "one");
    let issuer = TestIssuer::start(&[&key]);
    let server = Server::configured(&format!("{}{NO_LIMITS}", issuer.section()));
    let staff = key.sign(&issuer.claims("kim", &["staff"]));
    let book = json!({ "title": "title01" });
    with_token(&server, "POST", "/books", &staff, &book).is(201);
    get_with(&server, "/books/1", &staff).is(200);
    server.get("/books").is(200);
    let mut claims = issuer.claims("kim", &["staff"]);
    claims["aud"] = json!("another");
    let stranger = TokenKey::generate("ES256", "one").sign(&issuer.claims("kim", &["staff"]));
    for wrong in [key.sign(&claims), stranger, "a.b.c".into(), "words".into(), "hf_a_b".into()] {
        is_invalid(&with_token(&server, "POST", "/books", &wrong, &book));
        is_invalid(&get_with(&server, "/books", &wrong));
    }
    for other in [&b"Basic YTpi"[..], b"Bearer", b"Bearer \xff\xfe", b"", b"Digest a=b"] {
        let header = reqwest::header::HeaderValue::from_bytes(other).unwrap();
        is_invalid(
            &server.call("GET", "/books", |request| request.header("authorization", header)),
        );
    }
    assert_eq!(get_with(&server, "/books", &staff)["page"]["totalElements"], 1);
    let said = server.said();
    assert!(!said.contains(&staff) && !said.contains("panicked"), "{said}");
}

#[test]
fn tokens_of_development_and_acting_as_others_are_for_development_alone() {
    let key = TokenKey::generate("EdDSA", "one");
    let issuer = TestIssuer::start(&[&key]);
    let open = Server::start(&[]);
    let output = support::run(
        support::holdfast().args(["token", "--as", "admin", "--data"]).arg(open.data()),
    );
    let token = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    assert!(token.starts_with("hfdev_"), "{token}");
    get_with(&open, "/books", &token).is(200);
    let server = Server::configured(&issuer.section());
    is_invalid(&get_with(&server, "/books", &token));
}

#[test]
fn a_customer_has_the_rate_of_customers_and_staff_has_none() {
    let key = TokenKey::generate("RS256", "one");
    let issuer = TestIssuer::start(&[&key]);
    let limits = "[limits]\nrequests = 1\nburst = 3\n";
    let server = Server::configured(&format!("{}{limits}", issuer.section()));
    let mut claims = issuer.claims("kim", &["customer"]);
    claims["customer"] = json!(7);
    let customer = key.sign(&claims);
    let answers: Vec<_> = (0..20).map(|_| get_with(&server, "/books", &customer)).collect();
    assert_eq!(answers[0].status, 200);
    assert!(!answers[0].header("ratelimit").is_empty());
    assert!(answers.iter().any(|answer| answer.status == 429));
    // Another token of the same holder has the same bucket.
    claims["jti"] = json!("another");
    let again = key.sign(&claims);
    assert!((0..5).any(|_| get_with(&server, "/books", &again).status == 429));
    let staff = key.sign(&issuer.claims("lee", &["staff"]));
    for _ in 0..20 {
        get_with(&server, "/books", &staff).is(200);
    }
}

#[test]
fn while_keys_change_under_load_no_valid_request_is_refused_and_the_provider_is_asked_once() {
    let old = TokenKey::generate("RS256", "old");
    let new = TokenKey::generate("ES256", "new");
    let issuer = TestIssuer::start(&[&old]);
    let server = Server::configured(&format!("{}{NO_LIMITS}", issuer.section()));
    let before = old.sign(&issuer.claims("kim", &["staff"]));
    get_with(&server, "/books", &before).is(200);
    assert_eq!(issuer.read(), 1);
    let is_over = AtomicBool::new(false);
    let count = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let client = server.apart();
                while !is_over.load(SeqCst) {
                    get_with(&client, "/books", &before).is(200);
                    count.fetch_add(1, SeqCst);
                }
            });
        }
        eventually("requests are under way", || (count.load(SeqCst) > 50).then_some(()));
        issuer.publish(&[&old, &new]);
        let answers = at_once(&server, 8, |client, number| {
            let subject = format!("kim{number}");
            let after = new.sign(&issuer.claims(&subject, &["staff"]));
            (0..50).map(|_| get_with(client, "/books", &after).status).collect::<Vec<_>>()
        });
        is_over.store(true, SeqCst);
        assert!(answers.iter().flatten().all(|status| *status == 200), "{answers:?}");
    });
    assert_eq!(issuer.read(), 2, "the new keys were read more than once");
    // Names of keys that no one has lead to the provider no more for a while.
    for number in 0..20 {
        let invented = TokenKey::generate("EdDSA", &format!("invented{number}"));
        is_invalid(&get_with(&server, "/books", &invented.sign(&issuer.claims("a", &["staff"]))));
    }
    assert_eq!(issuer.read(), 2);
}

#[test]
fn keys_that_were_read_serve_while_the_provider_is_away_and_without_any_it_is_503() {
    let key = TokenKey::generate("EdDSA", "one");
    let issuer = TestIssuer::start(&[&key]);
    issuer.set_away(true);
    let mut server = Server::configured(&format!("{}{NO_LIMITS}", issuer.section()));
    let token = key.sign(&issuer.claims("kim", &["staff"]));
    let refused = get_with(&server, "/books", &token);
    refused.refuses(503, "retry-later");
    assert_eq!(refused.header("retry-after"), "1");
    // A caller that shows nothing, or what is wrong by itself, is judged without the provider.
    server.get("/books").is(200);
    is_invalid(&get_with(&server, "/books", "words"));
    issuer.set_away(false);
    eventually("the keys are read", || {
        (get_with(&server, "/books", &token).status == 200).then_some(())
    });
    issuer.set_away(true);
    for number in 0..20 {
        let another = key.sign(&issuer.claims(&format!("kim{number}"), &["staff"]));
        get_with(&server, "/books", &another).is(200);
    }
    server.kill();
    server.restart();
    get_with(&server, "/books", &token).refuses(503, "retry-later");
}

#[test]
fn a_provider_that_says_it_is_another_vouches_for_no_one() {
    let key = TokenKey::generate("EdDSA", "one");
    let issuer = TestIssuer::start(&[&key]);
    issuer.say("https://id.example");
    let server = Server::configured(&issuer.section());
    get_with(&server, "/books", &key.sign(&issuer.claims("kim", &["staff"])))
        .refuses(503, "retry-later");
    let mut claims = issuer.claims("kim", &["staff"]);
    claims["iss"] = json!("https://id.example");
    is_invalid(&get_with(&server, "/books", &key.sign(&claims)));
    eventually("the log says why", || {
        server.said().contains("discovery document is that of another issuer").then_some(())
    });
}

/// A token that differs from `valid`, as someone may try it.
fn mutilate(valid: &str, chance: &mut Chance) -> String {
    let parts: Vec<&str> = valid.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("{valid}") };
    let place = chance.between(0, valid.len() as u64) as usize;
    let letter = char::from(chance.between(0x21, 0x7f) as u8);
    let odd = [
        "",
        "null",
        "[]",
        "{}",
        "{\"alg\":\"none\"}",
        "{\"alg\":\"HS256\",\"kid\":\"rsa\"}",
        "{\"alg\":7}",
        "{\"alg\":\"RS256\",\"kid\":null}",
        "{\"alg\":\"EdDSA\",\"kid\":\"ed\",\"crit\":[\"b64\"],\"b64\":false}",
        "\"",
        "{\"exp\":1e999}",
        "{\"iss\":{}}",
        "\u{0}\u{1}",
        "{\"a\":{\"a\":{\"a\":{\"a\":[[[[[[]]]]]]}}}}",
        "{\"alg\":\"ES256\",\"alg\":\"EdDSA\",\"kid\":\"ec\"}",
        "{\"alg\":\"RS256\",\"kid\":\"../../etc\"}",
    ];
    let odd = base64url(odd[chance.between(0, odd.len() as u64) as usize]);
    let mutilated = match chance.between(0, 12) {
        0 => valid[..place].to_owned(),
        1 => valid[place..].to_owned(),
        2 => format!("{}{letter}{}", &valid[..place], &valid[place + 1..]),
        3 => format!("{}{letter}{}", &valid[..place], &valid[place..]),
        4 => format!("{odd}.{claims}.{signature}"),
        5 => format!("{header}.{odd}.{signature}"),
        6 => format!("{header}.{claims}.{odd}"),
        7 => format!("{claims}.{header}.{signature}"),
        8 => format!("{header}..{signature}"),
        9 => format!("{valid}.{signature}"),
        10 => format!("{header}.{}.{signature}", "A".repeat(chance.between(1, 20_000) as usize)),
        _ => {
            base64url(base64url("[".repeat(chance.between(1, 5000) as usize))) + "." + claims + "."
        }
    };
    if mutilated == valid { format!("{valid}A") } else { mutilated }
}

#[test]
fn sixteen_thousand_requests_with_all_kinds_of_tokens_are_answered() {
    let keys =
        ["RS256", "ES256", "EdDSA"].map(|name| TokenKey::generate(name, &name.to_lowercase()));
    let issuer = TestIssuer::start(&keys.each_ref());
    let server = Server::configured(&format!("{}{NO_LIMITS}", issuer.section()));
    let roles = ["customer", "staff", "admin", "operator", "auditor", "root"];
    let valid: Vec<String> = keys
        .iter()
        .flat_map(|key| roles.iter().map(|role| key.sign(&issuer.claims(role, &[role]))))
        .collect();
    let requests = [
        ("GET", "/books", ""),
        ("POST", "/books", "{\"title\":\"title01\"}"),
        ("POST", "/books", "{\"title\":7"),
        ("POST", "/rents", "{\"bookId\":1,\"userId\":\"\u{0}\"}"),
        ("GET", "/rents?userId=%00", ""),
        ("PATCH", "/rents/1", "{\"status\":\"Cancel\"}"),
        ("DELETE", "/books/x", ""),
        ("GET", "/events?after=x", ""),
        ("GET", "/admin/contexts", ""),
        ("GET", "/nothing/%ff", ""),
    ];
    let outcomes = at_once(&server, 8, |client, number| {
        let mut chance = Chance::new(number);
        let mut valid_ones = 0;
        for _ in 0..2000 {
            let token = &valid[chance.between(0, valid.len() as u64) as usize];
            let is_valid = chance.between(0, 4) == 0;
            let shown = if is_valid { token.clone() } else { mutilate(token, &mut chance) };
            let (method, path, body) = requests[chance.between(0, requests.len() as u64) as usize];
            let answer = client.call(method, path, |request| {
                request.header("authorization", format!("Bearer {shown}")).body(body)
            });
            let what = format!("{method} {path} {body} {shown}: {} {}", answer.status, answer.text);
            assert!(answer.status < 500, "{what}");
            // What is not there is so for everyone.
            let is_refused = !is_valid && !path.starts_with("/nothing");
            assert_eq!(answer.status == 401, is_refused, "{what}");
            valid_ones += usize::from(is_valid);
        }
        valid_ones
    });
    assert!(outcomes.iter().sum::<usize>() > 3000);
    let said = server.said();
    assert!(!said.contains("panicked"), "{said}");
    assert!(issuer.read() <= 3, "the provider was asked {} times", issuer.read());
}

#[test]
fn those_without_credentials_are_counted_by_the_address_that_the_proxy_has_seen() {
    let limits = "[limits]\nrequests = 1\nburst = 3\n[http]\ntrusted_proxies = ['127.0.0.1']\n";
    let server = Server::configured(&format!("auth.mode = 'token'\n{limits}"));
    let asked = |pretended: u32, seen: &str| {
        server.call("GET", "/books", |request| {
            let pretended = format!("10.1.2.{pretended}");
            request.header("x-forwarded-for", pretended).header("x-forwarded-for", seen)
        })
    };
    let answers: Vec<u16> = (0..20).map(|pretended| asked(pretended, "9.9.9.9").status).collect();
    assert_eq!(answers[0], 200);
    assert!(answers.contains(&429), "{answers:?}");
    asked(0, "9.9.9.10").is(200);
}
