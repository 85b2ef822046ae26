//! The refusals that a system declares, with what each means.

use super::{Kind, Refusal};

/// A refusal that clients of a system meet: for its documents, and for the page to which the type of the problem leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusalCode {
    /// The code of the [`Refusal`].
    pub code: &'static str,
    /// What the caller can do about it.
    pub kind: Kind,
    /// What it means, in English.
    pub en: &'static str,
    /// What it means, in Korean.
    pub ko: &'static str,
}

impl RefusalCode {
    /// A state forbids it.
    #[must_use]
    pub const fn conflict(code: &'static str, en: &'static str, ko: &'static str) -> Self {
        Self { code, kind: Kind::Conflict, en, ko }
    }
    /// The business forbids the value.
    #[must_use]
    pub const fn invalid(code: &'static str, en: &'static str, ko: &'static str) -> Self {
        Self { code, kind: Kind::Invalid, en, ko }
    }
    /// No answer came: the same may work in a moment.
    #[must_use]
    pub const fn retry_later(en: &'static str, ko: &'static str) -> Self {
        Self { code: "retry-later", kind: Kind::RetryLater, en, ko }
    }
}

/// The refusal with this code, whose meaning says all that there is to say.
impl From<RefusalCode> for Refusal {
    fn from(RefusalCode { code, kind, en, ko }: RefusalCode) -> Self {
        Self { kind, code: code.into(), en: en.into(), ko: ko.into() }
    }
}
