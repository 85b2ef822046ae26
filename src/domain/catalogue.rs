//! What staff registers, staff corrects, withdraws and restores.

use super::{
    Aggregate, Body, Decision, DecisionContext, Id, Lifecycle, Refusal, Role, Routes, Wire, emit,
    ignore,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

/// What staff may ask of a thing of a catalogue. A context takes it in one command: see [`Catalogue`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
pub enum Maintenance<C> {
    /// Some of its fields are to be otherwise.
    Correct(C),
    /// It is offered no longer.
    Withdraw,
    /// It is offered again.
    Restore,
}

/// What staff may correct of a thing. `#[correctable]` on fields of its state implements it.
pub trait Correctable {
    /// The fields that were corrected, as the event of a correction carries them.
    type Corrected: Wire;

    /// Takes over the fields that were corrected.
    fn take_over(&mut self, corrected: Self::Corrected);
}

/// The events that say what staff has done to an `A`. `#[corrected]`, `#[withdrawn]` and `#[restored]` on variants of the
/// events implement it.
pub trait CatalogueEvent<A, C> {
    /// These fields are corrected.
    fn corrected(corrected: C) -> Self;
    /// It is offered no longer.
    fn withdrawn(id: Id<A>) -> Self;
    /// It is offered again.
    fn restored(id: Id<A>) -> Self;
}

/// A context whose things staff registers: `PATCH` corrects one, `DELETE` withdraws it, and `PATCH` with
/// `{"withdrawn": false}` restores it. A withdrawn thing is in no list, and its number still shows it. An order for it is
/// refused as one for an unknown thing; orders that hold it go on. The context decides this with [`Catalogue::maintain`], and
/// declares the routes with [`CatalogueRoutes::catalogue`]. `#[entity(catalogue)]` implements it where clients give the fields
/// as they are kept:
///
/// ```
/// use holdfast::domain::{prelude::*, spec::given};
///
/// /// A lamp for hire.
/// #[entity(context = "house.lamp", reads = public, collection = "lamps", korean = "등", catalogue)]
/// struct Lamp {
///     #[exists]
///     #[correctable]
///     name: String,
///     #[correctable(unless = self.is_out)]
///     watts: u64,
///     is_out: bool,
///     #[withdrawn]
///     withdrawn: bool,
/// }
/// #[command]
/// enum Command {
///     Register(NewLamp),
///     #[catalogue]
///     Maintain(Maintenance<CorrectLamp>),
/// }
/// #[event]
/// enum Event {
///     Registered { name: String, watts: u64 },
///     #[corrected]
///     LampCorrected(CorrectedLamp),
///     #[withdrawn]
///     LampWithdrawn { lamp_id: Id<Lamp> },
///     #[restored]
///     LampRestored { lamp_id: Id<Lamp> },
/// }
/// #[body]
/// struct NewLamp {
///     name: String,
///     watts: u64,
/// }
/// impl Aggregate for Lamp {
///     type Command = Command;
///     type Event = Event;
///     type Settings = ();
///
///     fn decide(&self, command: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
///         match command {
///             Command::Register(NewLamp { name, watts }) => emit(Event::Registered { name, watts }),
///             Command::Maintain(asked) => self.maintain(asked, this),
///         }
///     }
///     fn evolve(&mut self, event: &Event) {
///         match event.clone() {
///             Event::Registered { name, watts } => *self = Lamp { name, watts, ..Lamp::default() },
///             Event::LampCorrected(corrected) => self.take_over(corrected),
///             Event::LampWithdrawn { .. } => self.withdrawn = true,
///             Event::LampRestored { .. } => self.withdrawn = false,
///         }
///     }
///     fn routes(routes: &mut impl Routes<Self>) {
///         routes.post(Role::Admin, |lamp: NewLamp| (Target::New, Command::Register(lamp)));
///         routes.catalogue();
///     }
/// }
///
/// let lamp = given::<Lamp>([Event::Registered { name: "desk".into(), watts: 40 }]);
/// let correct = CorrectLamp { watts: Some(60), ..CorrectLamp::default() };
/// let corrected = CorrectedLamp { lamp_id: Id::new(1), name: None, watts: Some(60) };
/// let lamp = lamp.when(Command::Maintain(Maintenance::Correct(correct)));
/// assert_eq!(lamp.then([Event::LampCorrected(corrected)]).0.watts, 60);
/// ```
pub trait Catalogue:
    Aggregate<
        Command: From<Maintenance<Self::Correction>>,
        Event: CatalogueEvent<Self, Self::Corrected>,
    > + Correctable
{
    /// The body of the `PATCH`: the fields that may be corrected, each optional.
    type Correction: Body + Wire;

    /// The fields that are corrected where these are given, or why they cannot be corrected now.
    ///
    /// # Errors
    /// The [`Refusal`].
    fn correct(
        &self,
        given: Self::Correction,
        this: &DecisionContext<'_, Self>,
    ) -> Result<Self::Corrected, Refusal>;

    /// Whether orders may have it: it is there, and not withdrawn.
    fn is_offered(&self) -> bool {
        self.lifecycle() == Lifecycle::Established
    }

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
                let corrected = self.correct(given, this)?;
                let mut after = self.clone();
                after.take_over(corrected.clone());
                if after == *self { ignore() } else { emit(Self::Event::corrected(corrected)) }
            }
            (Lifecycle::Withdrawn, Maintenance::Correct(_)) => Err(Refusal::withdrawn(Self::NAME)),
            (Lifecycle::Established, Maintenance::Withdraw) => {
                emit(Self::Event::withdrawn(this.id))
            }
            (Lifecycle::Withdrawn, Maintenance::Restore) => emit(Self::Event::restored(this.id)),
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
