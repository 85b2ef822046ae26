//! A standby: it answers nothing itself but probes, and passes every request on to the node that leads.
//!
//! What the leader has not accepted, because it was not reached, or because it does not lead, was not recorded: it is sent
//! again for a few seconds, whatever it is. What broke after it was sent may have been done: it is sent again only if that
//! cannot do it twice.

use crate::{
    actors::Fault,
    api::{Problem, header_text},
    http::{
        call::Reply,
        forwarder::{Attempt, passed_on_by_node},
        handlers::{body, stream},
        leader::{Leader, Standby},
        route::Handler,
        routes,
        state::AppState,
    },
};
use actix_web::{HttpRequest, http::StatusCode, web};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// For how long a request waits for a node that leads.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a pause between two attempts is, unless another node comes to lead.
const PAUSE: Duration = Duration::from_millis(50);

/// What the node that leads is called in answers.
const LEADER: &str = "the node that leads";

/// Whether a standby answers `request` itself.
pub fn answers_itself(request: &HttpRequest) -> bool {
    let route = routes::find_route(request.path()).and_then(|(_, mut routes)| routes.next());
    route.is_some_and(|route| matches!(route.handler, Handler::Probe(_)))
}

/// Answers with what the node that leads answers.
pub async fn forward(
    request: &HttpRequest,
    payload: web::Payload,
    state: &AppState,
    standby: &Standby,
) -> Reply {
    if passed_on_by_node(request) {
        return Err(not_leading());
    }
    let body = body::read_body(request, payload, &state.settings).await?;
    let may_repeat =
        request.method().is_safe() || header_text(request, "idempotency-key").is_some();
    let events =
        stream::is_wanted(request).then(|| stream::take_permit(request, state)).transpose()?;
    let permit = state.forwarder.take_permit()?;
    let mut known = standby.watch();
    let mut began = Instant::now();
    loop {
        let leader = known.borrow_and_update().clone();
        if let Some((url, leader)) = leader.and_then(|leader| Some((leader.url.clone()?, leader))) {
            let sent = state.forwarder.send_to(request, body.clone(), url, events.is_some());
            let sent = tokio::select! {
                sent = sent => sent?,
                () = other_leads(known.clone(), &leader) => {
                    began = Instant::now();
                    Attempt::Broke("another node leads".into())
                }
            };
            match sent {
                Attempt::Answered(answer) if is_not_leading(&answer) => {}
                Attempt::Answered(answer) => {
                    let is_safe = request.method().is_safe();
                    return state.forwarder.pass_on(*answer, permit, LEADER, is_safe, events).await;
                }
                Attempt::NotTaken => {}
                Attempt::Broke(why) if may_repeat => {
                    tracing::debug!(why, "sending a request again");
                }
                Attempt::Broke(why) => {
                    tracing::warn!(why, node = leader.node, "outcome of a request is not known");
                    return Err(Fault::Unknown.into());
                }
            }
        }
        if began.elapsed() > PATIENCE {
            return Err(no_leader());
        }
        let _ = tokio::time::timeout(PAUSE, known.changed()).await;
    }
}

/// Resolves when another process leads than `leader`.
async fn other_leads(mut known: watch::Receiver<Option<Leader>>, leader: &Leader) {
    let is_other = |now: &Option<Leader>| now.as_ref().is_some_and(|now| now.start != leader.start);
    if known.wait_for(is_other).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// What a standby says to another one.
const STANDS_BY: &str = "holdfast-standby";

fn is_not_leading(answer: &reqwest::Response) -> bool {
    answer.status().as_u16() == StatusCode::SERVICE_UNAVAILABLE.as_u16()
        && answer.headers().contains_key(STANDS_BY)
}

fn not_leading() -> Problem {
    no_leader().with_parameter(STANDS_BY, "true".into())
}

fn no_leader() -> Problem {
    Problem::new(
        "retry-later",
        "no node leads at this moment; another one takes over within seconds",
        "지금은 처리하는 노드가 없습니다. 몇 초 안에 다른 노드가 이어받습니다",
    )
    .with_parameter("retry-after", "1".into())
}
