//! What customers send when they ride and pay, and why they may not.

use super::{
    bike::{self, Bike},
    billing::Billing,
    rent::{Event, Rent},
    user_deposit::{self, UserDeposit},
};
use crate::domain::prelude::*;

/// The number of a customer, which is that of their account.
pub type UserId = Id<UserDeposit>;
/// The number of a rent.
pub type RentId = Id<Rent>;
/// The number of a bike.
pub type BikeId = Id<Bike>;
/// The number of a bill.
pub type BillId = Id<Billing>;

/// `POST /rents`
#[body]
pub struct Request {
    /// Who wants to ride.
    #[subject]
    pub userid: UserId,
    /// On which bike.
    pub bikeid: BikeId,
}

/// `PATCH /rents/{id}`
#[body]
pub struct Return {
    /// Where the bike is left.
    pub endlocation: String,
}

/// `POST /userDeposits`
#[body]
pub struct TopUp {
    /// Whose account it is; it is opened if there is none.
    #[subject]
    pub userid: UserId,
    /// What is paid in, in won.
    pub deposit: u64,
}

impl Request {
    /// The ride that is requested, if there may be such a customer.
    ///
    /// # Errors
    /// `user-unknown`
    pub fn checked(self, rentid: RentId) -> Result<Event, Refusal> {
        let Self { userid, bikeid } = self;
        if userid == UserId::default() {
            let ko = "사용자 번호는 양수여야 합니다";
            return Err(Refusal::invalid("user-unknown", "numbers of users are positive", ko));
        }
        Ok(Event::RentRequested { rentid, userid, bikeid })
    }
}

impl TopUp {
    /// Whose account it goes to, and what is paid in.
    pub fn addressed(self) -> (Target<UserDeposit>, user_deposit::Command) {
        let Self { userid, deposit } = self;
        (Target::Chosen(userid), user_deposit::Command::TopUp { deposit })
    }
}

impl Return {
    /// Whether the bike has been left there before.
    pub fn repeats(&self, before: &Option<String>) -> bool {
        before.as_ref() == Some(&self.endlocation)
    }
}

/// Why a rent never came to be, by the code that it keeps.
pub fn refusal_of(code: &str) -> Refusal {
    let known = [in_arrears(), too_many_bikes(), bike::in_use(), bike::broken(), bike::unknown()];
    known.into_iter().find(|refusal| refusal.code == code).unwrap_or_else(Refusal::retry_later)
}

/// The refusal of a customer who owes fees.
pub fn in_arrears() -> Refusal {
    Refusal::conflict("in-arrears", "earlier rides are not paid for yet", "미납 요금이 있습니다")
}

/// The refusal of a customer who has as many bikes as one may have at once.
pub fn too_many_bikes() -> Refusal {
    let ko = "한 번에 빌릴 수 있는 자전거 수를 넘었습니다";
    Refusal::conflict(
        "too-many-bikes",
        "the customer has as many bikes as one may have at once",
        ko,
    )
}

/// The refusal of a second return that names another place.
pub fn left_elsewhere() -> Refusal {
    let ko = "이미 다른 곳에 반납되었습니다";
    Refusal::conflict("already-returned", "the bike was left elsewhere", ko)
}
