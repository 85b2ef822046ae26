//! A system that exists for these tests only: it has what BookRent lacks.
//!
//! ```text
//! Customer ─▶ Place ─▶ order (claims a seat, has a deadline) ══ till: Charge ══▶ ══ bank: Approve ══▶ OrderPlaced ┄▶ slip
//! ```

mod followers;

pub use followers::{Slip, Wall};
use holdfast::{actors::NodeBuilder, domain::*};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};
use strum::AsRefStr;

pub fn kiosk(board: &mut NodeBuilder<'_>) {
    board.aggregate::<Desk>();
    board.aggregate::<Order>();
    board.aggregate::<Slip>();
    board.view::<Wall>();
}

/// What has been mended: until then these words break every context that meets them.
static MENDED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

pub fn mend(word: &str) {
    MENDED.lock().unwrap_or_else(PoisonError::into_inner).insert(word.into());
}
fn is_poison(what: &str, word: &str) -> bool {
    word.starts_with(what) && !MENDED.lock().unwrap_or_else(PoisonError::into_inner).contains(word)
}

const fn name(context: &'static str, collection: &'static str, item: &'static str) -> Name {
    Name { system: "kiosk", context, collection, item, korean: "물건" }
}

/// Who is asked: it charges orders, and gives back what it charged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Desk {
    charged: Vec<u64>,
    given_back: u64,
}
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KioskDesk")]
pub struct DeskShown {
    charged: Vec<u64>,
    given_back: u64,
}
#[command]
#[schemars(rename = "KioskDeskCommand")]
pub enum DeskCommand {
    Charge {
        order: u64,
    },
    #[undo(of = order, attempt = attempt)]
    GiveBack {
        order: Id<Order>,
        attempt: u32,
    },
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[schemars(rename = "KioskDeskEvent")]
pub enum DeskEvent {
    Charged { order: u64 },
    GivenBack { order: u64 },
}
impl Entity for Desk {
    const READS: holdfast::domain::Reads = holdfast::domain::Reads::Public;
    const NAME: Name = name("kiosk.desk", "desks", "desk");
    type Representation = DeskShown;
    fn represent(&self, _: Id<Self>) -> DeskShown {
        DeskShown { charged: self.charged.clone(), given_back: self.given_back }
    }
    fn lifecycle(&self) -> Lifecycle {
        Lifecycle::Established
    }
}
impl Aggregate for Desk {
    type Command = DeskCommand;
    type Event = DeskEvent;
    type Settings = KioskSettings;
    fn decide(
        &self,
        command: DeskCommand,
        this: &DecisionContext<'_, Self>,
    ) -> Decision<DeskEvent> {
        match command {
            // Desk 13 is closed.
            DeskCommand::Charge { .. } if this.id.get() == 13 => {
                Err(Refusal::conflict("closed", "closed", "닫힘"))
            }
            DeskCommand::Charge { order } => emit(DeskEvent::Charged { order }),
            DeskCommand::GiveBack { order, .. } if self.charged.contains(&order.get()) => {
                emit(DeskEvent::GivenBack { order: order.get() })
            }
            DeskCommand::GiveBack { .. } => ignore(),
        }
    }
    fn evolve(&mut self, event: &DeskEvent) {
        match event {
            DeskEvent::Charged { order } => self.charged.push(*order),
            DeskEvent::GivenBack { order } => {
                self.charged.retain(|charged| charged != order);
                self.given_back += 1;
            }
        }
    }
    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Order>(|event| match event {
            OrderEvent::OrderEnded { order, desk, attempt, .. } => {
                Some((*desk, DeskCommand::GiveBack { order: *order, attempt: *attempt }))
            }
            _ => None,
        });
    }
}

/// An order of a seat. It asks its desk twice, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Order {
    seat: String,
    desk: Id<Desk>,
    price: u64,
    asks: u32,
    asked: u32,
    until: Option<Timestamp>,
    status: OrderStatus,
    refusal: Option<Refusal>,
}
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AsRefStr,
)]
#[schemars(rename = "KioskStatus")]
pub enum OrderStatus {
    #[default]
    New,
    Requested,
    Placed,
    Changing,
    Expired,
    Ended,
}
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KioskOrder")]
pub struct OrderShown {
    seat: String,
    price: u64,
    status: OrderStatus,
}
#[command]
#[schemars(rename = "KioskOrderCommand")]
pub enum OrderCommand {
    Place(Place),
    /// Asks its desk once more, and keeps asking until there is an answer.
    Change,
    Expire,
    Settle(Result<(), NoAnswer>),
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[schemars(rename = "KioskOrderEvent")]
pub enum OrderEvent {
    OrderRequested { place: Place, price: u64, until: Option<Timestamp> },
    Answered { attempt: u32 },
    OrderPlaced { seat: String },
    ChangeRequested,
    ChangeRefused { closed: bool },
    OrderExpired,
    OrderEnded { order: Id<Order>, desk: Id<Desk>, attempt: u32, refusal: Refusal },
}
/// `POST /orders`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "KioskPlace")]
pub struct Place {
    pub number: Option<u64>,
    pub seat: String,
    pub desk: Id<Desk>,
    /// How many questions it asks before it is placed.
    pub asks: u32,
    /// After how many seconds it expires.
    pub seconds: Option<i64>,
}
impl holdfast::domain::Body for Place {}
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
pub struct KioskSettings {
    price: u64,
}
impl Entity for Order {
    const READS: holdfast::domain::Reads = holdfast::domain::Reads::Public;
    const NAME: Name = name("kiosk.order", "orders", "order");
    type Representation = OrderShown;
    fn represent(&self, _: Id<Self>) -> OrderShown {
        OrderShown { seat: self.seat.clone(), price: self.price, status: self.status }
    }
    fn lifecycle(&self) -> Lifecycle {
        match (self.status, &self.refusal) {
            (OrderStatus::New, _) => Lifecycle::Absent,
            (OrderStatus::Requested, _) => Lifecycle::Open,
            (OrderStatus::Ended, Some(refusal)) => Lifecycle::Ended(refusal.clone()),
            _ => Lifecycle::Established,
        }
    }
    fn indexes(&self) -> Vec<(&'static str, Key)> {
        vec![("status", self.status.as_ref().into()), ("seat", self.seat.as_str().into())]
    }
}
impl Aggregate for Order {
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Settings = KioskSettings;
    fn decide(
        &self,
        command: OrderCommand,
        this: &DecisionContext<'_, Self>,
    ) -> Decision<OrderEvent> {
        use {OrderCommand::*, OrderEvent::*, OrderStatus::*};
        match (self.status, command) {
            (New, Place(place)) => {
                let until = place.seconds.map(|seconds| this.at.plus_micros(seconds * 1_000_000));
                let asks = place.asks;
                let seat = place.seat.clone();
                let requested = OrderRequested { place, price: this.settings.price, until };
                match asks {
                    0 => Ok(vec![requested, OrderPlaced { seat }]),
                    _ => emit(requested),
                }
            }
            (Requested, Settle(Ok(()))) if self.asked + 1 < self.asks => {
                emit(Answered { attempt: self.asked + 1 })
            }
            (Requested, Settle(Ok(()))) => emit(OrderPlaced { seat: self.seat.clone() }),
            (Requested, Settle(Err(no))) => {
                let refusal = match no {
                    NoAnswer::Refused(refusal) => refusal,
                    NoAnswer::Unavailable => Refusal::retry_later(),
                };
                emit(OrderEnded {
                    order: this.id,
                    desk: self.desk,
                    attempt: self.asked + 1,
                    refusal,
                })
            }
            (Placed, Change) => emit(ChangeRequested),
            (Changing, Settle(Ok(()))) => emit(OrderPlaced { seat: self.seat.clone() }),
            (Changing, Settle(Err(NoAnswer::Refused(no)))) => {
                emit(ChangeRefused { closed: no.code == "closed" })
            }
            (Placed | Changing, Expire) if is_poison("stuck", &self.seat) => ignore(),
            (Placed, Expire) => emit(OrderExpired),
            (New | Requested | Ended, Change) => Err(Refusal::still_open()),
            _ => ignore(),
        }
    }
    fn evolve(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::OrderRequested { place, price, until } => {
                let Place { seat, desk, asks, .. } = place.clone();
                let status = OrderStatus::Requested;
                *self = Order {
                    seat,
                    desk,
                    asks,
                    price: *price,
                    until: *until,
                    status,
                    ..Order::default()
                };
            }
            OrderEvent::Answered { attempt } => self.asked = *attempt,
            OrderEvent::OrderPlaced { .. } => {
                (self.status, self.asked) = (OrderStatus::Placed, self.asked + 1)
            }
            OrderEvent::ChangeRequested => self.status = OrderStatus::Changing,
            OrderEvent::ChangeRefused { .. } => {
                (self.status, self.asked) = (OrderStatus::Placed, self.asked + 1)
            }
            OrderEvent::OrderExpired => self.status = OrderStatus::Expired,
            OrderEvent::OrderEnded { refusal, .. } => {
                (self.status, self.refusal) = (OrderStatus::Ended, Some(refusal.clone()));
            }
        }
    }
    fn awaits(&self, id: Id<Self>) -> Option<Ask<Self>> {
        matches!(self.status, OrderStatus::Requested | OrderStatus::Changing).then(|| {
            let charge = DeskCommand::Charge { order: id.get() };
            ask(self.desk, charge, OrderCommand::Settle)
                .undone_by(DeskCommand::give_back(id, self.asked + 1))
        })
    }
    fn rejects(event: &OrderEvent) -> Option<Refusal> {
        match event {
            OrderEvent::ChangeRefused { closed: true } => {
                Some(Refusal::conflict("closed", "closed", "닫힘"))
            }
            OrderEvent::ChangeRefused { closed: false } => Some(Refusal::retry_later()),
            _ => None,
        }
    }
    fn claims(&self) -> Vec<String> {
        match self.status {
            OrderStatus::Requested | OrderStatus::Placed | OrderStatus::Changing => {
                vec![self.seat.clone()]
            }
            _ => Vec::new(),
        }
    }
    fn due(&self) -> Option<(Timestamp, OrderCommand)> {
        self.until
            .filter(|_| self.status == OrderStatus::Placed)
            .map(|until| (until, OrderCommand::Expire))
    }
    fn routes(routes: &mut impl Routes<Self>) {
        routes.post(Role::Customer, |place: Place| {
            (
                place.number.map_or(Target::New, |number| Target::Chosen(Id::new(number))),
                OrderCommand::Place(place),
            )
        });
        routes.patch_verb(Role::Customer, "change", || OrderCommand::Change);
    }
}
