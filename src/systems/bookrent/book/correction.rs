//! What staff corrects of a book.

use super::{Book, Event};
use crate::domain::prelude::*;

/// `PATCH /books/{id}`
#[body(title = "CorrectBook")]
pub struct Correction {
    pub title: Option<String>,
    /// Whether it may be rented; not while a rent holds it.
    pub status: Option<bool>,
}

/// The fields that were corrected; the others are null.
#[value(title = "CorrectedBook")]
pub struct Corrected {
    pub book_id: Id<Book>,
    pub title: Option<String>,
    pub status: Option<bool>,
}

impl Catalogue for Book {
    type Correction = Correction;

    fn correct(&self, given: Correction, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        let Correction { title, status } = given;
        if status.is_some() && self.held_by.is_some() {
            return Err(Refusal::held(Self::NAME));
        }
        emit(Event::BookCorrected(Corrected { book_id: this.id, title, status }))
    }
    fn withdraw(book_id: Id<Self>) -> Event {
        Event::BookWithdrawn { book_id }
    }
    fn restore(book_id: Id<Self>) -> Event {
        Event::BookRestored { book_id }
    }
}

impl Book {
    pub(super) fn take_over(&mut self, corrected: Corrected) {
        let Corrected { title, status, .. } = corrected;
        self.title = title.unwrap_or_else(|| self.title.clone());
        self.on_shelf = status.unwrap_or(self.on_shelf);
    }
}
