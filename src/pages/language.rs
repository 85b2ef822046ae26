//! The languages of the pages.

use crate::api;

/// The cookie with the language that someone has chosen.
pub const LANGUAGE_COOKIE: &str = "holdfast-language";

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Korean.
    Korean,
}

impl Language {
    /// Both, as the switch offers them.
    pub const ALL: [Self; 2] = [Self::Korean, Self::English];

    /// The one that was `chosen`, or the one that the browser prefers.
    pub fn of_request(chosen: Option<&str>, accept: &str) -> Self {
        match chosen {
            Some("ko") => Self::Korean,
            Some("en") => Self::English,
            _ if api::prefers_korean(accept) => Self::Korean,
            _ => Self::English,
        }
    }

    /// Its tag: `ko`.
    pub fn tag(self) -> &'static str {
        self.choose("en", "ko")
    }

    /// What it is called in itself.
    pub fn own_name(self) -> &'static str {
        self.choose("English", "한국어")
    }

    /// One of two, by the language.
    pub fn choose<T>(self, english: T, korean: T) -> T {
        match self {
            Self::English => english,
            Self::Korean => korean,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_counts_more_than_what_the_browser_prefers() {
        let of = Language::of_request;
        assert_eq!(of(None, "ko-KR,ko;q=0.9,en;q=0.8"), Language::Korean);
        assert_eq!(of(None, "en-GB,en;q=0.9"), Language::English);
        assert_eq!(of(None, ""), Language::English);
        assert_eq!(of(Some("en"), "ko"), Language::English);
        assert_eq!(of(Some("ko"), "en"), Language::Korean);
        assert_eq!(of(Some("fr"), "ko"), Language::Korean);
    }
}
