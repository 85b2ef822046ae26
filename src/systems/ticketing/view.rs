//! View: one row a ticket, with its price and who has it.

use super::{
    price::{self, HOLDERS, Price},
    reservation::{self, Reservation},
    ticket::{self, Ticket},
};
use crate::domain::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known of a ticket.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    ticket: Option<Times>,
    status: Option<ticket::Status>,
    price: Option<(u64, u64)>,
    /// The reservations that have it: seldom more than one, while the end of the last is on its way.
    live: BTreeMap<Id<Reservation>, Holder>,
    /// The last that gave it back, and when that was: the ends of two may be heard in any order.
    last: Option<(Timestamp, Id<Reservation>, Holder)>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Holder {
    user_id: Option<String>,
    user_grade: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Times {
    starttime: Timestamp,
    endtime: Timestamp,
}

/// A row as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TicketView")]
pub struct Shown {
    /// The ticket's number.
    pub ticket_id: Id<Ticket>,
    /// Whether it can be had.
    pub status: Option<ticket::Status>,
    /// When what it is for begins.
    pub starttime: Option<Timestamp>,
    /// When that ends.
    pub endtime: Option<Timestamp>,
    /// The base, in won.
    pub price: Option<u64>,
    /// What is to be paid, in won.
    pub discounted_price: Option<u64>,
    /// Who has it, or had it last.
    pub reservation_id: Option<Id<Reservation>>,
    /// The user of that reservation.
    pub user_id: Option<String>,
    /// What kind of customer that is.
    pub user_grade: Option<String>,
    /// How far that reservation has come.
    pub reservation_status: Option<reservation::Status>,
}

/// So many bytes of those who have a ticket find room in a row.
const FULL: usize = 4 * 1024;

impl Row {
    /// Whether those who have it take up more room than there is: see [`HOLDERS`]. One always finds room.
    fn is_full(&self) -> bool {
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let bytes =
            self.live.values().map(|holder| length(&holder.user_id) + length(&holder.user_grade));
        self.live.len() > 1 && bytes.sum::<usize>() > FULL
    }
    /// The reservation that has it, else the one that had it last.
    fn holder(&self) -> Option<(Id<Reservation>, &Holder, reservation::Status)> {
        let live = self
            .live
            .last_key_value()
            .map(|(id, holder)| (*id, holder, reservation::Status::Reserved));
        live.or(self
            .last
            .as_ref()
            .map(|(_, id, holder)| (*id, holder, reservation::Status::Cancelled)))
    }
}

impl Entity for Row {
    const NAME: Name =
        Name { system: "ticketing", context: "ticketing.view", collection: "views", item: "view" };
    const SUBDOMAIN: Subdomain = Subdomain::Supporting;
    const PORT: Option<u16> = Some(8084);
    type Representation = Shown;

    fn represent(&self, id: Id<Self>) -> Shown {
        let holder = self.holder();
        let of = |field: fn(&Holder) -> &Option<String>| {
            holder.and_then(|(_, holder, _)| field(holder).clone())
        };
        Shown {
            ticket_id: id.of(),
            status: self.status,
            starttime: self.ticket.map(|times| times.starttime),
            endtime: self.ticket.map(|times| times.endtime),
            price: self.price.map(|(price, _)| price),
            discounted_price: self.price.map(|(_, discounted)| discounted),
            reservation_id: holder.map(|(id, ..)| id),
            user_id: of(|holder| &holder.user_id),
            user_grade: of(|holder| &holder.user_grade),
            reservation_status: holder.map(|(.., status)| status),
        }
    }
    fn lifecycle(&self) -> Lifecycle {
        if self.ticket.is_some() { Lifecycle::Established } else { Lifecycle::Absent }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        let user = self.holder().and_then(|(_, holder, _)| holder.user_id.as_deref());
        vec![("status", self.status.as_ref().map(AsRef::as_ref).into()), ("userId", user.into())]
    }
    fn id_aliases() -> &'static [&'static str] {
        &["ticketId"]
    }
}

impl View for Row {
    fn folds(folds: &mut impl Folds<Self>) {
        use {price::Event::*, reservation::Event::*, ticket::Event::*};
        folds.on::<Ticket>(
            |event| match event {
                Registered { ticket_id, .. } | StatusUpdated { ticket_id, .. } => {
                    Some(ticket_id.get())
                }
            },
            |row, event| match *event {
                Registered { status, starttime, endtime, .. } => {
                    (row.ticket, row.status) = (Some(Times { starttime, endtime }), Some(status));
                }
                StatusUpdated { status, .. } => row.status = Some(status),
            },
        );
        folds.on::<Price>(
            |event| match event {
                Calculated { ticket_id, .. } => Some(ticket_id.get()),
                PriceSet { .. } | PriceReserved { .. } | PriceReleased { .. } => None,
            },
            |row, event| {
                if let Calculated { price, discounted_price, .. } = *event {
                    row.price = Some((price, discounted_price));
                }
            },
        );
        folds.on::<Reservation>(
            |event| match event {
                Reserved(told) | Cancelled(told) => Some(told.ticket_id.get()),
                ReservationRequested(_) | ReservationFailed { .. } => None,
            },
            |row, event| match event {
                Reserved(told) => {
                    let (user_id, user_grade) = (told.user_id.clone(), told.user_grade.clone());
                    row.live.insert(told.reservation_id, Holder { user_id, user_grade });
                    while row.live.len() > HOLDERS || row.is_full() {
                        row.live.pop_first();
                    }
                }
                Cancelled(told) => {
                    let (at, id) = (told.updated_date, told.reservation_id);
                    let is_later =
                        row.last.as_ref().is_none_or(|(last, of, _)| (*last, *of) < (at, id));
                    row.last = match row.live.remove(&id) {
                        Some(holder) if is_later => Some((at, id, holder)),
                        _ => row.last.take(),
                    };
                }
                ReservationRequested(_) | ReservationFailed { .. } => {}
            },
        );
    }
}
