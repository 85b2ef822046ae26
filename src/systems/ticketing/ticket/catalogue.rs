//! What staff corrects of a ticket, and why a ticket cannot be had.

use super::{super::registration::Correction, CorrectedTicket, Status, Ticket};
use crate::domain::prelude::*;

impl Catalogue for Ticket {
    type Correction = Correction;

    fn correct(
        &self,
        given: Correction,
        this: &DecisionContext<'_, Self>,
    ) -> Result<CorrectedTicket, Refusal> {
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
        Ok(CorrectedTicket { ticket_id: this.id, status, starttime, endtime })
    }
}

/// Why a ticket cannot be had, by its code.
pub fn no(code: &str) -> Refusal {
    match code {
        "ticket-expired" => {
            Refusal::conflict("ticket-expired", "the ticket has expired", "만료된 티켓입니다")
        }
        "ticket-registered" => Refusal::conflict(
            "ticket-registered",
            "there is a ticket of that number",
            "이미 등록된 티켓 번호입니다",
        ),
        "ticket-taken" => {
            Refusal::conflict("ticket-taken", "the ticket is taken", "이미 예약된 티켓입니다")
        }
        "no-answer" => Refusal::retry_later(),
        _ => Refusal::conflict("ticket-unknown", "there is no such ticket", "없는 티켓입니다"),
    }
}
