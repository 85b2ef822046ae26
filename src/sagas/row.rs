//! One thing that is owed to a saga, as operators see it.

use super::{settings::SagaSettings, state::SagaState};
use crate::{
    actors::{EndedOrder, Node, Owed, OwedPlace, ParkedMessage, Phase},
    domain::{OrderOutcome, Timestamp},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Why a saga has not gone on, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The answer to a question has not come yet.
    AwaitsAnswer,
    /// The context that is asked has been stopped, or has failed.
    CalleeAway,
    /// So many questions had no answer that no more are asked for a while.
    BreakerOpen,
    /// A time has to come.
    AwaitsTime,
    /// What was due could not be done.
    Overdue,
    /// An event could not be processed, and is set aside.
    EventParked,
    /// An event has not been taken yet.
    EventNotTaken,
    /// The context that has to do something has been stopped, or has failed.
    ContextAway,
    /// The gateway of text messages refuses one.
    TextRefused,
    /// It has ended.
    Over,
}

/// Where to look further.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SagaLinks {
    /// Its timeline.
    pub saga: String,
    /// The thing that began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

/// One thing that is owed to a saga.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SagaRow {
    /// The system.
    pub system: String,
    /// The context in which it began.
    pub context: String,
    /// Its number there.
    pub number: u64,
    /// How far it has come.
    pub state: SagaState,
    /// The context that owes it something; of an order that has ended, its own.
    pub owed_by: String,
    /// The thing that waits there; of an event, the thing that it happened to.
    pub thing: u64,
    /// What is owed, in a word: `ask`, `due`, `parked`, `event`, `text`.
    pub what: String,
    /// Since when, in business time.
    pub since: Option<Timestamp>,
    /// Why it has not been done.
    pub reason: Reason,
    /// The same in words.
    pub why: String,
    /// The context that is asked, or whose event it is.
    pub waits_for: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again, in business time, where that is known.
    pub next_try: Option<Timestamp>,
    /// The customer whose saga it is.
    pub customer: Option<String>,
    /// How the order has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Its id among the parked, if it is parked.
    pub id: Option<String>,
    /// Its place in the list.
    pub cursor: String,
    /// The node that owes it.
    #[serde(default)]
    pub node: String,
    /// Where to look further.
    #[serde(default)]
    pub links: SagaLinks,
}

fn system_of(context: &str) -> String {
    context.split('.').next().unwrap_or_default().to_owned()
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Whether the context called `name` has been stopped or has failed, if it is on this node.
fn is_away(node: &dyn Node, name: &str) -> Option<Phase> {
    let mut contexts = node.contexts().iter();
    let phase = contexts.find(|context| context.name().context == name)?.phase();
    matches!(phase, Phase::Failed | Phase::Stopped).then_some(phase)
}

fn away_words(name: &str, phase: Phase) -> String {
    let how = if phase == Phase::Stopped { "is stopped" } else { "has failed" };
    format!("{name} {how}")
}

/// How long the breaker of `callee` stays open, as far as this node asks it.
fn is_breaker_open(node: &dyn Node, callee: &str) -> bool {
    let here = node.contexts().iter().find(|context| context.name().context == callee);
    let guard = match here {
        Some(context) => context.health().guard,
        None => {
            let mut guards = node.guard_health().into_iter();
            guards.find(|(name, _)| *name == callee).map(|(_, guard)| guard)
        }
    };
    guard.is_some_and(|guard| guard.breaker != "closed")
}

/// Why an open question has no answer.
fn unanswered(node: &dyn Node, callee: &str) -> (Reason, String) {
    if let Some(phase) = is_away(node, callee) {
        return (Reason::CalleeAway, away_words(callee, phase));
    }
    if is_breaker_open(node, callee) {
        return (Reason::BreakerOpen, format!("the breaker of {callee} is open"));
    }
    (Reason::AwaitsAnswer, format!("{callee} has not answered yet"))
}

/// What `owed` is to the node: why it is not done.
fn reason_of(node: &dyn Node, owed_by: &str, owed: &Owed, now: Timestamp) -> (Reason, String) {
    if let Some(phase) = is_away(node, owed_by) {
        return (Reason::ContextAway, away_words(owed_by, phase));
    }
    match (&owed.place, &owed.waits_for) {
        (OwedPlace::Ask(_), callee) => unanswered(node, callee.as_deref().unwrap_or_default()),
        (OwedPlace::Due(at, _), _) if *at > now => {
            (Reason::AwaitsTime, "it waits until then".to_owned())
        }
        (OwedPlace::Due(..), _) => (Reason::Overdue, "what was due is not done".to_owned()),
        (OwedPlace::Parked(_), _) => (Reason::EventParked, owed.why.clone().unwrap_or_default()),
        (OwedPlace::Text(_), _) => (Reason::TextRefused, owed.why.clone().unwrap_or_default()),
        (OwedPlace::Event(..), _) => {
            (Reason::EventNotTaken, format!("{owed_by} has not taken the event yet"))
        }
        (OwedPlace::Ended(_), _) => (Reason::Over, "nothing is owed to it".to_owned()),
    }
}

impl SagaRow {
    /// What the context called `owed_by` of this node owes.
    pub fn of_owed(node: &dyn Node, settings: &SagaSettings, owed_by: &str, owed: Owed) -> Self {
        let now = node.now();
        let (reason, why) = reason_of(node, owed_by, &owed, now);
        let since = owed.since;
        let waited = since.map_or(0, |since| now.micros().saturating_sub(since.micros()));
        let is_stuck = matches!(owed.place, OwedPlace::Parked(_) | OwedPlace::Text(_))
            || owed.attempts >= settings.stuck_after;
        let state = if is_stuck {
            SagaState::Stuck
        } else if waited > micros(settings.waiting_after) {
            SagaState::Waiting
        } else {
            SagaState::Running
        };
        let id = match &owed.place {
            OwedPlace::Parked(id) => Some(id.write_for(owed_by)),
            OwedPlace::Text(number) => Some(format!("message-{owed_by}~{number}")),
            _ => None,
        };
        let next_try = match owed.place {
            OwedPlace::Due(at, _) if at > now => Some(at),
            _ => owed.retry_in.map(|wait| now.plus_micros(micros(wait))),
        };
        let context = owed.saga.context.into_owned();
        Self {
            system: system_of(&context),
            context,
            number: owed.saga.number,
            state,
            owed_by: owed_by.to_owned(),
            thing: owed.number,
            what: owed.place.kind().to_owned(),
            since,
            reason,
            why,
            waits_for: owed.waits_for,
            attempts: owed.attempts,
            next_try,
            customer: owed.owner.map(|owner| owner.to_string()),
            outcome: None,
            id,
            cursor: format!("{owed_by}~{}", owed.place),
            node: String::new(),
            links: SagaLinks::default(),
        }
    }

    /// A text message that its gateway refuses.
    pub fn of_text(node: &dyn Node, settings: &SagaSettings, parked: ParkedMessage) -> Self {
        let ParkedMessage { context, number, message } = parked;
        let (saga, since, why) = match message {
            Ok(message) => (Some(message.saga), Some(message.at), message.reason),
            Err(damage) => (None, None, damage),
        };
        let began = saga.as_deref().and_then(|saga| saga.rsplit_once('-'));
        let began = began.and_then(|(context, number)| Some((context, number.parse().ok()?)));
        let (began_in, began_as) = began.unwrap_or((context.as_str(), number));
        let saga = crate::actors::SagaId { context: began_in.to_owned().into(), number: began_as };
        let owed = Owed {
            place: OwedPlace::Text(number),
            saga,
            number,
            since,
            waits_for: None,
            why: Some(why),
            attempts: 1,
            retry_in: None,
            owner: None,
        };
        Self::of_owed(node, settings, &context, owed)
    }

    /// An order that has ended.
    pub fn of_ended(context: &str, order: EndedOrder) -> Self {
        let EndedOrder { number, outcome, since, owner } = order;
        let is_failed = outcome == OrderOutcome::Failed;
        Self {
            system: system_of(context),
            context: context.to_owned(),
            number,
            state: if is_failed { SagaState::Failed } else { SagaState::Ended },
            owed_by: context.to_owned(),
            thing: number,
            what: OwedPlace::Ended(number).kind().to_owned(),
            since,
            reason: Reason::Over,
            why: format!("the order is {outcome}"),
            waits_for: None,
            attempts: 0,
            next_try: None,
            customer: owner.map(|owner| owner.to_string()),
            outcome: Some(outcome.name().to_owned()),
            id: None,
            cursor: format!("{context}~{}", OwedPlace::Ended(number)),
            node: String::new(),
            links: SagaLinks::default(),
        }
    }
}
