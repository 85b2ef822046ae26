//! A bill as version 1 stored it, frozen: it knew of no other.

use super::{Id, Status, Timestamp, UserDeposit};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Billing {
    userid: Id<UserDeposit>,
    status: Status,
    starttime: Timestamp,
    endtime: Option<Timestamp>,
    fee: Option<u64>,
}

impl From<Billing> for super::Billing {
    fn from(old: Billing) -> Self {
        let Billing { userid, status, starttime, endtime, fee } = old;
        Self { userid, status, starttime, endtime, fee, next: None }
    }
}
