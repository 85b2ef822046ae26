//! A command, from what was received to what is answered.

use crate::{
    actors::{CommandRequest, Context, Verb},
    api::{
        Answer, Headers, Request,
        hal::{media, splice},
        headers,
        problem::Problem,
        routing::Door,
    },
};
use std::future::Future;

/// Brings a command in by `door` of `context`, and answers when it is settled and durable. The body is asked for when
/// everything before it is in order.
///
/// # Errors
/// The [`Problem`] that says what is wrong with it, or why it came to nothing.
pub async fn command<H: Headers>(
    request: &Request<'_, H>,
    context: &dyn Context,
    door: Door<'_>,
    depth: usize,
    body: impl Future<Output = Result<Vec<u8>, Problem>>,
) -> Result<Answer, Problem> {
    let Request { method, headers, base, path, collection, rest } = *request;
    let mut order =
        CommandRequest { door: door.at, number: door.number, ..CommandRequest::default() };
    let mut sent = Vec::new();
    if door.info.body.is_some() {
        match door.info.verb {
            Verb::Patch => {
                headers::media_type(
                    headers,
                    &["application/json", "application/merge-patch+json"],
                    "accept-patch",
                )?;
            }
            _ => headers::media_type(headers, &["application/json"], "accept-post")?,
        }
        sent = body.await?;
        order.body = headers::json(&sent, depth)?;
    }
    (order.if_match, order.must_exist) = headers::if_match(headers)?;
    order.idempotency = match headers.header("idempotency-key") {
        Some(key) => Some(headers::idempotency(key, method, &format!("{path}{rest}"), &sent)?),
        None => None,
    };
    order.client_correlation = headers::kept(headers, "x-correlation-id");
    order.traceparent = headers::kept(headers, "traceparent");
    // A refusal has waited for what it was judged by, as an outcome has.
    let outcome = context.enter(order).await?;
    let status = match (outcome.settled, door.info.verb) {
        (false, _) => 202,
        (true, Verb::Post) if door.info.word.is_none() => 201,
        (true, Verb::Delete) => 204,
        (true, _) => 200,
    };
    let mut said = Vec::new();
    if matches!(status, 201 | 202) {
        said.push(("location", format!("{base}{collection}/{}", outcome.number)));
    }
    if !outcome.settled {
        said.push(("retry-after", "1".to_owned()));
    }
    if outcome.replayed {
        said.push(("idempotent-replayed", "true".to_owned()));
    }
    said.push(("etag", format!("\"{}\"", outcome.version)));
    let content = (status != 204).then(|| {
        let mut out = Vec::with_capacity(outcome.body.len() + 256);
        splice(&mut out, &outcome.body, outcome.number, base, collection, context.name().item);
        (media(headers), out)
    });
    Ok(Answer { status, headers: said, content })
}
