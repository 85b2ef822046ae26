//! A rent as version 1 stored it, frozen: a flag beside the status said that the deposit had answered with yes.

use super::{Bike, Id, Status, Timestamp, UserDeposit};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Rent {
    userid: Id<UserDeposit>,
    bikeid: Id<Bike>,
    status: Status,
    cleared: bool,
    starttime: Option<Timestamp>,
    endtime: Option<Timestamp>,
    endlocation: Option<String>,
    reason: Option<String>,
}

impl From<Rent> for super::Rent {
    fn from(old: Rent) -> Self {
        let Rent { userid, bikeid, status, cleared, starttime, endtime, endlocation, reason } = old;
        let is_cleared = cleared && status == Status::Requested;
        let status = if is_cleared { Status::Cleared } else { status };
        Self { userid, bikeid, status, starttime, endtime, endlocation, reason }
    }
}
