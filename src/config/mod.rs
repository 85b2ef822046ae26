//! Configuration: flags over environment over file over defaults. A file for each section, with its checks; [`all_settings`] is
//! the one schema of all of it.

mod admission;
mod amqp;
mod auth;
mod check;
mod compat;
mod environment;
mod events;
mod file;
mod flags;
mod guard;
mod http;
mod issuer;
mod limits;
mod load;
mod messages;
mod needs;
mod node;
mod origin;
mod own_address;
mod raw;
mod reader;
mod schema;
mod secret;
mod secret_files;
mod settings;
mod store;
mod suggestion;
mod system_settings;
mod systems;
mod tables;
#[cfg(test)]
mod tests;
mod tls;
mod toml_value;
mod url;

pub use admission::AdmissionSection;
pub use amqp::Amqp;
pub use auth::{Auth, AuthMode};
pub use compat::Compat;
pub use events::{Events, PREFIXES};
pub use flags::Flags;
pub use guard::GuardSection;
pub use http::Http;
pub use issuer::IssuerSection;
pub use limits::LimitsSection;
pub use load::{Config, ConfigProblem, Line};
pub use messages::{GatewayKind, MessagesSection};
pub use node::{NO_CONTEXTS, NodeSection};
pub use origin::{Origin, variable_name};
pub use schema::{Setting, SettingKind, all_settings};
pub use secret::{Secret, Secrets};
pub use settings::Settings;
pub use store::StoreSection;
pub use systems::Systems;
pub use tls::{HttpTls, Tls};
