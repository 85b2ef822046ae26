//! Why not: refusals, by what the caller can do about them.

use super::Noun;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// Why a command was refused. The code is stable and for programs; the texts are for people, in two languages.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// What the caller can do about it.
    pub kind: Kind,
    /// Stable, kebab-case, the same for every occurrence: `seat-taken`.
    pub code: Cow<'static, str>,
    /// This occurrence, in English.
    pub en: Cow<'static, str>,
    /// This occurrence, in Korean.
    pub ko: Cow<'static, str>,
}

/// What the caller of a refused command can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// There is no such thing: look for another (404).
    Absent,
    /// Its state forbids it: look again (409).
    Conflict,
    /// The business forbids the value: correct it (422).
    Invalid,
    /// It failed for a passing reason: try the same again in a moment (503).
    RetryLater,
}

impl Refusal {
    /// A refusal because there is no such thing.
    pub fn absent(what: impl Into<Noun>) -> Self {
        let Noun { en, ko } = what.into();
        let en = format!("{en} not found");
        Self::new(Kind::Absent, "not-found", en, format!("없는 {ko}입니다"))
    }
    /// A refusal because the state forbids it.
    pub fn conflict(
        code: &'static str,
        en: impl Into<Cow<'static, str>>,
        ko: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Kind::Conflict, code, en, ko)
    }
    /// A refusal of a value that the business forbids.
    pub fn invalid(
        code: &'static str,
        en: impl Into<Cow<'static, str>>,
        ko: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Kind::Invalid, code, en, ko)
    }
    /// A refusal for a passing reason: the same may work in a moment.
    pub fn retry_later() -> Self {
        Self::new(
            Kind::RetryLater,
            "retry-later",
            "please try again in a moment",
            "잠시 후 다시 시도해 주세요",
        )
    }
    /// A refusal because the thing is withdrawn.
    pub fn withdrawn(what: impl Into<Noun>) -> Self {
        let Noun { en, ko } = what.into();
        Self::conflict(
            "withdrawn",
            format!("the {en} is withdrawn; restore it first"),
            format!("철회된 {ko}입니다. 먼저 복구해 주세요"),
        )
    }
    /// A refusal because an order holds the thing, so that this of it cannot be corrected.
    pub fn held(what: impl Into<Noun>) -> Self {
        let Noun { en, ko } = what.into();
        Self::conflict(
            "held",
            format!("an order holds the {en}; correct this when it has let go"),
            format!("진행 중인 주문이 있는 {ko}입니다. 주문이 끝난 뒤에 고칠 수 있습니다"),
        )
    }
    /// A refusal because the order's own question is still open.
    pub fn still_open() -> Self {
        Self::conflict("still-open", "the request is not settled yet", "요청이 아직 처리 중입니다")
    }
    /// A refusal because one request gives the fields of several commands.
    pub fn one_at_a_time() -> Self {
        Self::invalid(
            "one-at-a-time",
            "these fields are commands of their own; send one at a time",
            "함께 보낼 수 없는 필드입니다. 한 번에 하나씩 보내 주세요",
        )
    }
    /// Another thing has this value of a unique field: code `plate-taken` for the field `plate`.
    pub fn not_unique(field: &str, value: &str) -> Self {
        let code = format!("{}-taken", kebab_case(field));
        let en = format!("there is another one whose {field} is `{value}`");
        Self {
            kind: Kind::Conflict,
            code: code.into(),
            en: en.into(),
            ko: format!("`{field}`의 값 `{value}`은(는) 이미 사용 중입니다").into(),
        }
    }
    /// There is no such thing for an order: `car-unknown`.
    pub fn unknown(what: impl Into<Noun>) -> Self {
        let Noun { en, ko } = what.into();
        let code = format!("{}-unknown", kebab_case(en));
        let kind = Kind::Conflict;
        let ko = format!("없는 {ko}입니다").into();
        Self { kind, code: code.into(), en: format!("there is no such {en}").into(), ko }
    }
    /// No such thing has this key: `car-unknown`.
    pub fn unknown_key(what: impl Into<Noun>, key: &str) -> Self {
        let Noun { en, ko } = what.into();
        Self {
            kind: Kind::Conflict,
            code: format!("{}-unknown", kebab_case(en)).into(),
            en: format!("there is no {en} with {key}").into(),
            ko: format!("`{key}`: 없는 {ko}입니다").into(),
        }
    }
    fn new(
        kind: Kind,
        code: &'static str,
        en: impl Into<Cow<'static, str>>,
        ko: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { kind, code: code.into(), en: en.into(), ko: ko.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.en, self.code)
    }
}
impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.kind, self.code)
    }
}
impl std::error::Error for Refusal {}

/// `userId` as `user-id`.
fn kebab_case(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase());
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text names as it is in every language is in backticks.
    #[test]
    fn korean_texts_name_no_thing_by_its_english_word() {
        let book = Noun::new("book", "도서");
        let refusals = [
            Refusal::absent(book),
            Refusal::withdrawn(book),
            Refusal::held(book),
            Refusal::not_unique("plate", "12A"),
            Refusal::unknown(book),
            Refusal::unknown_key(Noun::new("car", "차량"), "plate"),
            Refusal::retry_later(),
            Refusal::still_open(),
            Refusal::one_at_a_time(),
        ];
        for refusal in refusals {
            let prose: String = refusal.ko.split('`').step_by(2).collect();
            assert!(!prose.contains(|letter: char| letter.is_ascii_alphabetic()), "{prose}");
        }
    }

    #[test]
    fn a_thing_is_called_by_its_name_in_both_languages() {
        let book = Noun::new("book", "도서");
        for refusal in [Refusal::absent(book), Refusal::withdrawn(book), Refusal::held(book)] {
            assert!(refusal.en.contains("book"), "{}", refusal.en);
            assert!(refusal.ko.contains("도서"), "{}", refusal.ko);
        }
        let unknown = Refusal::unknown_key(Noun::new("gateCard", "출입증"), "no=7");
        assert_eq!(unknown.code, "gate-card-unknown");
        assert_eq!(unknown.ko, "`no=7`: 없는 출입증입니다");
    }
}
