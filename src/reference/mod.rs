//! The lists that the documents need, as Markdown, from the declarations: settings, metrics, problems, events, routes.

mod events;
mod metrics;
mod problems;
mod routes;
mod settings;
mod table;

pub use events::list_events;
pub use metrics::list_metrics;
pub use problems::list_problems;
pub use routes::routes;
pub use settings::list_settings;
