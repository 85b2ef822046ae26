//! Who calls, and what they may do. Pure: how a caller is identified is the matter of other rooms.

mod audience;
mod identify;
mod node_rights;
mod principal;
mod withheld;

pub use audience::{Access, Audience, Lack, Owner, Verdict, allowed, find_lack, restricted_to};
pub use identify::{Credentials, Identify, Unidentified};
pub use node_rights::NodeRights;
pub use principal::{DEVELOPMENT, Principal, Role, Roles};
pub use withheld::{sees_personal, withheld_fields};
