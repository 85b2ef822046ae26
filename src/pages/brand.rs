//! Whose pages they are.

use jiff::tz::TimeZone;

/// How pages look.
#[derive(Debug, Clone)]
pub struct PageSettings {
    /// Whose they are.
    pub brand: Brand,
    /// The zone that times are shown in.
    pub zone: TimeZone,
}

impl Default for PageSettings {
    fn default() -> Self {
        let zone = TimeZone::get(ZONE).unwrap_or(TimeZone::UTC);
        Self { brand: Brand::default(), zone }
    }
}

/// The zone where none is configured.
const ZONE: &str = "Asia/Seoul";

/// Whose pages they are: what stands at the head of each.
#[derive(Debug, Clone)]
pub struct Brand {
    /// The name of the business.
    pub name: String,
    /// The colour of buttons and links, as `#1f6feb`.
    pub colour: String,
    /// Its picture, shown beside the name.
    pub logo: Option<Logo>,
}

/// A picture.
#[derive(Debug, Clone)]
pub struct Logo {
    /// `image/svg+xml`
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// The colour of buttons and links where none is configured.
const COLOUR: &str = "#2457c5";

impl Default for Brand {
    fn default() -> Self {
        Self { name: "Holdfast".into(), colour: COLOUR.into(), logo: None }
    }
}

impl Brand {
    /// The rules of the style sheet that are its own. A colour is used as it is on light pages, and lightened on dark ones.
    pub fn style_rules(&self) -> String {
        let colour = if is_colour(&self.colour) { &self.colour } else { COLOUR };
        format!(":root{{--brand:{colour};--on-brand:{}}}\n", text_colour_on(colour))
    }
}

/// Whether `text` is a colour as `#1f6feb`.
pub fn is_colour(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or_default();
    digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Black or white: what is easier to read on `colour`, by its relative luminance (WCAG 2.2).
fn text_colour_on(colour: &str) -> &'static str {
    let channel = |at: usize| {
        let digits = colour.get(at..at + 2).unwrap_or_default();
        let value = f64::from(u8::from_str_radix(digits, 16).unwrap_or(0)) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
    if luminance > 0.179 { "#101418" } else { "#ffffff" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_on_a_colour_can_be_read() {
        for (colour, text) in [
            ("#2457c5", "#ffffff"),
            ("#000000", "#ffffff"),
            ("#ffd400", "#101418"),
            ("#ffffff", "#101418"),
        ] {
            assert_eq!(text_colour_on(colour), text, "{colour}");
        }
    }

    #[test]
    fn what_is_no_colour_stays_out_of_the_style_sheet() {
        for wrong in ["", "red", "#fff", "#12345g", "#123456;}", "#1234567"] {
            assert!(!is_colour(wrong), "{wrong}");
            let brand = Brand { colour: wrong.into(), ..Brand::default() };
            assert!(brand.style_rules().contains(COLOUR));
        }
        assert!(is_colour("#1F6feb"));
    }
}
