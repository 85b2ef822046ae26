//! The visitor that finds out what hangs on the wall.

use super::{
    explore::{FoundAsk, add_names, explore_states},
    sample::{SampleError, sample_values},
};
use crate::domain::{
    Aggregate, Board, Body, Entity, Folds, Message, MessageOutcome, Messages, Name, Policies,
    React, ReactByKey, Role, Routes, Subdomain, Target, View,
};

/// All that a drawing shows. Lay a system out on it.
#[derive(Debug, Default)]
pub struct Wall {
    pub(super) contexts: Vec<BoardContext>,
    pub(super) policies: Vec<Policy>,
    pub(super) folds: Vec<Heard>,
    failed: Option<SampleError>,
}

/// A context on the wall.
#[derive(Debug)]
pub(super) struct BoardContext {
    pub(super) name: Name,
    pub(super) is_view: bool,
    pub(super) subdomain: Subdomain,
    pub(super) routes: Vec<BoardRoute>,
    pub(super) arrows: Vec<(String, Vec<String>)>,
    pub(super) asks: Vec<FoundAsk>,
    pub(super) timers: Vec<String>,
    /// The command that the outcome of a text message becomes.
    pub(super) report: Option<String>,
}

/// Who may command what from outside, and how.
#[derive(Debug)]
pub(super) struct BoardRoute {
    pub(super) who: Role,
    pub(super) request: String,
    pub(super) command: String,
}

/// For each such event, this command goes there.
#[derive(Debug, PartialEq)]
pub(super) struct Policy {
    pub(super) source: Name,
    pub(super) event: String,
    pub(super) target: Name,
    pub(super) command: String,
}

/// A view listens to that event.
#[derive(Debug, PartialEq)]
pub(super) struct Heard {
    pub(super) source: Name,
    pub(super) event: String,
    pub(super) view: Name,
}

impl Wall {
    /// The wall, if everything on it could be seen.
    pub(super) fn check_walk(self) -> Result<Self, SampleError> {
        self.failed.clone().map_or(Ok(self), Err)
    }

    /// What `result` holds; a failure is kept for the end, since visitors cannot fail.
    fn take_result<T>(&mut self, result: Result<T, SampleError>) -> Option<T> {
        result.map_err(|error| self.failed.get_or_insert(error).clone()).ok()
    }
}

impl Board for Wall {
    fn aggregate<A: Aggregate>(&mut self) {
        let Some(found) = self.take_result(explore_states::<A>()) else { return };
        let mut found_routes = FoundRoutes { routes: Vec::new(), failed: None };
        A::routes(&mut found_routes);
        self.failed = self.failed.take().or(found_routes.failed);
        let mut report = FoundReport(None);
        A::messages(&mut report);
        self.contexts.push(BoardContext {
            name: A::NAME,
            is_view: false,
            subdomain: A::SUBDOMAIN,
            routes: found_routes.routes,
            arrows: found.arrows,
            asks: found.asks,
            timers: found.timers,
            report: report.0,
        });
        A::whenever(self);
    }

    fn view<V: View>(&mut self) {
        self.contexts.push(BoardContext {
            name: V::NAME,
            is_view: true,
            subdomain: V::SUBDOMAIN,
            routes: Vec::new(),
            arrows: Vec::new(),
            asks: Vec::new(),
            timers: Vec::new(),
            report: None,
        });
        V::folds(self);
    }
}

/// Finds out what the outcome of a text message becomes.
struct FoundReport(Option<String>);

impl<A: Aggregate> Messages<A> for FoundReport {
    fn sending(&mut self, _: fn(&A) -> Option<Message>, then: fn(MessageOutcome) -> A::Command) {
        self.0 = Some(then(MessageOutcome::Sent).as_ref().to_owned());
    }
}

impl<A: Aggregate> Policies<A> for Wall {
    fn on<S: Aggregate>(&mut self, react: React<A, S>) {
        self.policies_of::<A, S>(|event| react(event).map(|(_, command)| command));
    }
    fn on_key<S: Aggregate>(&mut self, react: ReactByKey<A, S>) {
        self.policies_of::<A, S>(|event| react(event).map(|(_, command)| command));
    }
    fn creating<S: Aggregate>(&mut self, react: fn(&S::Event) -> Option<A::Command>) {
        self.policies_of::<A, S>(react);
    }
}

impl Wall {
    fn policies_of<A: Aggregate, S: Aggregate>(
        &mut self,
        react: impl Fn(&S::Event) -> Option<A::Command>,
    ) {
        for event in self.take_result(sample_values::<S::Event>()).into_iter().flatten() {
            let Some(command) = react(&event) else { continue };
            let event = event.as_ref().to_owned();
            let command = command.as_ref().to_owned();
            let policy = Policy { source: S::NAME, event, target: A::NAME, command };
            if !self.policies.contains(&policy) {
                self.policies.push(policy);
            }
        }
    }
}

impl<V: View> Folds<V> for Wall {
    fn on<S: Aggregate>(&mut self, row: fn(&S::Event) -> Option<u64>, _: fn(&mut V, &S::Event)) {
        let events = self.take_result(sample_values::<S::Event>()).into_iter().flatten();
        let mut names = Vec::new();
        add_names(
            &mut names,
            events.filter(|event| row(event).is_some()).map(|event| event.as_ref().to_owned()),
        );
        self.folds.extend(names.into_iter().map(|event| Heard {
            source: S::NAME,
            event,
            view: V::NAME,
        }));
    }
}

struct FoundRoutes {
    routes: Vec<BoardRoute>,
    failed: Option<SampleError>,
}

impl FoundRoutes {
    fn add_route<E: Entity>(
        &mut self,
        who: Role,
        verb: &str,
        tail: &str,
        commands: impl IntoIterator<Item = String>,
    ) {
        let mut names = Vec::new();
        add_names(&mut names, commands);
        let request = format!("{verb} /{}{tail}", E::NAME.collection);
        self.routes.extend(names.into_iter().map(|command| BoardRoute {
            who,
            request: request.clone(),
            command,
        }));
    }

    fn sample_bodies<B: Body>(&mut self) -> Vec<B> {
        sample_values::<B>().unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            Vec::new()
        })
    }
}

impl<A: Aggregate> Routes<A> for FoundRoutes {
    fn post<B: Body>(&mut self, who: Role, enter: fn(B) -> (Target<A>, A::Command)) {
        let bodies = self.sample_bodies::<B>();
        self.add_route::<A>(
            who,
            "POST",
            "",
            bodies.into_iter().map(|body| enter(body).1.as_ref().to_owned()),
        );
    }
    fn patch<B: Body>(&mut self, who: Role, enter: fn(B) -> A::Command) {
        let bodies = self.sample_bodies::<B>();
        self.add_route::<A>(
            who,
            "PATCH",
            "/{id}",
            bodies.into_iter().map(|body| enter(body).as_ref().to_owned()),
        );
    }
    fn patch_verb(&mut self, who: Role, verb: &'static str, enter: fn() -> A::Command) {
        self.add_route::<A>(
            who,
            "PATCH",
            &format!("/{verb}/{{id}}"),
            [enter().as_ref().to_owned()],
        );
    }
    fn delete(&mut self, who: Role, enter: fn() -> A::Command) {
        self.add_route::<A>(who, "DELETE", "/{id}", [enter().as_ref().to_owned()]);
    }
}
