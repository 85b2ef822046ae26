//! What holds of every catalogue in every state that can come about: found by the routes, whatever the system.

use holdfast::{
    board::{explore_states, sample_values},
    domain::{
        Aggregate, Board, Body, Commands, Decision, DecisionContext, Entity, Id, Lifecycle, Role,
        Routes, Target, Timestamp, View, lenient,
    },
    systems,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What clients may send to an `A`, and what withdraws and restores one.
struct Found<A: Aggregate> {
    names: BTreeSet<String>,
    corrections: Vec<A::Command>,
    withdraw: Option<A::Command>,
    restore: Option<A::Command>,
}

impl<A: Aggregate> Found<A> {
    fn note(&mut self, command: &A::Command) {
        self.names.insert(command.as_ref().to_owned());
    }
}

impl<A: Aggregate> Routes<A> for Found<A> {
    fn post<B: Body>(&mut self, _: Role, enter: fn(B) -> (Target<A>, A::Command)) {
        sample_values::<B>().unwrap().into_iter().for_each(|body| self.note(&enter(body).1));
    }
    fn patch<B: Body>(&mut self, _: Role, enter: fn(B) -> A::Command) {
        let commands: Vec<_> = sample_values::<B>().unwrap().into_iter().map(enter).collect();
        commands.iter().for_each(|command| self.note(command));
        let corrects = |command: &A::Command| command.as_ref() == "Correct";
        self.corrections.extend(commands.into_iter().filter(corrects));
        if let Ok(body) = lenient::read_body::<B>(json!({ "withdrawn": false })) {
            self.restore = Some(enter(body))
                .filter(|command| command.as_ref() == "Restore")
                .or(self.restore.take());
        }
    }
    fn patch_verb(&mut self, _: Role, _: &'static str, enter: fn() -> A::Command) {
        self.note(&enter());
    }
    fn delete(&mut self, _: Role, enter: fn() -> A::Command) {
        self.note(&enter());
    }
    fn withdraw(&mut self, _: Role, enter: fn() -> A::Command) {
        self.note(&enter());
        self.withdraw = Some(enter());
    }
}

fn decide<A: Aggregate>(state: &A, command: &A::Command) -> Decision<A::Event> {
    let settings = A::Settings::default();
    let this = DecisionContext { id: Id::new(1), at: Timestamp::default(), settings: &settings };
    state.decide(command.clone(), &this)
}

fn after<A: Aggregate>(state: &A, events: &[A::Event]) -> A {
    let mut after = state.clone();
    events.iter().for_each(|event| after.evolve(event));
    after
}

fn shown<E: Entity>(state: &E) -> Value {
    serde_json::to_value(state.represent(Id::new(1))).unwrap()
}

/// Whether an order asks the thing to let go of it.
fn lets_go(command: &impl Commands) -> bool {
    serde_json::to_value(command).unwrap().get("LetGo").is_some()
}

/// A change by some units is another one each time.
fn is_relative(command: &impl Commands) -> bool {
    let command = serde_json::to_value(command).unwrap();
    command.to_string().contains("\"stockChange\":1")
}

/// Which contexts have a catalogue, and in how many states orders were tried.
#[derive(Default)]
struct Catalogues(Vec<(&'static str, usize)>);

impl Board for Catalogues {
    fn aggregate<A: Aggregate>(&mut self) {
        let mut found = Found::<A> {
            names: BTreeSet::new(),
            corrections: vec![],
            withdraw: None,
            restore: None,
        };
        A::routes(&mut found);
        let (Some(withdraw), Some(restore)) = (&found.withdraw, &found.restore) else { return };
        let commands = sample_values::<A::Command>().unwrap();
        let by_others: Vec<_> =
            commands.iter().filter(|command| !found.names.contains(command.as_ref())).collect();
        let mut refused = 0;
        let mut corrected = 0;
        for state in explore_states::<A>().unwrap().states {
            let restored = match state.lifecycle() {
                Lifecycle::Established => state.clone(),
                Lifecycle::Withdrawn => after(&state, &decide(&state, restore).unwrap()),
                _ => {
                    for command in [withdraw, restore].into_iter().chain(&found.corrections) {
                        let refusal = decide(&state, command).unwrap_err();
                        assert_eq!(refusal.code, "not-found", "{state:?} {command:?}");
                    }
                    continue;
                }
            };
            let gone = after(&restored, &decide(&restored, withdraw).unwrap());
            assert_eq!(gone.lifecycle(), Lifecycle::Withdrawn, "{gone:?}");
            assert_eq!(shown(&gone)["withdrawn"], true, "{gone:?}");
            assert!(shown(&restored).get("withdrawn").is_none(), "{restored:?}");
            assert_eq!(decide(&gone, withdraw), Ok(vec![]));
            assert_eq!(decide(&restored, restore), Ok(vec![]));
            assert_eq!(after(&gone, &decide(&gone, restore).unwrap()), restored);
            for command in &found.corrections {
                let refusal = decide(&gone, command).unwrap_err();
                assert_eq!(refusal.code, "withdrawn", "{gone:?} {command:?}");
                let Ok(events) = decide(&restored, command) else { continue };
                let then = after(&restored, &events);
                // A sample may be what is so already, as in the library.
                corrected += 1;
                assert_eq!(events.is_empty(), then == restored, "{restored:?} {command:?}");
                let again = decide(&then, command);
                assert!(
                    is_relative(command) || again == Ok(vec![]),
                    "{then:?} {command:?} {again:?}"
                );
            }
            for command in &by_others {
                let unknown = decide(&A::default(), command);
                let answer = decide(&gone, command);
                if unknown == Ok(vec![]) {
                    // It lets go, or there is nothing to do: as if it were not withdrawn.
                    assert_eq!(answer, decide(&restored, command), "{gone:?} {command:?}");
                } else if answer == unknown {
                    refused += 1;
                } else {
                    // The order that holds it asks again, or whether it lets go, and is answered as before.
                    assert!(answer == Ok(vec![]) || lets_go(*command), "{gone:?} {command:?}");
                    assert_eq!(answer, decide(&restored, command), "{gone:?} {command:?}");
                }
                for events in answer.iter().filter(|events| !events.is_empty()) {
                    let lifecycle = after(&gone, events).lifecycle();
                    assert_eq!(lifecycle, Lifecycle::Withdrawn, "{gone:?} {command:?}");
                }
            }
        }
        assert!(corrected > 1, "{}: {corrected}", A::NAME);
        self.0.push((A::NAME.context, refused));
    }
    fn view<V: View>(&mut self) {}
}

#[test]
fn in_every_state_a_withdrawn_thing_is_unknown_to_orders_and_those_that_hold_it_go_on() {
    let mut catalogues = Catalogues::default();
    for system in systems::NAMES {
        systems::lay_out(system, &mut catalogues);
    }
    let names: Vec<_> = catalogues.0.iter().map(|(context, _)| *context).collect();
    for wanted in
        ["bookrent.book", "ebook.book", "gbike.bike", "purifier.product", "ticketing.ticket"]
    {
        assert!(names.contains(&wanted), "{wanted} is missing in {names:?}");
    }
    assert!(catalogues.0.iter().all(|(_, refused)| *refused > 0), "{:?}", catalogues.0);
}
