//! What follows orders: the slip that is printed for one, and the view of all.

use super::*;

/// A printed slip an order; printing chokes on poison.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Slip {
    prints: u64,
    /// What is on it: where that is endless, more than can be kept.
    paper: String,
}
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KioskSlip")]
pub struct SlipShown {
    prints: u64,
}
#[command]
#[schemars(rename = "KioskSlipCommand")]
pub enum SlipCommand {
    Print { seat: String },
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, AsRefStr)]
#[schemars(rename = "KioskSlipEvent")]
pub enum SlipEvent {
    Printed { seat: String },
}
impl Entity for Slip {
    const READS: holdfast::domain::Reads = holdfast::domain::Reads::Public;
    const NAME: Name = name("kiosk.slip", "slips", "slip");
    type Representation = SlipShown;
    fn represent(&self, _: Id<Self>) -> SlipShown {
        SlipShown { prints: self.prints }
    }
    fn lifecycle(&self) -> Lifecycle {
        if self.prints > 0 { Lifecycle::Established } else { Lifecycle::Absent }
    }
}
impl Aggregate for Slip {
    type Command = SlipCommand;
    type Event = SlipEvent;
    type Settings = KioskSettings;
    fn decide(
        &self,
        SlipCommand::Print { seat }: SlipCommand,
        _: &DecisionContext<'_, Self>,
    ) -> Decision<SlipEvent> {
        assert!(!is_poison("choke", &seat), "paper jam");
        emit(SlipEvent::Printed { seat })
    }
    fn evolve(&mut self, SlipEvent::Printed { seat }: &SlipEvent) {
        self.prints += 1;
        self.paper = if is_poison("endless", seat) { seat.repeat(2000) } else { seat.clone() };
    }
    fn whenever(policies: &mut impl Policies<Self>) {
        policies.on::<Order>(|event| match event {
            OrderEvent::OrderPlaced { seat } => {
                let number =
                    seat.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(1);
                Some((Id::new(number), SlipCommand::Print { seat: seat.clone() }))
            }
            _ => None,
        });
    }
}

/// How often each slip was printed; reading chokes on poison.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Wall {
    prints: u64,
    poster: String,
}
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "KioskWall")]
pub struct WallShown {
    prints: u64,
}
impl Entity for Wall {
    const READS: holdfast::domain::Reads = holdfast::domain::Reads::Public;
    const NAME: Name = name("kiosk.wall", "walls", "wall");
    type Representation = WallShown;
    fn represent(&self, _: Id<Self>) -> WallShown {
        WallShown { prints: self.prints }
    }
    fn lifecycle(&self) -> Lifecycle {
        Lifecycle::Established
    }
}
impl View for Wall {
    fn folds(folds: &mut impl Folds<Self>) {
        folds.on::<Slip>(
            |SlipEvent::Printed { seat }| {
                seat.rsplit('-').next().and_then(|number| number.parse().ok())
            },
            |wall, SlipEvent::Printed { seat }| {
                assert!(!is_poison("smudge", seat), "cannot be read");
                wall.prints += 1;
                wall.poster =
                    if is_poison("huge", seat) { seat.repeat(2000) } else { seat.clone() };
            },
        );
    }
}
