//! The node that keeps the API keys of others, asked over HTTP.

use crate::{
    bounded,
    client_errors::describe_error,
    credentials::{AskKeeper, KeyAnswer, KeyQuestion, NodePass},
    tls::Trust,
};
use futures_util::{FutureExt, future::BoxFuture};
use reqwest::{Client, StatusCode, Url};
use std::{sync::Arc, time::Duration};
use tokio::{runtime::Handle, sync::Semaphore};

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// So many questions may be under way.
const AT_ONCE: usize = 64;
/// The largest answer, in bytes.
const LIMIT: usize = 64 << 10;

/// The way to the node that keeps the keys. Whatever it does happens on a runtime of its own.
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
        let client = trust.http_client().connect_timeout(PATIENCE).timeout(PATIENCE);
        let client = client.pool_idle_timeout(Duration::from_secs(15));
        let mut url = url.clone();
        url.set_path("/internal/identity");
        let client = client.build().map_err(|why| why.to_string())?;
        Ok(Self { client, url, pass, places: Arc::new(Semaphore::new(AT_ONCE)), runtime })
    }
}

impl AskKeeper for KeyKeeper {
    fn ask(&self, question: KeyQuestion) -> BoxFuture<'static, Result<KeyAnswer, String>> {
        let shown = self.pass.headers("POST", self.url.path());
        let request = self.client.post(self.url.clone()).json(&question);
        let request = shown.into_iter().fold(request, |it, (name, value)| it.header(name, value));
        let repeat = request.try_clone();
        let places = Arc::clone(&self.places);
        let asked = self.runtime.spawn(async move {
            let place = tokio::time::timeout(PATIENCE, places.acquire_owned()).await;
            let _place = place
                .map_err(|_| "too many questions are under way")?
                .map_err(|why| why.to_string())?;
            let mut answer = request.send().await;
            // A kept connection ends with the process that it led to; a new one shows whether there is another one.
            if let Some(again) = repeat
                && answer.as_ref().is_err_and(|why| !why.is_timeout() && !why.is_connect())
            {
                answer = again.send().await;
            }
            let answer = answer.map_err(|why| describe_error(&why))?;
            match answer.status() {
                StatusCode::OK => bounded::read_json(answer, LIMIT, "the most that is read").await,
                StatusCode::NOT_FOUND => {
                    Err("404: it does not know this node, or its version is older".to_owned())
                }
                status => Err(format!("it answered with {status}")),
            }
        });
        async move { asked.await.unwrap_or_else(|_| Err("the runtime has ended".to_owned())) }
            .boxed()
    }
}
