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
        let (starttime, endtime) = period(starttime, endtime, zone)?;
        let status = status.unwrap_or_default();
        Ok(Event::Registered { ticket_id, status, starttime, endtime })
    }
}

/// When a ticket begins and ends that is for this time. Where one of both is a day, days are compared.
///
/// # Errors
/// `ends-before-start`
pub fn period(
    start: DateOrTime,
    end: DateOrTime,
    zone: &Zone,
) -> Result<(Timestamp, Timestamp), Refusal> {
    let starttime = start.starts(zone);
    let endtime = end.ends(zone);
    let has_day = [start, end].iter().any(|given| matches!(given, DateOrTime::Day(_)));
    if endtime < starttime || (has_day && end.day(zone) < start.day(zone)) {
        let en = "it ends before it starts";
        let ko = "종료가 시작보다 빠릅니다";
        return Err(Refusal::invalid("ends-before-start", en, ko));
    }
    Ok((starttime, endtime))
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
        // The end of a day, which is the midnight after it, is on that day.
        let is_day = matches!(self.starttime, Some(DateOrTime::Day(_)));
        let last = if is_day { now.1.plus_micros(-1) } else { now.1 };
        let start = self.starttime.unwrap_or(DateOrTime::Moment(now.0));
        let end = self.endtime.unwrap_or(DateOrTime::Moment(last));
        if self.starttime.is_some() || self.endtime.is_some() {
            period(start, end, zone)?;
        }
        let starttime = self.starttime.map(|time| time.starts(zone));
        let endtime = self.endtime.map(|time| time.ends(zone));
        Ok((starttime, endtime))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_ends_on_no_earlier_day_and_at_no_earlier_time_than_it_starts() {
        let is_right = |start: &str, end: &str| {
            period(start.parse().unwrap(), end.parse().unwrap(), &Zone::default()).is_ok()
        };
        for (start, end) in [
            ("2099-07-06", "2099-07-06"),
            ("2099-07-06", "2099-07-07"),
            ("2099-07-06T00:00:00+09:00", "2099-07-06"),
            ("2099-07-06T23:59:59+09:00", "2099-07-06"),
            ("2099-07-06", "2099-07-06T00:00:00+09:00"),
            ("2099-07-06T10:00:00Z", "2099-07-06T10:00:00Z"),
        ] {
            assert!(is_right(start, end), "{start} to {end}");
        }
        for (start, end) in [
            ("2099-07-07", "2099-07-06"),
            ("2099-07-08", "2099-07-06"),
            ("2099-07-07T00:00:00+09:00", "2099-07-06"),
            ("2099-07-06T15:00:00Z", "2099-07-06"),
            ("2099-07-07", "2099-07-06T23:59:59+09:00"),
            ("2099-07-06T10:00:01Z", "2099-07-06T10:00:00Z"),
        ] {
            assert!(!is_right(start, end), "{start} to {end}");
        }
    }

    #[test]
    fn a_correction_is_judged_with_what_stays() {
        let zone = Zone::default();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        // 2099-07-06, as a day.
        let now = (at("2099-07-05T15:00:00Z"), at("2099-07-06T15:00:00Z"));
        let is_right = |start: Option<&str>, end: Option<&str>| {
            let read = |text: Option<&str>| text.map(|text| text.parse().unwrap());
            let correction =
                Correction { status: None, starttime: read(start), endtime: read(end) };
            correction.times(now, &zone).is_ok()
        };
        assert!(is_right(Some("2099-07-06"), None) && is_right(None, Some("2099-07-06")));
        assert!(is_right(Some("2099-07-08"), Some("2099-07-08")) && is_right(None, None));
        assert!(is_right(Some("2099-07-06T15:00:00Z"), None));
        assert!(!is_right(Some("2099-07-07"), None) && !is_right(None, Some("2099-07-05")));
        assert!(!is_right(Some("2099-07-08"), Some("2099-07-07")));
        assert!(!is_right(Some("2099-07-06T15:00:01Z"), None));
    }
}
