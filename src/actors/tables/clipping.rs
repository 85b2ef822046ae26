//! Texts that are short enough to be kept.

use crate::domain::Refusal;
use std::borrow::Cow;

/// What of words of any length is kept.
pub fn clip_words(words: &str, most: usize) -> &str {
    words.get(..words.floor_char_boundary(most)).unwrap_or(words)
}

/// A refusal whose words are short enough to be kept.
pub fn clip_refusal(mut refusal: Refusal) -> Refusal {
    const MOST: usize = 1024;
    for words in [&mut refusal.en, &mut refusal.ko] {
        if words.len() > MOST {
            *words = Cow::Owned(format!("{}…", clip_words(words, MOST)));
        }
    }
    refusal
}
