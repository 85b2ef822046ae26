//! Swagger UI, whose files are in the binary as the archive that its project releases.

use crate::{http::document::Document, sync::lock};
use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive};
use std::{
    collections::BTreeMap,
    io::{Error, ErrorKind, Read},
    sync::Mutex,
};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED as ARCHIVE;

/// Where the pages are within the archive, below the folder of the release.
const FOLDER: &str = "dist/";

/// What the pages show. Without `validatorUrl` they would send the document to a validator on the Internet.
const INITIALIZER: &str = r##"window.onload = function () {
  window.ui = SwaggerUIBundle({
    "url": "../openapi.json",
    "validatorUrl": "none",
    dom_id: "#swagger-ui",
    deepLinking: true,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    plugins: [SwaggerUIBundle.plugins.DownloadUrl],
    layout: "StandaloneLayout",
  });
};
"##;

/// The files that have been asked for. Few of the archive are: a server whose pages are never opened keeps none, and one that
/// is asked over and over unpacks and compresses each once.
static UNPACKED: Mutex<BTreeMap<String, Document>> = Mutex::new(BTreeMap::new());

/// The file with this path below `/docs/`; `None` where there is none.
///
/// # Errors
/// The archive cannot be read.
pub fn read_file(path: &str) -> Result<Option<Document>, Error> {
    let path = if path.is_empty() { "index.html" } else { path };
    let content_type = match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("png") => "image/png",
        _ => return Ok(None),
    };
    if path == "swagger-initializer.js" {
        return Ok(Some(Document::new(content_type, INITIALIZER)));
    }
    if let Some(file) = lock(&UNPACKED).get(path) {
        return Ok(Some(file.clone()));
    }
    let Some(bytes) = unpack_file(path)? else { return Ok(None) };
    let file = Document::new(content_type, bytes);
    lock(&UNPACKED).insert(path.to_owned(), file.clone());
    Ok(Some(file))
}

fn unpack_file(path: &str) -> Result<Option<Vec<u8>>, Error> {
    let archive = ZipArchive::from_slice(ARCHIVE).map_err(unreadable_archive)?;
    let mut entries = archive.entries();
    while let Some(entry) = entries.next_entry().map_err(unreadable_archive)? {
        let name = entry.file_path();
        let name = name.try_normalize().map_err(unreadable_archive)?;
        let (_, below) = name.as_ref().split_once('/').unwrap_or_default();
        if below.strip_prefix(FOLDER) != Some(path) {
            continue;
        }
        let packed = archive.get_entry(entry.wayfinder()).map_err(unreadable_archive)?;
        let mut bytes = Vec::new();
        if entry.compression_method() == CompressionMethod::DEFLATE {
            let reader = DeflateDecoder::new(packed.data());
            packed.verifying_reader(reader).read_to_end(&mut bytes)?;
        } else {
            packed.verifying_reader(packed.data()).read_to_end(&mut bytes)?;
        }
        return Ok(Some(bytes));
    }
    Ok(None)
}

fn unreadable_archive(error: rawzip::Error) -> Error {
    Error::new(ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_have_every_file_that_they_refer_to() {
        let text = |path: &str| {
            let file = read_file(path).unwrap().unwrap();
            String::from_utf8(file.plain_bytes().to_vec()).unwrap()
        };
        let page = text("");
        assert_eq!(page, text("index.html"));
        let named: Vec<&str> = page
            .split(['"', '\''])
            .filter_map(|part| part.strip_prefix("./").or(Some(part)))
            .filter(|part| [".js", ".css", ".png"].iter().any(|ending| part.ends_with(ending)))
            .collect();
        assert!(named.len() >= 5, "{named:?}");
        for path in named {
            let file = read_file(path).unwrap().unwrap_or_else(|| panic!("{path} is missing"));
            assert!(!file.plain_bytes().is_empty(), "{path}");
        }
    }

    #[test]
    fn nothing_else_of_the_archive_is_shown() {
        for path in
            ["../package.json", "package.json", "README.md", "nothing.js", "dist/index.html"]
        {
            assert!(read_file(path).unwrap().is_none(), "{path}");
        }
    }
}
