//! Who calls, and what they may do. Pure: how a caller is identified is the matter of other rooms.

mod identify;
mod principal;

pub use identify::{Credentials, Identify, Unidentified};
pub use principal::{Principal, Role, Roles};
