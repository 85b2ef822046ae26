//! What comes in over HTTP: bodies within their size and time.

pub use crate::api::{json, media_type, text};
use crate::{
    actors::Fault,
    api::{Headers, Problem},
    http::{
        AppState,
        middleware::admission::{Awaiting, Stay, Told},
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

/// The whole body, within its size and time.
pub async fn bytes(
    request: &HttpRequest,
    mut payload: web::Payload,
    front: &AppState,
) -> Result<Vec<u8>, Problem> {
    let limit = front.settings.body_limit;
    let length = text(request, "content-length").and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(Problem::too_large(limit));
    }
    let stay = request.conn_data::<Arc<Stay>>();
    let awaiting = stay.map(|stay| Awaiting::begin(Arc::clone(stay)));
    let broken = || match stay.map(|stay| stay.told()) {
        // Nothing has been done for it yet, and somebody else is waiting.
        Some(Told::Leave) => Fault::Busy { retry_after: Duration::from_secs(1) }.into(),
        _ => Problem::new("bad-request", "the body broke off", "본문이 끊겼습니다"),
    };
    let read = async {
        // No more is set aside for a body than has come of it.
        let mut body = Vec::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| broken())?;
            if body.len() + chunk.len() > limit {
                return Err(Problem::too_large(limit));
            }
            body.extend_from_slice(&chunk);
        }
        if let Some(awaiting) = &awaiting {
            awaiting.is_whole();
        }
        Ok(body)
    };
    let late = |_| {
        Problem::new(
            "request-timeout",
            "the body did not arrive in time",
            "본문이 제시간에 오지 않았습니다",
        )
    };
    tokio::time::timeout(front.settings.body_timeout, read).await.map_err(late)?
}
