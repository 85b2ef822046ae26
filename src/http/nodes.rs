//! The other nodes, all asked at once: within a time and a size, and with a word for each that does not answer.

use crate::{
    client_errors::describe_error,
    credentials::NodePass,
    http::{forwarder::Forwarder, settings::HttpSettings, settings::RemoteTarget},
    sync,
};
use futures_util::future::join_all;
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// How long a node may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a look at the nodes is worth.
const FRESH: Duration = Duration::from_secs(5);

/// Another node, and the contexts that it hosts as far as this one knows.
#[derive(Debug, Clone)]
pub struct OtherNode {
    url: Url,
    pub contexts: Vec<&'static str>,
}

/// The report of a node, and its name.
#[derive(Debug, Serialize, Deserialize)]
pub struct NodeReport<T> {
    pub node: String,
    #[serde(flatten)]
    pub content: T,
}

/// What another node answered, or why there is no answer.
pub struct NodeAnswer<T> {
    pub place: usize,
    pub answer: Result<NodeReport<T>, String>,
}

/// Whether a node answered when it was last asked.
#[derive(Debug, Clone, Default)]
struct Reach {
    name: Option<String>,
    asked: Option<Instant>,
    error: Option<String>,
}

/// A request that only nodes make of each other.
pub struct NodeRequest {
    pub method: Method,
    pub path: String,
    pub query: Vec<(&'static str, String)>,
    pub body: Option<Value>,
}

impl NodeRequest {
    /// A `GET` of `path`.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), query: Vec::new(), body: None }
    }
}

/// The other nodes.
#[derive(Debug)]
pub struct OtherNodes {
    all: Vec<OtherNode>,
    reach: Mutex<Vec<Reach>>,
    client: Client,
    /// Each request takes a connection of its own, like the forwarded ones.
    permits: Arc<Semaphore>,
    pass: NodePass,
    answer_limit: usize,
}

impl OtherNodes {
    /// The nodes of the remote contexts, each once.
    pub fn new(settings: &HttpSettings, forwarder: &Forwarder) -> Self {
        let mut all: Vec<OtherNode> = Vec::new();
        for RemoteTarget { name, url, .. } in &settings.remote_contexts {
            let Some(url) = url else { continue };
            match all.iter_mut().find(|node| node.url.origin() == url.origin()) {
                Some(known) => known.contexts.push(name.context),
                None => all.push(OtherNode { url: url.clone(), contexts: vec![name.context] }),
            }
        }
        Self {
            reach: Mutex::new(vec![Reach::default(); all.len()]),
            all,
            client: forwarder.client(),
            permits: forwarder.permits(),
            pass: settings.node_pass.clone(),
            answer_limit: settings.answer_limit,
        }
    }

    /// All of them.
    pub fn all(&self) -> &[OtherNode] {
        &self.all
    }

    /// The place of the node that hosts `context`.
    pub fn host_of(&self, context: &str) -> Option<usize> {
        self.all.iter().position(|node| node.contexts.contains(&context))
    }

    /// Asks at once each node for which there is a request. The answers are in the order of the nodes.
    pub async fn ask_nodes<T: DeserializeOwned>(
        &self,
        request: impl Fn(usize, &OtherNode) -> Option<NodeRequest>,
    ) -> Vec<NodeAnswer<T>> {
        let requests = self.all.iter().enumerate();
        let requests =
            requests.filter_map(|(place, node)| Some((place, node, request(place, node)?)));
        let asked = requests.map(|(place, node, request)| async move {
            let answer = self.ask_node(node, request).await;
            let name = answer.as_ref().ok().map(|report: &NodeReport<T>| report.node.clone());
            self.note_node(place, name, answer.as_ref().err().cloned());
            NodeAnswer { place, answer }
        });
        join_all(asked).await
    }

    fn note_node(&self, place: usize, name: Option<String>, error: Option<String>) {
        if let Some(reach) = sync::lock(&self.reach).get_mut(place) {
            let name = name.or(reach.name.take());
            *reach = Reach { name, asked: Some(Instant::now()), error };
        }
    }

    async fn ask_node<T: DeserializeOwned>(
        &self,
        node: &OtherNode,
        request: NodeRequest,
    ) -> Result<NodeReport<T>, String> {
        let permit = self.permits.try_acquire();
        let _permit = permit.map_err(|_| "too many requests to other nodes are in flight")?;
        let mut url = node.url.clone();
        url.set_path(&request.path);
        url.set_query(None);
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        let may_repeat = request.method.is_safe();
        let send = || {
            let sent = self.client.request(request.method.clone(), url.clone());
            let shown = self.pass.headers(request.method.as_str(), url.path());
            let sent = shown
                .into_iter()
                .fold(sent.timeout(PATIENCE), |sent, (name, value)| sent.header(name, value));
            match &request.body {
                Some(body) => sent.json(body).send(),
                None => sent.send(),
            }
        };
        let mut answer = send().await;
        // A kept connection ends with the process that it led to; a new one shows whether there is another one.
        if answer.as_ref().is_err_and(|error| !error.is_timeout() && !error.is_connect())
            && may_repeat
        {
            answer = send().await;
        }
        let answer = answer.map_err(|error| describe_cause(&error))?;
        match answer.status() {
            StatusCode::OK => read_json(answer, self.answer_limit).await,
            StatusCode::FORBIDDEN => Err("403: administration is closed there".into()),
            StatusCode::NOT_FOUND => {
                Err("404: `node.credential` differs, `node.keys` lacks this node there, or its version is older".into())
            }
            status => Err(format!("it answered with {status}")),
        }
    }

    /// How operators see the nodes at these places.
    pub fn show_nodes(&self, places: impl IntoIterator<Item = usize>) -> Value {
        let reach = sync::lock(&self.reach).clone();
        let shown = places.into_iter().filter_map(|place| {
            let Reach { name, asked, error } = reach.get(place)?;
            let node = self.all.get(place)?;
            let state = match (asked, error) {
                (None, _) => "unknown",
                (Some(_), None) => "reached",
                (Some(_), Some(_)) => "unreachable",
            };
            let url = node.url.origin().ascii_serialization();
            let contexts = &node.contexts;
            Some(json!({ "node": name, "url": url, "state": state, "contexts": contexts, "error": error }))
        });
        shown.collect()
    }

    /// How operators see all nodes. Those that were asked long ago are asked again meanwhile.
    pub fn list_nodes(self: &Arc<Self>) -> Vec<Value> {
        let is_old = |reach: &Reach| reach.asked.is_none_or(|asked| asked.elapsed() > FRESH);
        let is_due = sync::lock(&self.reach).iter().any(is_old);
        if let (true, Ok(runtime)) = (is_due, tokio::runtime::Handle::try_current()) {
            let nodes = Arc::clone(self);
            runtime.spawn(async move {
                nodes.ask_nodes::<Value>(|_, _| Some(NodeRequest::get("/internal/contexts"))).await
            });
        }
        let Value::Array(shown) = self.show_nodes(0..self.all.len()) else { return Vec::new() };
        shown
    }
}

/// Why a node did not answer.
fn describe_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", PATIENCE.as_secs());
    }
    describe_error(error)
}

/// The JSON of an answer of at most `limit` bytes.
async fn read_json<T: DeserializeOwned>(mut answer: Response, limit: usize) -> Result<T, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| describe_cause(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(format!("its answer is larger than {limit} bytes (`node.answer_limit`)"));
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|error| format!("its answer cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Name;

    #[test]
    fn a_node_of_several_contexts_is_one_node() {
        let context = |context: &'static str, url: Option<&str>| RemoteTarget {
            name: Name {
                system: "shop",
                context,
                collection: "things",
                item: "thing",
                korean: "물건",
            },
            is_order: false,
            is_view: false,
            aliases: &[],
            url: url.map(|url| url.parse().unwrap()),
        };
        let settings = HttpSettings {
            remote_contexts: vec![
                context("shop.a", Some("http://one:8088")),
                context("shop.b", Some("http://user:word@two:8088/")),
                context("shop.c", None),
                context("shop.d", Some("http://one:8088/")),
            ],
            ..HttpSettings::default()
        };
        let draining = tokio::sync::watch::Sender::new(false);
        let forwarder = Forwarder::new(&settings, draining.subscribe()).unwrap();
        let nodes = OtherNodes::new(&settings, &forwarder);
        let shown = nodes.show_nodes(0..9);
        assert_eq!(shown.as_array().map(Vec::len), Some(2));
        assert_eq!(shown.pointer("/0/contexts"), Some(&json!(["shop.a", "shop.d"])));
        assert_eq!(shown.pointer("/1/url"), Some(&json!("http://two:8088")));
        assert_eq!(shown.pointer("/1/state"), Some(&json!("unknown")));
        assert_eq!((nodes.host_of("shop.d"), nodes.host_of("shop.c")), (Some(0), None));
    }
}
