//! The runtime, which knows no business: one supervised actor a context, turn by turn.

mod front;

pub use front::*;
