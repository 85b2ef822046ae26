//! What staff corrects of a ticket, and why a ticket cannot be had.

use super::{super::registration::Correction, Event, Status, Ticket};
use crate::domain::prelude::*;

/// The fields that were corrected; the others are null.
#[value(title = "CorrectedTicket")]
#[derive(Copy)]
pub struct Corrected {
    pub ticket_id: Id<Ticket>,
    pub status: Option<Status>,
    pub starttime: Option<Timestamp>,
    pub endtime: Option<Timestamp>,
}

impl Catalogue for Ticket {
    type Correction = Correction;

    fn correct(&self, given: Correction, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        if self.held_by.is_some() {
            return Err(Refusal::held(Self::NAME));
        }
        let now = (self.starttime, self.endtime);
        let (starttime, endtime) = given.times(now, &this.settings.zone)?;
        let is_over = this.at > endtime.unwrap_or(self.endtime);
        if given.status.is_some() && self.status == Some(Status::Expired) && is_over {
            return Err(no("ticket-expired"));
        }
        let status = given.status.map(|_| Status::Available);
        emit(Event::TicketCorrected(Corrected { ticket_id: this.id, status, starttime, endtime }))
    }
    fn withdraw(ticket_id: Id<Self>) -> Event {
        Event::TicketWithdrawn { ticket_id }
    }
    fn restore(ticket_id: Id<Self>) -> Event {
        Event::TicketRestored { ticket_id }
    }
}

impl Ticket {
    pub(super) fn take_over(&mut self, corrected: Corrected) {
        let Corrected { status, starttime, endtime, .. } = corrected;
        self.status = status.or(self.status);
        self.starttime = starttime.unwrap_or(self.starttime);
        self.endtime = endtime.unwrap_or(self.endtime);
    }
}

/// Why a ticket cannot be had, by its code.
pub fn no(code: &str) -> Refusal {
    match code {
        "ticket-expired" => {
            Refusal::conflict("ticket-expired", "the ticket has expired", "만료된 티켓입니다")
        }
        "ticket-taken" => {
            Refusal::conflict("ticket-taken", "the ticket is taken", "이미 예약된 티켓입니다")
        }
        _ => Refusal::conflict("ticket-unknown", "there is no such ticket", "없는 티켓입니다"),
    }
}
