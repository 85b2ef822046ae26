//! The style sheet, the script and the logo: files under names that change with them, so that browsers keep them.

use super::{answer::Asset, brand::Brand};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

const STYLE: &str = include_str!("assets/style.css");
const SCRIPT: &str = include_str!("assets/live.js");

/// The files that pages are made of.
#[derive(Debug, Clone)]
pub struct Assets {
    /// The name of the style sheet.
    pub style: String,
    /// The name of the script.
    pub script: String,
    /// The name of the logo, if there is one.
    pub logo: Option<String>,
    files: Vec<(String, Asset)>,
}

impl Assets {
    pub fn of_brand(brand: &Brand) -> Self {
        let mut files = Vec::new();
        let mut add = |name: &str, ending: &str, media_type, bytes: Vec<u8>| {
            let name = format!("{name}-{}.{ending}", sum_of(&bytes));
            files.push((name.clone(), Asset { media_type, bytes }));
            name
        };
        let style = [STYLE, &brand.style_rules()].concat().into_bytes();
        let style = add("style", "css", "text/css; charset=utf-8", style);
        let script = SCRIPT.as_bytes().to_vec();
        let script = add("live", "js", "text/javascript; charset=utf-8", script);
        let logo = brand.logo.clone();
        let logo = logo.map(|logo| add("logo", "img", logo.media_type, logo.bytes));
        Self { style, script, logo, files }
    }

    /// The file of this name.
    pub fn find(&self, name: &str) -> Option<&Asset> {
        self.files.iter().find(|(known, _)| known == name).map(|(_, asset)| asset)
    }
}

fn sum_of(bytes: &[u8]) -> String {
    let mut sum = String::new();
    for byte in Sha256::digest(bytes).iter().take(6) {
        // Writing to a string cannot fail.
        let _ = write!(sum, "{byte:02x}");
    }
    sum
}
