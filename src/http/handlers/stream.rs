//! What all streams (server-sent events) have in common: the head of the answer, how many there are, and that whose they are is
//! found out again while they last.

use crate::{
    api::{self, Problem, header_text},
    http::{
        middleware::{caller, caller::ShownCredentials, node_caller, rate},
        state::AppState,
        stream_permits::StreamPermit,
    },
    identity::{Audience, Principal},
};
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{Method, header},
    web,
};
use futures_util::{Stream, StreamExt, stream};
use serde_json::json;
use std::{convert::Infallible, sync::Arc, time::Duration};

/// A stream is never silent for longer.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// What is sent then. A comment is no event.
pub const STILL_HERE: &str = ": still here\n\n";
/// What a stream begins with: when to come back after it broke.
pub const RETRY: &str = "retry: 3000\n\n";

/// Whether the client asks for a stream.
pub fn is_wanted(request: &HttpRequest) -> bool {
    header_text(request, "accept").is_some_and(|accept| accept.contains("text/event-stream"))
}

/// Takes the permit for one stream. While authentication is open all have one sender, and a stream that another node passes on
/// is counted there.
pub fn take_permit(request: &HttpRequest, state: &AppState) -> Result<StreamPermit, Problem> {
    let is_counted = !state.settings.open && !node_caller::is_passed_on(request, state);
    let caller = is_counted.then(|| match caller::find_caller(request, state) {
        Some(principal) => principal.identifier(),
        None => format!("at {}", api::network_of(rate::sender_address(request, state))),
    });
    state.streams.take(caller)
}

/// Answers with `chunks` as they come; with none where only the head is asked for.
pub fn answer_chunks(
    request: &HttpRequest,
    mut response: HttpResponseBuilder,
    chunks: impl Stream<Item = String> + 'static,
) -> HttpResponse {
    response.content_type("text/event-stream").insert_header(("x-accel-buffering", "no"));
    if request.method() == Method::HEAD {
        return response.streaming(stream::empty::<Result<web::Bytes, Infallible>>());
    }
    response
        .streaming(chunks.map(|chunk| Ok::<_, Infallible>(web::Bytes::from(chunk))).boxed_local())
}

/// A response that no cache keeps.
pub fn uncached_response() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-cache"));
    response
}

/// The last event of a stream whose reader may read no more.
pub fn last_event(why: &Problem) -> String {
    format!("event: end\ndata: {}\n\n", json!({ "code": why.code() }))
}

/// Who reads a stream. What it may read is judged by who it is at that time: a session ends, a key is revoked.
pub struct StreamReader {
    pub state: web::Data<AppState>,
    shown: ShownCredentials,
    /// A node that reads on its own behalf; its token was for this one request.
    node: Option<Arc<Principal>>,
    /// Ends with the stream.
    _permit: StreamPermit,
}

impl StreamReader {
    /// The sender of `request`, whose stream this is.
    pub fn of_request(request: &HttpRequest) -> Result<Self, Problem> {
        let state = request.app_data::<web::Data<AppState>>().cloned();
        let state = state.ok_or_else(Problem::crashed)?;
        let permit = take_permit(request, &state)?;
        let node = node_caller::node_of(request, &state);
        let shown = ShownCredentials::of_request(request);
        Ok(Self { state, shown, node, _permit: permit })
    }

    /// Who it is now.
    pub async fn find_caller(&self) -> Result<Option<Arc<Principal>>, Problem> {
        if self.node.is_some() {
            return Ok(self.node.clone());
        }
        self.shown.find_caller(&self.state).await
    }

    /// Refuses a reader who is no longer of the `audience`.
    pub async fn check_audience(&self, audience: Audience) -> Result<(), Problem> {
        let caller = self.find_caller().await?;
        api::check_audience(audience, caller.as_deref())
    }

    /// Resolves with false at the next heartbeat, and with `None` when the server stops; else with true, when `more` does.
    pub async fn wait_for(&self, more: impl Future<Output = ()>) -> Option<bool> {
        tokio::select! {
            () = more => Some(true),
            () = self.state.wait_drained() => None,
            () = tokio::time::sleep(HEARTBEAT) => Some(false),
        }
    }
}
