//! Cursors: where a page ended, for the next one to continue after it.
//!
//! A cursor names the last row's value and number, with the sort and the filters of its list, so that a walk does not
//! depend on how many rows there are before it. For a client it is opaque text. What comes back may be anything, so it is
//! summed, its length is bounded, and the list checks its contents as it checks a query.

use super::page::SortPosition;
use crate::{
    domain::{Decoder, Key},
    store::codec,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// The form of cursors that this version gives and takes.
const VERSION: u8 = 1;
/// The longest cursor. Where one would be longer, because of a very long text, there is none.
const LONGEST: usize = 4096;

/// The contents of a cursor.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// The field that it is sorted by, none for the number, and whether downwards.
    pub sort: Option<(String, bool)>,
    pub filters: Vec<(String, String)>,
    pub place: SortPosition,
}

#[derive(Serialize, Deserialize)]
struct Written {
    context: String,
    sort: Option<(String, bool)>,
    filters: Vec<(String, String)>,
    value: CursorValue,
    number: u64,
}

#[derive(Serialize, Deserialize)]
enum CursorValue {
    Missing,
    Flag(bool),
    Number(u64),
    Text(String),
}

impl Cursor {
    /// As text, for a list of `context`.
    pub fn into_text(self, context: &str) -> Option<String> {
        let Self { sort, filters, place } = self;
        let value = match place.value {
            Key::Missing => CursorValue::Missing,
            Key::Flag(flag) => CursorValue::Flag(flag),
            Key::Number(number) => CursorValue::Number(number),
            Key::Text(text) => CursorValue::Text(text),
        };
        let written =
            Written { context: context.to_owned(), sort, filters, value, number: place.number };
        let mut bytes = vec![VERSION];
        bytes.extend(codec::encode_part(&written).ok()?);
        let sum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        Some(BASE64_URL_SAFE_NO_PAD.encode(bytes)).filter(|text| text.len() <= LONGEST)
    }

    /// From text, if it is a cursor of a list of `context`.
    pub fn from_text(text: &str, context: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, sum) = bytes.split_last_chunk::<4>()?;
        let (version, body_of) = body.split_first()?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*sum) || *version != VERSION {
            return None;
        }
        let Written { context: own, sort, filters, value, number } =
            codec::Part(body_of).read().ok()?;
        let value = match value {
            CursorValue::Missing => Key::Missing,
            CursorValue::Flag(flag) => Key::Flag(flag),
            CursorValue::Number(number) => Key::Number(number),
            CursorValue::Text(text) => Key::Text(text),
        };
        (own == context).then_some(Self { sort, filters, place: SortPosition { value, number } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cursor() -> impl Strategy<Value = Cursor> {
        let value = prop_oneof![
            Just(Key::Missing),
            any::<bool>().prop_map(Key::Flag),
            any::<u64>().prop_map(Key::Number),
            ".{0,40}".prop_map(Key::Text),
        ];
        let filters = prop::collection::vec((".{0,9}", ".{0,9}"), 0..8);
        (prop::option::of((".{0,9}", any::<bool>())), filters, value, any::<u64>()).prop_map(
            |(sort, filters, value, number)| Cursor {
                sort,
                filters,
                place: SortPosition { value, number },
            },
        )
    }

    proptest! {
        #[test]
        fn a_cursor_decodes_to_what_was_encoded_and_only_for_its_own_list(cursor in cursor()) {
            let text = cursor.clone().into_text("a.b").unwrap();
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
            prop_assert_eq!(Cursor::from_text(&text, "a.b"), Some(cursor));
            prop_assert_eq!(Cursor::from_text(&text, "a.c"), None);
        }

        #[test]
        fn what_was_changed_or_made_up_is_no_cursor(cursor in cursor(), at in any::<prop::sample::Index>(), letter in "[A-Za-z0-9_=é-]", noise in ".{0,80}") {
            let text = cursor.into_text("a.b").unwrap();
            let at = at.index(text.len());
            let changed = format!("{}{letter}{}", &text[..at], &text[at + 1..]);
            prop_assert!(changed == text || Cursor::from_text(&changed, "a.b").is_none());
            prop_assert_eq!(Cursor::from_text(&text[..at], "a.b"), None);
            prop_assert_eq!(Cursor::from_text(&noise, "a.b"), None);
        }
    }

    #[test]
    fn a_very_long_text_has_no_cursor_and_what_is_too_long_is_none() {
        let place = SortPosition { value: Key::Text("x".repeat(5000)), number: 1 };
        assert_eq!(Cursor { sort: None, filters: Vec::new(), place }.into_text("a.b"), None);
        assert_eq!(Cursor::from_text(&"A".repeat(1 << 20), "a.b"), None);
    }
}
