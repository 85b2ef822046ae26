//! What is said of a new ticket, and where its days begin.

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
        if endtime < starttime {
            let en = "it ends before it starts";
            let ko = "종료가 시작보다 빠릅니다";
            return Err(Refusal::invalid("ends-before-start", en, ko));
        }
        let status = status.unwrap_or_default();
        Ok(Event::Registered { ticket_id, status, starttime, endtime })
    }
}
