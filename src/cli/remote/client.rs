//! A client of a running server.

use crate::{app::Failure, client_errors::describe_error, tls::Trust};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header};
use serde_json::Value;
use std::time::Duration;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may be silent: some are long in the making.
const SILENCE: Duration = Duration::from_secs(300);
/// How much of an answer is shown that is no problem of the server.
const MOST_SHOWN: usize = 200;

/// A client of one server.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    server: Url,
    token: Option<String>,
}

impl Client {
    pub(super) fn new(server: Url, token: Option<String>, trust: &Trust) -> Result<Self, Failure> {
        let http = trust.http_client().connect_timeout(CONNECT_TIMEOUT).read_timeout(SILENCE);
        Ok(Self { http: http.build().map_err(Failure::from_error)?, server, token })
    }

    /// What a path answers to a `GET`.
    ///
    /// # Errors
    /// [`Failure::Refused`]: what the server says. [`Failure::Failed`]: why it cannot be asked.
    pub async fn get(&self, path: &str) -> Result<Value, Failure> {
        let answer = self.send(Method::GET, path, None).await?;
        answer.json().await.map_err(|error| self.unreadable(&error))
    }

    /// The text that a path answers a `GET` with, whatever its status, if it is no problem of its own.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn get_text(&self, path: &str) -> Result<String, Failure> {
        let answer = self.prepare(Method::GET, path, None)?.send().await;
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        let kind = answer.headers().get(header::CONTENT_TYPE);
        let is_text = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
        if !is_text {
            return Err(self.problem(answer).await);
        }
        answer.text().await.map_err(|error| self.unreadable(&error))
    }

    /// What a path answers to a `POST`.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn post(&self, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let answer = self.send(Method::POST, path, body).await?;
        answer.json().await.map_err(|error| self.unreadable(&error))
    }

    /// All items of a list, page after page: `on_page` gets those of each under `field`, and gives whether to go on.
    ///
    /// # Errors
    /// As [`Client::get`], and those of `on_page`.
    pub async fn walk(
        &self,
        path: &str,
        field: &str,
        mut on_page: impl FnMut(Vec<Value>) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let mut page = self.get(&path).await?;
            let items = page.get_mut(field).map(Value::take);
            let items = match items {
                Some(Value::Array(items)) => items,
                _ => return Err(self.unexpected(&path)),
            };
            if !on_page(items)? {
                return Ok(());
            }
            next = page.get("next").and_then(Value::as_str).map(str::to_owned);
        }
        Ok(())
    }

    /// The stream of events that a path answers with.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn stream(&self, path: &str) -> Result<Response, Failure> {
        let request = self.prepare(Method::GET, path, None)?;
        self.answer(request.header(header::ACCEPT, "text/event-stream")).await
    }

    /// An answer that is not what it should be.
    pub fn unexpected(&self, path: &str) -> Failure {
        Failure::Failed(format!("{}: {path} answers something else than it should", self.server))
    }

    /// Sends a request, and gives the answer if it is no problem.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response, Failure> {
        self.answer(self.prepare(method, path, body)?).await
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let answer = request.send().await;
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.problem(answer).await) }
    }

    fn prepare(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<RequestBuilder, Failure> {
        // Links of a server that lies below a path of a proxy have that path, and ours do not.
        let base = self.server.path().trim_end_matches('/');
        let path = if path.starts_with(base) { path.to_owned() } else { format!("{base}{path}") };
        let url = self.server.join(&path).map_err(|error| Failure::Usage(error.to_string()))?;
        let mut request = self.http.request(method, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        Ok(match body {
            Some(body) => request.json(body),
            None => request,
        })
    }

    /// An answer that broke off.
    pub fn unreadable(&self, error: &reqwest::Error) -> Failure {
        Failure::Failed(format!("{}: the answer broke off: {}", self.server, describe_error(error)))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let hint = if error.is_connect() {
            "; does the server run there? Name another with --url"
        } else {
            ""
        };
        Failure::Failed(format!("{}: {}{hint}", self.server, describe_error(error)))
    }

    /// What the server says of a request that it refuses.
    async fn problem(&self, answer: Response) -> Failure {
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        let problem: Value = serde_json::from_str(&text).unwrap_or_default();
        let member = |name: &str| problem.get(name).and_then(Value::as_str);
        let said = match (member("title"), member("detail"), member("code")) {
            (Some(title), detail, code) => {
                let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
                format!("{title}{detail} ({})", code.unwrap_or(status.as_str()))
            }
            _ => {
                let shown: String = text.chars().take(MOST_SHOWN).collect();
                format!("{status} {shown}")
            }
        };
        let hint = match status {
            StatusCode::UNAUTHORIZED => {
                "; show an API key or a token with --token-file, HOLDFAST_TOKEN or a profile"
            }
            StatusCode::FORBIDDEN => "; the key or token is for something else",
            _ => "",
        };
        Failure::Refused { status: status.as_u16(), said: format!("{}: {said}{hint}", self.server) }
    }
}
