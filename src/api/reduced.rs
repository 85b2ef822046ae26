//! What a caller is shown of a thing that everyone may read in part.

use crate::{
    actors::Seen,
    domain::Reads,
    identity::{Owner, Principal, withheld_fields},
};
use serde_json::{Map, Value};

/// A thing as one caller sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownItem {
    /// The thing; fields that the caller is not shown are null.
    pub seen: Seen,
    /// Whether there are such fields.
    pub is_reduced: bool,
}

impl ShownItem {
    /// `seen`, of a context that `reads` is declared for, as `caller` sees it. An item, a row of a list and a change in a
    /// stream are all shown by this.
    pub fn for_caller(reads: Reads, caller: Option<&Principal>, seen: Seen) -> Self {
        let fields = withheld_fields(reads, caller, Owner::Known(seen.owner.as_deref()));
        if fields.is_empty() {
            return Self { seen, is_reduced: false };
        }
        let body = without_values(&seen.body, fields);
        Self { seen: Seen { body, ..seen }, is_reduced: true }
    }

    /// Its `ETag`: of the version, and of which of its two representations it is.
    pub fn entity_tag(&self) -> String {
        let kind = if self.is_reduced { "-public" } else { "" };
        format!("\"{}{kind}\"", self.seen.version)
    }
}

/// The JSON object `body` with null in these `fields`, in the same order. What is no object shows nothing.
fn without_values(body: &[u8], fields: &[&str]) -> Vec<u8> {
    let mut shown: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    for (name, value) in &mut shown {
        if fields.contains(&name.as_str()) {
            *value = Value::Null;
        }
    }
    Value::Object(shown).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Role;

    const READS: Reads = Reads::PublicWithout(&["userId", "rentId"]);

    fn seen(body: &str, owner: Option<&str>) -> Seen {
        let body = body.as_bytes().to_vec();
        Seen { number: 7, version: 3, body, owner: owner.map(Into::into), commit: 1 }
    }

    #[test]
    fn others_get_null_in_the_same_order_under_another_tag() {
        let customer = |name: &str| Principal {
            roles: [Role::Customer].into_iter().collect(),
            customer: Some(name.into()),
            ..Principal::default()
        };
        let full = r#"{"title":"a","userId":7,"rentId":{"number":1},"status":"OUT"}"#;
        let reduced = r#"{"title":"a","userId":null,"rentId":null,"status":"OUT"}"#;
        for (caller, body, tag) in [
            (Some(customer("7")), full, "\"3\""),
            (Some(customer("8")), reduced, "\"3-public\""),
            (None, reduced, "\"3-public\""),
            (Some(Principal::development()), full, "\"3\""),
        ] {
            let shown = ShownItem::for_caller(READS, caller.as_ref(), seen(full, Some("7")));
            assert_eq!(String::from_utf8(shown.seen.body.clone()).unwrap(), body);
            assert_eq!(shown.entity_tag(), tag);
        }
        let public = ShownItem::for_caller(Reads::Public, None, seen(full, Some("7")));
        assert_eq!((public.is_reduced, public.seen.body), (false, full.as_bytes().to_vec()));
    }

    #[test]
    fn what_cannot_be_read_shows_nothing() {
        for body in ["", "[\"userId\"]", "{\"userId\":7"] {
            let shown = ShownItem::for_caller(READS, None, seen(body, None));
            assert_eq!(shown.seen.body, b"{}");
        }
    }
}
