//! What staff says of a ticket, new or to be corrected, and where its days begin.

use super::ticket::{Event, Status, Ticket};
use crate::domain::{DateOrTime, Zone, prelude::*};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[systems.ticketing]`, as far as it concerns tickets.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// Time zone in which a date is a day, such as `Asia/Seoul`.
    pub zone: Zone,
}

/// `POST /tickets`
#[body(title = "RegisterTicket")]
pub struct Register {
    pub ticket_id: Id<Ticket>,
    /// Whether it can be had; it can when left out.
    pub status: Option<Status>,
    pub starttime: DateOrTime,
    pub endtime: DateOrTime,
}

impl Register {
    /// The ticket, if it does not end before it starts.
    ///
    /// # Errors
    /// `ends-before-start`
    pub fn checked(self, zone: &Zone) -> Result<Event, Refusal> {
        let Self { ticket_id, status, starttime, endtime } = self;
        let starttime = starttime.starts(zone);
        let endtime = endtime.ends(zone);
        in_order(starttime, endtime)?;
        let status = status.unwrap_or_default();
        Ok(Event::Registered { ticket_id, status, starttime, endtime })
    }
}

fn in_order(starttime: Timestamp, endtime: Timestamp) -> Result<(), Refusal> {
    if endtime < starttime {
        let en = "it ends before it starts";
        return Err(Refusal::invalid("ends-before-start", en, "종료가 시작보다 빠릅니다"));
    }
    Ok(())
}

/// `PATCH /tickets/{id}`: what staff may correct, while no reservation has it.
#[body(title = "CorrectTicket")]
pub struct Correction {
    /// It can be had again: one that was registered as reserved, or has expired and has a later end now.
    pub status: Option<Availability>,
    pub starttime: Option<DateOrTime>,
    pub endtime: Option<DateOrTime>,
}

/// The one thing that staff may say of whether a ticket can be had.
#[body(title = "AvailableTicket")]
#[derive(Copy)]
pub enum Availability {
    /// It can.
    #[serde(rename = "예약가능")]
    Available,
}

impl Correction {
    /// When it starts and ends then, where that is corrected; `now` is when it does now.
    ///
    /// # Errors
    /// `ends-before-start`
    pub fn times(
        &self,
        now: (Timestamp, Timestamp),
        zone: &Zone,
    ) -> Result<(Option<Timestamp>, Option<Timestamp>), Refusal> {
        let starttime = self.starttime.map(|time| time.starts(zone));
        let endtime = self.endtime.map(|time| time.ends(zone));
        if starttime.is_some() || endtime.is_some() {
            in_order(starttime.unwrap_or(now.0), endtime.unwrap_or(now.1))?;
        }
        Ok((starttime, endtime))
    }
}
