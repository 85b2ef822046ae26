//! What the payments of several systems share: how far a payment has come, and on which terms one is approved. Their names
//! for it, on the wire and in the log, are each system's own.
//!
//! The terms take the place of a payment provider: Holdfast moves no real money. Like a provider's sandbox they decline by
//! amount, so that a test of a system can cause a no at will.

use crate::domain::{Decision, Lifecycle, Refusal, emit, ignore};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// On which terms a payment is approved: `[systems.NAME]` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Terms {
    /// Payments of this amount or more are declined.
    #[schemars(range(max = 1_000_000_000_000u64), extend("x-unit" = "won"))]
    pub decline_from: Option<u64>,
}

impl Terms {
    /// Whether a payment of `amount` won is declined.
    pub fn declines(&self, amount: u64) -> bool {
        self.decline_from.is_some_and(|from| amount >= from)
    }
}

/// How far a payment has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// It has not been asked for.
    #[default]
    New,
    /// The money has come in.
    Paid,
    /// The money came in and has gone back.
    PaidBack,
    /// It was called off before it was asked for: it will never come in.
    Withheld,
}

impl Progress {
    /// A payment exists once money has come in.
    pub fn lifecycle(self) -> Lifecycle {
        match self {
            Self::New | Self::Withheld => Lifecycle::Absent,
            Self::Paid | Self::PaidBack => Lifecycle::Established,
        }
    }

    /// `paid_back` once the money has gone back, `paid` before: what a payment shows.
    pub fn choose<S>(self, paid: S, paid_back: S) -> S {
        if self == Self::PaidBack { paid_back } else { paid }
    }

    /// Pays `amount` won, or an amount that is still open. `paid` is the system's event for it.
    ///
    /// # Errors
    /// `payment-declined` by the terms; `payment-called-off` when it was called off before, or has gone back.
    pub fn pay<E>(self, amount: Option<u64>, terms: &Terms, paid: E) -> Decision<E> {
        match self {
            Self::New if amount.is_some_and(|amount| terms.declines(amount)) => Err(declined()),
            Self::New => emit(paid),
            Self::Paid => ignore(),
            Self::PaidBack | Self::Withheld => Err(Refusal::conflict(
                "payment-called-off",
                "the payment was called off",
                "취소된 결제입니다",
            )),
        }
    }

    /// Calls the payment off: what came in goes back (`paid_back`), what has not will not come in any more (`withheld`).
    ///
    /// # Errors
    /// Never: policies call payments off in any status.
    pub fn call_off<E>(self, paid_back: E, withheld: E) -> Decision<E> {
        match self {
            Self::New => emit(withheld),
            Self::Paid => emit(paid_back),
            Self::PaidBack | Self::Withheld => ignore(),
        }
    }
}

/// The refusal of a payment that was declined.
pub fn declined() -> Refusal {
    Refusal::conflict("payment-declined", "the payment was declined", "결제가 거절되었습니다")
}

#[cfg(test)]
mod tests {
    use super::{Progress::*, *};

    const TERMS: Terms = Terms { decline_from: Some(1_000) };

    fn code(decision: Decision<&str>) -> String {
        decision.map_or_else(|refusal| refusal.code.into_owned(), |events| events.join(", "))
    }

    #[test]
    fn a_payment_comes_in_once_and_goes_back_once() {
        assert_eq!(New.pay(Some(999), &TERMS, "paid"), emit("paid"));
        assert_eq!(Paid.pay(Some(999), &TERMS, "paid"), ignore());
        assert_eq!(Paid.call_off("back", "withheld"), emit("back"));
        assert_eq!(PaidBack.call_off("back", "withheld"), ignore());
    }

    #[test]
    fn what_was_called_off_never_comes_in() {
        assert_eq!(New.call_off("back", "withheld"), emit("withheld"));
        assert_eq!(code(Withheld.pay(Some(1), &TERMS, "paid")), "payment-called-off");
        assert_eq!(code(PaidBack.pay(Some(1), &TERMS, "paid")), "payment-called-off");
    }

    #[test]
    fn the_terms_decline_by_amount_and_know_nothing_of_an_open_one() {
        assert_eq!(code(New.pay(Some(1_000), &TERMS, "paid")), "payment-declined");
        assert_eq!(code(New.pay(None, &TERMS, "paid")), "paid");
        assert_eq!(code(New.pay(Some(u64::MAX), &Terms::default(), "paid")), "paid");
    }
}
