//! View: one row a ticket, with its price and who has it.

use super::{
    holders::{Holder, Holders},
    price::{self, Price},
    reservation::{self, Reservation},
    ticket::{self, CorrectedTicket, Ticket},
};
use crate::domain::prelude::*;
use serde::{Deserialize, Serialize};

/// What is known of a ticket.
#[entity(
    context = "ticketing.view",
    reads = public_without(reservation_id, user_id, user_grade), collection = "views", korean = "티켓 현황", title = "TicketView",
    port = 8084, supporting,
    id(ticket_id: Id<Ticket>), personal(user_id), index(status, user_id = self.user_id()), owner = self.user_id(),
    lifecycle = Lifecycle::of(&self.ticket).withdrawn_if(self.withdrawn && self.live.is_empty())
)]
pub struct Row {
    #[exists]
    #[shown(
        /// Whether it can be had.
        status: Option<ticket::Status> = self.status,
        /// When what it is for begins.
        starttime: Option<Timestamp> = self.ticket.map(|times| times.starttime),
        /// When that ends.
        endtime: Option<Timestamp> = self.ticket.map(|times| times.endtime)
    )]
    ticket: Option<Times>,
    #[hidden]
    status: Option<ticket::Status>,
    #[shown(
        /// The base, in won.
        price: Option<u64> = self.price.map(|(price, _)| price),
        /// What is to be paid, in won.
        discounted_price: Option<u64> = self.price.map(|(_, discounted)| discounted)
    )]
    price: Option<(u64, u64)>,
    /// The reservations that have it.
    #[shown(
        /// Who has it, or had it last.
        reservation_id: Option<Id<Reservation>> = self.holder().map(|(id, ..)| id),
        /// The user of that reservation.
        user_id: Option<String> = self.user_id(),
        /// What kind of customer that is.
        user_grade: Option<String> =
            self.holder().and_then(|(_, holder, _)| holder.user_grade.clone()),
        /// How far that reservation has come.
        reservation_status: Option<reservation::Status> = self.holder().map(|(.., status)| status)
    )]
    live: Holders<Holder>,
    /// The last that gave it back, and when that was: the ends of two may come in any order.
    #[hidden]
    last: Option<(Timestamp, Id<Reservation>, Holder)>,
    #[withdrawn]
    #[since = 2]
    withdrawn: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Times {
    starttime: Timestamp,
    endtime: Timestamp,
}

impl Row {
    /// The reservation that has it, else the one that had it last.
    fn holder(&self) -> Option<(Id<Reservation>, &Holder, reservation::Status)> {
        use reservation::Status::{Cancelled, Reserved};
        let live = self.live.last().map(|(id, holder)| (id, holder, Reserved));
        let last = || self.last.as_ref().map(|(_, id, holder)| (*id, holder, Cancelled));
        live.or_else(last)
    }
    fn user_id(&self) -> Option<String> {
        self.holder().and_then(|(_, holder, _)| holder.user_id.clone())
    }
}

impl View for Row {
    fn folds(folds: &mut impl Folds<Self>) {
        use {price::Event::*, reservation::Event::*, ticket::Event::*};
        folds.on::<Ticket>(
            |event| match event {
                Registered { ticket_id, .. }
                | StatusUpdated { ticket_id, .. }
                | TicketCorrected(CorrectedTicket { ticket_id, .. })
                | TicketWithdrawn { ticket_id }
                | TicketRestored { ticket_id } => Some(ticket_id.get()),
            },
            |row, event| match *event {
                Registered { status, starttime, endtime, .. } => {
                    row.ticket = Some(Times { starttime, endtime });
                    row.status = Some(status);
                }
                StatusUpdated { status, .. } => row.status = Some(status),
                TicketCorrected(CorrectedTicket { status, starttime, endtime, .. }) => {
                    row.status = status.or(row.status);
                    if let Some(times) = &mut row.ticket {
                        times.starttime = starttime.unwrap_or(times.starttime);
                        times.endtime = endtime.unwrap_or(times.endtime);
                    }
                }
                TicketWithdrawn { .. } => row.withdrawn = true,
                TicketRestored { .. } => row.withdrawn = false,
            },
        );
        folds.on::<Price>(
            |event| match event {
                Calculated { ticket_id, .. } => Some(ticket_id.get()),
                PriceSet { .. }
                | PriceReserved { .. }
                | PriceReleased { .. }
                | PriceWithdrawn { .. }
                | PriceRestored { .. } => None,
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
                    let user_id = told.user_id.clone();
                    let user_grade = told.user_grade.clone();
                    row.live.add(told.reservation_id, Holder { user_id, user_grade });
                    row.live.fit_into_row();
                }
                Cancelled(told) => {
                    let at = told.updated_date;
                    let id = told.reservation_id;
                    let is_later =
                        row.last.as_ref().is_none_or(|(last, of, _)| (*last, *of) < (at, id));
                    row.last = match row.live.remove(id) {
                        Some(holder) if is_later => Some((at, id, holder)),
                        _ => row.last.take(),
                    };
                }
                ReservationRequested(_) | ReservationFailed { .. } => {}
            },
        );
    }
}
