//! Who may do what, before a context that knows whose its thing is.

use super::*;
use crate::identity::{Credentials, Identify, Principal, Role as Caller, Unidentified};
use futures_util::future::BoxFuture;

/// Takes the token for the name of a role, or else of a customer.
pub(super) struct ByName;

impl Identify for ByName {
    fn identify<'a>(
        &'a self,
        credentials: Credentials<'a>,
    ) -> BoxFuture<'a, Result<Option<Arc<Principal>>, Unidentified>> {
        let found = match credentials.bearer() {
            None => Ok(None),
            Some("wrong") => Err(Unidentified::Invalid("wrong")),
            Some("later") => Err(Unidentified::Unavailable("away")),
            Some(name) => {
                let role = name.parse().unwrap_or(Caller::Customer);
                let roles = [role].into_iter().collect();
                Ok(Some(Arc::new(Principal {
                    subject: name.into(),
                    customer: (role == Caller::Customer).then(|| name.into()),
                    roles,
                    ..Principal::default()
                })))
            }
        };
        std::future::ready(found).boxed()
    }
}

pub(super) fn from(name: &str, line: &str) -> String {
    raw_request(line, &format!("Authorization: Bearer {name}\r\n{JSON}"), "{}")
}

/// The statuses of these requests where a request without credentials is refused what is not for everyone.
fn statuses(reads: Reads, requests: &[String]) -> Vec<u16> {
    let settings = |mut settings: HttpSettings| {
        settings.identifiers.push(ByName);
        HttpSettings { open: false, development: false, ..settings }
    };
    let requests: Vec<&str> = requests.iter().map(String::as_str).collect();
    let answers = send_to_things(reads, settings, &requests);
    let status = |answer: &String| answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    answers.iter().map(|answer| status(answer).unwrap_or_else(|| panic!("{answer}"))).collect()
}

const CALLERS: [&str; 9] = ["", "wrong", "7", "8", "staff", "admin", "operator", "auditor", "node"];

/// What each caller gets for the same line.
fn row(reads: Reads, line: &str) -> Vec<u16> {
    let request = |name: &&str| match *name {
        "" => raw_request(line, JSON, "{}"),
        name => from(name, line),
    };
    statuses(reads, &CALLERS.iter().map(request).collect::<Vec<_>>())
}

#[test]
fn each_caller_gets_what_the_audience_of_a_route_says() {
    let owned = Reads::Owner;
    for (reads, line, expected) in [
        (Reads::Public, "GET /things", [200, 401, 200, 200, 200, 200, 200, 200, 403]),
        (Reads::Public, "GET /things/7", [200, 401, 200, 200, 200, 200, 200, 200, 403]),
        (owned, "GET /things", [401, 401, 200, 200, 200, 200, 403, 403, 403]),
        (owned, "GET /things/7", [401, 401, 200, 404, 200, 200, 403, 403, 403]),
        (owned, "GET /things/8", [401, 401, 404, 404, 404, 404, 403, 403, 403]),
        (owned, "POST /things", [401, 401, 201, 201, 201, 201, 403, 403, 403]),
        (owned, "PATCH /things/7", [401, 401, 200, 404, 200, 200, 403, 403, 403]),
        (owned, "PUT /things/7", [405, 401, 405, 405, 405, 405, 405, 405, 405]),
        (Reads::Staff, "GET /things", [401, 401, 403, 403, 200, 200, 403, 403, 403]),
        (owned, "GET /livez", [200, 200, 200, 200, 200, 200, 200, 200, 200]),
        (owned, "GET /openapi.json", [200, 200, 200, 200, 200, 200, 200, 200, 200]),
        (owned, "GET /metrics", [401, 401, 403, 403, 403, 501, 501, 403, 403]),
        (owned, "GET /readyz?v%65rbose", [401, 401, 403, 403, 403, 501, 501, 403, 403]),
        (owned, "GET /events/shop.none", [401, 401, 403, 403, 403, 404, 403, 404, 404]),
        (owned, "GET /admin/nothing", [401, 401, 403, 403, 403, 404, 404, 403, 403]),
        (owned, "POST /admin/contexts/a/stop", [401, 401, 403, 403, 403, 404, 404, 403, 403]),
        (owned, "GET /admin/keys", [401, 401, 403, 403, 403, 404, 403, 403, 403]),
        (owned, "POST /admin/clock", [404, 401, 404, 404, 404, 404, 404, 404, 404]),
        (owned, "GET /internal/nothing", [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ] {
        // The condition of this context, which is not one, cannot be told: who gets that far is let in.
        let is_reported = |(status, allowed): (u16, &u16)| {
            if *allowed == 501 { status == 500 } else { status == *allowed }
        };
        let found = row(reads, line);
        assert!(found.iter().copied().zip(&expected).all(is_reported), "{line}: {found:?}");
    }
}

#[test]
fn what_is_anothers_is_absent_in_the_same_words_and_its_body_is_not_read() {
    let settings = |mut settings: HttpSettings| {
        settings.identifiers.push(ByName);
        HttpSettings { open: false, ..settings }
    };
    // Neither is as long as it says, so that reading it would end in 408.
    let unfinished = |number: u64| {
        format!(
            "PATCH /things/{number} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer 8\r\nContent-Length: 9\r\n{JSON}\r\n{{"
        )
    };
    let requests =
        [from("8", "GET /things/7"), from("8", "GET /things/9"), unfinished(7), unfinished(9)];
    let requests: Vec<&str> = requests.iter().map(String::as_str).collect();
    let answers = send_to_things(Reads::Owner, settings, &requests);
    let comparable = |answer: &str| {
        let lines = answer.lines().filter(|line| !line.starts_with("date: "));
        lines.collect::<Vec<_>>().join("\n").replace("/things/7", "/things/9")
    };
    for pair in answers.chunks(2) {
        assert!(pair[0].starts_with("HTTP/1.1 404"), "{}", pair[0]);
        assert_eq!(comparable(&pair[0]), comparable(&pair[1]));
    }
}
