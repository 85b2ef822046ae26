//! How orders end.

use std::fmt;

/// How an order has ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderOutcome {
    /// It is not settled, or there is no such order.
    Pending,
    /// It came to be, and goes on or is done.
    Established,
    /// The business refused it.
    Refused,
    /// It could not be settled: no answer came. Or it is kept as one that failed, for any reason: see `#[failed]`.
    Failed,
    /// It came to be, and was taken back: see `#[canceled]`.
    Canceled,
}

impl OrderOutcome {
    /// The outcomes of orders that are settled.
    pub const ENDED: [Self; 4] = [Self::Established, Self::Refused, Self::Failed, Self::Canceled];

    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Established => "established",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

impl fmt::Display for OrderOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
