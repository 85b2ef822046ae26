//! A booking as version 1 stored it, frozen: a flag beside the status said that a cancel is asked for.

use super::{Ordered, Status};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Book {
    order: Ordered,
    status: Status,
    canceling: bool,
}

impl From<Book> for super::Book {
    fn from(old: Book) -> Self {
        let is_canceling = old.canceling && old.status == Status::PaidComplete;
        let status = if is_canceling { Status::Canceling } else { old.status };
        Self { order: old.order, status }
    }
}
