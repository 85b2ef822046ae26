//! Answers given, so that the same ask gets the same one.

use super::{expiry::KEPT_SECONDS, work::Work};
use crate::{
    actors::{
        clock::machine_seconds,
        records::{ANSWER_BYTES, ANSWER_PAGE, AnswerPage, Kept},
    },
    domain::{Aggregate, AskId},
    store::{
        StoreError, codec,
        keys::{KeyBuf, Space},
    },
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
};

/// Who asked, and on which page.
type Place = (Cow<'static, str>, u64);

/// The pages that a turn has looked at, and whether it has added to them.
pub(super) type Answers = BTreeMap<Place, (AnswerPage, bool)>;

impl<A: Aggregate> Work<'_, A> {
    /// The page that the answer to an ask stands on.
    fn answers(&mut self, ask: &AskId) -> Result<&mut (AnswerPage, bool), StoreError> {
        let page = (ask.context.clone(), ask.number / ANSWER_PAGE);
        Ok(match self.answers.entry(page) {
            Entry::Occupied(page) => page.into_mut(),
            Entry::Vacant(place) => {
                let page = self.desk.get(Space::Answer, &answer_key(place.key()))?;
                place.insert((page.unwrap_or_default(), false))
            }
        })
    }

    /// What was said to an ask.
    pub(super) fn kept_answer(&mut self, ask: &AskId) -> Result<Option<Kept>, StoreError> {
        let (page, _) = self.answers(ask)?;
        Ok(page.get(&(ask.number, ask.attempt)).map(|(kept, _)| kept.clone()))
    }

    /// What is said to an ask from now on.
    pub(super) fn keep_answer(&mut self, ask: &AskId, kept: Kept) -> Result<(), StoreError> {
        let (page, has_grown) = self.answers(ask)?;
        page.insert((ask.number, ask.attempt), (kept, machine_seconds()));
        *has_grown = true;
        Ok(())
    }

    /// The pages that have grown are written.
    pub(super) fn write_answers(&mut self) -> Result<(), StoreError> {
        let now = machine_seconds();
        for (place, (mut page, has_grown)) in std::mem::take(&mut self.answers) {
            if !has_grown {
                continue;
            }
            page.retain(|_, (_, at)| *at + KEPT_SECONDS > now);
            // A page is one record: where neighbours ask without end, the oldest answers make room.
            while codec::encode_part(&page)?.len() > ANSWER_BYTES {
                let Some(oldest) = page.iter().min_by_key(|(_, (_, at))| *at).map(|(ask, _)| *ask) else { break };
                page.remove(&oldest);
            }
            self.desk.put(Space::Answer, answer_key(&place), &page)?;
        }
        Ok(())
    }
}

fn answer_key((context, page): &Place) -> Vec<u8> {
    KeyBuf::new(Space::Answer).text(context).number(*page).build()
}
