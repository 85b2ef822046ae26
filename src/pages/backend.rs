//! The server as pages know it: what any HTTP client can ask of it.

use futures_util::future::LocalBoxFuture;

/// A request to the server itself.
#[derive(Debug, Clone, Default)]
pub struct BackendRequest {
    /// `GET`, `POST`, `PATCH`, `DELETE`, `PUT`.
    pub method: &'static str,
    /// The path with its query: `/bookrent/books?status=true`.
    pub path: String,
    /// Headers besides those that identify the visitor.
    pub headers: Vec<(&'static str, String)>,
    /// A body in JSON.
    pub body: Option<String>,
}

impl BackendRequest {
    /// `GET path`
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), ..Self::default() }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// The answer of the server.
#[derive(Debug, Clone, Default)]
pub struct BackendReply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl BackendReply {
    /// The header `name`.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether it says that what was asked is done.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The server, asked in the name of the visitor of a page: by the same routes, judged in the same way, as a client is.
pub trait Backend {
    /// Sends a request, and answers when the server does.
    fn send(&self, request: BackendRequest) -> LocalBoxFuture<'_, BackendReply>;
}
