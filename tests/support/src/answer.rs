//! One answer of the server, and what tests say about it.

use reqwest::{blocking::Response, header::HeaderMap, tls::TlsInfo};
use serde_json::Value;
use std::ops::Index;

/// An answer that has been read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    /// The body as JSON, `null` when it is none.
    pub body: Value,
    /// The certificate that the server has shown.
    pub certificate: Option<Vec<u8>>,
}

impl Answer {
    pub fn read(response: Response) -> reqwest::Result<Self> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let info = response.extensions().get::<TlsInfo>();
        let certificate = info.and_then(TlsInfo::peer_certificate).map(<[u8]>::to_vec);
        let text = response.text()?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Self { status, headers, text, body, certificate })
    }

    /// It has this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Its body has this field.
    #[track_caller]
    pub fn has(self, field: &str, value: impl Into<Value>) -> Self {
        assert_eq!(self.body[field], value.into(), "`{field}` in {}", self.text);
        self
    }

    /// It is a problem of this status; returns its code.
    #[track_caller]
    pub fn problem(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(
            self.header("content-type").split(';').next(),
            Some("application/problem+json"),
            "{}",
            self.text
        );
        assert_eq!(self.body["status"], status, "{}", self.text);
        for field in ["title", "detail"] {
            assert!(
                self.body[field].as_str().is_some_and(|words| !words.is_empty()),
                "`{field}` in {}",
                self.text
            );
        }
        let code = self.body["code"].as_str().unwrap_or_default();
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        assert!(code.split('-').all(is_word), "`code` in {}", self.text);
        code
    }

    /// It is a problem of this status with this code.
    #[track_caller]
    pub fn refuses(&self, status: u16, code: &str) {
        assert_eq!(self.problem(status), code, "{}", self.text);
    }

    /// A header, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The number of the thing that it shows.
    #[track_caller]
    pub fn id(&self) -> u64 {
        self.body["id"].as_u64().unwrap_or_else(|| panic!("no id in {}", self.text))
    }

    /// The things on a page of `collection`.
    #[track_caller]
    pub fn items(&self, collection: &str) -> &[Value] {
        self.body["_embedded"][collection]
            .as_array()
            .unwrap_or_else(|| panic!("no {collection} in {}", self.text))
    }
}

impl Index<&str> for Answer {
    type Output = Value;
    fn index(&self, field: &str) -> &Value {
        &self.body[field]
    }
}
