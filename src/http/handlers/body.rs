//! The body of a request, within its size and time.

use crate::{
    actors::Fault,
    api::{Headers, Problem, header_text},
    http::{
        middleware::connection_limit::{BodyWait, ConnectionSlot, Signal},
        settings::HttpSettings,
    },
};
use actix_web::{HttpRequest, web};
use futures_util::StreamExt;
use std::{sync::Arc, time::Duration};

impl Headers for HttpRequest {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().get(name).map(|value| value.as_bytes())
    }
}

/// Reads the whole body of a client's request.
pub async fn read_body(
    request: &HttpRequest,
    payload: web::Payload,
    settings: &HttpSettings,
) -> Result<Vec<u8>, Problem> {
    read_up_to(request, payload, settings, settings.body_limit).await
}

/// Reads the whole body, of at most `limit` bytes.
pub async fn read_up_to(
    request: &HttpRequest,
    mut payload: web::Payload,
    settings: &HttpSettings,
    limit: usize,
) -> Result<Vec<u8>, Problem> {
    let length =
        header_text(request, "content-length").and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(Problem::too_large(limit));
    }
    let slot = request.conn_data::<Arc<ConnectionSlot>>();
    let wait = slot.map(|slot| BodyWait::begin(Arc::clone(slot)));
    let incomplete = || match slot.map(|slot| slot.signal()) {
        // Nothing was done for the request yet, and another connection needs the room.
        Some(Signal::Close) => Fault::Busy { retry_after: Duration::from_secs(1) }.into(),
        _ => Problem::new("bad-request", "the body is incomplete", "본문이 끝까지 오지 않았습니다"),
    };
    let read = async {
        // No more is allocated for a body than has arrived.
        let mut body = Vec::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| incomplete())?;
            if body.len() + chunk.len() > limit {
                return Err(Problem::too_large(limit));
            }
            body.extend_from_slice(&chunk);
        }
        if let Some(wait) = &wait {
            wait.complete_body();
        }
        Ok(body)
    };
    let timed_out = |_| {
        Problem::new(
            "request-timeout",
            "the body did not arrive in time",
            "본문이 제시간에 도착하지 않았습니다",
        )
    };
    tokio::time::timeout(settings.body_timeout, read).await.map_err(timed_out)?
}
