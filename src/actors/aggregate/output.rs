//! The result of a turn: one batch, the change of the cache, and the effects.

use super::{
    context::{AggregateBehavior, AggregateCacheUpdate, AggregateEffect, AskOrigin, Asking},
    turn::{Awaited, Turn},
};
use crate::{
    actors::{
        actor::behavior::TurnOutput,
        port::safeguard::Safeguard,
        tables::{
            counters::counters_key,
            history::{epoch_key, epoch_row},
            key_pages::key_pages,
            log::{LOG_ROW, encode_rows},
            questions::{self, QUESTION_PAGE, QuestionPage},
            sagas::SAGA_ENTRIES,
        },
    },
    store::{
        StoreError,
        keys::{KeyBuf, Space},
    },
};

impl Turn<'_> {
    /// The result of the turn.
    pub fn into_output(mut self) -> Result<TurnOutput<AggregateBehavior>, StoreError> {
        self.settle_requests()?;
        let asking = self.write_questions()?;
        for ((context, page), entries) in std::mem::take(&mut self.sagas) {
            for entries in entries.chunks(SAGA_ENTRIES) {
                let first = entries.first().map_or(0, |(_, sequence)| *sequence);
                let key =
                    KeyBuf::new(Space::Saga).text(&context).number(page).number(first).build();
                self.transaction.put_row(Space::Saga, key, &entries)?;
            }
        }
        self.write_answer_pages()?;
        self.schedule_expiry()?;
        let written = self
            .events
            .iter()
            .map(|logged| &logged.envelope)
            .zip(std::mem::take(&mut self.encoded_events));
        let row = if self.does(Safeguard::SplitRows) { LOG_ROW } else { usize::MAX };
        let version = self.behavior.aggregate.event_version();
        for (first, record) in encode_rows(version, row, written)? {
            self.transaction.write_row(KeyBuf::new(Space::Log).number(first).build(), Some(record));
        }
        if let Some(first) = self.events.first().map(|logged| logged.envelope.sequence)
            && let Some(word) = self.behavior.subscribers.epoch_starting_at(first)
        {
            self.transaction.write_row(epoch_key(first), Some(epoch_row(word)?));
        }
        self.counters.positions.clone_from(&self.progress.positions);
        self.counters.highest = self.transaction.highest_number();
        self.transaction.expect(counters_key(), self.behavior.counters_commit);
        if self.counters != self.behavior.counters {
            self.transaction.put_counters(&self.counters)?;
        }
        if !self.events.is_empty() {
            if !self.commits.is_empty() {
                let commits = std::mem::take(&mut self.commits);
                self.effects.push_front(AggregateEffect::Commit(commits));
            }
            self.effects.push_front(AggregateEffect::Publish(std::mem::take(&mut self.events)));
        }
        let timers = self.timers;
        let contested = self.contested;
        let sweep = self.expiry;
        let judged = self.transaction.read_commit.0;
        let memory = AggregateCacheUpdate {
            counters: self.counters,
            progress: self.progress,
            asking,
            timers,
            contested,
            has_more: false,
            expiry: sweep,
            orders: self.orders,
        };
        let changes = self.transaction.changes();
        Ok(TurnOutput {
            changes,
            batch: self.transaction.into_batch(self.behavior.epoch)?,
            read_commit: judged,
            cache: memory,
            effects: self.effects,
        })
    }

    /// Writes the open questions to their pages, and adds the effects that ask them.
    fn write_questions(&mut self) -> Result<Vec<(u64, Option<Asking>)>, StoreError> {
        let mut changes = Vec::new();
        for (number, awaited) in std::mem::take(&mut self.awaited) {
            let Awaited {
                open_question: open,
                to_ask: put,
                keys,
                saved: (saved, rows),
                before,
                rounds,
                thread,
                asked_by,
            } = awaited;
            let (kept, unsaved) =
                if open.is_some() { (rows, keys.get(saved..)) } else { (0, None) };
            (kept..before)
                .for_each(|row| self.transaction.remove(questions::waiting_keys_key(number, row)));
            let mut rows = kept;
            for page in key_pages(unsaved.unwrap_or_default().to_vec()) {
                self.transaction.put_row(
                    Space::Question,
                    questions::waiting_keys_key(number, rows),
                    &page,
                )?;
                rows += 1;
            }
            if let Some((ask, pass, pause)) = put {
                let saga = self.saga_of(number)?;
                let origin = Box::new(AskOrigin { saga, thread: thread.clone(), asked_by });
                self.effects.push_back(AggregateEffect::Ask { number, ask, pass, pause, origin });
            }
            let asking = |open| Asking { open, keys, rows, rounds, thread, asked_by };
            changes.push((number, open.map(asking)));
        }
        // The changes are sorted by number.
        for changes in
            changes.chunk_by(|(one, _), (other, _)| one / QUESTION_PAGE == other / QUESTION_PAGE)
        {
            let first = changes.first().map_or(0, |(number, _)| number - number % QUESTION_PAGE);
            let page = first..first.saturating_add(QUESTION_PAGE);
            let asking = self.behavior.asking.range(page.clone()).map(|(number, _)| number);
            // It is put when its state can be read again.
            let unreadable = self.behavior.unreadable.range(page);
            let before: QuestionPage =
                asking.chain(unreadable).map(|number| (*number, Vec::new())).collect();
            let mut after = before.clone();
            for (number, asking) in changes {
                match asking {
                    Some(_) => drop(after.insert(*number, Vec::new())),
                    None => drop(after.remove(number)),
                }
            }
            match (before == after, after.is_empty()) {
                (true, _) => {}
                (false, true) => self.transaction.remove(questions::question_page_key(first)),
                (false, false) => self.transaction.put_row(
                    Space::Question,
                    questions::question_page_key(first),
                    &after,
                )?,
            }
        }
        Ok(changes)
    }
}
