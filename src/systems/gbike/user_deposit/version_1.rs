//! An account as version 1 stored it, frozen: it kept all open fees itself.

use super::{Arrears, Billing, Id};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct UserDeposit {
    opened: bool,
    deposit: u64,
    billid: Option<Id<Billing>>,
    open: Vec<(Id<Billing>, u64)>,
}

impl From<UserDeposit> for super::UserDeposit {
    fn from(old: UserDeposit) -> Self {
        let UserDeposit { opened, deposit, billid, open } = old;
        let arrears = Arrears::all_at_hand(open);
        Self { opened, deposit, billid, arrears, ..Self::default() }
    }
}
