//! What staff registers and corrects of a bike, and why a bike is not to be had.

use super::{Bike, CorrectedBike, Status};
use crate::domain::prelude::*;

/// `POST /bikes`
#[body]
pub struct Register {
    /// Its number, which no other bike may have.
    pub bikeid: Id<Bike>,
    /// Whether it may be taken; `사용가능` when left out.
    pub status: Option<Status>,
    /// Where it stands.
    pub location: String,
}

/// `PATCH /bikes/{id}`: what staff may correct, while no rent has it.
#[body(title = "CorrectBike")]
pub struct Correction {
    /// Whether it may be taken.
    pub status: Option<Condition>,
    /// Where it stands.
    pub location: Option<String>,
}

/// What staff may say of a bike: only rents use one.
#[body(title = "BikeCondition")]
pub enum Condition {
    /// It may be taken.
    #[serde(rename = "사용가능")]
    Available,
    /// It is broken.
    #[serde(rename = "불량")]
    Broken,
}

impl From<Condition> for Status {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Available => Self::Available,
            Condition::Broken => Self::Broken,
        }
    }
}

impl Catalogue for Bike {
    type Correction = Correction;

    fn correct(
        &self,
        given: Correction,
        this: &DecisionContext<'_, Self>,
    ) -> Result<CorrectedBike, Refusal> {
        let Correction { status, location } = given;
        if self.taken_by.is_some() {
            return Err(Refusal::held(Self::NAME));
        }
        let status = status.map(Status::from);
        Ok(CorrectedBike { bikeid: this.id, status, location })
    }
}

/// A rent has it, or another customer.
pub fn in_use() -> Refusal {
    Refusal::conflict("bike-in-use", "the bike is in use", "사용 중인 자전거입니다")
}
/// It cannot be ridden.
pub fn broken() -> Refusal {
    Refusal::conflict("bike-broken", "the bike is broken", "고장 난 자전거입니다")
}
/// There is none of that number, or it is offered no longer.
pub fn unknown() -> Refusal {
    Refusal::conflict("bike-unknown", "there is no such bike", "없는 자전거입니다")
}
