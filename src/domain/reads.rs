//! Who may read the things of a context.

/// Who may read the things of a context: `#[entity(reads = ..)]` declares it. There is no default.
///
/// ```
/// use holdfast::domain::prelude::*;
///
/// /// A parking space.
/// #[entity(
///     context = "parking.space", collection = "spaces", korean = "주차면",
///     reads = public_without(plate), lifecycle = Lifecycle::Established
/// )]
/// struct Space {
///     level: u64,
///     /// Which car is parked there.
///     plate: Option<String>,
/// }
///
/// assert_eq!(Space::READS, Reads::PublicWithout(&["plate"]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Everyone: what a business shows in its window.
    Public,
    /// The customer whose it is, and staff.
    Owner,
    /// Staff.
    Staff,
    /// Everyone, but for these fields, in their wire names. Those are for the customer who has it, and for staff.
    PublicWithout(&'static [&'static str]),
}
