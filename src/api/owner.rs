//! Whose the thing is that a command begins: of the customer who sends the command, or of the one whom staff names in it.

use super::{access::NO_CUSTOMER, headers::Headers, problem::Problem};
use crate::{
    actors::RouteInfo,
    domain::{
        lenient::{self, BadBody},
        text,
    },
    identity::{Principal, Role},
};
use serde_json::Value;
use std::sync::Arc;

/// The header in which staff names the customer where the body has no member for that.
pub const CUSTOMER: &str = "x-holdfast-customer";

/// The name of a customer in a header has at most so many characters.
const LONGEST_CUSTOMER: usize = 100;

/// The customer whose the thing is to be that `body` begins on the route `info`; `None` for one of staff, or if none is begun.
/// What the credentials of a customer say of them is put into the body.
///
/// # Errors
/// `not-yours` where a customer names another, `insufficient-scope` where the credentials do not say which customer it is,
/// `bad-identity` for a header that names none.
pub fn find_owner(
    info: &RouteInfo,
    principal: Option<&Principal>,
    headers: &dyn Headers,
    body: &mut Value,
) -> Result<Option<Arc<str>>, Problem> {
    if !info.begins_for_customer() {
        return Ok(None);
    }
    let in_header = customer_header(headers)?;
    let Some(own) = principal.filter(|principal| acts_for_itself(principal)) else {
        let named = match info.subject {
            // Its spaces go when the body is read.
            Some(member) => {
                given_text(body, member).ok().flatten().map(|named| named.trim().to_owned())
            }
            None => in_header,
        };
        return Ok(named.map(Arc::from));
    };
    let customer = own.customer.as_deref().ok_or_else(no_customer)?;
    if in_header.is_some_and(|named| named != customer) {
        return Err(not_yours("X-Holdfast-Customer"));
    }
    if let Some(member) = info.subject {
        fill_member(body, member, Some(customer))?;
    }
    if let Some(member) = info.grade {
        fill_member(body, member, own.grade.as_deref())?;
    }
    Ok(Some(customer.into()))
}

/// Customers act for themselves; staff acts for whom it names.
fn acts_for_itself(principal: &Principal) -> bool {
    principal.roles.has(Role::Customer) && !principal.roles.has(Role::Staff)
}

/// Puts what the credentials say into the body, unless it says otherwise.
fn fill_member(body: &mut Value, member: &str, own: Option<&str>) -> Result<(), Problem> {
    // What cannot be read is refused when the body is.
    let Ok(given) = given_text(body, member) else { return Ok(()) };
    let Some(members) = body.as_object_mut() else { return Ok(()) };
    match (given, own) {
        (Some(given), own) if own != Some(&given) => Err(not_yours(member)),
        (_, Some(own)) => {
            members.insert(member.to_owned(), own.into());
            Ok(())
        }
        (_, None) => Ok(()),
    }
}

/// The text that is given in a member, where it can be one: the number 7 and the text `7` are the same, and blank is as none.
fn given_text(body: &Value, member: &str) -> Result<Option<String>, BadBody> {
    let given = body.get(member).cloned().unwrap_or_default();
    let given = lenient::read_value::<Option<String>>(given)?;
    Ok(given.filter(|given| !text::is_blank(given)))
}

/// The customer whom a header names.
fn customer_header(headers: &dyn Headers) -> Result<Option<String>, Problem> {
    let Some(value) = headers.header(CUSTOMER) else { return Ok(None) };
    let named = std::str::from_utf8(value).ok().and_then(|value| text::normalize_text(value).ok());
    let named = named.map(|named| named.trim().to_owned());
    let named =
        named.filter(|named| !text::is_blank(named) && named.chars().count() <= LONGEST_CUSTOMER);
    named.map(Some).ok_or_else(|| {
        Problem::new(
            "bad-identity",
            format!("`X-Holdfast-Customer` is a customer such as 7, of at most {LONGEST_CUSTOMER} characters"),
            format!("`X-Holdfast-Customer`는 7과 같은 고객이며 최대 {LONGEST_CUSTOMER}자입니다"),
        )
    })
}

fn not_yours(place: &str) -> Problem {
    Problem::new(
        "not-yours",
        format!("`{place}` is not what your credentials say of you: leave it out"),
        format!("`{place}`이(가) 인증 정보와 다릅니다. 빼고 보내 주세요"),
    )
}

fn no_customer() -> Problem {
    let challenge = "Bearer error=\"insufficient_scope\"".to_owned();
    let (en, ko) = NO_CUSTOMER;
    Problem::new("insufficient-scope", en, ko).with_parameter("www-authenticate", challenge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{actors::Verb, domain::Role as Whose};
    use proptest::prelude::*;
    use serde_json::json;

    fn route(verb: Verb, role: Whose, subject: Option<&'static str>) -> RouteInfo {
        let grade = subject.map(|_| "userGrade");
        RouteInfo { verb, word: None, role, bodies: Vec::new(), subject, grade, withdraws: false }
    }

    fn order() -> RouteInfo {
        route(Verb::Post, Whose::Customer, Some("userId"))
    }

    fn booking() -> RouteInfo {
        route(Verb::Post, Whose::Customer, None)
    }

    fn with(roles: &[Role], customer: Option<&str>, grade: Option<&str>) -> Principal {
        Principal {
            issuer: "https://id.example".into(),
            roles: roles.iter().copied().collect(),
            customer: customer.map(str::to_owned),
            grade: grade.map(str::to_owned),
            ..Principal::default()
        }
    }

    fn seven() -> Principal {
        with(&[Role::Customer], Some("7"), None)
    }

    struct Named(&'static [u8]);
    impl Headers for Named {
        fn header(&self, name: &str) -> Option<&[u8]> {
            (name == CUSTOMER).then_some(self.0)
        }
    }

    /// The owner, or the code of the problem, and what has become of the body.
    fn found(
        info: &RouteInfo,
        principal: Option<&Principal>,
        headers: &dyn Headers,
        body: Value,
    ) -> (Result<Option<String>, String>, Value) {
        let mut body = body;
        let owner = find_owner(info, principal, headers, &mut body);
        let owner = owner.map(|owner| owner.map(|owner| owner.to_string()));
        (owner.map_err(|problem| problem.code().to_string()), body)
    }

    fn owned_by(customer: &str) -> Result<Option<String>, String> {
        Ok(Some(customer.to_owned()))
    }

    fn refused(code: &str) -> Result<Option<String>, String> {
        Err(code.to_owned())
    }

    #[test]
    fn a_customer_owns_what_they_begin_and_names_no_other() {
        let filled = json!({ "bookId": 1, "userId": "7" });
        for same in [
            json!({ "bookId": 1 }),
            json!({ "bookId": 1, "userId": null }),
            json!({ "bookId": 1, "userId": 7 }),
            json!({ "bookId": 1, "userId": "7" }),
            json!({ "bookId": 1, "userId": " " }),
        ] {
            let (owner, body) = found(&order(), Some(&seven()), &(), same.clone());
            assert_eq!((owner, body), (owned_by("7"), filled.clone()), "{same}");
        }
        for other in [json!(8), json!("8"), json!("07"), json!("7 "), json!(7.0), json!("７")] {
            let body = json!({ "userId": other });
            let (owner, kept) = found(&order(), Some(&seven()), &(), body.clone());
            assert_eq!((owner, kept), (refused("not-yours"), body));
        }
    }

    #[test]
    fn the_grade_is_the_one_of_the_credentials() {
        let vip = with(&[Role::Customer], Some("A"), Some("VIP"));
        let filled = json!({ "userId": "A", "userGrade": "VIP" });
        for same in [json!({}), json!({ "userGrade": "VIP" }), json!({ "userGrade": null })] {
            assert_eq!(found(&order(), Some(&vip), &(), same), (owned_by("A"), filled.clone()));
        }
        let claim = json!({ "userGrade": "VIP" });
        let gradeless = with(&[Role::Customer], Some("A"), None);
        let (owner, _) = found(&order(), Some(&gradeless), &(), claim);
        assert_eq!(owner, refused("not-yours"));
        let (owner, _) = found(&order(), Some(&vip), &(), json!({ "userGrade": "Silver" }));
        assert_eq!(owner, refused("not-yours"));
        let (owner, body) = found(&order(), Some(&gradeless), &(), json!({}));
        assert_eq!((owner, body), (owned_by("A"), json!({ "userId": "A" })));
    }

    #[test]
    fn staff_and_development_name_the_customer_in_the_body() {
        let staff = with(&[Role::Staff], None, None);
        let both = with(&[Role::Staff, Role::Customer], Some("7"), None);
        let developer = Principal::development();
        for principal in [Some(&staff), Some(&both), Some(&developer), None] {
            for (body, owner) in [
                (json!({ "userId": 8, "userGrade": "VIP" }), owned_by("8")),
                (json!({ "userId": "A" }), owned_by("A")),
                (json!({ "userId": " 7\u{a0}" }), owned_by("7")),
                (json!({ "userId": "\u{1112}\u{1161}\u{11ab}" }), owned_by("한")),
                (json!({}), Ok(None)),
                (json!({ "userId": [7] }), Ok(None)),
                (json!("7"), Ok(None)),
            ] {
                let (found, kept) = found(&order(), principal, &(), body.clone());
                assert_eq!((found, kept), (owner, body));
            }
        }
    }

    #[test]
    fn where_the_body_has_no_member_for_it_a_header_names_the_customer() {
        let staff = with(&[Role::Staff], None, None);
        let given = |principal: &Principal, headers: &dyn Headers| {
            found(&booking(), Some(principal), headers, json!({ "qty": 1 })).0
        };
        assert_eq!(given(&staff, &()), Ok(None));
        assert_eq!(given(&staff, &Named(b" 8 ")), owned_by("8"));
        assert_eq!(given(&staff, &Named("홍길동".as_bytes())), owned_by("홍길동"));
        assert_eq!(given(&Principal::development(), &Named(b"8")), owned_by("8"));
        assert_eq!(given(&seven(), &()), owned_by("7"));
        assert_eq!(given(&seven(), &Named(b"7")), owned_by("7"));
        assert_eq!(given(&seven(), &Named(b"8")), refused("not-yours"));
        for wrong in [&b""[..], b" ", &[b'7'; 101], b"\xff", "\u{200b}7".as_bytes()] {
            let wrong: &'static [u8] = wrong.to_vec().leak();
            assert_eq!(given(&staff, &Named(wrong)), refused("bad-identity"), "{wrong:?}");
        }
        let (owner, _) = found(&order(), Some(&seven()), &Named(b"8"), json!({}));
        assert_eq!(owner, refused("not-yours"), "also where the body would name one");
        let (owner, _) = found(&order(), Some(&staff), &Named(b"8"), json!({ "userId": 9 }));
        assert_eq!(owner, owned_by("9"), "the member says it where there is one");
    }

    #[test]
    fn a_customer_of_whom_the_credentials_do_not_say_who_it_is_begins_nothing() {
        let nameless = with(&[Role::Customer], None, Some("VIP"));
        for (info, body) in [(order(), json!({ "userId": 7 })), (booking(), json!({}))] {
            let (owner, _) = found(&info, Some(&nameless), &(), body);
            assert_eq!(owner, refused("insufficient-scope"));
        }
    }

    #[test]
    fn what_begins_no_thing_of_a_customer_has_no_owner_and_is_left_as_it_is() {
        for info in [
            route(Verb::Patch, Whose::Customer, None),
            route(Verb::Delete, Whose::Both, None),
            route(Verb::Post, Whose::Admin, None),
        ] {
            let body = json!({ "userId": 8, "status": "Cancel" });
            let (owner, kept) = found(&info, Some(&seven()), &(), body.clone());
            assert_eq!((owner, kept), (Ok(None), body));
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,4}".prop_map(Value::from),
            "[0-9 ]{0,3}".prop_map(Value::from),
            Just(json!([7])),
            Just(json!({ "userId": 7 })),
        ]
    }

    proptest! {
        /// However it is written: what a customer begins is read as their own, or it is not begun.
        #[test]
        fn no_customer_begins_a_thing_of_another(given in any_value(), customer in "[0-9]{1,3}|\\PC{1,4}") {
            let own = with(&[Role::Customer], Some(&customer), None);
            let mut body = json!({ "userId": given });
            if let Ok(owner) = find_owner(&order(), Some(&own), &(), &mut body) {
                prop_assert_eq!(owner.as_deref(), Some(customer.as_str()));
                let named = body.get("userId").cloned().unwrap_or_default();
                let is_readable = lenient::read_value::<u64>(named.clone()).is_ok()
                    || lenient::read_value::<Option<String>>(named.clone()).is_ok();
                prop_assert!(!is_readable || named == customer, "{}", named);
            }
        }
    }
}
