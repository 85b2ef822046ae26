//! View: one row a rent, with its bill and what it left of the deposit, kept by listening.
//!
//! The events of rent, billing and deposit come in any interleaving, and each fills columns of its own; the row is shown
//! from `Rented` on.

use super::{
    bike::Bike,
    billing::{self, Billing},
    rent::{self, Rent},
    user_deposit::{self, UserDeposit},
};
use crate::domain::prelude::*;

/// What became of a rent and of its bill.
#[entity(
    context = "gbike.view", reads = owner, collection = "rentAndBillingViews", korean = "대여·청구 현황",
    item = "rentAndBillingView",
    title = "RentAndBillingView", personal(userid, endlocation), port = 8085, order, supporting, id(rentid: Id<Rent>),
    index(userid, bikeid), owner = self.userid
)]
pub struct Row {
    /// Who rides.
    userid: Id<UserDeposit>,
    /// On which bike.
    bikeid: Id<Bike>,
    /// How far the rent has come.
    rent_status: rent::Status,
    /// When the ride began.
    #[exists]
    #[shown(rent_starttime: Option<Timestamp> = self.starttime)]
    starttime: Option<Timestamp>,
    /// When it ended.
    #[shown(rent_end_time: Option<Timestamp> = self.endtime)]
    endtime: Option<Timestamp>,
    /// Where the bike was left.
    #[shown(
        /// Where the bike was left.
        endlocation: Option<String> = self.endlocation.clone(),
        /// The bill's number, once there is one.
        billid: Option<Id<Billing>> = self.billing_status.map(|_| id.of())
    )]
    endlocation: Option<String>,
    /// What the ride costs, in won.
    fee: Option<u64>,
    /// How far the bill has come, once there is one.
    billing_status: Option<billing::Status>,
    /// What was left of the deposit when the fee had been charged, in won.
    deposit: Option<u64>,
}

impl View for Row {
    fn folds(folds: &mut impl Folds<Self>) {
        use {billing::Event::*, rent::Event::*, user_deposit::Event::*};
        folds.on::<Rent>(
            |event| match event {
                Rented { rentid, .. } | Returned { rentid, .. } => Some(rentid.get()),
                RentRequested { .. } | RentCleared { .. } | RentFailed { .. } => None,
            },
            |row, event| match event.clone() {
                Rented { userid, bikeid, starttime, .. } => {
                    row.userid = userid;
                    row.bikeid = bikeid;
                    row.starttime = Some(starttime);
                    row.rent_status = rent::Status::Rented;
                }
                Returned { endtime, endlocation, .. } => {
                    row.endtime = Some(endtime);
                    row.endlocation = Some(endlocation);
                    row.rent_status = rent::Status::Returned;
                }
                RentRequested { .. } | RentCleared { .. } | RentFailed { .. } => {}
            },
        );
        folds.on::<Billing>(
            |event| match event {
                RegisteredBill { rentid, .. }
                | CalculatedFee { rentid, .. }
                | ClosedBill { rentid, .. } => Some(rentid.get()),
                BillFollowed { .. } | BillPassedOn { .. } => None,
            },
            |row, event| match event {
                RegisteredBill { .. } => row.billing_status = Some(billing::Status::Open),
                CalculatedFee { fee, .. } => {
                    row.billing_status = Some(billing::Status::ApplyFee);
                    row.fee = Some(*fee);
                }
                ClosedBill { .. } => row.billing_status = Some(billing::Status::Closed),
                BillFollowed { .. } | BillPassedOn { .. } => {}
            },
        );
        folds.on::<UserDeposit>(
            |event| match event {
                UpdatedDeposit { billid, .. } => billid.map(Id::get),
                FeeDeferred { .. } | FeeQueued { .. } | FeeMovedUp { .. } => None,
                RideCounted { .. } | RideEnded { .. } => None,
            },
            |row, event| {
                if let UpdatedDeposit { deposit, .. } = event {
                    row.deposit = Some(*deposit);
                }
            },
        );
    }
}
