//! What staff registers, staff corrects, withdraws and restores.

use super::{
    Aggregate, Body, Decision, DecisionContext, Id, Lifecycle, Refusal, Role, Routes, Wire, emit,
    ignore,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// What staff may ask of a thing of a catalogue. A context takes it in one command:
///
/// ```text
/// #[catalogue]
/// Maintain(Maintenance<Correction>),
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
pub enum Maintenance<C> {
    /// Some of its fields are to be otherwise.
    Correct(C),
    /// It is offered no longer.
    Withdraw,
    /// It is offered again.
    Restore,
}

/// A context whose things staff registers: `PATCH` corrects one, `DELETE` withdraws it, and `PATCH` with
/// `{"withdrawn": false}` restores it. A withdrawn thing is in no list, and its number still shows it. An order for it is
/// refused as one for an unknown thing; orders that hold it go on. The context decides this with [`Catalogue::maintain`], declares
/// the field `#[withdrawn]` in its state, and the routes with [`CatalogueRoutes::catalogue`].
pub trait Catalogue: Aggregate<Command: From<Maintenance<Self::Correction>>> {
    /// The body of the `PATCH`: the fields that may be corrected, each optional.
    type Correction: Body + Wire;

    /// The event that corrects the fields that are given, or why they cannot be corrected now.
    ///
    /// # Errors
    /// The [`Refusal`].
    fn correct(
        &self,
        given: Self::Correction,
        this: &DecisionContext<'_, Self>,
    ) -> Decision<Self::Event>;
    /// The event that withdraws it.
    fn withdraw(id: Id<Self>) -> Self::Event;
    /// The event that restores it.
    fn restore(id: Id<Self>) -> Self::Event;

    /// Decides what staff asks. What is so already leads to no event.
    ///
    /// # Errors
    /// The [`Refusal`]: of the correction, of one to a thing that is withdrawn, or that there is no such thing.
    fn maintain(
        &self,
        asked: Maintenance<Self::Correction>,
        this: &DecisionContext<'_, Self>,
    ) -> Decision<Self::Event> {
        match (self.lifecycle(), asked) {
            (Lifecycle::Established, Maintenance::Correct(given)) => {
                let events = self.correct(given, this)?;
                let mut after = self.clone();
                events.iter().for_each(|event| after.evolve(event));
                if after == *self { ignore() } else { Ok(events) }
            }
            (Lifecycle::Withdrawn, Maintenance::Correct(_)) => Err(Refusal::withdrawn(Self::NAME)),
            (Lifecycle::Established, Maintenance::Withdraw) => emit(Self::withdraw(this.id)),
            (Lifecycle::Withdrawn, Maintenance::Restore) => emit(Self::restore(this.id)),
            (Lifecycle::Established, Maintenance::Restore)
            | (Lifecycle::Withdrawn, Maintenance::Withdraw) => ignore(),
            (Lifecycle::Absent | Lifecycle::Open | Lifecycle::Ended(_), _) => {
                Err(Refusal::absent(Self::NAME))
            }
        }
    }
}

/// `PATCH /{collection}/{id}` of a catalogue: whether the thing is withdrawn.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Withdrawal {
    /// False restores what was withdrawn; true withdraws it, as `DELETE` does.
    withdrawn: bool,
}

impl Body for Withdrawal {}

/// Takes the routes of a catalogue.
pub trait CatalogueRoutes<A: Catalogue>: Routes<A> {
    /// `PATCH /{collection}/{id}` corrects and restores, `DELETE` withdraws.
    fn catalogue(&mut self) {
        self.patch(Role::Admin, |given: A::Correction| Maintenance::Correct(given).into());
        self.patch(Role::Admin, |Withdrawal { withdrawn }| {
            if withdrawn { Maintenance::Withdraw.into() } else { Maintenance::Restore.into() }
        });
        self.withdraw(Role::Admin, || Maintenance::Withdraw.into());
    }
}
impl<A: Catalogue, R: Routes<A>> CatalogueRoutes<A> for R {}
