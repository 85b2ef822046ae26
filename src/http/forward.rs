//! The way in for paths of other nodes: any node is a gateway for every path.

use super::{Front, input};
use crate::inbound::Problem;
use crate::{actors::Fault, domain::Name};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use reqwest::{Client, Url};
use std::time::Duration;

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

/// Passes requests on.
#[derive(Debug, Clone)]
pub(super) struct Forwarder(Client);

impl Forwarder {
    /// One that waits at most `patience` for an answer.
    pub(super) fn new(patience: Duration) -> Result<Self, String> {
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(2))
            .timeout(patience)
            .build();
        client.map(Self).map_err(|why| why.to_string())
    }

    /// The answer of the node that hosts the context.
    pub(super) async fn forward(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
        front: &Front,
        to: &Elsewhere,
    ) -> Result<HttpResponse, Problem> {
        let away = || Problem::from(Fault::Away(to.name.context));
        // Who was reached, and then not heard, may have done what they were sent.
        let unheard = || match request.method().is_safe() {
            true => away(),
            false => Fault::Unknown.into(),
        };
        let mut url = to.url.clone().ok_or_else(away)?;
        url.set_path(request.path());
        url.set_query(Some(request.query_string()).filter(|query| !query.is_empty()));
        let body = input::bytes(request, payload, front).await?;
        let method = reqwest::Method::from_bytes(request.method().as_str().as_bytes()).map_err(|_| away())?;
        let mut passed = self.0.request(method, url).body(body);
        for (name, value) in request.headers().iter().filter(|(name, _)| passes(name.as_str())) {
            // The host stays the client's: links in the answer lead back here.
            passed = passed.header(name.as_str(), value.as_bytes());
        }
        let answer = passed.send().await.map_err(|why| {
            let problem = if why.is_connect() { away() } else { unheard() };
            tracing::warn!(context = to.name.context, why = %why.without_url(), "a request could not be passed on");
            problem
        })?;
        let status = StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = HttpResponse::build(status);
        for (name, value) in answer.headers().iter().filter(|(name, _)| passes(name.as_str())) {
            let name = header::HeaderName::from_bytes(name.as_str().as_bytes());
            if let (Ok(name), Ok(value)) = (name, header::HeaderValue::from_bytes(value.as_bytes())) {
                response.append_header((name, value));
            }
        }
        Ok(response.body(answer.bytes().await.map_err(|_| unheard())?))
    }
}

/// Answers a request for the context in `place` among those elsewhere.
pub(super) async fn pass_on(
    request: &HttpRequest,
    payload: web::Payload,
    front: &Front,
    place: usize,
) -> Result<HttpResponse, Problem> {
    let to = front.settings.elsewhere.get(place).ok_or_else(Problem::not_found)?;
    front.forwarder.forward(request, payload, front, to).await
}

/// The answer to a request of another page's script is this node's to judge, so those headers end here.
fn passes(name: &str) -> bool {
    !HOP.contains(&name) && !name.starts_with("access-control-") && name != "origin"
}
