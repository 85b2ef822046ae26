//! The headers of a request, over any transport.

/// The headers of a request.
pub trait Headers {
    /// The value under a name in lower case, if there is one.
    fn header(&self, name: &str) -> Option<&[u8]>;
}

/// No headers.
impl Headers for () {
    fn header(&self, _: &str) -> Option<&[u8]> {
        None
    }
}

/// The header `name`, if it is there and is visible ASCII.
pub fn header_text<'a>(headers: &'a dyn Headers, name: &str) -> Option<&'a str> {
    headers.header(name).and_then(visible_text)
}

pub(super) fn visible_text(value: &[u8]) -> Option<&str> {
    let text = value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    std::str::from_utf8(value).ok().filter(|_| text)
}

/// The header `name`, if it is short enough to be stored.
pub fn bounded_header(headers: &dyn Headers, name: &str) -> Option<String> {
    header_text(headers, name).filter(|value| value.len() <= 128).map(str::to_owned)
}
