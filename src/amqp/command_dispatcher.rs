//! Where commands from the broker come in: by the routes that HTTP has.

use super::{message::InboundCommand, senders::Senders};
use crate::{
    actors::Context,
    api::{self, Answer, ApiRequest, Headers, Paths, Problem, ProblemTypes, header_text},
    identity::Principal,
    spans::{Span, SpanKind},
};
use futures_util::{FutureExt, future::ready};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

/// How much a body may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest, in bytes.
    pub body: usize,
    /// The deepest nesting.
    pub depth: usize,
}

/// The contexts that decide, and the paths to them.
pub struct CommandDispatcher {
    contexts: Vec<Arc<dyn Context>>,
    paths: Paths<usize>,
    limits: Limits,
    senders: Senders,
    /// The URL by which clients know this server.
    public_url: Option<String>,
    problem_types: ProblemTypes,
}

impl CommandDispatcher {
    /// An entrance for `senders` to those of `contexts` that decide; `bare` when the paths are known without their system too.
    pub fn new(
        contexts: &[Arc<dyn Context>],
        bare: bool,
        public_url: Option<String>,
        limits: Limits,
        senders: Senders,
    ) -> Self {
        let contexts: Vec<_> =
            contexts.iter().filter(|context| !context.is_view()).cloned().collect();
        let mut paths = Paths::new(bare);
        for (place, context) in contexts.iter().enumerate() {
            paths.add_path(context.name(), context.aliases(), place);
        }
        let problem_types = ProblemTypes::new(public_url.as_deref());
        Self { contexts, paths, limits, senders, public_url, problem_types }
    }

    /// The names of the contexts, in their places.
    pub fn context_names(&self) -> impl Iterator<Item = &'static str> {
        self.contexts.iter().map(|context| context.name().context)
    }

    /// The answer to a command that came for the context in that place.
    pub async fn answer_command(
        &self,
        message: &InboundCommand,
        place: usize,
        body: Vec<u8>,
    ) -> Answer {
        let began = Instant::now();
        let path = header_text(message, "path").unwrap_or_default();
        let entering =
            AssertUnwindSafe(self.answer_identified(message, place, path, body)).catch_unwind();
        let entered = entering.await.unwrap_or_else(|_| Err(Problem::crashed()));
        let respond = entered
            .unwrap_or_else(|problem| problem.into_answer(path, message, &self.problem_types));
        let said = |name: &str| header_text(message, name).unwrap_or_default();
        let method = said("method");
        let correlation = said("x-correlation-id");
        let trace = said("traceparent").split('-').nth(1).unwrap_or_default();
        let context = self.contexts.get(place).map_or("", |context| context.name().context);
        let status = respond.status;
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        tracing::info!(target: "holdfast::access", over = "amqp", method, context, status, micros, correlation, trace, "answered");
        respond
    }

    /// Finds out who sends a command, and executes it; what is audited is written down before and after.
    async fn answer_identified(
        &self,
        message: &InboundCommand,
        place: usize,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Answer, Problem> {
        let identified = self.senders.identify(message).await;
        let method = header_text(message, "method").unwrap_or_default();
        // A flood of wrong credentials counts as one without any.
        let known = identified.as_deref().ok();
        let left = self.senders.check_rate(known, message, method)?;
        let sender = identified?;
        let audited = self.senders.begin_audit(&sender, method, path).await?;
        let reply = self.dispatch_command(message, sender, place, path, body).await;
        if let Some(open) = audited {
            self.senders.finish_audit(open, &reply).await;
        }
        let mut answer = reply?;
        answer.headers.extend(left.iter().flat_map(api::allowance_fields));
        Ok(answer)
    }

    /// Executes a command on the route that its headers name.
    async fn dispatch_command(
        &self,
        message: &InboundCommand,
        sender: Arc<Principal>,
        place: usize,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Answer, Problem> {
        let method = header_text(message, "method").filter(|_| !path.is_empty()).ok_or_else(|| {
            Problem::new(
                "bad-request",
                "the headers `method` and `path` name a route, such as `PATCH` and `/bookrent/rents/7`",
                "`method`와 `path` 헤더가 필요합니다. 예: `PATCH`, `/bookrent/rents/7`",
            )
        })?;
        // A queue is for one context, as a port of its own is.
        let found =
            self.paths.find_context(path).filter(|(collection, ..)| collection.place == place);
        let (within, collection, rest) = found.ok_or_else(Problem::not_found)?;
        let context = self.contexts.get(place).ok_or_else(Problem::not_found)?.as_ref();
        let inside = api::find_target(context, rest)?;
        let route =
            api::find_command(context, &inside, method).ok_or_else(
                || match api::allowed_methods(context, &inside).as_slice() {
                    [] => Problem::not_found(),
                    methods => Problem::method_not_allowed(&methods.join(", ")),
                },
            )?;
        let writers = api::writers_of(context, route.info);
        api::check_audience(writers, Some(&sender))?;
        if let Some(number) = route.number {
            api::check_item(context, writers, Some(&sender), number)?;
        }
        if message.header("idempotency-key").is_none() {
            return Err(Problem::new(
                "idempotency-key-missing",
                "a broker may deliver a command twice: give it a `message_id` or the header `idempotency-key`",
                "브로커가 명령을 두 번 전달할 수 있으므로 `message_id` 또는 `idempotency-key`가 필요합니다",
            ));
        }
        let host = header_text(message, "host").map(|host| api::base_url("http", host));
        let base = self.public_url.clone().or(host).unwrap_or_default();
        let client = api::bounded_header(message, "traceparent");
        let name = context.name().context;
        let mut span =
            Span::of_request(SpanKind::Consumer, client.as_deref(), || format!("process {name}"));
        span.set("messaging.system", "rabbitmq");
        span.set("messaging.operation.type", "process");
        span.set("messaging.destination.name", name);
        let request = ApiRequest {
            method,
            headers: message,
            base: &base,
            path: &within.path,
            collection,
            rest,
            traceparent: span.traceparent().or(client),
            principal: Some(sender),
        };
        let limit = self.limits.body;
        let body =
            ready(if body.len() > limit { Err(Problem::too_large(limit)) } else { Ok(body) });
        api::run_command(&request, context, route, self.limits.depth, body).await
    }
}
