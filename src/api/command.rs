//! A command, from the request to the answer.

use super::{
    conditions::{Sender, check_content, idempotency_key, if_match},
    hal::{media_type, splice_fields},
    headers::{Headers, bounded_header},
    json::parse_json,
    owner::find_owner,
    problem::Problem,
    request::{Answer, ApiRequest, OUTCOME},
    routing::CommandRoute,
};
use crate::actors::{CommandRequest, Context, Outcome, Verb};
use std::future::Future;

/// Sends a command by `route` to `context`, and answers when it is settled and durable. The body is read when everything
/// before it is in order.
///
/// # Errors
/// The [`Problem`] of the request, or of the command.
pub async fn run_command<H: Headers>(
    request: &ApiRequest<'_, H>,
    context: &dyn Context,
    route: CommandRoute<'_>,
    depth: usize,
    body: impl Future<Output = Result<Vec<u8>, Problem>>,
) -> Result<Answer, Problem> {
    let ApiRequest { method, headers, path, rest, ref principal, .. } = *request;
    let principal = principal.as_deref();
    let mut command = CommandRequest {
        route: route.index,
        number: route.number,
        client_correlation: bounded_header(headers, "x-correlation-id"),
        traceparent: request.traceparent.clone(),
        principal: request.principal.clone(),
        ..CommandRequest::default()
    };
    let mut sent = Vec::new();
    if !route.info.bodies.is_empty() {
        check_media_type(headers, route.info.verb)?;
        sent = body.await?;
        command.body = parse_json(&sent, depth)?;
    }
    command.owner = find_owner(route.info, principal, headers, &mut command.body)?;
    (command.if_match, command.must_exist) = if_match(headers)?;
    if let Some(key) = headers.header("idempotency-key") {
        let written = format!("{path}{rest}");
        let routed = route.route_path(path);
        // A customer whom the body names is part of what the key is compared with.
        let on_behalf_of = command.owner.as_deref().filter(|_| route.info.subject.is_none());
        let sender = Sender { principal, on_behalf_of };
        let paths = (routed.as_str(), written.as_str());
        command.idempotency = Some(idempotency_key(key, sender, method, paths, &sent)?);
    }
    // A refusal, too, has waited until what it was judged by is durable.
    let outcome = context.execute_command(command).await?;
    Ok(answer_outcome(request, context, route, &outcome))
}

fn check_media_type(headers: &dyn Headers, verb: Verb) -> Result<(), Problem> {
    if verb == Verb::Patch {
        let accepted = ["application/json", "application/merge-patch+json"];
        return check_content(headers, &accepted, "accept-patch");
    }
    check_content(headers, &["application/json"], "accept-post")
}

fn answer_outcome<H: Headers>(
    request: &ApiRequest<'_, H>,
    context: &dyn Context,
    route: CommandRoute<'_>,
    outcome: &Outcome,
) -> Answer {
    let ApiRequest { base, collection, .. } = *request;
    let status = match (outcome.settled, route.info.verb) {
        (false, _) => 202,
        (true, Verb::Post) if route.info.word.is_none() => 201,
        (true, Verb::Delete) => 204,
        (true, _) => 200,
    };
    let mut headers = Vec::new();
    if matches!(status, 201 | 202) {
        headers.push(("location", format!("{base}{collection}/{}", outcome.number)));
    }
    if !outcome.settled {
        headers.push(("retry-after", "1".to_owned()));
    }
    if outcome.replayed {
        headers.push(("idempotent-replayed", "true".to_owned()));
    }
    if context.is_order() {
        headers.push((OUTCOME, outcome.order.name().to_owned()));
    }
    headers.push(("etag", format!("\"{}\"", outcome.version)));
    let content = (status != 204).then(|| {
        let mut out = Vec::with_capacity(outcome.body.len() + 256);
        splice_fields(
            &mut out,
            &outcome.body,
            outcome.number,
            base,
            collection,
            context.name().item,
        );
        (media_type(request.headers), out)
    });
    Answer { status, headers, content, owner: outcome.owner.clone() }
}
