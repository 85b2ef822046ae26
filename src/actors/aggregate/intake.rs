//! How a turn handles each kind of message.

use super::{
    answers::command_digest,
    context::{AggregateEffect, Open},
    message::{AggregateMail, Answered, AskMessage, CommandMessage},
    turn::{Rejection, Turn},
};
use crate::{
    actors::{
        erased::Command,
        port::{
            context::Outcome,
            declaration::Verb,
            fault::{CommandFault, Fault, PARKED_EVENT},
            health::ParkedId,
            safeguard::Safeguard,
        },
        subscription::{source::Recipient, subscriptions::EventDelivery},
        tables::{
            answers::{AskResult, RecordedAnswer},
            clipping::clip_refusal,
            log::Cause,
            responses::StoredResponse,
        },
    },
    domain::{Addressee, Lifecycle, NoAnswer, OrderOutcome, Refusal},
    store::StoreError,
};
use std::borrow::Cow;

impl Turn<'_> {
    /// Handles one message. Damage that it meets costs this message only.
    pub(crate) fn handle_mail(
        &mut self,
        place: usize,
        mail: &AggregateMail,
    ) -> Result<(), StoreError> {
        let taken = match mail {
            AggregateMail::Command(entry) => self.handle_command(place, entry),
            AggregateMail::Ask(asked) => self.handle_ask(place, asked),
            AggregateMail::Answer { number, answered, command } => {
                self.handle_answer(*number, *answered, command.clone_command())
            }
            AggregateMail::Delivery(delivery) => self.handle_delivery(delivery),
            AggregateMail::Wake => self.handle_wake(),
            AggregateMail::Unpark { parked, redrive, .. } => {
                self.settle_parked(place, parked, *redrive)
            }
        };
        match taken {
            Err(StoreError::Damaged(what)) if self.does(Safeguard::IsolateDamage) => {
                self.reject_damaged(place, mail, what)
            }
            Err(StoreError::Damaged(what)) => Err(StoreError::Failed(what)),
            taken => taken,
        }
    }

    /// A client's command.
    pub(crate) fn handle_command(
        &mut self,
        place: usize,
        entry: &CommandMessage,
    ) -> Result<(), StoreError> {
        // The client has given up before anything was recorded, and has got that answer.
        let is_tracked = self.does(Safeguard::TrackProgress);
        if entry.reply.is_closed() || (is_tracked && !entry.progress.begin_decision()) {
            return Ok(());
        }
        if let Some(key) = &entry.idempotency
            && let Some((row, is_other)) = self.find_response(key)?
        {
            let answer = match row.answer {
                _ if is_other => Err(Fault::KeyReused.into()),
                Some(StoredResponse::Refused(refusal)) => {
                    let fault = Fault::RefusedBefore(refusal);
                    Err(CommandFault { fault, order: self.order_outcome(row.number) })
                }
                Some(StoredResponse::Done { version, body }) => Ok(Outcome {
                    number: row.number,
                    version,
                    body: body.into_vec(),
                    settled: true,
                    replayed: true,
                    order: self.order_outcome(row.number).unwrap_or(OrderOutcome::Pending),
                    owner: self.owner_of(row.number),
                }),
                None => {
                    self.waiters.push((place, row.number, true));
                    return Ok(());
                }
            };
            self.effects.push_back(AggregateEffect::Reply { mail: place, answer });
            return Ok(());
        }
        // Stored responses are replayed even now; nothing new is recorded.
        if self.behavior.shared.store.is_full() {
            self.effects.push_back(AggregateEffect::Reply {
                mail: place,
                answer: Err(Fault::DiskFull.into()),
            });
            return Ok(());
        }
        let (number, is_new) = match &entry.target {
            Recipient::Number(number) => (*number, false),
            Recipient::New => (self.next_number()?, true),
            // Clients address by number: routes have no other target.
            Recipient::Key(_) => {
                let absent = Refusal::absent(self.behavior.aggregate.name());
                return self.reply_refusal(place, entry, 0, absent.into());
            }
        };
        match self.check_preconditions(entry, number)? {
            Ok(()) => {}
            Err(fault) => return self.reply_refusal(place, entry, number, fault),
        }
        let name = Cow::Owned(entry.command.name().to_owned());
        let saga = self.saga_of(number)?;
        let is_kept = self.does(Safeguard::RefuseWhileOpen);
        let ended = if is_kept { None } else { self.refused_ask(number)? };
        let command = ended.unwrap_or_else(|| entry.command.clone_command());
        match self.decide(number, command, Cause::Command(name), saga, Some(&entry.thread))? {
            Ok(_) => {
                if is_new {
                    self.counters.last_number = number;
                }
                if let Some(key) = &entry.idempotency {
                    self.reserve_response(key, number)?;
                }
                self.waiters.push((place, number, false));
                Ok(())
            }
            Err(trouble) => self.reply_refusal(place, entry, number, trouble.into_fault()),
        }
    }

    /// The next unused number.
    pub(super) fn next_number(&mut self) -> Result<u64, StoreError> {
        let mut number = self.counters.last_number + 1;
        if !self.does(Safeguard::KeepNumbers) {
            return Ok(number);
        }
        loop {
            match self.transaction.load_state(number) {
                Ok(sheet) if sheet.now.version == 0 => return Ok(number),
                // A number whose row cannot be read is in use.
                Ok(_) => number += 1,
                Err(StoreError::Damaged(what)) => {
                    self.behavior.shared.report_damage(&what);
                    number += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Checks that do not depend on the command: lifecycle and `If-Match`.
    fn check_preconditions(
        &mut self,
        entry: &CommandMessage,
        number: u64,
    ) -> Result<Result<(), Fault>, StoreError> {
        let now = &self.transaction.load_state(number)?.now;
        let version = now.version;
        let standing = now.state.lifecycle();
        let there = standing.is_shown();
        let is_closed = standing != Lifecycle::Open || self.does(Safeguard::RefuseWhileOpen);
        if entry.verb != Verb::Post
            && is_closed
            && let Some(refusal) = standing.refusal(self.behavior.tree.entity.name())
        {
            return Ok(Err(refusal.into()));
        }
        let current = if there { version } else { 0 };
        let matches = entry.if_match.is_empty() || entry.if_match.contains(&current);
        Ok(if matches && (there || !entry.must_exist) {
            Ok(())
        } else {
            Err(Fault::VersionMismatch { current })
        })
    }

    fn reply_refusal(
        &mut self,
        place: usize,
        entry: &CommandMessage,
        number: u64,
        fault: Fault,
    ) -> Result<(), StoreError> {
        // An order that has ended unestablished is not shown: to this command it is as none.
        let is_shown =
            number != 0 && self.transaction.load_state(number)?.now.state.lifecycle().is_shown();
        let order = if is_shown { self.order_outcome(number) } else { None };
        self.store_refusal(entry, &fault, order.map_or(0, |_| number))?;
        let answer = Err(CommandFault { fault, order });
        self.effects.push_back(AggregateEffect::Reply { mail: place, answer });
        Ok(())
    }

    /// A question of another context.
    pub(crate) fn handle_ask(
        &mut self,
        place: usize,
        asked: &AskMessage,
    ) -> Result<(), StoreError> {
        // The asker has given up before the question was looked at: an answer now would have to be
        // undone.
        if asked.reply.is_closed() {
            return Ok(());
        }
        let sum = command_digest(self.behavior.aggregate, &asked.to, asked.command.as_ref());
        let kept = match self.find_answer(&asked.id)? {
            // An asker that was restored from a copy reuses its numbers for other questions.
            Some(RecordedAnswer { asked: Some(before), .. })
                if before.0 == sum.0 && before != sum && self.does(Safeguard::CompareAsks) =>
            {
                tracing::error!(ask = %asked.id, "refusing ask: its id was used for another question");
                let en = "this ask was used before, with another content";
                let ko = "같은 번호로 다른 요청이 이미 있었습니다";
                let answer = Err(NoAnswer::Refused(Refusal::conflict("asked-otherwise", en, ko)));
                self.effects.push_back(AggregateEffect::Answer { mail: place, answer });
                return Ok(());
            }
            Some(answer) => answer.kept,
            None => match self.decide_ask(place, asked)? {
                Some(result) => result,
                None => return Ok(()),
            },
        };
        let answer = match &kept {
            AskResult::Yes => Ok(()),
            AskResult::No(refusal) => Err(NoAnswer::Refused(refusal.clone())),
            AskResult::Withdrawn => {
                let en = "the ask was withdrawn";
                let ko = "철회된 요청입니다";
                Err(NoAnswer::Refused(Refusal::conflict("withdrawn", en, ko)))
            }
        };
        if kept != AskResult::Withdrawn && self.does(Safeguard::KeepAnswers) {
            self.store_answer(&asked.id, kept, Some(sum))?;
        }
        self.effects.push_back(AggregateEffect::Answer { mail: place, answer });
        Ok(())
    }

    /// Decides a question that was not answered before; `None` where it gets no answer yet.
    fn decide_ask(
        &mut self,
        place: usize,
        asked: &AskMessage,
    ) -> Result<Option<AskResult>, StoreError> {
        let number = match &asked.to {
            Addressee::Number(number) => *number,
            Addressee::Key(key) => match self.holder_of(key)? {
                Some(number) => number,
                None => {
                    let name = self.behavior.aggregate.name();
                    let refusal = clip_refusal(Refusal::unknown_key(name, key));
                    return Ok(Some(AskResult::No(refusal)));
                }
            },
        };
        let cause = match asked.after {
            Some(event) => Cause::AskAfter(asked.id.clone(), event),
            None => Cause::Ask(asked.id.clone()),
        };
        let command = asked.command.clone_command();
        match self.decide(number, command, cause, asked.saga.clone(), Some(&asked.thread))? {
            Ok(_) => Ok(Some(AskResult::Yes)),
            Err(Rejection::Refused(refusal))
                if refusal == Refusal::still_open()
                    && self.open_question(number).is_some()
                    && self.does(Safeguard::PostponeWhileOpen) =>
            {
                self.effects.push_back(AggregateEffect::Postpone { mail: place, number });
                Ok(None)
            }
            Err(Rejection::Refused(refusal)) => Ok(Some(AskResult::No(refusal))),
            Err(Rejection::Busy(_) | Rejection::Crashed | Rejection::TooLarge(_)) => {
                let answer = Err(NoAnswer::Unavailable);
                self.effects.push_back(AggregateEffect::Answer { mail: place, answer });
                Ok(None)
            }
        }
    }

    /// The answer to a question of this context. An answer to a question that is not open is
    /// dropped.
    pub(crate) fn handle_answer(
        &mut self,
        number: u64,
        answered: Answered,
        command: Command,
    ) -> Result<(), StoreError> {
        let open: Open = (answered.callee, answered.attempt);
        if self.open_question(number) != Some(open) && self.does(Safeguard::DropLateAnswers) {
            return Ok(());
        }
        self.shut_for.extend(answered.shut_for.map(|rest| (number, rest)));
        let saga = self.saga_of(number)?;
        let thread = self.trace_of(number);
        let _ = self.decide(
            number,
            command,
            Cause::Answer(Cow::Borrowed(open.0)),
            saga,
            Some(&thread),
        )?;
        if self.open_question(number) == Some(open) && self.does(Safeguard::RepeatAsks) {
            self.reask_later(number)?;
        }
        Ok(())
    }

    /// Events of a source.
    pub(crate) fn handle_delivery(
        &mut self,
        delivery: &EventDelivery<Command>,
    ) -> Result<(), StoreError> {
        self.behavior.subscriptions.apply_delivery(self, delivery)
    }

    /// Looks at everything that is due by itself: parked events, logs, timers, expiry.
    pub(crate) fn handle_wake(&mut self) -> Result<(), StoreError> {
        self.isolate_damage(|work| work.behavior.subscriptions.retry_parked(work, None).map(drop))?;
        self.isolate_damage(|work| work.behavior.subscriptions.catch_up_all(work))?;
        self.isolate_damage(Self::run_timers)?;
        self.isolate_damage(Self::expire_due)
    }

    /// Damage in one of these does not keep the others from running.
    fn isolate_damage(
        &mut self,
        look: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match look(self) {
            Err(StoreError::Damaged(what)) => {
                self.behavior.shared.report_damage(&what);
                Ok(())
            }
            looked => looked,
        }
    }

    /// An operator retries or drops a parked event.
    pub(crate) fn settle_parked(
        &mut self,
        place: usize,
        parked: &ParkedId,
        redrive: bool,
    ) -> Result<(), StoreError> {
        let found = if redrive {
            self.behavior
                .subscriptions
                .retry_parked(self, Some((&parked.source, parked.aggregate)))?
        } else {
            self.behavior.subscriptions.drop_parked(self, parked)?
        };
        let answer = if found { Ok(()) } else { Err(Refusal::absent(PARKED_EVENT).into()) };
        self.effects.push_back(AggregateEffect::Done { mail: place, answer });
        Ok(())
    }

    /// A message needs a row that cannot be read. Only this message fails.
    pub(crate) fn reject_damaged(
        &mut self,
        place: usize,
        mail: &AggregateMail,
        what: String,
    ) -> Result<(), StoreError> {
        self.behavior.shared.report_damage(&what);
        match mail {
            AggregateMail::Command(_) => self.effects.push_back(AggregateEffect::Reply {
                mail: place,
                answer: Err(Fault::Damaged(what).into()),
            }),
            AggregateMail::Ask(_) => {
                self.effects.push_back(AggregateEffect::Answer {
                    mail: place,
                    answer: Err(NoAnswer::Unavailable),
                });
            }
            AggregateMail::Unpark { .. } => {
                self.effects.push_back(AggregateEffect::Done {
                    mail: place,
                    answer: Err(Fault::Damaged(what)),
                });
            }
            // The question stays open.
            AggregateMail::Answer { .. } => {}
            AggregateMail::Delivery(_) | AggregateMail::Wake => {
                return Err(StoreError::Damaged(what));
            }
        }
        Ok(())
    }
}
