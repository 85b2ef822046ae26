//! The node that keeps the API keys and sessions of others, asked over HTTP.

use crate::{
    bounded,
    client_errors::describe_error,
    credentials::{
        AskKeeper, AskSessions, EndedSince, KeyAnswer, KeyQuestion, LINGER, NewSession, NodePass,
        NotBegun, ReadEnded, SessionAnswer, SessionQuestion,
    },
    tls::Trust,
};
use futures_util::{FutureExt, future::BoxFuture};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde::Serialize;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{runtime::Handle, sync::Semaphore};

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long it may take to begin a session, for which it may have to ask the provider.
const SIGNING_IN: Duration = Duration::from_secs(15);
/// So many questions may be under way.
const AT_ONCE: usize = 64;
/// The largest answer, in bytes.
const LIMIT: usize = 1 << 20;
const LIMITED_BY: &str = "the most that is read";

/// The way to the node that keeps them. Whatever it does happens on a runtime of its own.
pub struct KeyKeeper {
    client: Client,
    url: Url,
    pass: NodePass,
    places: Arc<Semaphore>,
    runtime: Handle,
}

impl KeyKeeper {
    /// The way to the node at `url`; nothing is sent yet.
    ///
    /// # Errors
    /// The words for a client that cannot be set up.
    pub fn new(url: &Url, pass: NodePass, trust: &Trust, runtime: Handle) -> Result<Self, String> {
        let client = trust.http_client().connect_timeout(PATIENCE);
        let client = client.pool_idle_timeout(Duration::from_secs(15));
        let client = client.build().map_err(|why| why.to_string())?;
        let places = Arc::new(Semaphore::new(AT_ONCE));
        Ok(Self { client, url: url.clone(), pass, places, runtime })
    }

    /// The answer to a request, which takes so long at the most. `read` takes what is wanted from it.
    fn send<T: Send + 'static, R: Future<Output = T> + Send + 'static>(
        &self,
        request: KeeperRequest,
        within: Duration,
        read: fn(Result<Response, String>) -> R,
    ) -> BoxFuture<'static, T> {
        let KeeperRequest { method, path, query, body, waits } = request;
        let mut url = self.url.clone();
        url.set_path(path);
        url.set_query(query.as_deref());
        let client = self.client.clone();
        let pass = self.pass.clone();
        // Each try shows a token of its own.
        let request = move || {
            let shown = pass.headers(method.as_str(), url.path());
            let request = client.request(method.clone(), url.clone()).timeout(within);
            let request = if body.is_null() { request } else { request.json(&body) };
            shown.into_iter().fold(request, |request, (name, value)| request.header(name, value))
        };
        let places = (!waits).then(|| Arc::clone(&self.places));
        let asked = self.runtime.spawn(async move {
            let place = match places {
                Some(places) => match tokio::time::timeout(within, places.acquire_owned()).await {
                    Ok(Ok(place)) => Some(place),
                    _ => return read(Err("too many questions are under way".to_owned())).await,
                },
                None => None,
            };
            let mut answer = request().send().await;
            // A kept connection ends with the process that it led to; a new one shows whether there is another one.
            if answer.as_ref().is_err_and(|why| !why.is_timeout() && !why.is_connect()) {
                answer = request().send().await;
            }
            let read = read(answer.map_err(|why| describe_error(&why))).await;
            drop(place);
            read
        });
        async move {
            match asked.await {
                Ok(answer) => answer,
                Err(_) => read(Err("the runtime has ended".to_owned())).await,
            }
        }
        .boxed()
    }
}

/// What is sent to the node.
struct KeeperRequest {
    method: Method,
    path: &'static str,
    query: Option<String>,
    body: Value,
    /// Whether it waits there for something to happen. Those are few, and keep no question waiting.
    waits: bool,
}

impl KeeperRequest {
    fn post(path: &'static str, body: impl Serialize) -> Self {
        Self { method: Method::POST, path, query: None, body: json!(body), waits: false }
    }
}

/// An answer that is one.
async fn check_status(answer: Result<Response, String>) -> Result<Response, String> {
    let answer = answer?;
    match answer.status() {
        StatusCode::OK | StatusCode::NO_CONTENT => Ok(answer),
        StatusCode::NOT_FOUND => {
            Err("404: it does not know this node, or its version is older".to_owned())
        }
        status => Err(format!("it answered with {status}")),
    }
}

impl AskKeeper for KeyKeeper {
    fn ask(&self, question: KeyQuestion) -> BoxFuture<'static, Result<KeyAnswer, String>> {
        let request = KeeperRequest::post("/internal/identity", &question);
        self.send(request, PATIENCE, |answer| async move {
            bounded::read_json(check_status(answer).await?, LIMIT, LIMITED_BY).await
        })
    }
}

impl AskSessions for KeyKeeper {
    fn find(&self, question: SessionQuestion) -> BoxFuture<'static, Result<SessionAnswer, String>> {
        let request = KeeperRequest::post("/internal/sessions/holder", &question);
        self.send(request, PATIENCE, |answer| async move {
            bounded::read_json(check_status(answer).await?, LIMIT, LIMITED_BY).await
        })
    }

    fn begin(&self, session: NewSession) -> BoxFuture<'static, Result<(), NotBegun>> {
        let request = KeeperRequest::post("/internal/sessions", &session);
        self.send(request, SIGNING_IN, |answer| async move {
            let answer = answer.map_err(NotBegun::Away)?;
            let status = answer.status();
            match status {
                StatusCode::NO_CONTENT => Ok(()),
                _ if status.is_client_error() && status != StatusCode::NOT_FOUND => {
                    Err(NotBegun::Refused(format!("it answered with {status}")))
                }
                _ => check_status(Ok(answer)).await.map(drop).map_err(NotBegun::Away),
            }
        })
    }

    fn end(&self, question: SessionQuestion) -> BoxFuture<'static, Result<(), String>> {
        let request = KeeperRequest::post("/internal/sessions/end", &question);
        self.send(request, PATIENCE, |answer| async move { check_status(answer).await.map(drop) })
    }
}

impl ReadEnded for KeyKeeper {
    fn read(&self, place: String) -> BoxFuture<'static, Result<EndedSince, String>> {
        let request = KeeperRequest {
            method: Method::GET,
            path: "/internal/ended",
            query: Some(format!("after={place}&linger={}", LINGER.as_millis())),
            body: Value::Null,
            waits: true,
        };
        self.send(request, LINGER + PATIENCE, |answer| async move {
            bounded::read_json(check_status(answer).await?, LIMIT, LIMITED_BY).await
        })
    }
}
