//! Which events follow which commands: a search from the state in which nothing has happened, by every sample command.

use super::sample::{SampleError, other_sample_values, sample_values};
use crate::domain::{
    Aggregate, AskId, Commands, Compensation, DecisionContext, Id, NoAnswer, Refusal, Timestamp,
};
use std::collections::HashSet;

/// The search ends after so many states; contexts have few, since samples are.
const STATES: usize = 500;
const ME: u64 = 1;
/// A chain of questions is followed so far.
const LONGEST_CHAIN: usize = 8;

/// What a search through an aggregate's states has found, in the order of finding.
#[derive(Debug)]
pub struct Explored<A: Aggregate> {
    /// States that can come about.
    pub states: Vec<A>,
    /// Commands by name, and the names of all events that each may cause.
    pub arrows: Vec<(String, Vec<String>)>,
    /// Questions that are put.
    pub asks: Vec<FoundAsk>,
    /// Commands that lead to a question, and the contexts that are asked then, one after the other: a row for each way that
    /// the answers may go.
    pub chains: Vec<(A::Command, Vec<&'static str>)>,
    /// Commands that take a question back, and the context whose question it is.
    pub undoes: Vec<(String, AskId)>,
    /// Commands that come when the time has.
    pub timers: Vec<String>,
}

/// A question as the search met it.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundAsk {
    /// The event that opened it.
    pub after: String,
    /// Who is asked.
    pub callee: &'static str,
    /// The asked context's command.
    pub command: String,
    /// What the answer becomes.
    pub settle: String,
    /// Events after a yes.
    pub yes: Vec<String>,
    /// Events after a no.
    pub no: Vec<String>,
    /// Events when there is no answer.
    pub unanswered: Vec<String>,
    /// What becomes of it then.
    pub undo: FoundUndo,
}

/// What happens to a question when the asker gives up.
#[derive(Debug, Clone, PartialEq)]
pub enum FoundUndo {
    /// This command of the callee; whether it names the asker.
    By(String, bool),
    /// Nothing is to be undone.
    NotNeeded,
    /// It is never given up.
    UntilAnswered,
}

/// Searches the states of `A`.
///
/// # Errors
/// [`SampleError`] when there are no samples of its commands.
pub fn explore_states<A: Aggregate>() -> Result<Explored<A>, SampleError> {
    let commands = sample_values::<A::Command>()?;
    let settings = A::Settings::default();
    let mut found = Explored {
        states: vec![A::default()],
        arrows: vec![],
        asks: vec![],
        chains: vec![],
        undoes: vec![],
        timers: vec![],
    };
    for command in &commands {
        note_reason(&mut found.arrows, command.as_ref(), []);
        let undone = command.compensates().map(|ask| (command.as_ref().to_owned(), ask));
        found.undoes.extend(undone.filter(|undo| !found.undoes.contains(undo)));
    }
    let mut seen = HashSet::from([format!("{:?}", A::default())]);
    let mut next = 0;
    while let Some(state) = found.states.get(next).cloned() {
        next += 1;
        // The answers and the timer of this very state, which may carry what no sample does.
        let settled = state
            .awaits(Id::new(ME))
            .map(|ask| [(ask.then)(Ok(())), (ask.then)(Err(NoAnswer::Unavailable))]);
        let due = state.due();
        let timer = due.as_ref().map(|(_, command)| command.as_ref().to_owned());
        let now = commands.iter().cloned().chain(settled.into_iter().flatten());
        for (at, command) in now.map(|command| (Timestamp::default(), command)).chain(due) {
            let name = command.as_ref().to_owned();
            let events = decide(&state, command.clone(), at, &settings);
            let Some(last) = events.last() else { continue };
            note_reason(
                &mut found.arrows,
                &name,
                events.iter().map(|event| event.as_ref().to_owned()),
            );
            let mut then = state.clone();
            events.iter().for_each(|event| then.evolve(event));
            if opens_ask(&state, &then) {
                found.note_ask(&then, last, &settings);
                found.note_chains(&state, &then, command, &settings);
            }
            if found.states.len() < STATES && seen.insert(format!("{then:?}")) {
                found.states.push(then);
            }
        }
        add_names(&mut found.timers, timer);
    }
    found.note_corrections(&other_sample_values()?, &settings);
    Ok(found)
}

impl<A: Aggregate> Explored<A> {
    /// Commands of which the samples ask for what is so already are tried with `others`.
    fn note_corrections(&mut self, others: &[A::Command], settings: &A::Settings) {
        for (name, events) in self.arrows.iter_mut().filter(|(_, events)| events.is_empty()) {
            for command in others.iter().filter(|command| command.as_ref() == name) {
                for state in &self.states {
                    let said = decide(state, command.clone(), Timestamp::default(), settings);
                    add_names(events, said.iter().map(|event| event.as_ref().to_owned()));
                }
            }
        }
    }
}

impl<A: Aggregate> Explored<A> {
    fn note_ask(&mut self, now: &A, opened_by: &A::Event, settings: &A::Settings) {
        let Some(ask) = now.awaits(Id::new(ME)) else { return };
        let names = |answer| {
            let events = decide(now, (ask.then)(answer), Timestamp::default(), settings);
            let mut names = Vec::new();
            add_names(&mut names, events.iter().map(|event| event.as_ref().to_owned()));
            names
        };
        let ask = FoundAsk {
            after: opened_by.as_ref().to_owned(),
            callee: ask.callee.context,
            command: ask.command.as_ref().name().to_owned(),
            settle: (ask.then)(Ok(())).as_ref().to_owned(),
            yes: names(Ok(())),
            no: names(Err(NoAnswer::Refused(sample_refusal()))),
            unanswered: names(Err(NoAnswer::Unavailable)),
            undo: match &ask.compensation {
                Compensation::Undo { command, asker } => {
                    FoundUndo::By(command.as_ref().name().to_owned(), *asker == ME)
                }
                Compensation::NotNeeded => FoundUndo::NotNeeded,
                Compensation::UntilAnswered => FoundUndo::UntilAnswered,
            },
        };
        if !self.asks.contains(&ask) {
            self.asks.push(ask);
        }
    }
}

impl<A: Aggregate> Explored<A> {
    fn note_chains(&mut self, before: &A, now: &A, command: A::Command, settings: &A::Settings) {
        // What an answer becomes belongs to the command that had opened the question.
        let settles = before.awaits(Id::new(ME)).map(|ask| (ask.then)(Ok(())).as_ref().to_owned());
        if settles.as_deref() == Some(command.as_ref()) {
            return;
        }
        let mut ways = Vec::new();
        follow_command(now, settings, &[], &mut ways);
        for way in ways {
            let row = (command.clone(), way);
            if !self.chains.contains(&row) {
                self.chains.push(row);
            }
        }
    }
}

/// The contexts that are asked from `state` on, for any answers.
fn follow_command<A: Aggregate>(
    state: &A,
    settings: &A::Settings,
    asked: &[&'static str],
    ways: &mut Vec<Vec<&'static str>>,
) {
    let Some(ask) = state.awaits(Id::new(ME)).filter(|_| asked.len() < LONGEST_CHAIN) else {
        return ways.push(asked.to_vec());
    };
    let asked = [asked, &[ask.callee.context]].concat();
    for answer in [Ok(()), Err(NoAnswer::Refused(sample_refusal())), Err(NoAnswer::Unavailable)] {
        let mut then = state.clone();
        for event in decide(state, (ask.then)(answer), Timestamp::default(), settings) {
            then.evolve(&event);
        }
        if opens_ask(state, &then) {
            follow_command(&then, settings, &asked, ways)
        } else {
            ways.push(asked.clone())
        }
    }
}

/// Whether there is a question after what has happened that was not there before.
fn opens_ask<A: Aggregate>(before: &A, now: &A) -> bool {
    let question =
        |state: &A| state.awaits(Id::new(ME)).map(|ask| format!("{ask:?}/{}", ask.attempt));
    now.awaits(Id::new(ME)).is_some() && question(before) != question(now)
}

/// The refusal of a context that was asked.
fn sample_refusal() -> Refusal {
    Refusal::conflict("no", "no", "아니요")
}

fn decide<A: Aggregate>(
    state: &A,
    command: A::Command,
    at: Timestamp,
    settings: &A::Settings,
) -> Vec<A::Event> {
    let moment = DecisionContext { id: Id::new(ME), at, settings };
    state.decide(command, &moment).unwrap_or_default()
}

/// Adds what is not there yet.
pub(super) fn add_names(names: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    for name in more {
        if !names.contains(&name) {
            names.push(name);
        }
    }
}

/// Notes that `command` may cause `events`.
fn note_reason(
    arrows: &mut Vec<(String, Vec<String>)>,
    command: &str,
    events: impl IntoIterator<Item = String>,
) {
    match arrows.iter_mut().find(|(name, _)| name == command) {
        Some((_, names)) => add_names(names, events),
        None => {
            let mut names = Vec::new();
            add_names(&mut names, events);
            arrows.push((command.to_owned(), names));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::Entity,
        systems::{
            bookrent::{book::Book, delivery::Delivery, rent::Rent},
            ebook,
        },
    };

    #[test]
    fn the_question_of_a_rent_is_found_with_what_follows_from_both_answers() {
        let rent = explore_states::<Rent>().unwrap();
        let [ask] = rent.asks.as_slice() else { panic!("one question, not {:?}", rent.asks) };
        assert_eq!(
            (ask.after.as_str(), ask.callee, ask.command.as_str()),
            ("RentRequested", Book::NAME.context, "Take")
        );
        let events = [&ask.yes, &ask.no, &ask.unanswered].map(|events| events.join(" "));
        assert_eq!(events, ["BookRented", "RentFailed", "RentFailed"]);
    }

    #[test]
    fn events_that_need_a_past_are_found() {
        let cancel = |arrows: Vec<(String, Vec<String>)>| {
            arrows.into_iter().find(|(name, _)| name == "Cancel").unwrap()
        };
        let (_, events) = cancel(explore_states::<Delivery>().unwrap().arrows);
        assert_eq!(events, ["DeliveryWithheld", "DeliveryCancelled"]);
        let (_, events) = cancel(explore_states::<Rent>().unwrap().arrows);
        assert_eq!(events, ["BookCancelled"]);
    }

    #[test]
    fn a_correction_to_other_values_than_those_of_the_samples_is_found() {
        let arrows = explore_states::<ebook::book::Book>().unwrap().arrows;
        let (_, events) = arrows.iter().find(|(name, _)| name == "Correct").unwrap();
        assert_eq!(events, &["BookCorrected"]);
    }

    #[test]
    fn a_command_that_takes_a_question_back_is_known() {
        let book = explore_states::<Book>().unwrap();
        let undoes: Vec<_> =
            book.undoes.iter().map(|(name, ask)| (name.as_str(), ask.context.as_ref())).collect();
        assert_eq!(undoes, [("Release", "bookrent.rent")]);
    }
}
