//! What only the handle of an aggregate context does.

use super::{
    asks::saga_of,
    enter::{Enter, Entered},
    message::{AggregateMail, AskMessage, CommandMessage, KeyedRequest},
    progress::CommandStage,
    prospects::Surroundings,
};
use crate::{
    actors::{
        actor::handle::{ContextHandle, DoneSender, HandlePart},
        ask::{
            directory::{AskRequest, Askable},
            guard::AnswerReceiver,
        },
        erased::{AggregateType, AnyState},
        outbox::event_log::EventLogs,
        port::{
            context::{CommandRequest, Outcome},
            declaration::{RouteInfo, Verb},
            event_log::{EventLog, OutboundMessage, RecordedEvent},
            fault::{CommandFault, Fault, ROUTE},
            health::{ParkedId, SagaPart},
            peers::PeerQuestion,
            prospect::{Candidate, Prospect},
            reads::Seen,
            saga::TraceContext,
            status::ContextStatus,
        },
        subscription::source::Recipient,
        tables::{owed::Owing, query, sagas, tree::Tree},
    },
    domain::{MessageOutcome, Name, NoAnswer, OrderOutcome, Refusal, lenient::BadBody},
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::sync::oneshot;

/// The largest command, in bytes of JSON: its events, its state and its stored response then fit
/// into records.
const MAX_COMMAND_BYTES: usize = 4 * 1024;

/// A command for its context, and the receiver of its answer.
type SentCommand = (CommandMessage, oneshot::Receiver<Result<Outcome, CommandFault>>);

/// What only the handle of an aggregate context does.
pub struct AggregatePart {
    aggregate: &'static dyn AggregateType,
    routes: Vec<RouteInfo>,
    enter: Vec<Enter>,
    patience: Patience,
    outflows: EventLogs,
    surroundings: Surroundings,
}

/// How long a client waits whose command may ask these contexts.
pub type Patience = Box<dyn Fn(&[Name]) -> Duration + Send + Sync>;

impl AggregatePart {
    pub fn new(
        (routes, enter): (Vec<RouteInfo>, Vec<Enter>),
        patience: Patience,
        outflows: EventLogs,
        surroundings: Surroundings,
    ) -> Self {
        let aggregate = outflows.listeners.aggregate;
        Self { aggregate, routes, enter, patience, outflows, surroundings }
    }

    fn command_message(
        &self,
        shared: &ContextStatus,
        order: CommandRequest,
    ) -> Result<SentCommand, Fault> {
        shared.check_open()?;
        let (Some(info), Some(enter)) = (self.routes.get(order.route), self.enter.get(order.route))
        else {
            return Err(Refusal::absent(ROUTE).into());
        };
        let Entered { target, command, fingerprint } =
            enter(order.body, order.idempotency.is_some())?;
        let target = order.number.map_or(target, Recipient::Number);
        if target == Recipient::Number(0) {
            let ko = "번호는 1 이상이어야 합니다";
            return Err(BadBody::new("", "numbers of things are positive", ko).into());
        }
        if command.to_json_bytes().map_or(usize::MAX, |bytes| bytes.len()) > MAX_COMMAND_BYTES {
            return Err(Fault::TooLong { limit: MAX_COMMAND_BYTES });
        }
        let permit = shared.admission.admit(order.principal.as_deref())?;
        let (reply, answer) = oneshot::channel();
        let entry = CommandMessage {
            target,
            verb: info.verb,
            command,
            if_match: order.if_match,
            must_exist: order.must_exist,
            idempotency: order.idempotency.map(|key| KeyedRequest { key, fingerprint }),
            thread: TraceContext {
                client: order.client_correlation,
                trace: order.traceparent,
                owner: order.owner,
            },
            reply,
            progress: Arc::default(),
            permit: Some(permit),
        };
        Ok((entry, answer))
    }
}

/// The current state of what was recorded under `number`, once it is durable.
async fn current_outcome(tree: &Tree, number: u64) -> Result<Outcome, Fault> {
    let Ok(Some(seen)) = query::look_up(tree, 0, number) else { return Err(Fault::Unknown) };
    tree.store.durable(seen.commit).await.map_err(|_| Fault::Unknown)?;
    let Seen { number, version, body, owner, .. } = seen;
    let order = OrderOutcome::Pending;
    Ok(Outcome { number, version, body, settled: false, replayed: false, order, owner })
}

impl HandlePart for AggregatePart {
    type Mail = AggregateMail;
    const IS_VIEW: bool = false;

    fn routes(&self) -> &[RouteInfo] {
        &self.routes
    }

    fn foresee(&self, thing: (u64, &dyn AnyState), candidates: Vec<Candidate>) -> Vec<Prospect> {
        let foresee = |candidate: Candidate| match self.enter.get(candidate.route) {
            Some(enter) => self.surroundings.foresee(self.aggregate, enter, candidate, thing),
            None => Prospect::WithoutEffect,
        };
        candidates.into_iter().map(foresee).collect()
    }

    fn execute_command(
        handle: &ContextHandle<Self>,
        order: CommandRequest,
    ) -> BoxFuture<'static, Result<Outcome, CommandFault>> {
        let part = &handle.part;
        let (entry, answer) = match part.command_message(handle.context_status(), order) {
            Ok(entered) => entered,
            Err(fault) => return std::future::ready(Err(fault.into())).boxed(),
        };
        let progress = entry.progress.clone();
        let patience = (part.patience)(part.aggregate.may_ask(entry.command.as_ref()));
        let tree = handle.tree.clone();
        let context = handle.context_status().name.context;
        handle.mailbox.post(AggregateMail::Command(entry));
        async move {
            let mut answer = answer;
            // There is no answer if the context has stopped or failed, or if the answer was lost.
            let mut lost = match tokio::time::timeout(patience, &mut answer).await {
                Ok(Ok(answered)) => return answered,
                Ok(Err(_)) => true,
                Err(_) => false,
            };
            loop {
                match progress.abandon_command() {
                    CommandStage::Recorded(number) => {
                        return Ok(current_outcome(&tree, number).await?);
                    }
                    CommandStage::Unrecorded if lost => return Err(Fault::Away(context).into()),
                    CommandStage::Unrecorded => {
                        return Err(Fault::Busy { retry_after: Duration::from_secs(1) }.into());
                    }
                    CommandStage::InProgress if lost => return Err(Fault::Unknown.into()),
                    CommandStage::InProgress => tokio::select! {
                        biased;
                        answered = &mut answer => match answered {
                            Ok(answered) => return answered,
                            Err(_) => lost = true,
                        },
                        () = progress.wait_recorded() => {}
                    },
                }
            }
        }
        .boxed()
    }

    fn rebuild_view(_: &ContextHandle<Self>) -> BoxFuture<'static, Result<(), Fault>> {
        let en = "only a view can be rebuilt";
        let ko = "뷰만 다시 만들 수 있습니다";
        std::future::ready(Err(Refusal::invalid("not-a-view", en, ko).into())).boxed()
    }
    fn settle_parked(parked: ParkedId, redrive: bool, done: DoneSender) -> AggregateMail {
        AggregateMail::Unpark { parked, redrive, done }
    }

    fn answer_peer(
        handle: &ContextHandle<Self>,
        question: PeerQuestion,
    ) -> BoxFuture<'static, Result<Result<(), Refusal>, Fault>> {
        let shared = handle.context_status();
        let context = shared.name.context;
        let to = question.addressee();
        let PeerQuestion { id, after, saga, client, trace, owner, command, .. } = question;
        let command = match handle.part.aggregate.read_command(command) {
            _ if shared.check_open().is_err() => {
                return std::future::ready(Err(Fault::Away(context))).boxed();
            }
            // A question of another node is new work here.
            _ if shared.store.is_full() => return std::future::ready(Err(Fault::DiskFull)).boxed(),
            Ok(command) => command,
            Err(why) => {
                let ko = "알 수 없는 명령입니다";
                let bad = BadBody::new("/command", why.to_string(), ko);
                return std::future::ready(Err(bad.into())).boxed();
            }
        };
        let permit = match shared.admission.admit(None) {
            Ok(permit) => permit,
            Err(fault) => return std::future::ready(Err(fault)).boxed(),
        };
        let (reply, answer) = oneshot::channel();
        let thread = TraceContext { client, trace, owner: owner.map(Into::into) };
        handle.mailbox.post(AggregateMail::Ask(AskMessage {
            id,
            after,
            saga,
            thread,
            to,
            command,
            reply,
        }));
        async move {
            let answered = answer.await;
            drop(permit);
            match answered {
                Ok(Ok(())) => Ok(Ok(())),
                Ok(Err(NoAnswer::Refused(refusal))) => Ok(Err(refusal)),
                Ok(Err(NoAnswer::Unavailable)) | Err(_) => Err(Fault::Away(context)),
            }
        }
        .boxed()
    }
    fn event_log(&self) -> Option<Arc<dyn EventLog<RecordedEvent>>> {
        Some(self.outflows.event_log())
    }
    fn message_log(&self) -> Option<Arc<dyn EventLog<OutboundMessage>>> {
        self.outflows.message_log()
    }
    fn report_message(
        handle: &ContextHandle<Self>,
        number: u64,
        outcome: MessageOutcome,
    ) -> BoxFuture<'static, Result<(), Fault>> {
        let context = handle.context_status().name.context;
        let open = handle.context_status().check_open();
        let Some(messaging) = handle.part.outflows.messaging.as_ref().filter(|_| open.is_ok())
        else {
            return std::future::ready(Err(Fault::Away(context))).boxed();
        };
        let (reply, answer) = oneshot::channel();
        handle.mailbox.post(AggregateMail::Command(CommandMessage {
            target: Recipient::Number(number),
            verb: Verb::Patch,
            command: (messaging.then)(outcome),
            if_match: Vec::new(),
            must_exist: false,
            idempotency: None,
            thread: TraceContext::default(),
            reply,
            progress: Arc::default(),
            permit: None,
        }));
        async move {
            let recorded = answer.await.unwrap_or_else(|_| Err(Fault::Away(context).into()));
            recorded.map(drop).map_err(|CommandFault { fault, .. }| fault)
        }
        .boxed()
    }

    fn owing(&self) -> Option<Owing<'_>> {
        Some(Owing { aggregate: self.aggregate, saga_of })
    }

    fn saga_part(
        handle: &ContextHandle<Self>,
        began: (&str, u64),
        from: u64,
        limit: usize,
    ) -> Result<SagaPart, Fault> {
        let last = handle.context_status().last_sequence.load(Relaxed);
        sagas::saga_part(handle.part.aggregate, &handle.tree, last, began, from, limit)
    }
}

impl Askable for ContextHandle<AggregatePart> {
    fn put_question(&self, question: AskRequest) -> AnswerReceiver {
        let (reply, answer) = oneshot::channel();
        let AskRequest { id, after, saga, thread, to, command } = question;
        if self.context_status().check_open().is_ok() {
            let asked = AskMessage { id, after, saga, thread, to, command, reply };
            self.mailbox.post(AggregateMail::Ask(asked));
        }
        answer
    }
    fn owner_of(&self, number: u64) -> Option<Arc<str>> {
        let (_, kept) = self.tree.read_state(0, number).ok()??;
        kept.owner_of(number)
    }
}
