//! A ticket as version 1 stored it, frozen: a flag beside the status said that it asks for the points.

use super::Status;
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Ticket {
    movie_name: Option<String>,
    qty: u64,
    seat: Option<String>,
    status: Status,
    printing: bool,
    attempts: u32,
}

impl From<Ticket> for super::Ticket {
    fn from(old: Ticket) -> Self {
        let Ticket { movie_name, qty, seat, status, printing, attempts } = old;
        let is_printing = printing && status == Status::Waiting;
        let status = if is_printing { Status::Printing } else { status };
        Self { movie_name, qty, seat, status, attempts }
    }
}
