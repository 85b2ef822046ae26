//! `[pages]`: how pages look.

use super::check::{Invalid, require_setting};
use crate::{
    domain::Zone,
    pages::{Brand, Logo, PageSettings, is_colour},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// How pages look.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pages {
    /// `[pages.brand]`
    pub brand: BrandSection,
    /// Time zone that times are shown in.
    pub zone: Zone,
}

/// Whose pages they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BrandSection {
    /// Name of the business, at the head of each page.
    #[schemars(length(max = 60))]
    pub name: String,
    /// Picture beside the name: a file that ends in `.svg`, `.png`, `.jpg` or `.webp`, at most 100 KB.
    #[schemars(extend("x-default" = "a mark in the colour"))]
    pub logo: Option<String>,
    /// Colour of buttons and links.
    #[schemars(extend("x-expected" = "a colour such as `#2457c5`"))]
    pub colour: String,
}

/// The largest logo.
const LARGEST: u64 = 100 * 1024;

/// The endings of files that can be a logo, and their media types.
const KINDS: [(&str, &str); 4] =
    [("svg", "image/svg+xml"), ("png", "image/png"), ("jpg", "image/jpeg"), ("webp", "image/webp")];

impl Default for BrandSection {
    fn default() -> Self {
        let Brand { name, colour, .. } = Brand::default();
        Self { name, logo: None, colour }
    }
}

impl BrandSection {
    fn read_logo(&self) -> Result<Option<Logo>, String> {
        let Some(file) = &self.logo else { return Ok(None) };
        let ending = Path::new(file).extension().and_then(|ending| ending.to_str());
        let kind = KINDS.iter().find(|(known, _)| Some(*known) == ending);
        let (_, media_type) =
            kind.ok_or("expected a file that ends in .svg, .png, .jpg or .webp")?;
        let size = fs::metadata(file).map_err(|error| error.to_string())?.len();
        if size > LARGEST {
            return Err(format!("it has {size} bytes, and may have {LARGEST}"));
        }
        let bytes = fs::read(file).map_err(|error| error.to_string())?;
        Ok(Some(Logo { media_type, bytes }))
    }
}

impl Pages {
    /// What is not allowed.
    pub(super) fn check(&self) -> Result<(), Invalid> {
        require_setting(is_colour(&self.brand.colour), "pages.brand.colour", || {
            format!("`{}`: expected a colour such as `#2457c5`", self.brand.colour)
        })?;
        let logo = self.brand.read_logo();
        require_setting(logo.is_ok(), "pages.brand.logo", || {
            let file = self.brand.logo.as_deref().unwrap_or_default();
            format!("`{file}`: {}", logo.err().unwrap_or_default())
        })
    }

    /// They as the server takes them.
    pub fn settings(&self) -> PageSettings {
        let BrandSection { name, colour, .. } = self.brand.clone();
        let logo = self.brand.read_logo().ok().flatten();
        let zone = self.zone.as_time_zone().clone();
        PageSettings { brand: Brand { name, colour, logo }, zone }
    }
}
