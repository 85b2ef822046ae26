//! What a context declares in its own types, without them: what it listens to, its routes, its messages.

use crate::{
    actors::{
        aggregate::enter::{Enter, Entered},
        erased::{AggregateType, Command, EntityType, event_of, state_mut, state_of},
        outbox::event_log::Messaging,
        port::{
            declaration::{BodySchema, RouteInfo, Verb},
            fault::Fault,
        },
        projection::view::RowChange,
        subscription::source::{Reaction, Recipient},
        tables::responses,
    },
    domain::{
        Addressee, Aggregate, Body, Folds, Message, MessageOutcome, Messages, Policies, React,
        ReactByKey, Refusal, Role, Routes, Target, View,
        lenient::{self, BadBody},
        patch::{self, Unclear},
    },
};
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;
use std::{marker::PhantomData, sync::Arc};

/// A context that is listened to, and what each of its events comes to.
pub struct ListensTo<T> {
    pub source: &'static dyn AggregateType,
    pub react: Reaction<T>,
}

/// What an aggregate declares.
pub struct DeclaredAggregate {
    pub aggregate: &'static dyn AggregateType,
    pub sources: Vec<ListensTo<Command>>,
    /// Its command routes, and how a body becomes a command on each.
    pub routes: (Vec<RouteInfo>, Vec<Enter>),
    /// Which of its states are text messages.
    pub messaging: Option<Messaging>,
}

/// What a view declares.
pub struct DeclaredView {
    pub view: &'static dyn EntityType,
    pub sources: Vec<ListensTo<RowChange>>,
}

/// What `A` declares.
pub fn declared_aggregate<A: Aggregate>() -> DeclaredAggregate {
    let mut sources = SourceList::<A, _>(Vec::new(), PhantomData);
    A::whenever(&mut sources);
    let mut routes = RouteList::<A>(Vec::new(), PhantomData);
    A::routes(&mut routes);
    let mut messages = MessageList(None);
    A::messages(&mut messages);
    DeclaredAggregate {
        aggregate: crate::actors::erased::aggregate_type::<A>(),
        sources: sources.0,
        routes: routes.into_parts(),
        messaging: messages.0,
    }
}

/// What `V` declares.
pub fn declared_view<V: View>() -> DeclaredView {
    let mut sources = SourceList::<V, _>(Vec::new(), PhantomData);
    V::folds(&mut sources);
    DeclaredView { view: crate::actors::erased::view_type::<V>(), sources: sources.0 }
}

/// Gathers what a listener listens to.
struct SourceList<L, T>(Vec<ListensTo<T>>, PhantomData<fn() -> L>);

impl<A: Aggregate> Policies<A> for SourceList<A, Command> {
    fn on<S: Aggregate>(&mut self, react: React<A, S>) {
        let react: Reaction<Command> = Arc::new(move |events, place| {
            let (id, command) = react(event_of::<S>(events.get(place)?.event.as_ref())?)?;
            Some((Recipient::Number(id.get()), Box::new(command)))
        });
        self.0.push(ListensTo { source: crate::actors::erased::aggregate_type::<S>(), react });
    }
    fn on_key<S: Aggregate>(&mut self, react: ReactByKey<A, S>) {
        let react: Reaction<Command> = Arc::new(move |events, place| {
            let (address, command) = react(event_of::<S>(events.get(place)?.event.as_ref())?)?;
            let recipient = match address.into_addressee() {
                Addressee::Number(number) => Recipient::Number(number),
                Addressee::Key(key) => Recipient::Key(key),
            };
            Some((recipient, Box::new(command)))
        });
        self.0.push(ListensTo { source: crate::actors::erased::aggregate_type::<S>(), react });
    }
    fn creating<S: Aggregate>(&mut self, react: fn(&S::Event) -> Option<A::Command>) {
        let react: Reaction<Command> = Arc::new(move |events, place| {
            let command = react(event_of::<S>(events.get(place)?.event.as_ref())?)?;
            Some((Recipient::New, Box::new(command)))
        });
        self.0.push(ListensTo { source: crate::actors::erased::aggregate_type::<S>(), react });
    }
}

impl<V: View> Folds<V> for SourceList<V, RowChange> {
    fn on<S: Aggregate>(&mut self, row: fn(&S::Event) -> Option<u64>, fold: fn(&mut V, &S::Event)) {
        let react: Reaction<RowChange> = Arc::new(move |events, place| {
            let number = row(event_of::<S>(events.get(place)?.event.as_ref())?)?;
            let events = events.clone();
            let change: RowChange = Box::new(move |row| {
                let event = events.get(place).map(|logged| logged.event.as_ref());
                if let (Some(row), Some(event)) = (state_mut(row), event.and_then(event_of::<S>)) {
                    fold(row, event);
                }
            });
            Some((Recipient::Number(number), change))
        });
        self.0.push(ListensTo { source: crate::actors::erased::aggregate_type::<S>(), react });
    }
}

/// Gathers the routes of one context.
struct RouteList<A>(Vec<DeclaredRoute>, PhantomData<fn() -> A>);

/// A route, and how each body that it takes becomes a command.
struct DeclaredRoute {
    info: RouteInfo,
    ways: Vec<Way>,
}

/// How a body with these fields becomes a command.
struct Way {
    fields: Vec<String>,
    enter: Enter,
}

fn body_schema<B: Body>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<B>()
}

impl<A> RouteList<A> {
    fn add_route(&mut self, verb: Verb, word: Option<&'static str>, role: Role, enter: Enter) {
        let info = RouteInfo {
            verb,
            word,
            role,
            bodies: Vec::new(),
            subject: None,
            grade: None,
            withdraws: false,
        };
        let ways = vec![Way { fields: Vec::new(), enter }];
        self.0.push(DeclaredRoute { info, ways });
    }

    /// Adds a route that takes a `B`, or this body to the route that is there.
    fn add_with_body<B: Body>(&mut self, verb: Verb, role: Role, enter: Enter) {
        let is_there = |route: &&mut DeclaredRoute| {
            verb == Verb::Patch && route.info.verb == verb && route.info.word.is_none()
        };
        let way = Way { fields: patch::fields_of::<B>(), enter };
        if let Some(route) = self.0.iter_mut().find(is_there) {
            route.info.bodies.push(body_schema::<B>);
            route.ways.push(way);
            return;
        }
        let bodies: Vec<BodySchema> = vec![body_schema::<B>];
        let info = RouteInfo {
            verb,
            word: None,
            role,
            bodies,
            subject: B::SUBJECT,
            grade: B::GRADE,
            withdraws: false,
        };
        self.0.push(DeclaredRoute { info, ways: vec![way] });
    }

    fn into_parts(self) -> (Vec<RouteInfo>, Vec<Enter>) {
        self.0.into_iter().map(|route| (route.info, enter_by(route.ways))).unzip()
    }
}

/// Picks the way whose fields the body has.
fn enter_by(mut ways: Vec<Way>) -> Enter {
    if ways.len() == 1
        && let Some(only) = ways.pop()
    {
        return only.enter;
    }
    Box::new(move |body, is_keyed| {
        let place = patch::choose_body(&body, ways.iter().map(|way| &way.fields));
        match place.map(|place| ways.get(place)) {
            Ok(Some(way)) => (way.enter)(body, is_keyed),
            Err(Unclear::Several) => Err(Refusal::one_at_a_time().into()),
            Ok(None) | Err(Unclear::Nothing) => {
                let fields: Vec<_> = ways.iter().flat_map(|way| &way.fields).cloned().collect();
                Err(Fault::NothingToChange { fields: fields.join(", ") })
            }
        }
    })
}

/// The body, and its fingerprint if that is wanted.
fn read_body<B: Body>(body: Value, is_keyed: bool) -> Result<(B, u64), BadBody> {
    let body: B = lenient::read_body(body)?;
    let fingerprint = if is_keyed { responses::fingerprint_body(&body) } else { 0 };
    Ok((body, fingerprint))
}

/// The number that a client chose is none; the member has one of these names.
fn no_number(names: &[&str]) -> BadBody {
    let pointer = lenient::json_pointer(names.first());
    BadBody::new(pointer, "numbers of things are positive", "번호는 1 이상이어야 합니다")
}

/// A command that came without a body.
fn enter_bodiless(command: Command) -> Entered {
    Entered { target: ON_PATH, command, fingerprint: 0 }
}

/// The number comes from the path.
const ON_PATH: Recipient = Recipient::Number(0);

impl<A: Aggregate> Routes<A> for RouteList<A> {
    fn post<B: Body>(&mut self, who: Role, enter: fn(B) -> (Target<A>, A::Command)) {
        let enter: Enter = Box::new(move |body, is_keyed| {
            let (body, fingerprint) = read_body::<B>(body, is_keyed)?;
            let (target, command) = enter(body);
            let target = match target {
                Target::New => Recipient::New,
                Target::Chosen(id) if id.get() == 0 => {
                    return Err(no_number(A::id_aliases()).into());
                }
                Target::Chosen(id) => Recipient::Number(id.get()),
            };
            Ok(Entered { target, command: Box::new(command), fingerprint })
        });
        self.add_with_body::<B>(Verb::Post, who, enter);
    }
    fn patch<B: Body>(&mut self, who: Role, enter: fn(B) -> A::Command) {
        let enter: Enter = Box::new(move |body, is_keyed| {
            let (body, fingerprint) = read_body::<B>(body, is_keyed)?;
            Ok(Entered { target: ON_PATH, command: Box::new(enter(body)), fingerprint })
        });
        self.add_with_body::<B>(Verb::Patch, who, enter);
    }
    fn patch_verb(&mut self, who: Role, verb: &'static str, enter: fn() -> A::Command) {
        let enter: Enter = Box::new(move |_, _| Ok(enter_bodiless(Box::new(enter()))));
        self.add_route(Verb::Patch, Some(verb), who, enter);
    }
    fn delete(&mut self, who: Role, enter: fn() -> A::Command) {
        let enter: Enter = Box::new(move |_, _| Ok(enter_bodiless(Box::new(enter()))));
        self.add_route(Verb::Delete, None, who, enter);
    }
    fn withdraw(&mut self, who: Role, enter: fn() -> A::Command) {
        self.delete(who, enter);
        if let Some(route) = self.0.last_mut() {
            route.info.withdraws = true;
        }
    }
}

/// Finds out which states of an aggregate are text messages.
struct MessageList(Option<Messaging>);

impl<A: Aggregate> Messages<A> for MessageList {
    fn sending(
        &mut self,
        waiting: fn(&A) -> Option<Message>,
        then: fn(MessageOutcome) -> A::Command,
    ) {
        self.0 = Some(Messaging {
            waiting: Arc::new(move |state| waiting(state_of(state)?)),
            then: Arc::new(move |outcome| Box::new(then(outcome))),
        });
    }
}
