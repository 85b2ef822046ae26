//! Forwards requests to the nodes that host the contexts.

use crate::{
    actors::Fault,
    api::Problem,
    client_errors::describe_error,
    credentials::{NodePass, NodeRequest},
    http::{
        forwarded_headers::{
            is_forwarded, is_of_proxy, named_by_connection, varies_apart_from_origin,
        },
        middleware::{response_body::CHUNK, traced},
        outage::{MayBeDone, Outages},
        settings::{HttpSettings, RemoteTarget},
        stream_permits::StreamPermit,
    },
};
use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder,
    body::SizedStream,
    http::{StatusCode, header},
    web,
};
use futures_util::{StreamExt, stream};
use reqwest::{Client, RequestBuilder, Url};
use std::{future::Future, io, net::IpAddr, sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use uuid::Uuid;

/// Idle connections that are kept for each node.
const MAX_IDLE: usize = 32;

/// After this time a client of a stream begins a new one, where the last one ended.
const LONGEST_STREAM: Duration = Duration::from_secs(60 * 60);
/// A stream is never silent for so long: the other node sends a comment every 15 s.
const STREAM_SILENCE: Duration = Duration::from_secs(60);

/// What the names of nodes in `Via` begin with. Proxies, which have other names, are not counted.
const PSEUDONYM_PREFIX: &str = "holdfast-";

/// How browsers say where the page is from that sends a request.
const FETCH_SITE: &str = "sec-fetch-site";

/// A command with a session that comes from a page of this server.
pub struct FromOwnPage;

/// Forwards requests to other nodes.
#[derive(Debug, Clone)]
pub struct Forwarder {
    client: Client,
    /// Each forwarded request takes a connection of its own.
    permits: Arc<Semaphore>,
    /// The name of this process in `Via`, which no other process has.
    pseudonym: String,
    max_hops: usize,
    answer_limit: usize,
    trusted_proxies: Vec<IpAddr>,
    pass: NodePass,
    /// Streams end when the server stops.
    draining: watch::Receiver<bool>,
    outages: Arc<Outages>,
}

impl Forwarder {
    /// A forwarder with the limits of these settings, for a server that stops once `draining` is set.
    pub fn new(settings: &HttpSettings, draining: watch::Receiver<bool>) -> Result<Self, String> {
        let client = settings
            .trust
            .http_client()
            .connect_timeout(Duration::from_secs(2))
            .pool_max_idle_per_host(MAX_IDLE.min(settings.max_forwarded))
            .pool_idle_timeout(Duration::from_secs(15))
            .timeout(settings.forward_timeout);
        let name = settings
            .node_name
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
        let unique = Uuid::now_v7().simple().to_string();
        let pseudonym = format!(
            "{PSEUDONYM_PREFIX}{}-{}",
            name.collect::<String>(),
            unique.get(20..).unwrap_or(&unique)
        );
        Ok(Self {
            client: client.build().map_err(|why| why.to_string())?,
            permits: Arc::new(Semaphore::new(settings.max_forwarded)),
            pseudonym,
            max_hops: settings.max_hops,
            answer_limit: settings.answer_limit,
            trusted_proxies: settings.trusted_proxies.clone(),
            pass: settings.node_pass.clone(),
            draining,
            outages: Arc::default(),
        })
    }

    /// The client of other nodes.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The permits that bound the requests in flight.
    pub fn permits(&self) -> Arc<Semaphore> {
        Arc::clone(&self.permits)
    }

    /// The `Via` of the request with this node added.
    ///
    /// # Errors
    /// `loop-detected` if this node or too many nodes are in it.
    fn write_via(&self, request: &HttpRequest) -> Result<String, Problem> {
        let mut via: Vec<_> =
            request.headers().get_all("via").filter_map(|via| via.to_str().ok()).collect();
        let nodes =
            via.iter().flat_map(|via| via.split(',')).filter_map(|by| by.split_whitespace().nth(1));
        let nodes: Vec<_> = nodes.filter(|name| name.starts_with(PSEUDONYM_PREFIX)).collect();
        if nodes.contains(&self.pseudonym.as_str()) {
            let en = "the request has passed this node before: check the `peers` of the nodes";
            return Err(Problem::new(
                "loop-detected",
                en,
                "요청이 이미 이 노드를 거쳤습니다. 노드의 peers 설정을 확인하세요",
            ));
        }
        if nodes.len() >= self.max_hops {
            let en = format!("the request has passed {} nodes already", nodes.len());
            let ko = format!("요청이 이미 {}개의 노드를 거쳤습니다", nodes.len());
            return Err(Problem::new("loop-detected", en, ko));
        }
        let own = format!("1.1 {}", self.pseudonym);
        via.push(&own);
        Ok(via.join(", "))
    }

    /// Answers with what the node of `to` answers; with a permit for an event stream, as that node sends it.
    pub async fn forward_request(
        &self,
        request: &HttpRequest,
        body: impl Future<Output = Result<Vec<u8>, Problem>>,
        to: &RemoteTarget,
        stream: Option<StreamPermit>,
    ) -> Result<HttpResponse, Problem> {
        let away = || Problem::from(Fault::Away(to.name.context));
        let is_safe = request.method().is_safe();
        let url = to.url.clone().ok_or_else(away)?;
        let via = self.write_via(request)?;
        let url = url_of(request, url)?;
        let body = body.await?;
        let permit = self.take_permit()?;
        let forwarded = self.write_request(request, body, url, via, stream.is_some());
        let may_repeat = is_safe || request.headers().contains_key("idempotency-key");
        let answer = self.outages.send_until_reached(&forwarded, to, may_repeat).await;
        let answer = answer.map_err(|may_be_done| match may_be_done {
            MayBeDone(true) => no_answer(to.name.context, is_safe),
            MayBeDone(false) => away(),
        })?;
        self.pass_on(answer, permit, to.name.context, is_safe, stream).await
    }

    /// Sends `request` to the node at `url`, which leads.
    pub async fn send_to(
        &self,
        request: &HttpRequest,
        body: Vec<u8>,
        url: Url,
        is_stream: bool,
    ) -> Result<Attempt, Problem> {
        let via = self.write_via(request)?;
        let url = url_of(request, url)?;
        let sent = self.write_request(request, body, url, via, is_stream).send().await;
        Ok(sent.map_or_else(Attempt::from, |answer| Attempt::Answered(Box::new(answer))))
    }

    /// A permit for a request to another node.
    pub fn take_permit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let busy = |_| Problem::from(Fault::Busy { retry_after: Duration::from_secs(1) });
        Arc::clone(&self.permits).try_acquire_owned().map_err(busy)
    }

    /// What is sent for `request`.
    fn write_request(
        &self,
        request: &HttpRequest,
        body: Vec<u8>,
        url: Url,
        via: String,
        is_stream: bool,
    ) -> RequestBuilder {
        // Every method of a client is one of the client of other nodes.
        let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes());
        let mut forwarded = self.client.request(method.unwrap_or_default(), url).body(body);
        if is_stream {
            forwarded = forwarded.timeout(LONGEST_STREAM);
        }
        let of_hop = named_by_connection(
            request.headers().get_all("connection").map(|value| value.as_bytes()),
        );
        let peer = request.peer_addr().map(|peer| peer.ip());
        let is_from_proxy = peer.is_some_and(|peer| self.trusted_proxies.contains(&peer));
        let own_parent = traced::own_parent(request);
        let is_passed_on = |name: &str| {
            let is_believed = is_from_proxy || !is_of_proxy(name);
            let is_replaced = own_parent.is_some() && name == "traceparent";
            is_forwarded(name)
                && is_believed
                && !is_replaced
                && !of_hop.iter().any(|other| other == name)
        };
        for (name, value) in
            request.headers().iter().filter(|(name, _)| is_passed_on(name.as_str()))
        {
            // The host stays the client's, so links in the answer lead back here.
            forwarded = forwarded.header(name.as_str(), value.as_bytes());
        }
        if let Some(own) = &own_parent {
            forwarded = forwarded.header("traceparent", own);
        }
        // The next node does not learn the origin, and knows by this what was judged here.
        let is_of_own_page = request.extensions().get::<FromOwnPage>().is_some();
        if is_of_own_page && !request.headers().contains_key(FETCH_SITE) {
            forwarded = forwarded.header(FETCH_SITE, "same-origin");
        }
        // What the client sends under these names is not passed on.
        if let Some((name, token)) = self.pass.passing_on(request.method().as_str(), request.path())
        {
            let address = peer.map(|peer| peer.to_string()).unwrap_or_default();
            forwarded = forwarded.header(name, token).header(NodeRequest::CLIENT, address);
        }
        forwarded.header("via", via)
    }

    /// Answers with what another node has answered.
    pub async fn pass_on(
        &self,
        answer: reqwest::Response,
        permit: OwnedSemaphorePermit,
        from: &'static str,
        is_safe: bool,
        stream: Option<StreamPermit>,
    ) -> Result<HttpResponse, Problem> {
        let status =
            StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = HttpResponse::build(status);
        let of_hop = named_by_connection(
            answer.headers().get_all("connection").iter().map(|value| value.as_bytes()),
        );
        for (name, value) in answer.headers() {
            if !is_forwarded(name.as_str()) || of_hop.iter().any(|other| other == name.as_str()) {
                continue;
            }
            if name == "vary" {
                let varies = varies_apart_from_origin(value.to_str().unwrap_or("*"));
                if !varies.is_empty() {
                    response.append_header(("vary", varies));
                }
                continue;
            }
            let name = header::HeaderName::from_bytes(name.as_str().as_bytes());
            if let (Ok(name), Ok(value)) = (name, header::HeaderValue::from_bytes(value.as_bytes()))
            {
                response.append_header((name, value));
            }
        }
        if let Some(stream) = stream.filter(|_| status == StatusCode::OK) {
            return Ok(self.stream_events(response, answer, (permit, stream)));
        }
        self.forward_response(response, answer, permit, from, is_safe).await
    }

    /// Answers with a small body at once, and with a large one as it arrives and as the client reads it.
    async fn forward_response(
        &self,
        mut response: HttpResponseBuilder,
        mut answer: reqwest::Response,
        permit: OwnedSemaphorePermit,
        from: &'static str,
        is_safe: bool,
    ) -> Result<HttpResponse, Problem> {
        let length = answer.content_length();
        if length.is_some_and(|length| length > self.answer_limit as u64) {
            return Err(self.too_large(from, is_safe));
        }
        let mut body = Vec::new();
        while body.len() <= CHUNK {
            match answer.chunk().await.map_err(|_| no_answer(from, is_safe))? {
                Some(chunk) => body.extend_from_slice(&chunk),
                None => return Ok(response.body(body)),
            }
        }
        if body.len() > self.answer_limit {
            return Err(self.too_large(from, is_safe));
        }
        let left = self.answer_limit - body.len();
        let rest =
            stream::unfold((answer, left, permit), |(mut answer, left, permit)| async move {
                let chunk = match answer.chunk().await {
                    Ok(None) => return None,
                    Ok(Some(chunk)) if chunk.len() <= left => Ok(chunk),
                    Ok(Some(_)) => {
                        Err(io::Error::other("the answer of the other node is too large"))
                    }
                    Err(why) => Err(io::Error::other(describe_error(&why))),
                };
                let left = left - chunk.as_ref().map_or(0, |chunk| chunk.len());
                Some((chunk, (answer, left, permit)))
            });
        let whole = stream::once(std::future::ready(Ok(web::Bytes::from(body)))).chain(rest);
        Ok(match length {
            Some(length) => response.body(SizedStream::new(length, whole.boxed_local())),
            None => response.streaming(whole.boxed_local()),
        })
    }

    /// Answers with the events of another node as they arrive, until it is silent or this server stops.
    fn stream_events(
        &self,
        mut response: HttpResponseBuilder,
        answer: reqwest::Response,
        permits: (OwnedSemaphorePermit, StreamPermit),
    ) -> HttpResponse {
        let events = stream::unfold((answer, permits), |(mut answer, permits)| async move {
            let chunk = tokio::time::timeout(STREAM_SILENCE, answer.chunk()).await.ok()?;
            let chunk = chunk.map_err(|why| io::Error::other(describe_error(&why))).transpose()?;
            Some((chunk, (answer, permits)))
        });
        let mut draining = self.draining.clone();
        let stopped = async move { drop(draining.wait_for(|draining| *draining).await) };
        response.streaming(events.take_until(Box::pin(stopped)).boxed_local())
    }

    fn too_large(&self, context: &'static str, is_safe: bool) -> Problem {
        let limit = self.answer_limit;
        tracing::warn!(context, limit, "answer of another node is too large");
        if !is_safe {
            return no_answer(context, is_safe);
        }
        let en = format!("the answer of the node of {context} is larger than {limit} bytes");
        Problem::new("bad-gateway", en, format!("{context} 노드의 응답이 {limit}바이트를 넘습니다"))
    }
}

/// A node that was reached and did not answer may have carried out what it was sent.
fn no_answer(context: &'static str, is_safe: bool) -> Problem {
    if is_safe { Fault::Away(context).into() } else { Fault::Unknown.into() }
}

/// What became of a request that was sent.
pub enum Attempt {
    Answered(Box<reqwest::Response>),
    /// It was not taken.
    NotTaken,
    /// It may have been.
    Broke(String),
}

impl From<reqwest::Error> for Attempt {
    fn from(why: reqwest::Error) -> Self {
        if why.is_connect() { Self::NotTaken } else { Self::Broke(describe_error(&why)) }
    }
}

/// Where `request` is sent at the node at `url`.
fn url_of(request: &HttpRequest, mut url: Url) -> Result<Url, Problem> {
    url.set_path(request.path());
    // A URL without its dot segments would lead somewhere else than what was judged.
    if url.path() != request.path() {
        return Err(Problem::not_found());
    }
    url.set_query(Some(request.query_string()).filter(|query| !query.is_empty()));
    Ok(url)
}

/// Whether another node has passed `request` on.
pub fn passed_on_by_node(request: &HttpRequest) -> bool {
    let via = request.headers().get_all("via").filter_map(|via| via.to_str().ok());
    let mut nodes =
        via.flat_map(|via| via.split(',')).filter_map(|by| by.split_whitespace().nth(1));
    nodes.any(|name| name.starts_with(PSEUDONYM_PREFIX))
}
