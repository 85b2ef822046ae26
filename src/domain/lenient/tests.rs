use super::*;
use crate::domain::{body, number::LARGEST};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

#[body]
struct Sent {
    count: u64,
    change: Option<i64>,
    flag: Option<bool>,
    name: String,
    #[serde(rename = "street")]
    address: Option<String>,
    #[blank_is_none]
    phone: Option<String>,
    choice: Option<Choice>,
    #[serde(default)]
    more: Vec<i32>,
}

#[body]
enum Choice {
    Cancel,
}

fn changed_body(changed: Value) -> Value {
    let mut body = json!({ "count": 7, "name": "n" });
    let members = changed.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(members);
    body
}

fn read_with(changed: Value) -> Sent {
    read_body(changed_body(changed)).unwrap()
}

/// The place and the code of what is wrong in a body.
#[track_caller]
fn read_wrong(body: Value) -> (String, &'static str) {
    let bad = read_body::<Sent>(body).unwrap_err();
    assert!(!bad.en.is_empty() && bad.ko.chars().any(|letter| ('가'..='힣').contains(&letter)));
    for library in ["ident", "struct", "enum", "variant", "line 1", "invalid type"] {
        assert!(!bad.en.contains(library), "{bad}");
    }
    (bad.pointer, bad.code)
}

#[test]
fn numbers_and_booleans_may_be_strings_and_texts_numbers() {
    let changes = json!({ "count": "7", "flag": "true", "name": 12, "more": ["1", -2], "x": {} });
    let read = read_with(changes);
    assert_eq!((read.count, read.flag, read.name.as_str()), (7, Some(true), "12"));
    assert_eq!(read.more, [1, -2]);
    assert_eq!(read_with(json!({ "name": -1.5 })).name, "-1.5");
}

#[test]
fn null_and_absent_are_none_only_where_that_is_allowed() {
    let read = read_with(json!({ "flag": null, "street": null, "phone": null }));
    assert_eq!((read.flag, read.address, read.phone), (None, None, None));
    assert_eq!(read_wrong(changed_body(json!({ "count": null }))), ("/count".into(), "bad-body"));
    assert_eq!(read_wrong(json!({ "count": 1 })), ("/name".into(), "bad-body"));
}

#[test]
fn what_does_not_fit_is_named_with_its_place() {
    let numbers =
        ["+1", " 1", "1 ", "01", "1e3", "1.0", "-1", "x", "", "0x1", "１", "1_000", "Infinity"];
    let numbers = numbers.into_iter().map(Value::from);
    let others = [json!(-1), json!(1.5), json!(1e3), json!(true), json!([]), json!([1]), json!({})];
    for count in numbers.chain(others) {
        let place = read_wrong(changed_body(json!({ "count": count })));
        assert_eq!(place, ("/count".into(), "bad-body"), "{count}");
    }
    assert_eq!(
        read_wrong(changed_body(json!({ "more": [1, "two"] }))),
        ("/more/1".into(), "bad-body")
    );
    for more in [json!("1"), json!({ "0": 1 }), json!(1)] {
        assert_eq!(read_wrong(changed_body(json!({ "more": more }))), ("/more".into(), "bad-body"));
    }
    for flag in [json!("yes"), json!("True"), json!(" true"), json!(1), json!({})] {
        assert_eq!(read_wrong(changed_body(json!({ "flag": flag }))), ("/flag".into(), "bad-body"));
    }
    for name in [json!(true), json!(["n"]), json!({ "n": 1 })] {
        assert_eq!(read_wrong(changed_body(json!({ "name": name }))), ("/name".into(), "bad-body"));
    }
    for choice in [json!({ "Cancel": null }), json!(["Cancel"]), json!(0), json!("cancel")] {
        assert_eq!(
            read_wrong(changed_body(json!({ "choice": choice }))),
            ("/choice".into(), "bad-body")
        );
    }
    for body in [json!([7, null, null, "n"]), json!("n"), json!(7), json!(null), json!(true)] {
        assert_eq!(read_wrong(body), (String::new(), "bad-body"));
    }
}

#[test]
fn numbers_have_one_bound() {
    let largest = i64::try_from(LARGEST).unwrap();
    let read = read_with(json!({ "count": LARGEST, "change": -largest }));
    assert_eq!((read.count, read.change), (LARGEST, Some(-largest)));
    assert_eq!(read_with(json!({ "count": LARGEST.to_string() })).count, LARGEST);
    let beyond = [
        json!(LARGEST + 1),
        json!((LARGEST + 1).to_string()),
        json!(u64::MAX),
        serde_json::from_str("18446744073709551616").unwrap(),
        json!("99999999999999999999999"),
    ];
    for count in beyond {
        let place = read_wrong(changed_body(json!({ "count": count })));
        assert_eq!(place, ("/count".into(), "out-of-range"), "{count}");
    }
    for change in [json!(-largest - 1), json!(i64::MIN), json!("-9223372036854775809")] {
        let place = read_wrong(changed_body(json!({ "change": change })));
        assert_eq!(place, ("/change".into(), "out-of-range"), "{change}");
    }
    assert_eq!(
        read_wrong(changed_body(json!({ "more": [3_000_000_000_u64] }))),
        ("/more/0".into(), "bad-body")
    );
    let many: Value = serde_json::from_str("123456789012345678901234567890").unwrap();
    assert_eq!(read_wrong(changed_body(json!({ "name": many }))), ("/name".into(), "out-of-range"));
}

#[test]
fn texts_are_judged_and_brought_into_one_form() {
    assert_eq!(read_with(json!({ "name": "\u{1100}\u{1161}\t1" })).name, "가 1");
    for name in ["a\u{200b}", "\u{202e}a", "\0", "\u{e000}", "\u{3164}"] {
        let body = changed_body(json!({ "name": name }));
        let bad = read_body::<Sent>(body.clone()).unwrap_err();
        let code = format!("U+{:04X}", u32::from(name.replace('a', "").chars().next().unwrap()));
        assert!(bad.en.contains(&code) && bad.ko.contains(&code), "{bad}");
        assert_eq!(read_wrong(body), ("/name".into(), "bad-text"));
    }
    // What is not read is not judged.
    let _ = read_with(json!({ "unknown": "\0" }));
}

#[test]
fn a_text_is_not_blank_unless_that_means_none() {
    for blank in ["", " ", "\t", "\u{3000}"] {
        assert_eq!(read_wrong(changed_body(json!({ "name": blank }))), ("/name".into(), "blank"));
        assert_eq!(
            read_wrong(changed_body(json!({ "street": blank }))),
            ("/street".into(), "blank")
        );
        assert_eq!(read_with(json!({ "phone": blank })).phone, None);
    }
    assert_eq!(read_with(json!({ "name": " a " })).name, " a ", "it is kept as it was written");
}

#[test]
fn a_customer_has_no_spaces_around_it() {
    #[body]
    struct Order {
        #[subject]
        #[blank_is_none]
        customer: Option<String>,
        name: String,
    }
    let read = |customer: &str| {
        let order = read_body::<Order>(json!({ "customer": customer, "name": " a " })).unwrap();
        assert_eq!(order.name, " a ");
        order.customer
    };
    for (given, shortest) in [(" 7 ", "7"), ("\u{a0}A\n", "A"), ("홍 길동", "홍 길동")] {
        assert_eq!(read(given).as_deref(), Some(shortest), "{given:?}");
    }
    assert_eq!(read(" "), None);
}

#[test]
fn pointers_are_escaped() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Odd {
        #[serde(rename = "a/b~c")]
        odd: u64,
    }
    let bad = read_value::<Odd>(json!({ "a/b~c": "x" })).unwrap_err();
    assert_eq!(bad.pointer, "/a~1b~0c");
    assert_eq!(read_value::<Odd>(json!({})).unwrap_err().pointer, "/a~1b~0c");
}

proptest! {
    #[test]
    fn any_text_that_is_taken_is_in_nfc_and_can_be_seen(text in any::<String>()) {
        let Ok(Sent { name, .. }) = read_body::<Sent>(json!({ "count": 1, "name": text })) else {
            return Ok(());
        };
        prop_assert_eq!(&text::to_nfc(&name), &name);
        prop_assert_eq!(text::normalize_text(&name), Ok(name.clone()));
        prop_assert!(!name.chars().any(char::is_control) && !text::is_blank(&name));
    }

    #[test]
    fn any_number_that_is_taken_is_within_the_bound(number in any::<i128>(), quoted in any::<bool>()) {
        let written = number.to_string();
        let value: Value =
            if quoted { written.into() } else { serde_json::from_str(&written).unwrap() };
        let body = json!({ "count": 1, "change": value, "name": "n" });
        let change = read_body::<Sent>(body).ok().and_then(|read| read.change);
        let is_within = number.unsigned_abs() <= u128::from(LARGEST);
        prop_assert_eq!(change.map(i128::from), is_within.then_some(number));
    }
}
