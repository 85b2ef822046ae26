//! What a context that decides is made of.

use super::{
    Address, Body, Commands, Decision, Decoder, Entity, Entry, Id, Message, MessageOutcome, Name,
    NamedMessage, OpenAsk, Refusal, Role, Target, Timestamp, Undecodable,
};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// Whom each of some commands may lead to asking: the command's name, and the contexts in the order of asking.
pub type MayAsk = &'static [(&'static str, &'static [Name])];

/// A consistency boundary: a state that decides on commands and evolves by events, run by one supervised actor. All of it
/// is pure.
///
/// ```
/// use holdfast::domain::{prelude::*, spec::given};
///
/// /// A lamp.
/// #[entity(
///     context = "house.lamp", reads = public, collection = "lamps", korean = "전등",
///     lifecycle = Lifecycle::Established
/// )]
/// struct Lamp {
///     on: bool,
/// }
/// #[command]
/// enum Command {
///     Toggle,
/// }
/// #[event]
/// enum Event {
///     Toggled { on: bool },
/// }
/// impl Aggregate for Lamp {
///     type Command = Command;
///     type Event = Event;
///     type Settings = ();
///
///     fn decide(&self, _: Command, _: &DecisionContext<'_, Self>) -> Decision<Event> {
///         emit(Event::Toggled { on: !self.on })
///     }
///     fn evolve(&mut self, event: &Event) {
///         let Event::Toggled { on } = event;
///         self.on = *on;
///     }
/// }
///
/// let lamp = given::<Lamp>([]).when(Command::Toggle).then([Event::Toggled { on: true }]);
/// let _ = lamp.when(Command::Toggle).then([Event::Toggled { on: false }]);
/// ```
pub trait Aggregate: Entity {
    /// What may be asked of it. Declared with `#[command]`.
    type Command: Commands;
    /// What it may say has happened. Declared with `#[event]`.
    type Event: NamedMessage;
    /// What its system lets be configured: prices, days, zones. Only `decide` may read it.
    type Settings: DeserializeOwned
        + Serialize
        + JsonSchema
        + Default
        + Clone
        + Debug
        + Send
        + Sync
        + 'static;

    /// The version of the event type. [`Aggregate::old_event`] reads the versions before it, from
    /// the log and from older nodes. A field added at the end of a variant, with `#[serde(default)]`,
    /// takes no new version: older events are read with the default, and older nodes ignore it.
    const EVENT_VERSION: u16 = 1;
    /// The version in which other nodes and consumers get the events until the setting
    /// `events.write_versions` says otherwise. A release that raises [`Aggregate::EVENT_VERSION`]
    /// leaves this at the version before, and [`Aggregate::older_event`] writes it: so the new
    /// version is written only when all nodes read it. A later release raises this too.
    const WRITTEN_VERSION: u16 = Self::EVENT_VERSION;

    /// The version of [`Aggregate::claims`] and [`Entity::unique`]: a change in what they say of a stored state is a new
    /// one, and the claims are written anew at the next start. Two that claim one key then both hold it, until both have
    /// given it up.
    const CLAIMS_VERSION: u16 = 1;
    /// The version of [`Aggregate::due`], likewise.
    const DUE_VERSION: u16 = 1;
    /// The version of the form of its commands. Answers to questions are kept with what was asked; those in another form
    /// are not compared.
    const COMMAND_VERSION: u16 = 1;

    /// The board as a table, one arm for each arrow: in this state, at this command, what happens?
    ///
    /// # Errors
    /// A [`Refusal`] says why not, by what the caller can do about it. The command of a policy is never refused: in every
    /// state, also that of a missing aggregate, it leads to an event or is ignored.
    fn decide(
        &self,
        command: Self::Command,
        this: &DecisionContext<'_, Self>,
    ) -> Decision<Self::Event>;

    /// What `event` makes of the state. An event has happened, so this cannot fail.
    fn evolve(&mut self, event: &Self::Event);

    /// Which commands follow from the events of other contexts.
    fn whenever(_policies: &mut impl Policies<Self>) {}

    /// The question that this state waits for. It is part of the state, so that a crash cannot lose it: it is put after
    /// every commit and again after a restart.
    fn awaits(&self, _id: Id<Self>) -> Option<Ask<Self>> {
        None
    }

    /// Whom a command may lead to asking, one after the other, by the command's name. Where one of them cannot be asked at
    /// present, a client who sends it is refused at once and nothing begins. Not a guess: the walk of the board finds who
    /// is asked, and a test compares.
    const MAY_ASK: MayAsk = &[];

    /// Whom `command` may lead to asking: see [`Aggregate::MAY_ASK`].
    fn may_ask(command: &Self::Command) -> &'static [Name] {
        Self::MAY_ASK
            .iter()
            .find(|(name, _)| *name == command.as_ref())
            .map_or(&[], |(_, asked)| asked)
    }

    /// The refusal that `event` is to a client who waits for this thing, though the thing stays as it was: a cancel that
    /// came too late, say. The client gets it instead of the representation.
    fn rejects(_event: &Self::Event) -> Option<Refusal> {
        None
    }

    /// The order that this thing is held for, by its context and number. What a client commands meanwhile (approve, on a
    /// book) belongs to the saga of that order.
    fn on_behalf_of(&self) -> Option<(Name, u64)> {
        None
    }

    /// What `event` adds to sums of its system, and takes from them, under the numbers of other things: a product gives a unit
    /// to a rental. `self` is the state before it, `id` its number. Once every saga has ended, each sum of a number is zero;
    /// see [`Entity::balances`].
    fn entries(&self, _id: Id<Self>, _event: &Self::Event) -> Vec<Entry> {
        Vec::new()
    }

    /// The keys that this state holds exclusively within its context (a seat), given up when it no longer names them. For
    /// a field that is such a key, declare it: `#[entity(unique(plate))]`.
    fn claims(&self) -> Vec<String> {
        Vec::new()
    }

    /// The refusal of a second claim to a key.
    fn claim_refusal(key: &str) -> Refusal {
        Refusal::conflict(
            "taken",
            format!("`{key}` is taken"),
            format!("`{key}`은(는) 이미 선점되었습니다"),
        )
    }

    /// All keys that this state holds: what it [claims](Aggregate::claims), and its [unique](Entity::unique) fields.
    fn held_keys(&self) -> Vec<String> {
        let unique = self.unique().into_iter().filter_map(|(field, key)| key.claimed_as(field));
        unique.chain(self.claims()).collect()
    }

    /// The refusal of a second claim to any of those keys: `plate-taken` for a unique field `plate`.
    fn key_refusal(key: &str) -> Refusal {
        let field = key.split_once('=').map(|(field, value)| (field, value.to_owned()));
        let unique = Self::default().unique();
        match field.filter(|(field, _)| unique.iter().any(|(known, _)| known == field)) {
            Some((field, value)) => Refusal::not_unique(field, &value),
            None => Self::claim_refusal(key),
        }
    }

    /// The time that this state waits for, and the command that follows then.
    fn due(&self) -> Option<(Timestamp, Self::Command)> {
        None
    }

    /// Which commands clients may send, and in what shape.
    fn routes(_routes: &mut impl Routes<Self>) {}

    /// Which of its states are text messages that wait to be sent.
    fn messages(_messages: &mut impl Messages<Self>) {}

    /// Reads an event that was stored under an older version, through a struct frozen at that version.
    ///
    /// # Errors
    /// [`Undecodable`] when that version is unknown.
    fn old_event<D: Decoder>(version: u16, _record: D) -> Result<Self::Event, Undecodable> {
        Err(Undecodable::Version(version))
    }

    /// The event as JSON with its name, as the older `version` of its type had it.
    fn older_event(_event: &Self::Event, _version: u16) -> Option<serde_json::Value> {
        None
    }
}

/// All that a decision may know besides the state: what is decided about, when, and how the system is configured.
#[derive(Debug)]
pub struct DecisionContext<'a, A: Aggregate> {
    /// The number of the aggregate that decides.
    pub id: Id<A>,
    /// Business time.
    pub at: Timestamp,
    /// The system's configuration.
    pub settings: &'a A::Settings,
}

/// The question that an `A` waits for.
pub type Ask<A> = OpenAsk<<A as Aggregate>::Command>;

/// Takes the policies of `A`: which command follows from which event of another context.
///
/// ```
/// use holdfast::domain::prelude::*;
/// # /// A lamp.
/// # #[entity(
/// #     context = "house.lamp", reads = public, collection = "lamps", korean = "전등",
/// #     lifecycle = Lifecycle::Established
/// # )]
/// # struct Lamp { on: bool }
/// # #[command]
/// # enum Command { Toggle, Set(Wanted) }
/// # #[event]
/// # enum Event { Toggled { lamp_id: Id<Lamp>, on: bool } }
/// # #[body]
/// # struct Wanted { on: bool }
/// # impl Aggregate for Lamp {
/// #     type Command = Command;
/// #     type Event = Event;
/// #     type Settings = ();
/// #     fn decide(&self, _: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
/// #         emit(Event::Toggled { lamp_id: this.id, on: !self.on })
/// #     }
/// #     fn evolve(&mut self, event: &Event) {
/// #         let Event::Toggled { on, .. } = event;
/// #         self.on = *on;
/// #     }
/// # }
/// # #[entity(
/// #     context = "house.bill", reads = public, collection = "bills", korean = "청구서",
/// #     lifecycle = Lifecycle::Established
/// # )]
/// # struct Bill { times: u64 }
/// # #[command]
/// # enum Charge { Charge }
/// # #[event]
/// # enum Charged { Charged }
/// impl Aggregate for Bill {
/// #     type Command = Charge;
/// #     type Event = Charged;
/// #     type Settings = ();
/// #     fn decide(&self, _: Charge, _: &DecisionContext<'_, Self>) -> Decision<Charged> {
/// #         emit(Charged::Charged)
/// #     }
/// #     fn evolve(&mut self, _: &Charged) {
/// #         self.times += 1;
/// #     }
///     // Whenever a lamp is switched on, the bill with the same number is charged.
///     fn whenever(policies: &mut impl Policies<Self>) {
///         policies.on::<Lamp>(|event| match *event {
///             Event::Toggled { lamp_id, on: true } => Some((lamp_id.of(), Charge::Charge)),
///             Event::Toggled { on: false, .. } => None,
///         });
///     }
/// }
/// # assert!(holdfast::board::find_missing(|board| {
/// #     holdfast::domain::Board::aggregate::<Lamp>(board);
/// #     holdfast::domain::Board::aggregate::<Bill>(board);
/// # }).unwrap().is_empty());
/// ```
pub trait Policies<A: Aggregate> {
    /// From an event of `S` follows this command to that one of us, if any.
    fn on<S: Aggregate>(&mut self, react: React<A, S>);
    /// As [`Policies::on`], to the one of us that has a unique key. Where none has it, nothing follows.
    fn on_key<S: Aggregate>(&mut self, react: ReactByKey<A, S>);
    /// From an event of `S` follows this command to a new one of us, under the next number, if any. A context is listened
    /// to in one of these ways, not in several.
    fn creating<S: Aggregate>(&mut self, react: fn(&S::Event) -> Option<A::Command>);
}

/// The command that follows from an event of `S`, and to which `A`.
pub type React<A, S> = fn(&<S as Aggregate>::Event) -> Option<(Id<A>, <A as Aggregate>::Command)>;

/// The command that follows from an event of `S`, and to which `A`, by a unique key.
pub type ReactByKey<A, S> =
    fn(&<S as Aggregate>::Event) -> Option<(Address<A>, <A as Aggregate>::Command)>;

/// Takes the commands that clients may send, and their shape.
///
/// ```
/// use holdfast::domain::prelude::*;
/// # /// A lamp.
/// # #[entity(
/// #     context = "house.lamp", reads = public, collection = "lamps", korean = "전등",
/// #     lifecycle = Lifecycle::Established
/// # )]
/// # struct Lamp { on: bool }
/// # #[command]
/// # enum Command { Toggle, Set(Wanted) }
/// # #[event]
/// # enum Event { Toggled { lamp_id: Id<Lamp>, on: bool } }
/// # #[body]
/// # struct Wanted { on: bool }
/// impl Aggregate for Lamp {
/// #     type Command = Command;
/// #     type Event = Event;
/// #     type Settings = ();
/// #     fn decide(&self, _: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
/// #         emit(Event::Toggled { lamp_id: this.id, on: !self.on })
/// #     }
/// #     fn evolve(&mut self, event: &Event) {
/// #         let Event::Toggled { on, .. } = event;
/// #         self.on = *on;
/// #     }
///     fn routes(routes: &mut impl Routes<Self>) {
///         // `POST /lamps`, `PATCH /lamps/{id}` and `PATCH /lamps/toggle/{id}`
///         routes.post(Role::Admin, |wanted: Wanted| (Target::New, Command::Set(wanted)));
///         routes.patch(Role::Both, Command::Set);
///         routes.patch_verb(Role::Customer, "toggle", || Command::Toggle);
///     }
/// }
/// ```
pub trait Routes<A: Aggregate> {
    /// `POST /{collection}`.
    fn post<B: Body>(&mut self, who: Role, enter: fn(B) -> (Target<A>, A::Command));
    /// `PATCH /{collection}/{id}`. Several such routes are distinguished by the fields of their bodies: a request gives those
    /// of one.
    fn patch<B: Body>(&mut self, who: Role, enter: fn(B) -> A::Command);
    /// `PATCH /{collection}/{verb}/{id}`, without a body.
    fn patch_verb(&mut self, who: Role, verb: &'static str, enter: fn() -> A::Command);
    /// `DELETE /{collection}/{id}`: a command that cancels; the thing is still shown.
    fn delete(&mut self, who: Role, enter: fn() -> A::Command);
    /// `DELETE /{collection}/{id}`: a command that withdraws; the thing is still shown, and in no list.
    fn withdraw(&mut self, who: Role, enter: fn() -> A::Command) {
        self.delete(who, enter);
    }
}

/// Takes which states of `A` are text messages that wait to be sent.
///
/// ```
/// use holdfast::domain::prelude::*;
/// # /// A lamp.
/// # #[entity(
/// #     context = "house.lamp", reads = public, collection = "lamps", korean = "전등",
/// #     lifecycle = Lifecycle::Established
/// # )]
/// # struct Lamp { on: bool }
/// # #[command]
/// # enum Command { Toggle, Set(Wanted) }
/// # #[event]
/// # enum Event { Toggled { lamp_id: Id<Lamp>, on: bool } }
/// # #[body]
/// # struct Wanted { on: bool }
/// impl Aggregate for Lamp {
/// #     type Command = Command;
/// #     type Event = Event;
/// #     type Settings = ();
/// #     fn decide(&self, _: Command, this: &DecisionContext<'_, Self>) -> Decision<Event> {
/// #         emit(Event::Toggled { lamp_id: this.id, on: !self.on })
/// #     }
/// #     fn evolve(&mut self, event: &Event) {
/// #         let Event::Toggled { on, .. } = event;
/// #         self.on = *on;
/// #     }
///     fn messages(messages: &mut impl Messages<Self>) {
///         // While it is on, a message waits; once that is sent or refused, the lamp is toggled.
///         messages.sending(
///             |lamp| lamp.on.then(|| Message { to: "010-0000-0000".into(), text: "on".into() }),
///             |_| Command::Toggle,
///         );
///     }
/// }
/// ```
pub trait Messages<A: Aggregate> {
    /// The message that a state waits for to be sent, if any, and the command that its outcome becomes. It is a function of
    /// the state, so that a crash cannot lose it. The event that leads to such a state is the message's id for the gateway.
    fn sending(
        &mut self,
        waiting: fn(&A) -> Option<Message>,
        then: fn(MessageOutcome) -> A::Command,
    );
}
