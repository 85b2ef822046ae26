//! What is judged before a request reaches its handler: how often a caller calls, and that it can be audited.

use super::{
    access::{ByName, from},
    *,
};
use crate::{
    api::{RateLimits, RateSettings},
    audit::AuditLog,
    store::{MemoryStore, Store},
};
use std::num::NonZeroU32;

/// So low a rate that a test, which sends one request after the other, meets it.
fn with_rates(mut settings: HttpSettings) -> HttpSettings {
    let number = |number| NonZeroU32::new(number).unwrap();
    settings.identifiers.push(ByName);
    let rates =
        RateSettings { requests: NonZeroU32::MIN, burst: number(10), posts: NonZeroU32::MIN };
    HttpSettings { rates: Some(Arc::new(RateLimits::new(rates))), ..settings }
}

#[test]
fn a_customer_who_calls_too_often_learns_when_to_come_back_and_nothing_is_done() {
    let get = from("7", "GET /things/7");
    let mut requests: Vec<&str> = vec![&get; 40];
    let other = from("8", "GET /things/7");
    let staff = from("staff", "GET /things/7");
    requests.extend([other.as_str(), staff.as_str()]);
    let answers = send_to(with_rates, &requests);
    let is_limited = |answer: &&String| answer.starts_with("HTTP/1.1 429");
    let [own @ .., other, staff] = answers.as_slice() else { panic!("{answers:?}") };
    assert!(own[0].contains("200 OK"), "{}", own[0]);
    assert!(own[0].contains("ratelimit: \"requests\";r=9;t=1"), "{}", own[0]);
    assert!(own[0].contains("ratelimit-policy: \"requests\";q=10;w=10"), "{}", own[0]);
    let limited = own.iter().find(is_limited).expect("some are too many");
    for words in ["retry-after: 1\r\n", "quota-exceeded", "ratelimit-policy: "] {
        assert!(limited.contains(words), "`{words}` is missing from {limited}");
    }
    assert!(other.contains("200 OK"), "{other}");
    assert!(staff.contains("200 OK") && !staff.contains("ratelimit: "), "{staff}");
}

#[test]
fn a_post_beyond_the_rate_reaches_no_context() {
    let first = from("7", "POST /things");
    // The context panics at this body.
    let headers = format!("Authorization: Bearer 7\r\n{JSON}");
    let second = raw_request("POST /things", &headers, r#"{"boom":true}"#);
    let mut requests: Vec<&str> = vec![&first];
    requests.extend([second.as_str(); 20]);
    let answers = send_to(with_rates, &requests);
    assert!(answers[0].starts_with("HTTP/1.1 201"), "{}", answers[0]);
    let refused = answers[1..].iter().filter(|answer| answer.starts_with("HTTP/1.1 429"));
    assert!(refused.count() >= 1, "{answers:?}");
}

#[test]
fn searches_and_pages_of_events_cost_more() {
    let search = from("7", "GET /things?status=short");
    let events = from("8", "GET /events?limit=1");
    let remaining = |answer: &str| {
        let at = answer.split("ratelimit: \"requests\";r=").nth(1)?;
        at.split(';').next()?.parse::<u32>().ok()
    };
    let answers = send_to(with_rates, &[&search, &events]);
    assert_eq!((remaining(&answers[0]), remaining(&answers[1])), (Some(7), Some(0)), "{answers:?}");
}

#[test]
fn credentials_that_are_not_valid_are_refused_and_such_as_cannot_be_verified_are_for_later() {
    let answers =
        send_to(with_rates, &[&from("wrong", "GET /things/7"), &from("later", "GET /things/7")]);
    assert!(answers[0].starts_with("HTTP/1.1 401"), "{}", answers[0]);
    assert!(
        answers[0].contains("www-authenticate: Bearer error=\"invalid_token\""),
        "{}",
        answers[0]
    );
    assert!(answers[1].starts_with("HTTP/1.1 503"), "{}", answers[1]);
    assert!(answers[1].contains("retry-after: 1"), "{}", answers[1]);
}

/// What is answered to a write of staff, the start of a context, a read of staff and a write of a customer, where `damage` has
/// been done to the store of the audit. The context panics at the write of staff and at its start.
fn send_audited(damage: fn(&MemoryStore)) -> Vec<String> {
    let memory = MemoryStore::default();
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let audit = Arc::new(AuditLog::open(&store, Machine::default()).unwrap());
    damage(&memory);
    let settings = move |mut settings: HttpSettings| {
        settings.identifiers.push(ByName);
        HttpSettings { audit: Some(audit), ..settings }
    };
    let headers = format!("Authorization: Bearer staff\r\n{JSON}");
    let write = raw_request("POST /things", &headers, r#"{"boom":true}"#);
    let start = raw_request("POST /admin/contexts/shop.thing/start", JSON, "");
    let read = from("staff", "GET /things/7");
    let customer = from("7", "POST /things");
    send_to(settings, &[&write, &start, &read, &customer])
}

#[test]
fn what_cannot_be_audited_is_not_done() {
    let answers = send_audited(MemoryStore::fail_now);
    for refused in &answers[..2] {
        assert!(refused.starts_with("HTTP/1.1 50"), "{refused}");
        assert!(!refused.contains("crashed"), "{refused}");
    }
    assert!(answers[2].starts_with("HTTP/1.1 200"), "{}", answers[2]);
    assert!(answers[3].starts_with("HTTP/1.1 201"), "{}", answers[3]);
}

#[test]
fn a_full_disk_is_not_filled_with_lines_and_operators_can_act() {
    let answers = send_audited(|store| store.set_full(true));
    assert!(answers[0].contains("disk-full"), "{}", answers[0]);
    assert!(!answers[1].contains("disk-full"), "{}", answers[1]);
}
