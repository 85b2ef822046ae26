//! Price (가격정책): what a ticket costs, by the day that it is for and by who has it.
//!
//! The events of the ticket and of its reservations come in any order, so the price keeps who has the ticket as a set: a
//! reservation that is cancelled takes exactly its own discount with it.

use super::{
    discount::Settings,
    holders::Holders,
    reservation::{self, Reservation},
    ticket::{self, CorrectedTicket, Ticket},
};
use crate::domain::prelude::*;

/// The price of the ticket with the same number.
#[entity(
    context = "ticketing.price", reads = public, collection = "prices", korean = "가격", port = 8083, supporting,
    id(ticket_id: Id<Ticket>),
    lifecycle = Lifecycle::of(&self.set).withdrawn_if(self.withdrawn && self.live.is_empty())
)]
pub struct Price {
    /// The base, and what it is on that day; none before there is a ticket.
    #[exists]
    #[shown(
        /// The base, in won.
        price: u64 = self.set.map_or(0, |(base, _)| base),
        /// What is to be paid, in won.
        discounted_price: u64 = self.discounted
    )]
    set: Option<(u64, u64)>,
    #[hidden]
    discounted: u64,
    /// The reservations that have the ticket, and whether each is a VIP's.
    #[hidden]
    live: Holders<bool>,
    #[withdrawn]
    #[since = 2]
    withdrawn: bool,
}

#[command]
pub enum Command {
    /// There is such a ticket, for that time; or it is for another time now.
    Set { starttime: Timestamp },
    /// A reservation has the ticket.
    Reserve { reservation: Id<Reservation>, vip: bool },
    /// It has it no longer.
    Cancel { reservation: Id<Reservation> },
    /// The ticket is offered no longer.
    Withdraw,
    /// It is offered again.
    Restore,
}

#[event]
pub enum Event {
    PriceSet { ticket_id: Id<Ticket>, price: u64, day_price: u64 },
    PriceReserved { ticket_id: Id<Ticket>, reservation_id: Id<Reservation>, vip: bool },
    PriceReleased { ticket_id: Id<Ticket>, reservation_id: Id<Reservation> },
    Calculated { ticket_id: Id<Ticket>, price: u64, discounted_price: u64 },
    PriceWithdrawn { ticket_id: Id<Ticket> },
    PriceRestored { ticket_id: Id<Ticket> },
}

impl Price {
    /// What follows from `change`: the new price, where there is one and it differs.
    fn calculated(&self, change: Event, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        let mut after = self.clone();
        after.evolve(&change);
        let Some((price, day_price)) = after.set else { return emit(change) };
        let is_vip = after.live.last().is_some_and(|(_, vip)| *vip);
        let discounted_price = this.settings.discounted(day_price, is_vip);
        let base = self.set.map(|(base, _)| base);
        let differs = base != Some(price) || discounted_price != self.discounted;
        let calculated = Event::Calculated { ticket_id: this.id.of(), price, discounted_price };
        Ok([change].into_iter().chain(differs.then_some(calculated)).collect())
    }
}

impl Aggregate for Price {
    type Command = Command;
    type Event = Event;
    type Settings = Settings;

    fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
        use {Command::*, Event::*};
        let ticket_id = this.id.of();
        match command {
            Set { starttime } if self.set == Some(this.settings.price(starttime)) => ignore(),
            Set { starttime } => {
                let (price, day_price) = this.settings.price(starttime);
                self.calculated(PriceSet { ticket_id, price, day_price }, this)
            }
            Reserve { reservation, .. } if self.live.contains(reservation) => ignore(),
            Reserve { reservation: reservation_id, vip } => {
                self.calculated(PriceReserved { ticket_id, reservation_id, vip }, this)
            }
            Cancel { reservation: reservation_id } if self.live.contains(reservation_id) => {
                self.calculated(PriceReleased { ticket_id, reservation_id }, this)
            }
            Cancel { .. } => ignore(),
            Withdraw if !self.withdrawn => emit(PriceWithdrawn { ticket_id }),
            Restore if self.withdrawn => emit(PriceRestored { ticket_id }),
            Withdraw | Restore => ignore(),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match *event {
            Event::PriceSet { price, day_price, .. } => self.set = Some((price, day_price)),
            Event::PriceReserved { reservation_id, vip, .. } => self.live.add(reservation_id, vip),
            Event::PriceReleased { reservation_id, .. } => drop(self.live.remove(reservation_id)),
            Event::Calculated { discounted_price, .. } => self.discounted = discounted_price,
            Event::PriceWithdrawn { .. } => self.withdrawn = true,
            Event::PriceRestored { .. } => self.withdrawn = false,
        }
    }

    fn whenever(policies: &mut impl Policies<Self>) {
        use {Command::*, reservation::Event::*, ticket::Event::*};
        policies.on::<Ticket>(|event| match *event {
            Registered { ticket_id, starttime, .. }
            | TicketCorrected(CorrectedTicket { ticket_id, starttime: Some(starttime), .. }) => {
                Some((ticket_id.of(), Set { starttime }))
            }
            TicketWithdrawn { ticket_id } => Some((ticket_id.of(), Withdraw)),
            TicketRestored { ticket_id } => Some((ticket_id.of(), Restore)),
            StatusUpdated { .. } | TicketCorrected(_) => None,
        });
        policies.on::<Reservation>(|event| match event {
            Reserved(told) => {
                let reservation = told.reservation_id;
                Some((told.ticket_id.of(), Reserve { reservation, vip: told.is_vip() }))
            }
            Cancelled(told) => {
                Some((told.ticket_id.of(), Cancel { reservation: told.reservation_id }))
            }
            ReservationRequested(_) | ReservationFailed { .. } => None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{super::holders::HOLDERS, Command::*, Event::*, *};
    use crate::domain::{
        DateOrTime, Zone,
        spec::{Given, given},
    };

    const TICKET: Id<Ticket> = Id::new(1);
    const FIRST: Id<Reservation> = Id::new(7);
    const SECOND: Id<Reservation> = Id::new(8);

    fn set(price: Given<Price>, day: &str) -> Given<Price> {
        let starttime = day.parse::<DateOrTime>().unwrap().starts(&Zone::default());
        price.settled(Set { starttime })
    }
    trait Settled {
        fn settled(self, command: Command) -> Given<Price>;
    }
    impl Settled for Given<Price> {
        /// Whatever follows has happened.
        fn settled(self, command: Command) -> Given<Price> {
            let settings = Settings::default();
            let at =
                DecisionContext { id: Id::new(1), at: Timestamp::default(), settings: &settings };
            let mut price = self.0;
            price.decide(command, &at).unwrap().iter().for_each(|event| price.evolve(event));
            Given(price)
        }
    }
    fn shown(price: &Given<Price>) -> (u64, u64) {
        let shown = price.0.represent(Id::new(1));
        (shown.price, shown.discounted_price)
    }

    #[test]
    fn wednesdays_and_thursdays_in_seoul_are_cheaper() {
        for (day, wanted) in [
            ("2021-07-06", 10_000),
            ("2021-07-07", 8_000),
            ("2021-07-08", 8_000),
            ("2021-07-09", 10_000),
        ] {
            assert_eq!(shown(&set(given([]), day)), (10_000, wanted), "{day}");
        }
        // Still Tuesday in Greenwich.
        assert_eq!(shown(&set(given([]), "2021-07-06T16:00:00Z")), (10_000, 8_000));
    }

    #[test]
    fn a_vip_pays_less_for_as_long_as_the_ticket_is_theirs() {
        let price = set(given([]), "2021-07-07").settled(Reserve { reservation: FIRST, vip: true });
        assert_eq!(shown(&price), (10_000, 7_000));
        let price = price.when(Reserve { reservation: FIRST, vip: true }).then_nothing();
        let price = price.settled(Cancel { reservation: FIRST });
        assert_eq!(shown(&price), (10_000, 8_000));
        let _ = price.when(Cancel { reservation: FIRST }).then_nothing();
    }

    #[test]
    fn the_price_is_the_same_in_any_order_of_events() {
        let early = given::<Price>([]).settled(Reserve { reservation: SECOND, vip: true });
        assert_eq!(early.0.lifecycle(), Lifecycle::Absent);
        assert_eq!(shown(&set(early, "2021-07-07")), (10_000, 7_000));
        let both = set(given([]), "2021-07-07").settled(Reserve { reservation: FIRST, vip: true });
        let both = both
            .settled(Reserve { reservation: SECOND, vip: false })
            .settled(Cancel { reservation: FIRST });
        assert_eq!(shown(&both), (10_000, 8_000));
    }

    #[test]
    fn a_ticket_for_another_day_has_the_price_of_that_day() {
        let price = set(given([]), "2021-07-06").settled(Reserve { reservation: FIRST, vip: true });
        assert_eq!(shown(&price), (10_000, 9_000));
        let price = set(price, "2021-07-07");
        assert_eq!(shown(&price), (10_000, 7_000));
        assert_eq!(shown(&price.settled(Cancel { reservation: FIRST })), (10_000, 8_000));
        let starttime = "2021-07-09".parse::<DateOrTime>().unwrap().starts(&Zone::default());
        let _ = set(given([]), "2021-07-06").when(Set { starttime }).then_nothing();
    }

    #[test]
    fn a_withdrawn_ticket_has_a_price_for_as_long_as_a_reservation_has_it() {
        let price = set(given([]), "2021-07-06").settled(Reserve { reservation: FIRST, vip: true });
        let price = price.when(Withdraw).then([PriceWithdrawn { ticket_id: TICKET }]);
        assert_eq!(price.0.lifecycle(), Lifecycle::Established);
        let price = price.when(Withdraw).then_nothing().settled(Cancel { reservation: FIRST });
        assert_eq!(price.0.lifecycle(), Lifecycle::Withdrawn);
        let price = price.when(Restore).then([PriceRestored { ticket_id: TICKET }]);
        assert_eq!(price.0.lifecycle(), Lifecycle::Established);
        let _ = price.when(Restore).then_nothing();
    }

    #[test]
    fn of_many_without_an_end_event_the_last_ones_are_kept() {
        let mut price = set(given([]), "2021-07-07");
        for reservation in 1..1_000 {
            price = price.settled(Reserve { reservation: Id::new(reservation), vip: true });
        }
        assert_eq!((price.0.live.len(), shown(&price)), (HOLDERS, (10_000, 7_000)));
        for reservation in 1..1_000 {
            price = price.settled(Cancel { reservation: Id::new(reservation) });
        }
        assert_eq!((price.0.live.len(), shown(&price)), (0, (10_000, 8_000)));
    }

    #[test]
    fn a_reservation_that_changes_no_price_is_recorded_without_calculating() {
        let price = set(given([]), "2021-07-06");
        let noted = PriceReserved { ticket_id: TICKET, reservation_id: FIRST, vip: false };
        let _ = price.when(Reserve { reservation: FIRST, vip: false }).then([noted]);
    }
}
