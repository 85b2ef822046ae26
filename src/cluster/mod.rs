//! The way to other nodes, over HTTP: questions in the name of a node, and the events of their contexts.

mod keeper;

pub use keeper::KeyKeeper;

use crate::{
    actors::{
        EventId, Past, PeerAnswer, PeerClient, PeerQuestion, PeerReply, RecordedEvent, Silence,
    },
    bounded,
    client_errors::describe_error,
    credentials::NodePass,
    tls::Trust,
};
use futures_util::{FutureExt, future::BoxFuture};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{runtime::Handle, sync::Semaphore};

/// Connections to a node that are kept for the next question.
const IDLE: usize = 64;
/// How long an answer may take beyond the time that the other side waits for something to happen.
const SLACK: Duration = Duration::from_secs(5);

/// What limits the answers of nodes.
const LIMIT: &str = "`node.answer_limit`";

/// The header in which a node sends the past of the log that it speaks for.
pub const HISTORY: &str = "holdfast-history";
/// The code of the problem that a past is not the known one.
const CHANGED: &str = "history-changed";

/// Who hosts what, and how this node shows that it is one of them.
#[derive(Debug, Clone)]
pub struct Peers {
    /// By context: `bookrent.book`.
    pub urls: HashMap<String, Url>,
    /// How this node shows that it is one.
    pub pass: NodePass,
    /// How many questions may be under way; each takes a connection.
    pub asks: usize,
    /// The largest answer, in bytes.
    pub answer_limit: usize,
    /// Which authorities vouch for the peers.
    pub trust: Trust,
}

/// The way to other nodes. Whatever it does happens on a runtime of its own.
#[derive(Debug, Clone)]
pub struct HttpWire {
    client: Client,
    peers: Peers,
    places: Arc<Semaphore>,
    runtime: Handle,
}

impl HttpWire {
    /// A way to `peers`; nothing is sent yet.
    ///
    /// # Errors
    /// The words for a client that cannot be set up.
    pub fn new(peers: Peers, runtime: Handle) -> Result<Self, String> {
        let client = peers
            .trust
            .http_client()
            .connect_timeout(Duration::from_secs(2))
            .pool_max_idle_per_host(IDLE.min(peers.asks))
            .pool_idle_timeout(Duration::from_secs(15));
        let places = Arc::new(Semaphore::new(peers.asks));
        Ok(Self { client: client.build().map_err(|why| why.to_string())?, peers, places, runtime })
    }

    fn peer_url(&self, what: &str, context: &str) -> Option<Url> {
        self.peers.urls.get(context)?.join(&format!("/internal/{what}/{context}")).ok()
    }

    /// A request to another node, which takes so long at the most.
    fn request(&self, method: Method, url: Url, within: Duration) -> RequestBuilder {
        let shown = self.peers.pass.headers(method.as_str(), url.path());
        let request = self.client.request(method, url).timeout(within);
        shown.into_iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    /// Runs `work` on the runtime of this client, from any thread.
    fn run_elsewhere<T: Send + 'static, W: Future<Output = T> + Send + 'static>(
        &self,
        work: W,
    ) -> impl Future<Output = Option<T>> + use<T, W> {
        let running = self.runtime.spawn(work);
        async move { running.await.ok() }
    }
}

impl PeerClient for HttpWire {
    fn reaches_context(&self, context: &str) -> bool {
        self.peers.urls.contains_key(context)
    }

    fn send_question(
        &self,
        context: &'static str,
        question: PeerQuestion,
        within: Duration,
    ) -> BoxFuture<'static, Result<PeerReply, Silence>> {
        let Some(url) = self.peer_url("asks", context) else { return away_from_here() };
        let mut request = self.request(Method::POST, url, within).json(&question);
        request = request.header("holdfast-deadline-ms", within.as_millis().to_string());
        if let Some(trace) = &question.trace {
            request = request.header("traceparent", trace);
        }
        let limit = self.peers.answer_limit;
        let places = Arc::clone(&self.places);
        let asked = self.run_elsewhere(async move {
            let place = tokio::time::timeout(within, places.acquire_owned()).await;
            let _place = place
                .map_err(|_| silent_peer(&"too many questions are under way"))?
                .map_err(|why| silent_peer(&why))?;
            let answer = check_answered(request, limit).await?;
            let past = past_of(&answer);
            let answer: PeerAnswer =
                bounded::read_json(answer, limit, LIMIT).await.map_err(Silence::Away)?;
            Ok(PeerReply { answer, past })
        });
        async move { asked.await.unwrap_or_else(|| Err(silent_peer(&"the runtime has ended"))) }
            .boxed()
    }

    fn fetch_past(&self, context: &str) -> BoxFuture<'static, Result<Past, String>> {
        let Some(mut url) = self.peer_url("events", context) else {
            return std::future::ready(Err("no node is known to host it".to_owned())).boxed();
        };
        url.set_query(Some("from=1"));
        // Its events are not read here, and may not be for this node.
        let request = self.request(Method::HEAD, url, SLACK);
        let limit = self.peers.answer_limit;
        let events = self.run_elsewhere(async move {
            match check_answered(request, limit).await {
                Ok(answer) => past_of(&answer)
                    .ok_or_else(|| "it does not tell it; upgrade its node".to_owned()),
                Err(Silence::Away(why) | Silence::Changed(why)) => Err(why),
            }
        });
        async move { events.await.unwrap_or_else(|| Err("the runtime has ended".to_owned())) }
            .boxed()
    }

    fn fetch_events(
        &self,
        context: &'static str,
        from: u64,
        after: Option<EventId>,
        linger: Duration,
    ) -> BoxFuture<'static, Result<Vec<RecordedEvent>, Silence>> {
        let Some(mut url) = self.peer_url("events", context) else { return away_from_here() };
        let after = after.map(|id| format!("&after={}", id.in_full())).unwrap_or_default();
        url.set_query(Some(&format!("from={from}{after}&linger={}", linger.as_millis())));
        let request = self.request(Method::GET, url, linger + SLACK);
        let limit = self.peers.answer_limit;
        let read = self.run_elsewhere(async move {
            let answer = check_answered(request, limit).await?;
            bounded::read_json::<Vec<RecordedEvent>>(answer, limit, LIMIT)
                .await
                .map_err(Silence::Away)
        });
        async move { read.await.unwrap_or_else(|| Err(silent_peer(&"the runtime has ended"))) }
            .boxed()
    }
}

fn silent_peer(why: &dyn std::fmt::Display) -> Silence {
    Silence::Away(why.to_string())
}

fn away_from_here<T: Send + 'static>() -> BoxFuture<'static, Result<T, Silence>> {
    std::future::ready(Err(silent_peer(&"no node is known to host it"))).boxed()
}

/// The past in an answer.
fn past_of(answer: &Response) -> Option<Past> {
    answer.headers().get(HISTORY)?.to_str().ok()?.parse().ok()
}

/// What another node answers, when it is an answer.
async fn check_answered(request: RequestBuilder, limit: usize) -> Result<Response, Silence> {
    /// What is wanted of a problem.
    #[derive(Deserialize)]
    struct PeerProblem {
        code: String,
        detail: String,
    }
    let answer = request.send().await.map_err(|why| silent_peer(&describe_error(&why)))?;
    if answer.status() != StatusCode::CONFLICT {
        return answer.error_for_status().map_err(|why| silent_peer(&describe_error(&why)));
    }
    match bounded::read_json::<PeerProblem>(answer, limit, LIMIT).await {
        Ok(PeerProblem { code, detail }) if code == CHANGED => Err(Silence::Changed(detail)),
        Ok(PeerProblem { detail, .. }) => Err(Silence::Away(detail)),
        Err(why) => Err(Silence::Away(why)),
    }
}
