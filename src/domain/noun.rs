//! What a thing is called, in the languages that refusals have.

/// What a kind of thing is called: `book`, 도서.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Noun {
    /// In English.
    pub en: &'static str,
    /// In Korean.
    pub ko: &'static str,
}

impl Noun {
    /// Called `en` in English and `ko` in Korean.
    pub const fn new(en: &'static str, ko: &'static str) -> Self {
        Self { en, ko }
    }
}
