//! The event-storming board of a system, drawn from the code: the notes are found by walking the system with a
//! [`Board`](crate::domain::Board) visitor, the arrows by running its pure functions on samples. No list is kept by hand.

mod check;
mod draw;
mod explore;
pub mod sample;
mod walk;

pub use explore::{Explored, FoundAsk, FoundUndo, explore_states};
pub use sample::{SampleError, sample_values};
pub use walk::Wall;

/// The board of the system called `name`, or `None` where there is no such system.
///
/// # Errors
/// [`SampleError`] when no samples can be made of one of its types.
pub fn draw_system(name: &str) -> Result<Option<String>, SampleError> {
    let mut wall = walk::Wall::default();
    if crate::systems::lay_out(name, &mut wall) {
        wall.check_walk().map(|wall| Some(draw::draw_board(name, &wall)))
    } else {
        Ok(None)
    }
}

/// What is missing on the board that `lay_out` lays out: an undo that follows from no event that gives its question up, a
/// question that changes what it says that it does not.
///
/// # Errors
/// [`SampleError`] when no samples can be made of one of its types.
pub fn find_missing(lay_out: impl FnOnce(&mut Wall)) -> Result<Vec<String>, SampleError> {
    let mut wall = Wall::default();
    lay_out(&mut wall);
    wall.check_walk().map(|wall| check::find_missing(&wall))
}

#[cfg(test)]
mod tests {
    use crate::{
        domain::{Board, prelude::*},
        systems,
    };

    #[test]
    fn every_question_that_is_given_up_is_undone() {
        for name in systems::NAMES {
            let missing =
                super::find_missing(|wall| assert!(systems::lay_out(name, wall))).unwrap();
            assert!(missing.is_empty(), "{missing:#?}");
        }
    }

    /// A door that opens, and a guest who asks it three things; the undo is declared, and no policy sends it.
    #[entity(
        context = "house.door", reads = public, collection = "doors", korean = "문",
        lifecycle = Lifecycle::Established
    )]
    struct Door {
        open: bool,
    }
    #[command]
    enum DoorCommand {
        Open {
            guest: Id<Guest>,
        },
        #[undo(of = guest, attempt = 1)]
        Shut {
            guest: Id<Guest>,
        },
    }
    #[event]
    enum DoorEvent {
        Opened { door_id: Id<Door> },
    }
    impl Aggregate for Door {
        type Command = DoorCommand;
        type Event = DoorEvent;
        type Settings = ();
        fn decide(&self, _: DoorCommand, this: &DecisionContext<'_, Self>) -> Decision<DoorEvent> {
            if self.open { ignore() } else { emit(DoorEvent::Opened { door_id: this.id }) }
        }
        fn evolve(&mut self, _: &DoorEvent) {
            self.open = true;
        }
    }
    #[entity(
        context = "house.guest", reads = public, collection = "guests", korean = "손님",
        lifecycle = Lifecycle::Established
    )]
    struct Guest {
        asks: u64,
    }
    #[command]
    enum GuestCommand {
        Settle(Result<(), NoAnswer>),
        Knock,
    }
    #[event]
    enum GuestEvent {
        Knocked { guest_id: Id<Guest> },
        WentIn { guest_id: Id<Guest> },
        WentAway { guest_id: Id<Guest> },
    }
    impl Aggregate for Guest {
        type Command = GuestCommand;
        type Event = GuestEvent;
        type Settings = ();
        fn decide(
            &self,
            command: GuestCommand,
            this: &DecisionContext<'_, Self>,
        ) -> Decision<GuestEvent> {
            let guest_id = this.id;
            match (self.asks, command) {
                (0, GuestCommand::Knock) => emit(GuestEvent::Knocked { guest_id }),
                (1..=3, GuestCommand::Settle(Ok(()))) => emit(GuestEvent::WentIn { guest_id }),
                (1..=3, GuestCommand::Settle(Err(_))) => emit(GuestEvent::WentAway { guest_id }),
                _ => ignore(),
            }
        }
        fn evolve(&mut self, _: &GuestEvent) {
            self.asks += 1;
        }
        fn awaits(&self, guest: Id<Self>) -> Option<Ask<Self>> {
            let open =
                || ask(Id::<Door>::new(1), DoorCommand::Open { guest }, GuestCommand::Settle);
            match self.asks {
                1 => Some(open().undone_by(DoorCommand::shut(guest))),
                2 => Some(open().until_answered(2)),
                3 => Some(open().changes_nothing(3)),
                _ => None,
            }
        }
    }

    #[test]
    fn an_undo_that_no_policy_sends_is_found_and_so_is_an_ask_that_is_not_what_it_declares() {
        let missing = super::find_missing(|wall| {
            wall.aggregate::<Door>();
            wall.aggregate::<Guest>();
        });
        let missing = missing.unwrap();
        for what in [
            "house.guest asks house.door: Open, and no policy has Shut follow from WentAway",
            "house.guest asks house.door: Open until it is answered, and gives up: WentAway",
            "house.guest asks house.door: Open, which is not to change anything: Opened",
        ] {
            assert!(missing.iter().any(|found| found == what), "{what}: {missing:#?}");
        }
    }

    #[test]
    fn a_system_that_is_not_there_has_no_board() {
        assert_eq!(super::draw_system("nowhere"), Ok(None));
    }

    #[test]
    fn every_system_has_a_board() {
        for name in crate::systems::NAMES {
            assert!(super::draw_system(name).unwrap().unwrap().starts_with(name));
        }
    }
}
