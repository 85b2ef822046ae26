//! What texts of clients may have in them, and which texts claim the same.

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
/// A pattern of braille without a dot.
const EMPTY_BRAILLE: char = '\u{2800}';
/// They are letters by category, and show nothing.
const HANGUL_FILLERS: [char; 4] = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}'];

/// `text` in NFC, with a space for each tab and line break.
///
/// # Errors
/// The first character that a text may not have: one that controls, formats or shows nothing, or is for private use.
pub fn normalize_text(text: &str) -> Result<String, char> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(text.to_owned());
    }
    if let Some(forbidden) = text.chars().find(|letter| is_forbidden(*letter)) {
        return Err(forbidden);
    }
    let spaced = text.replace("\r\n", " ").replace(is_break, " ");
    Ok(to_nfc(&spaced))
}

/// `text` in NFC.
pub fn to_nfc(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { text.nfc().collect() }
}

/// Whether `text` shows nothing.
pub fn is_blank(text: &str) -> bool {
    text.chars()
        .all(|letter| letter.is_whitespace() || is_invisible(letter) || letter == EMPTY_BRAILLE)
}

/// What `text` claims: equal for texts that differ in case, in what cannot be seen, in the space around them, or in how often
/// a space is repeated.
pub fn claim_form(text: &str) -> String {
    let plain = text.chars().filter(|letter| !is_invisible(*letter));
    // Folding is defined on decomposed letters, and may decompose further ones.
    let folded: String = plain.nfd().default_case_fold().nfc().collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_break(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

fn is_joiner(letter: char) -> bool {
    matches!(letter, ZERO_WIDTH_NON_JOINER | ZERO_WIDTH_JOINER)
}

/// Whether a letter that a text may have shows nothing by itself: joiners, and what selects the form of the letter before it.
fn is_invisible(letter: char) -> bool {
    let selects_a_form = matches!(
        letter,
        '\u{34f}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0100}'..='\u{e01ef}'
    );
    is_joiner(letter) || selects_a_form
}

fn is_forbidden(letter: char) -> bool {
    match letter.general_category() {
        GeneralCategory::Control => !is_break(letter),
        GeneralCategory::Format => !is_joiner(letter),
        GeneralCategory::PrivateUse => true,
        _ => HANGUL_FILLERS.contains(&letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hangul as a keyboard of macOS sends it.
    const DECOMPOSED: &str = "\u{1100}\u{1161}1";

    #[test]
    fn text_is_brought_into_nfc_and_breaks_become_spaces() {
        assert_eq!(normalize_text("title01").as_deref(), Ok("title01"));
        assert_eq!(normalize_text(DECOMPOSED).as_deref(), Ok("가1"));
        assert_eq!(normalize_text("a\tb\r\nc\rd\ne\u{2028}f").as_deref(), Ok("a b c d e f"));
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        assert_eq!(normalize_text(family).as_deref(), Ok(family));
        assert_eq!(normalize_text("می\u{200c}خواهم").as_deref(), Ok("می\u{200c}خواهم"));
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        let forbidden = [
            '\0',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{200b}',
            '\u{200e}',
            '\u{202e}',
            '\u{2066}',
            '\u{feff}',
            '\u{e0041}',
            '\u{e000}',
            '\u{f0000}',
            '\u{10fffd}',
            '\u{115f}',
            '\u{1160}',
            '\u{3164}',
            '\u{ffa0}',
        ];
        for letter in forbidden {
            assert_eq!(normalize_text(&format!("a{letter}b")), Err(letter), "{letter:?}");
        }
    }

    #[test]
    fn a_text_that_shows_nothing_is_blank() {
        let invisible = ["\u{34f}", "\u{fe0f} ", "\u{e0100}", "\u{180b}\u{17b5}", "\u{2800}"];
        let spaces = ["", " ", "\t\n", "\u{3000}\u{a0}", " \u{200d}\u{200c}"];
        for blank in spaces.into_iter().chain(invisible) {
            assert!(is_blank(blank), "{blank:?}");
        }
        assert!(!is_blank(" a "));
    }

    #[test]
    fn case_joiners_and_spaces_do_not_tell_claims_apart() {
        for (one, other) in [
            ("1A", "1a"),
            (" 1a", "1A\u{3000}"),
            ("R  1", "r 1"),
            ("가1", DECOMPOSED),
            ("1\u{200d}A", "1a"),
            ("1A\u{fe0f}", "1a"),
            ("1\u{34f}A\u{e0101}", "1a"),
            ("STRASSE", "Straße"),
            ("ΣΑΣ", "σας"),
            ("É", "e\u{301}"),
            ("\u{212a}", "k"),
        ] {
            assert_eq!(claim_form(one), claim_form(other), "{one:?} and {other:?}");
        }
        for (one, other) in [("1A", "1B"), ("1 A", "1A"), ("가", "각"), ("ı", "i")] {
            assert_ne!(claim_form(one), claim_form(other), "{one:?} and {other:?}");
        }
    }
}
