//! Values in the words of an error: who reads a log, or what is set aside, need not see what a message was about.

/// What is shown in place of a value.
pub const MASK: &str = "***";
/// What comes before a value that the reader of JSON does not put in double quotes.
const BEFORE: [&str; 4] = ["unknown variant `", "integer `", "floating point `", "character `"];
/// What comes after it.
const AFTER: &str = "`, expected";

/// `text` with [`MASK`] for all between its first double quote and its last, as a value may have quotes itself; and for
/// numbers and variants that are not known.
///
/// ```
/// use holdfast::domain::quoted::without_quoted;
///
/// let why = "invalid type: string \"Main Street 1\", expected u64";
/// assert_eq!(without_quoted(why), "invalid type: string ***, expected u64");
/// ```
pub fn without_quoted(text: &str) -> String {
    let mut shown = text.to_owned();
    if let Some((before, rest)) = shown.split_once('"') {
        let after = rest.rsplit_once('"').map_or("", |(_, after)| after);
        shown = format!("{before}{MASK}{after}");
    }
    for kind in BEFORE {
        if let Some((before, rest)) = shown.split_once(kind) {
            let after = rest.rsplit_once(AFTER).map_or("", |(_, after)| after);
            shown = format!("{before}{kind}{MASK}{AFTER}{after}");
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, serde::Deserialize)]
    struct Told {
        #[serde(rename = "count")]
        _count: u64,
        #[serde(rename = "kind")]
        _kind: Option<Kind>,
    }
    #[derive(Debug, serde::Deserialize)]
    enum Kind {
        One,
        Two,
    }

    proptest! {
        #[test]
        fn no_error_of_the_reader_of_json_has_the_value_that_it_is_about(before in ".{0,12}", after in ".{0,12}") {
            let value = format!("{before}canary{after}");
            let number = serde_json::from_value::<Told>(serde_json::json!({ "count": -4711 })).unwrap_err();
            prop_assert_eq!(without_quoted(&number.to_string()), "invalid value: integer `***`, expected u64");
            for told in [
                serde_json::json!({ "count": value }),
                serde_json::json!({ "count": 1, "kind": value }),
                serde_json::json!(value),
            ] {
                let why = serde_json::from_value::<Told>(told).unwrap_err().to_string();
                prop_assert!(why.contains("canary"), "{}", why);
                prop_assert!(!without_quoted(&why).contains("canary"), "{}", why);
                prop_assert!(without_quoted(&why).contains(MASK));
            }
        }
    }
}
