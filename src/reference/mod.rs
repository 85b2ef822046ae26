//! The lists that the documents need, as Markdown, from the declarations: settings, metrics, problems, events, routes.

mod events;
mod metrics;
mod problems;
mod routes;
mod settings;
mod table;

pub use events::events;
pub use metrics::metrics;
pub use problems::problems;
pub use routes::routes;
pub use settings::settings;
