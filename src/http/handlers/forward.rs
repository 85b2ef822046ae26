//! The way in for paths of other nodes: any node is a gateway for every path.

use crate::{
    actors::Fault,
    api::Problem,
    domain::Name,
    http::{AppState, HttpSettings, handlers::body, middleware::response_body::PORTION},
};
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    body::SizedStream,
    http::{StatusCode, header},
    web,
};
use futures_util::{StreamExt, stream};
use reqwest::{Client, Url};
use std::{io, sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// Connections to a node that are kept for the next request.
const IDLE: usize = 32;

/// Headers that are between two neighbours only (RFC 9110, 7.6.1), and those that the next hop sets anew.
const HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
];

/// A context that another node hosts, and where that is.
#[derive(Debug, Clone)]
pub struct Elsewhere {
    /// The context's place on the board.
    pub name: Name,
    /// Whether the orders of its system begin in it.
    pub is_order: bool,
    /// Other spellings of its collection.
    pub aliases: &'static [&'static str],
    /// The node; `None` where nobody has said which.
    pub url: Option<Url>,
}

/// How nodes are called among those that a request has come by. Others that it has come by, proxies, are not counted.
const PSEUDONYM: &str = "holdfast-";

/// Passes requests on.
#[derive(Debug, Clone)]
pub struct Forwarder {
    client: Client,
    /// Each request that is passed on takes a connection of its own.
    places: Arc<Semaphore>,
    /// What this process is called, by a name that no other has.
    pseudonym: String,
    max_hops: usize,
    answer_limit: usize,
}

impl Forwarder {
    /// One that waits at most as long as is set for an answer.
    pub fn new(settings: &HttpSettings) -> Result<Self, String> {
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(2))
            .pool_max_idle_per_host(IDLE.min(settings.max_forwarded))
            .pool_idle_timeout(Duration::from_secs(15))
            .timeout(settings.forward_timeout);
        let name = settings
            .node_name
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' });
        let word = Uuid::now_v7().simple().to_string();
        let pseudonym =
            format!("{PSEUDONYM}{}-{}", name.collect::<String>(), word.get(20..).unwrap_or(&word));
        Ok(Self {
            client: client.build().map_err(|why| why.to_string())?,
            places: Arc::new(Semaphore::new(settings.max_forwarded)),
            pseudonym,
            max_hops: settings.max_hops,
            answer_limit: settings.answer_limit,
        })
    }

    /// The `Via` with which a request goes on that has come by those in its own.
    fn via(&self, request: &HttpRequest) -> Result<String, Problem> {
        let mut via: Vec<_> =
            request.headers().get_all("via").filter_map(|via| via.to_str().ok()).collect();
        let nodes =
            via.iter().flat_map(|via| via.split(',')).filter_map(|by| by.split_whitespace().nth(1));
        let nodes: Vec<_> = nodes.filter(|name| name.starts_with(PSEUDONYM)).collect();
        if nodes.contains(&self.pseudonym.as_str()) {
            let en = "the request has been here before: look at what the nodes have for peers";
            return Err(Problem::new(
                "loop-detected",
                en,
                "요청이 이미 이 노드를 거쳤습니다. 노드의 peers 설정을 확인하세요",
            ));
        }
        if nodes.len() >= self.max_hops {
            let en = format!("the request has come by {} nodes already", nodes.len());
            let ko = format!("요청이 이미 {}개의 노드를 거쳤습니다", nodes.len());
            return Err(Problem::new("loop-detected", en, ko));
        }
        let own = format!("1.1 {}", self.pseudonym);
        via.push(&own);
        Ok(via.join(", "))
    }

    /// The answer of the node that hosts the context.
    pub async fn forward(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        front: &AppState,
        to: &Elsewhere,
    ) -> Result<HttpResponse, Problem> {
        let away = || Problem::from(Fault::Away(to.name.context));
        let is_safe = request.method().is_safe();
        let mut url = to.url.clone().ok_or_else(away)?;
        let via = self.via(request)?;
        url.set_path(request.path());
        url.set_query(Some(request.query_string()).filter(|query| !query.is_empty()));
        let body = body::bytes(request, payload, front).await?;
        let busy = |_| Problem::from(Fault::Busy { retry_after: Duration::from_secs(1) });
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(busy)?;
        let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes())
            .map_err(|_| away())?;
        let mut passed = self.client.request(method, url).body(body);
        for (name, value) in request.headers().iter().filter(|(name, _)| passes(name.as_str())) {
            // The host stays the client's: links in the answer lead back here.
            passed = passed.header(name.as_str(), value.as_bytes());
        }
        let answer = passed.header("via", via).send().await.map_err(|why| {
            let problem = if why.is_connect() { away() } else { unheard(to, is_safe) };
            tracing::warn!(context = to.name.context, why = %why.without_url(), "a request could not be passed on");
            problem
        })?;
        let status =
            StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = HttpResponse::build(status);
        for (name, value) in answer.headers().iter().filter(|(name, _)| passes(name.as_str())) {
            let name = header::HeaderName::from_bytes(name.as_str().as_bytes());
            if let (Ok(name), Ok(value)) = (name, header::HeaderValue::from_bytes(value.as_bytes()))
            {
                response.append_header((name, value));
            }
        }
        self.hand_on(response, answer, place, to, is_safe).await
    }

    /// The body of an answer: a small one in one piece, a large one as it comes and as the client takes it.
    async fn hand_on(
        &self,
        mut response: HttpResponseBuilder,
        mut answer: reqwest::Response,
        place: OwnedSemaphorePermit,
        to: &Elsewhere,
        is_safe: bool,
    ) -> Result<HttpResponse, Problem> {
        let length = answer.content_length();
        if length.is_some_and(|length| length > self.answer_limit as u64) {
            return Err(self.too_large(to, is_safe));
        }
        let mut body = Vec::new();
        while body.len() <= PORTION {
            match answer.chunk().await.map_err(|_| unheard(to, is_safe))? {
                Some(chunk) => body.extend_from_slice(&chunk),
                None => return Ok(response.body(body)),
            }
        }
        if body.len() > self.answer_limit {
            return Err(self.too_large(to, is_safe));
        }
        let left = self.answer_limit - body.len();
        let rest = stream::unfold((answer, left, place), |(mut answer, left, place)| async move {
            let chunk = match answer.chunk().await {
                Ok(None) => return None,
                Ok(Some(chunk)) if chunk.len() <= left => Ok(chunk),
                Ok(Some(_)) => Err(io::Error::other("the answer of another node is too large")),
                Err(why) => Err(io::Error::other(why.without_url())),
            };
            let left = left - chunk.as_ref().map_or(0, |chunk| chunk.len());
            Some((chunk, (answer, left, place)))
        });
        let whole = stream::once(std::future::ready(Ok(web::Bytes::from(body)))).chain(rest);
        Ok(match length {
            Some(length) => response.body(SizedStream::new(length, whole.boxed_local())),
            None => response.streaming(whole.boxed_local()),
        })
    }

    fn too_large(&self, to: &Elsewhere, is_safe: bool) -> Problem {
        let (context, limit) = (to.name.context, self.answer_limit);
        tracing::warn!(context, limit, "the answer of another node is too large");
        if !is_safe {
            return unheard(to, is_safe);
        }
        let en = format!("the answer of the node that has {context} is larger than {limit} bytes");
        Problem::new("bad-gateway", en, format!("{context} 노드의 응답이 {limit}바이트를 넘습니다"))
    }
}

/// Who was reached, and then not heard, may have done what they were sent.
fn unheard(to: &Elsewhere, is_safe: bool) -> Problem {
    match is_safe {
        true => Fault::Away(to.name.context).into(),
        false => Fault::Unknown.into(),
    }
}

/// Answers a request for the context in `place` among those elsewhere.
pub async fn pass_on(
    request: &HttpRequest,
    payload: web::Payload,
    front: &AppState,
    place: usize,
) -> Result<HttpResponse, Problem> {
    let to = front.settings.elsewhere.get(place).ok_or_else(Problem::not_found)?;
    front.forwarder.forward(request, payload, front, to).await
}

/// The answer to a request of another page's script is this node's to judge, so those headers end here.
fn passes(name: &str) -> bool {
    !HOP.contains(&name)
        && !name.starts_with("access-control-")
        && !matches!(name, "origin" | "via")
}
