//! A client of the server under test, over real connections.

use crate::app::Failure;
use reqwest::{Client as Http, Method};
use serde::Deserialize;
use serde_json::Value;
use std::net::SocketAddr;

/// Speaks to one server.
#[derive(Debug, Clone)]
pub struct Client {
    http: Http,
    server: SocketAddr,
}

/// The answer to a request.
#[derive(Debug)]
pub struct ClientAnswer {
    pub status: u16,
    /// Whether it has a time to try again.
    pub retry_after: bool,
    /// How many bytes its body has.
    pub length: usize,
    pub body: Value,
}

/// How a context is doing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    pub context: String,
    pub mailbox: u64,
    pub backlog: u64,
    pub waiting: u64,
    pub parked: u64,
    pub last_sequence: u64,
    pub guard: Option<GuardReport>,
}

/// The guard before a context.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GuardReport {
    pub breaker: String,
    pub opened: u64,
    pub in_flight: u64,
}

/// The number under a name in an object.
pub fn number_of(object: &Value, name: &str) -> Option<u64> {
    object.get(name)?.as_u64()
}

impl Client {
    pub fn new(server: SocketAddr) -> Result<Self, Failure> {
        let http =
            Http::builder().no_proxy().build().map_err(|why| Failure::Failed(why.to_string()))?;
        Ok(Self { http, server })
    }

    /// One request, answered.
    pub async fn send_request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<ClientAnswer, Failure> {
        let mut request = self.http.request(method, format!("http://{}{path}", self.server));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let failed = |why: reqwest::Error| Failure::Failed(format!("{path}: {why}"));
        let response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let retry_after = response.headers().contains_key("retry-after");
        let bytes = response.bytes().await.map_err(failed)?;
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(ClientAnswer { status, retry_after, length: bytes.len(), body })
    }

    /// A request that has no reason to be refused.
    pub async fn send_expecting(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        match self.send_request(method, path, body).await? {
            ClientAnswer { status: 200..300, body, .. } => Ok(body),
            ClientAnswer { status, body, .. } => {
                Err(Failure::Failed(format!("{path} was answered with {status}: {body}")))
            }
        }
    }

    /// The numbers under `field` of everything in a list, sorted.
    pub async fn list_numbers(&self, list: &str, field: &str) -> Result<Vec<u64>, Failure> {
        let mut numbers = Vec::new();
        for page in 0.. {
            let found = self
                .send_expecting(Method::GET, &format!("{list}&size=100&page={page}"), None)
                .await?;
            let items = found
                .get("_embedded")
                .and_then(|lists| lists.as_object()?.values().next()?.as_array());
            numbers.extend(items.into_iter().flatten().filter_map(|item| number_of(item, field)));
            if page + 1 >= found.pointer("/page/totalPages").and_then(Value::as_u64).unwrap_or(0) {
                break;
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// How every context is doing.
    pub async fn list_contexts(&self) -> Result<Vec<Health>, Failure> {
        let mut health = self.send_expecting(Method::GET, "/admin/contexts", None).await?;
        let contexts = health.get_mut("contexts").map(Value::take).unwrap_or_default();
        serde_json::from_value(contexts)
            .map_err(|why| Failure::Failed(format!("/admin/contexts: {why}")))
    }

    /// The guard before a context.
    pub async fn guard_report(&self, context: &str) -> Result<GuardReport, Failure> {
        let found =
            self.list_contexts().await?.into_iter().find(|health| health.context == context);
        Ok(found.and_then(|health| health.guard).unwrap_or_default())
    }
}
