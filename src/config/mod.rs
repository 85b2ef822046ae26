//! Configuration: flags over environment over file over defaults. A file for each section, with its checks.

mod admission;
mod amqp;
mod auth;
mod check;
mod compat;
mod events;
mod guard;
mod http;
mod layers;
mod load;
mod messages;
mod node;
mod own_address;
mod secret;
mod settings;
mod shape;
mod store;
mod systems;
#[cfg(test)]
mod tests;

pub use admission::Admission;
pub use amqp::Amqp;
pub use auth::{Auth, AuthMode};
pub use compat::Compat;
pub use events::{Events, PREFIXES};
pub use guard::GuardSection;
pub use http::Http;
pub use layers::{Flags, Origin, variable};
pub use load::{Config, ConfigProblem, Line};
pub use messages::{MessageGateway, Messages};
pub use node::{NO_CONTEXTS, NodeSection};
pub use secret::{Addresses, Secret};
pub use settings::Settings;
pub(crate) use shape::schema;
pub use store::StoreSection;
pub use systems::Systems;
