//! View: one row a rent, with its bill and what it left of the deposit, kept by listening.
//!
//! Rent, billing and deposit are heard in any interleaving, and each tells of columns of its own; the row is seen from
//! `Rented` on.

use super::{
    bike::Bike,
    billing::{self, Billing},
    rent::{self, Rent},
    user_deposit::{self, UserDeposit},
};
use crate::domain::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a rent and of its bill.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    userid: Id<UserDeposit>,
    bikeid: Id<Bike>,
    rent_status: rent::Status,
    starttime: Option<Timestamp>,
    endtime: Option<Timestamp>,
    endlocation: Option<String>,
    fee: Option<u64>,
    billing_status: Option<billing::Status>,
    deposit: Option<u64>,
}

/// A row as it looks from outside.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RentAndBillingView")]
pub struct Shown {
    /// The rent's number.
    pub rentid: Id<Rent>,
    /// Who rides.
    pub userid: Id<UserDeposit>,
    /// On which bike.
    pub bikeid: Id<Bike>,
    /// How far the rent has come.
    #[serde(rename = "rentStatus")]
    pub rent_status: rent::Status,
    /// When the ride began.
    #[serde(rename = "rentStarttime")]
    pub rent_starttime: Option<Timestamp>,
    /// When it ended.
    #[serde(rename = "rentEndTime")]
    pub rent_end_time: Option<Timestamp>,
    /// Where the bike was left.
    pub endlocation: Option<String>,
    /// The bill's number, once there is one.
    pub billid: Option<Id<Billing>>,
    /// What the ride costs, in won.
    pub fee: Option<u64>,
    /// How far the bill has come, once there is one.
    #[serde(rename = "billingStatus")]
    pub billing_status: Option<billing::Status>,
    /// What was left of the deposit when the fee had been charged, in won.
    pub deposit: Option<u64>,
}

impl Entity for Row {
    const NAME: Name = Name {
        system: "gbike",
        context: "gbike.view",
        collection: "rentAndBillingViews",
        item: "rentAndBillingView",
    };
    const IS_ORDER: bool = true;
    const PORT: Option<u16> = Some(8085);
    const SUBDOMAIN: Subdomain = Subdomain::Supporting;
    type Representation = Shown;

    fn represent(&self, id: Id<Self>) -> Shown {
        let Row { userid, bikeid, rent_status, endlocation, fee, billing_status, deposit, .. } =
            self.clone();
        let (rent_starttime, rent_end_time) = (self.starttime, self.endtime);
        let (rentid, billid) = (id.of(), billing_status.map(|_| id.of()));
        Shown {
            rentid,
            userid,
            bikeid,
            rent_status,
            rent_starttime,
            rent_end_time,
            endlocation,
            billid,
            fee,
            billing_status,
            deposit,
        }
    }
    fn lifecycle(&self) -> Lifecycle {
        if self.starttime.is_some() { Lifecycle::Established } else { Lifecycle::Absent }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![("userid", self.userid.into()), ("bikeid", self.bikeid.into())]
    }
    fn id_aliases() -> &'static [&'static str] {
        &["rentid"]
    }
}

impl View for Row {
    fn folds(folds: &mut impl Folds<Self>) {
        use {billing::Event::*, rent::Event::*, user_deposit::Event::*};
        folds.on::<Rent>(
            |event| match event {
                Rented { rentid, .. } | Returned { rentid, .. } => Some(rentid.get()),
                RentRequested { .. } | RentCleared { .. } | RentFailed { .. } => None,
            },
            |row, event| match event {
                Rented { userid, bikeid, starttime, .. } => {
                    (row.userid, row.bikeid, row.starttime) = (*userid, *bikeid, Some(*starttime));
                    row.rent_status = rent::Status::Rented;
                }
                Returned { endtime, endlocation, .. } => {
                    (row.endtime, row.endlocation) = (Some(*endtime), Some(endlocation.clone()));
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
                    (row.billing_status, row.fee) = (Some(billing::Status::ApplyFee), Some(*fee));
                }
                ClosedBill { .. } => row.billing_status = Some(billing::Status::Closed),
                BillFollowed { .. } | BillPassedOn { .. } => {}
            },
        );
        folds.on::<UserDeposit>(
            |event| match event {
                UpdatedDeposit { billid, .. } => billid.map(Id::get),
                FeeDeferred { .. } | FeeQueued { .. } | FeeMovedUp { .. } => None,
            },
            |row, event| {
                if let UpdatedDeposit { deposit, .. } = event {
                    row.deposit = Some(*deposit);
                }
            },
        );
    }
}
