//! The event-storming board of a system, drawn from the code: the notes are found by walking the system with a
//! [`Board`](crate::domain::Board) visitor, the arrows by running its pure functions on samples. No list is kept by hand.

mod draw;
mod explore;
pub mod sample;
mod walk;

pub use explore::{Explored, explore};
pub use sample::{SampleError, samples};

/// The board of the system called `name`, or `None` where there is no such system.
///
/// # Errors
/// [`SampleError`] when no samples can be made of one of its types.
pub fn board(name: &str) -> Result<Option<String>, SampleError> {
    let mut wall = walk::Wall::default();
    match crate::systems::lay_out(name, &mut wall) {
        true => wall.finish().map(|wall| Some(draw::draw(name, &wall))),
        false => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_system_that_is_not_there_has_no_board() {
        assert_eq!(super::board("nowhere"), Ok(None));
    }

    #[test]
    fn every_system_has_a_board() {
        for name in crate::systems::NAMES {
            assert!(super::board(name).unwrap().unwrap().starts_with(name));
        }
    }
}
