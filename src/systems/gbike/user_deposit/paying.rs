//! How money that comes in pays the fees that are open, and how a fee that is not covered waits.

use super::{Billing, Event, UserDeposit};
use crate::{
    domain::{number::LARGEST, prelude::*},
    systems::gbike::arrears::AT_HAND,
};

/// What a change of the deposit has paid, under the number of the bill.
pub(super) fn entries(before: u64, event: &Event) -> Vec<Entry> {
    match *event {
        Event::UpdatedDeposit { deposit, billid: Some(bill), .. } => {
            vec![Entry::debit("charged", bill, before.saturating_sub(deposit))]
        }
        _ => Vec::new(),
    }
}

impl UserDeposit {
    /// Money comes in, and pays what it covers, oldest first.
    pub(super) fn top_up(&self, userid: Id<Self>, paid_in: u64) -> Decision<Event> {
        let holds = self.deposit.checked_add(paid_in).filter(|holds| *holds <= LARGEST);
        let Some(deposit) = holds else {
            let en = format!("a deposit holds at most {LARGEST} won");
            let ko = format!("예치금은 최대 {LARGEST}원입니다");
            return Err(Refusal::invalid("deposit-too-large", en, ko));
        };
        let paid_in =
            Event::UpdatedDeposit { userid, deposit, arrears: self.arrears.sum(), billid: None };
        let mut owing = self.clone();
        owing.evolve(&paid_in);
        Ok([paid_in].into_iter().chain(owing.pay(userid)).collect())
    }
    /// Pays of what is at hand as much as is covered, oldest first. The rest waits until the last bill that this pays is
    /// closed.
    pub(super) fn pay(mut self, userid: Id<Self>) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some((bill, fee)) = self.arrears.first()
            && fee <= self.deposit
            && events.len() < AT_HAND
        {
            let mut left = self.arrears.clone();
            left.pay(bill, fee);
            let deposit = self.deposit - fee;
            let arrears = left.sum();
            let paid = Event::UpdatedDeposit { userid, deposit, arrears, billid: Some(bill) };
            self.evolve(&paid);
            events.push(paid);
        }
        events
    }
    /// A fee waits: at hand, or after the last one.
    pub(super) fn defer(&self, userid: Id<Self>, billid: Id<Billing>, fee: u64) -> Vec<Event> {
        let last = self.arrears.last_in_line();
        let queued = last.map(|after| Event::FeeQueued { userid, billid, fee, after });
        let arrears = self.arrears.sum().saturating_add(fee).min(LARGEST);
        queued.into_iter().chain([Event::FeeDeferred { userid, billid, fee, arrears }]).collect()
    }
    /// A fee that waited in the chain is next.
    pub(super) fn move_up(&self, userid: Id<Self>, billid: Id<Billing>, fee: u64) -> Vec<Event> {
        let moved = Event::FeeMovedUp { userid, billid, fee };
        let mut next = self.clone();
        next.evolve(&moved);
        // One that is paid at once needs no place: being paid takes it out of the chain.
        let paid = next.pay(userid);
        if paid.is_empty() { vec![moved] } else { paid }
    }
}
