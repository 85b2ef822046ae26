//! The way to other nodes, over HTTP: questions with a node's credential, and the events of their contexts.

use crate::{
    actors::{PeerAnswer, PeerQuestion, Published, Wire},
    domain::NoAnswer,
};
use futures_util::{FutureExt, future::BoxFuture};
use reqwest::{Client, Url};
use std::{collections::HashMap, time::Duration};
use tokio::runtime::Handle;

/// How long an answer may take beyond the time that the other side waits for something to happen.
const SLACK: Duration = Duration::from_secs(5);

/// Who hosts what, and how this node shows that it is one of them.
#[derive(Debug, Clone)]
pub struct Peers {
    /// By context: `bookrent.book`.
    pub urls: HashMap<String, Url>,
    /// What nodes show each other.
    pub credential: String,
}

/// The way to other nodes. Whatever it does happens on a runtime of its own.
#[derive(Debug, Clone)]
pub struct HttpWire {
    client: Client,
    peers: Peers,
    runtime: Handle,
}

impl HttpWire {
    /// A way to `peers`; nothing is sent yet.
    ///
    /// # Errors
    /// The words for a client that cannot be set up.
    pub fn new(peers: Peers, runtime: Handle) -> Result<Self, String> {
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(2))
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")));
        Ok(Self { client: client.build().map_err(|why| why.to_string())?, peers, runtime })
    }

    fn url(&self, what: &str, context: &str) -> Option<Url> {
        self.peers.urls.get(context)?.join(&format!("/internal/{what}/{context}")).ok()
    }

    /// Runs `work` on the runtime of this wire, whoever waits for it.
    fn elsewhere<T: Send + 'static, W: Future<Output = T> + Send + 'static>(
        &self,
        work: W,
    ) -> impl Future<Output = Option<T>> + use<T, W> {
        let running = self.runtime.spawn(work);
        async move { running.await.ok() }
    }
}

impl Wire for HttpWire {
    fn reaches(&self, context: &str) -> bool {
        self.peers.urls.contains_key(context)
    }

    fn ask(
        &self,
        context: &'static str,
        question: PeerQuestion,
        within: Duration,
    ) -> BoxFuture<'static, Result<(), NoAnswer>> {
        let Some(url) = self.url("asks", context) else {
            return std::future::ready(Err(NoAnswer::Unavailable)).boxed();
        };
        let mut request = self.client.post(url).bearer_auth(&self.peers.credential).timeout(within).json(&question);
        request = request.header("holdfast-deadline-ms", within.as_millis().to_string());
        if let Some(trace) = &question.trace {
            request = request.header("traceparent", trace);
        }
        let asked = self.elsewhere(async move {
            let answer = request.send().await.and_then(reqwest::Response::error_for_status);
            match answer {
                Ok(answer) => answer.json::<PeerAnswer>().await.ok(),
                Err(why) => {
                    tracing::debug!(context, %why, "a node gives no answer");
                    None
                }
            }
        });
        async move {
            match asked.await.flatten() {
                Some(PeerAnswer::Yes) => Ok(()),
                Some(PeerAnswer::No(refusal)) => Err(NoAnswer::Refused(refusal)),
                None => Err(NoAnswer::Unavailable),
            }
        }
        .boxed()
    }

    fn events(
        &self,
        context: &'static str,
        from: u64,
        linger: Duration,
    ) -> BoxFuture<'static, Result<Vec<Published>, String>> {
        let Some(mut url) = self.url("events", context) else {
            return std::future::ready(Err("no node is known to host it".to_owned())).boxed();
        };
        url.set_query(Some(&format!("from={from}&linger={}", linger.as_millis())));
        let request = self.client.get(url).bearer_auth(&self.peers.credential).timeout(linger + SLACK);
        let read = self.elsewhere(async move {
            let answer = request.send().await.and_then(reqwest::Response::error_for_status);
            let answer = answer.map_err(|why| why.without_url().to_string())?;
            answer.json::<Vec<Published>>().await.map_err(|why| why.without_url().to_string())
        });
        async move { read.await.unwrap_or_else(|| Err("the runtime has ended".to_owned())) }.boxed()
    }
}
