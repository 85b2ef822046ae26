//! How a question is put, and how it is undone.

use super::{Address, Aggregate, Ask, AskId, Compensation, Id, NoAnswer, OpenAsk};
use std::marker::PhantomData;

/// The attempt of an order that asks once: after a no, the customer orders anew.
pub const ONLY_ATTEMPT: u32 = 1;

/// A command of a callee that takes back an ask of an `A`. `#[undo]` on a command makes it.
#[derive(Debug)]
pub struct Undo<A, C> {
    command: C,
    ask: AskId,
    asker: PhantomData<fn() -> A>,
}

impl<A: Aggregate, C> Undo<A, C> {
    /// `command` takes back the `attempt`-th ask of `asker`.
    pub fn new(command: C, asker: Id<A>, attempt: u32) -> Self {
        Self { command, ask: AskId::of(asker, attempt), asker: PhantomData }
    }
}

/// A question that has still to say what becomes of it where the asker gives up.
#[must_use = "say what becomes of it: `undone_by`, `changes_nothing`, or `until_answered`"]
pub struct Question<C, B: Aggregate> {
    to: Address<B>,
    command: B::Command,
    then: fn(Result<(), NoAnswer>) -> C,
}

/// Puts `command` to `to` of another context, an [`Id`] or an [`Address`] by a unique key; the answer becomes the asker's
/// command that `then` makes. Where nothing has that key, the answer is a refusal: `car-unknown`.
///
/// A question is an [`Ask`] only once it says how it is undone, so that this cannot be forgotten:
///
/// ```text
/// ask(self.book_id, Take { rent }, Settle).undone_by(book::Command::release(rent))
/// ```
pub fn ask<C, B: Aggregate>(
    to: impl Into<Address<B>>,
    command: B::Command,
    then: fn(Result<(), NoAnswer>) -> C,
) -> Question<C, B> {
    Question { to: to.into(), command, then }
}

impl<C, B: Aggregate> Question<C, B> {
    /// Where the asker gives up, `undo` takes back what a yes may have done. It names the attempt.
    pub fn undone_by<A: Aggregate<Command = C>>(self, undo: Undo<A, B::Command>) -> Ask<A> {
        let AskId { number: asker, attempt, .. } = undo.ask;
        self.into_open_ask(attempt, Compensation::Undo { command: Box::new(undo.command), asker })
    }
    /// A yes changes nothing at the callee, so nothing is to be undone.
    pub fn changes_nothing(self, attempt: u32) -> OpenAsk<C> {
        self.into_open_ask(attempt, Compensation::NotNeeded)
    }
    /// There is no undo: without an answer the question is put again.
    pub fn until_answered(self, attempt: u32) -> OpenAsk<C> {
        self.into_open_ask(attempt, Compensation::UntilAnswered)
    }
    fn into_open_ask(self, attempt: u32, compensation: Compensation) -> OpenAsk<C> {
        let Self { to, command, then } = self;
        let command = Box::new(command);
        OpenAsk { callee: B::NAME, to: to.into_addressee(), attempt, command, compensation, then }
    }
}
