//! Two customers: whatever one of them asks about what is the other's leaves it as it was, and shows nothing of it.

use super::{
    cells::declared,
    developers,
    shop::{CANARIES, fill, fill_key},
    token,
};
use holdfast::{domain::Reads, systems};
use reqwest::{blocking::RequestBuilder, header::HeaderMap};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, thread};
use support::{
    Answer, Client, Server,
    bodies::{BodyRoute, body_routes},
    chance::Chance,
    selected_systems,
};

const REQUESTS: u64 = 5_000;
/// The fields by which a body says whose something is.
const SUBJECTS: [&str; 3] = ["userId", "customerId", "userid"];

/// A collection, with the number of something of the first customer.
struct Collection {
    path: String,
    number: u64,
    is_owned: bool,
    fields: Vec<&'static str>,
    words: Vec<&'static str>,
}

/// One of the requests of the second customer.
struct Attempt {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
}

fn send(client: &Client, bearer: &str, attempt: &Attempt) -> Answer {
    let is_stream = attempt.headers.iter().any(|(name, _)| *name == "accept");
    if is_stream && attempt.method == "GET" {
        let shape = |request: RequestBuilder| {
            let headers = attempt.headers.iter();
            let request =
                headers.fold(request, |request, (name, value)| request.header(*name, value));
            request.bearer_auth(bearer)
        };
        // A stream begins with what there is.
        return match client.listen(&attempt.path, shape) {
            Ok(mut stream) => {
                let text = [stream.next_block(), stream.next_block()].concat().join("\n");
                Answer {
                    status: 200,
                    headers: HeaderMap::new(),
                    text,
                    body: Value::Null,
                    certificate: None,
                }
            }
            Err(answer) => *answer,
        };
    }
    client.call(attempt.method, &attempt.path, |mut request| {
        for (name, value) in &attempt.headers {
            request = request.header(*name, value);
        }
        let request = request.bearer_auth(bearer);
        match &attempt.body {
            Some(body) => request.json(body),
            None => request,
        }
    })
}

fn pick<'a, T>(chance: &mut Chance, all: &'a [T]) -> &'a T {
    let at = chance.between(0, all.len() as u64);
    &all[usize::try_from(at).unwrap()]
}

/// Some headers that a request may be judged by.
fn conditions(chance: &mut Chance) -> Vec<(&'static str, String)> {
    let version = chance.between(0, 6);
    let mut headers = Vec::new();
    match chance.between(0, 8) {
        0 => headers.push(("if-match", format!("\"{version}\""))),
        1 => headers.push(("if-match", "*".to_owned())),
        2 => headers.push(("if-none-match", format!("\"{version}\""))),
        3 => headers.push(("if-none-match", "*".to_owned())),
        _ => {}
    }
    if chance.between(0, 6) == 0 {
        headers.push(("accept", "text/event-stream".to_owned()));
    }
    if chance.between(0, 4) == 0 {
        headers.push(("idempotency-key", fill_key(chance.between(1, 8))));
    }
    if chance.between(0, 8) == 0 {
        headers.push(("x-holdfast-as", "customer/7".to_owned()));
    }
    if chance.between(0, 8) == 0 {
        headers.push(("x-holdfast-customer", "7".to_owned()));
    }
    headers
}

/// The query of a list.
fn query(chance: &mut Chance, fields: &[&'static str]) -> String {
    let mut parts = Vec::new();
    if chance.coin() {
        let value = *pick(chance, &["7", "8", "1", "VIP", "true", "Rent", "address", "010"]);
        parts.push(format!("{}={value}", pick(chance, fields)));
    }
    if chance.coin() {
        let direction = if chance.coin() { "asc" } else { "desc" };
        parts.push(format!("sort={},{direction}", pick(chance, fields)));
    }
    if chance.coin() {
        parts.push(format!("size={}&page={}", chance.between(1, 4), chance.between(0, 3)));
    }
    parts.join("&")
}

fn number(chance: &mut Chance, collection: &Collection) -> u64 {
    match chance.between(0, 8) {
        0 => chance.between(1, 30),
        1 => u64::MAX,
        _ => collection.number,
    }
}

/// A body of one of the `routes`, sent to something of the first customer, or in one of the two names.
fn command(chance: &mut Chance, routes: &[BodyRoute], collections: &[Collection]) -> Attempt {
    let route = pick(chance, routes);
    let mut body: Map<String, Value> = route.example.clone();
    for subject in SUBJECTS {
        if body.contains_key(subject) && chance.between(0, 4) > 0 {
            let whose = if chance.coin() { 7 } else { 8 };
            let is_text = body[subject].is_string();
            body[subject] = if is_text { json!(whose.to_string()) } else { json!(whose) };
        }
    }
    let mut path = route.path.clone();
    if let Some(collection) = path.strip_suffix("/1") {
        let known = collections.iter().find(|known| collection.starts_with(&known.path));
        if let Some(known) = known {
            path = format!("{collection}/{}", number(chance, known));
        }
    }
    let method = if route.method == "POST" { "POST" } else { "PATCH" };
    Attempt { method, path, headers: conditions(chance), body: Some(body.into()) }
}

fn attempt(chance: &mut Chance, routes: &[BodyRoute], collections: &[Collection]) -> Attempt {
    let collection = pick(chance, collections);
    let headers = conditions(chance);
    let item = |chance: &mut Chance| {
        let number = number(chance, collection);
        match collection.words.as_slice() {
            words if !words.is_empty() && chance.coin() => {
                format!("{}/{}/{number}", collection.path, pick(chance, words))
            }
            _ => format!("{}/{number}", collection.path),
        }
    };
    match chance.between(0, 20) {
        0..7 => {
            let method = if chance.coin() { "GET" } else { "HEAD" };
            Attempt { method, path: item(chance), headers, body: None }
        }
        7..12 => {
            let path = format!("{}?{}", collection.path, query(chance, &collection.fields));
            Attempt { method: "GET", path, headers, body: None }
        }
        12..16 => command(chance, routes, collections),
        16..18 => {
            let method = pick(chance, &["DELETE", "PATCH", "PUT", "POST", "OPTIONS"]);
            Attempt { method, path: item(chance), headers, body: Some(json!({})) }
        }
        _ => {
            let fixed = [
                "/events",
                "/events/bookrent.rent",
                "/events/movie.book?from=now",
                "/metrics",
                "/readyz?verbose",
                "/actuator/health",
                "/admin/sagas/bookrent/1",
                "/admin/parked",
                "/admin/sagas",
                "/admin/nodes",
                "/internal/owed",
                "/admin/audit",
                "/admin/keys",
                "/admin/contexts",
                "/internal/events/bookrent.rent?from=1",
                "/internal/sagas/bookrent.rent/1",
                "/",
                "/openapi.json",
            ];
            let path = (*pick(chance, &fixed)).to_owned();
            let method = if chance.coin() { "GET" } else { "HEAD" };
            Attempt { method, path, headers, body: None }
        }
    }
}

/// How what the first customer has looks to staff, with its versions; and what it finds in its own lists.
fn state(
    server: &Server,
    collections: &[Collection],
    first: &str,
    known: Option<&BTreeMap<String, (String, Value)>>,
) -> BTreeMap<String, (String, Value)> {
    let mut state = BTreeMap::new();
    for collection in collections.iter().filter(|collection| collection.is_owned) {
        let path = &collection.path;
        let own =
            server.call("GET", &format!("{path}?size=100"), |request| request.bearer_auth(first));
        let own = own.is(200);
        let name = path.rsplit('/').next().unwrap();
        let numbers: Vec<u64> =
            own.items(name).iter().map(|item| item["id"].as_u64().unwrap()).collect();
        assert!(numbers.contains(&collection.number), "{path}: {}", own.text);
        assert_eq!(own["page"]["totalElements"], numbers.len(), "{path}");
        for number in numbers {
            let item = format!("{path}/{number}");
            assert!(known.is_none_or(|known| known.contains_key(&item)), "{item} is new");
            let shown = server.get(&item).is(200);
            state.insert(item, (shown.header("etag").to_owned(), shown.body.clone()));
        }
    }
    state
}

#[test]
fn a_customer_changes_and_sees_nothing_of_what_is_anothers() {
    let mut server = Server::of_all("", &[]);
    let first = token(&server, "customer/7");
    let second = token(&server, "customer/8/VIP");
    let mut collections = Vec::new();
    for system in selected_systems(systems::NAMES) {
        let things = fill(&server, &format!("/{system}"), system, &developers(&server));
        for context in declared(system) {
            let name = context.name();
            let fields = [&["id"], context.filter_fields()].concat();
            collections.push(Collection {
                path: format!("/{system}/{}", name.collection),
                number: things[name.context],
                is_owned: context.reads() == Reads::Owner,
                fields,
                words: context.routes().iter().filter_map(|route| route.word).collect(),
            });
        }
    }
    let document = server.get("/openapi.json").is(200).body;
    let mut routes = body_routes(&document);
    routes.retain(|route| collections.iter().any(|known| route.path.starts_with(&known.path)));
    let before = state(&server, &collections, &first, None);
    // All that the second customer may listen to, until the server ends.
    let streams = collections.iter().flat_map(|collection| {
        let paths = [collection.path.clone(), format!("{}/{}", collection.path, collection.number)];
        paths
            .into_iter()
            .filter_map(|path| server.listen(&path, |request| request.bearer_auth(&second)).ok())
    });
    let streams = streams.map(|mut stream| {
        thread::spawn(move || {
            let blocks = std::iter::from_fn(|| Some(stream.next_block()));
            blocks.take_while(|block| !block.is_empty()).flatten().collect::<Vec<_>>().join("\n")
        })
    });
    let streams: Vec<_> = streams.collect();
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(13);
    let mut chance = Chance::new(seed);
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    for count in 0..REQUESTS {
        let attempt = attempt(&mut chance, &routes, &collections);
        let answer = send(&server, &second, &attempt);
        let what = || format!("request {count}: {} {}", attempt.method, attempt.path);
        assert!(answer.status < 500 || answer.status == 503, "{}: {}", what(), answer.text);
        let headers = format!("{:?}", answer.headers);
        for canary in CANARIES {
            assert!(!answer.text.contains(canary), "{}: {}", what(), answer.text);
            assert!(!headers.contains(canary), "{}: {headers}", what());
        }
        *statuses.entry(answer.status).or_default() += 1;
    }
    // Nothing is held if all of it is refused in the same way.
    for status in [200, 201, 400, 401, 403, 404] {
        let is_needed = status != 401;
        assert!(!is_needed || statuses.contains_key(&status), "no {status} among {statuses:?}");
    }
    let after = state(&server, &collections, &first, Some(&before));
    assert_eq!(after, before);
    find_nothing(&server, &second, &collections, &before);
    assert!(server.terminate().success());
    let heard: Vec<String> = streams.into_iter().map(|stream| stream.join().unwrap()).collect();
    assert!(heard.iter().any(|heard| heard.contains("data: ")));
    for canary in CANARIES {
        assert!(!heard.iter().any(|heard| heard.contains(canary)), "{canary}");
    }
}

/// A filter by what something of the first customer has finds nothing for the second.
fn find_nothing(
    server: &Server,
    second: &str,
    collections: &[Collection],
    known: &BTreeMap<String, (String, Value)>,
) {
    for collection in collections.iter().filter(|collection| collection.is_owned) {
        let (_, thing) = &known[&format!("{}/{}", collection.path, collection.number)];
        let own = server.call("GET", &format!("{}?size=100", collection.path), |request| {
            request.bearer_auth(second)
        });
        let own = own.is(200)["page"]["totalElements"].as_u64().unwrap();
        for field in collection.fields.iter().filter(|field| **field != "id") {
            let value = match &thing[*field] {
                Value::String(text) => text.clone(),
                Value::Null => continue,
                other => other.to_string(),
            };
            let value: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let path = format!("{}?{field}={value}", collection.path);
            let found = server.call("GET", &path, |request| request.bearer_auth(second));
            let found = found.is(200);
            assert!(found["page"]["totalElements"].as_u64().unwrap() <= own, "{}", found.text);
            let name = collection.path.rsplit('/').next().unwrap();
            for item in found.items(name) {
                let place = format!("{}/{}", collection.path, item["id"]);
                assert!(!known.contains_key(&place), "{place}: {}", found.text);
            }
        }
    }
}
