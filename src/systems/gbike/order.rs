//! What customers send when they ride.

use super::{bike::Bike, user_deposit::UserDeposit};
use crate::domain::prelude::*;

/// `POST /rents`
#[body]
pub struct Request {
    /// Who wants to ride.
    pub userid: Id<UserDeposit>,
    /// On which bike.
    pub bikeid: Id<Bike>,
}

/// `PATCH /rents/{id}`
#[body]
pub struct Return {
    /// Where the bike is left.
    pub endlocation: String,
}

/// The refusal of a customer without a number.
pub fn user_unknown() -> Refusal {
    let ko = "사용자 번호는 양수여야 합니다";
    Refusal::invalid("user-unknown", "numbers of users are positive", ko)
}

/// The refusal of a second return that names another place.
pub fn left_elsewhere() -> Refusal {
    let ko = "이미 다른 곳에 반납되었습니다";
    Refusal::conflict("already-returned", "the bike was left elsewhere", ko)
}
